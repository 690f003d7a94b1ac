"""What is done at the same moment. Each answers with a promise: a function that is asked later.

A promise answers with what was not kept, in words, or with an empty text.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.test import Client

from annotations.enums import AssignmentState, ComparisonState
from annotations.errors import JuiceError, SeatGivenAway
from annotations.models import Assignment, Comparison, Judgment, Rater, Revision, Study
from bench.races import instrument as juice
from bench.races.scenario import SECRET, Person, Scenario, answer

RNG = random.SystemRandom()
Promise = Callable[[], str]
Act = Callable[[Scenario, Person], Promise]


class Refused(JuiceError):
    """A page or the API said no, with a 4xx."""


@dataclass(frozen=True)
class Operation:
    """One of the things that can be done to a study at work.

    Attributes
    ----------
    act
        Do it, and say what was promised by doing it.
    is_of_rater
        It is about one rater; else about the whole study.
    needs_hand
        It is about a comparison in the rater's hand.
    holds
        It is done to a rater who has something in hand.
    """

    name: str
    act: Act
    is_of_rater: bool = True
    needs_hand: bool = False
    holds: bool = False


def nothing_promised() -> str:
    return ""


def claim(scenario: Scenario, person: Person) -> Promise:
    rater = fresh(person)
    given = juice.claim_assignment(rater=rater, now=scenario.now, rng=RNG)
    return lambda: claim_kept(given, scenario.now)


def ahead(scenario: Scenario, person: Person) -> Promise:
    given = juice.claim_ahead(rater=fresh(person), now=scenario.now, rng=RNG)
    return lambda: claim_kept(given, scenario.now)


def claim_kept(given: Assignment | None, now: datetime) -> str:
    """Whoever was given a pair has it, unless they answered it or are out, or it was withdrawn."""
    if given is None:
        return ""
    row = Assignment.objects.select_related("rater", "comparison").get(pk=given.pk)
    if row.state == AssignmentState.EXPIRED and not may_end(row):
        return "a pair was given and taken away again"
    return ""


def draft(scenario: Scenario, person: Person) -> Promise:
    saved = juice.save_draft(
        rater=fresh(person),
        public_id=hand_of(person).public_id,
        answers=[answer("quality")],
        now=scenario.now,
    )
    return lambda: draft_kept(saved)


def draft_kept(saved: Assignment) -> str:
    row = Assignment.objects.get(pk=saved.pk)
    return "" if row.draft and row.draft[0]["choice"] == "left" else "a saved draft is gone"


def submit(scenario: Scenario, person: Person) -> Promise:
    return submit_as(scenario, person, uuid.uuid4())


def resend(scenario: Scenario, person: Person) -> Promise:
    """The same answer under the same id, as a page sends it that got no answer."""
    return submit_as(scenario, person, hand_of(person).public_id)


def submit_as(scenario: Scenario, person: Person, submission_id: uuid.UUID) -> Promise:
    hand = hand_of(person)
    try:
        juice.submit_answers(
            rater=fresh(person),
            public_id=hand.public_id,
            submission_id=submission_id,
            answers=[answer("faithfulness")],
            now=scenario.now,
        )
    except SeatGivenAway:
        return lambda: late_answers_kept(hand)
    return lambda: answers_kept(submission_id, "left")


def answers_kept(submission_id: uuid.UUID, side: str) -> str:
    """Every acknowledged answer is stored exactly once: as it is, or replaced by a later one."""
    current = list(Assignment.objects.filter(submission_id=submission_id))
    earlier = list(Revision.objects.filter(submission_id=submission_id))
    if len(current) + len(earlier) != 1:
        return f"an acknowledged answer is stored {len(current) + len(earlier)} times"
    if earlier:
        given = {one["axis"]: one["choice"] for one in earlier[0].answers}
        row = earlier[0].assignment
    else:
        [row] = current
        judgments = Judgment.objects.filter(assignment=row).select_related("axis")
        given = {judgment.axis.key: judgment.choice for judgment in judgments}
    if row.state != AssignmentState.SUBMITTED:
        return f"an acknowledged answer's assignment is {row.state}"
    wanted = {"quality": row.choice_of_side("left"), "faithfulness": row.choice_of_side(side)}
    return "" if given == wanted else "an acknowledged answer is stored otherwise"


def late_answers_kept(hand: Assignment) -> str:
    late = Assignment.objects.get(pk=hand.pk).late_answers
    return "" if late and len(late) == 2 else "a late answer was not kept"


def revise(scenario: Scenario, person: Person) -> Promise:
    assert person.previous is not None
    submission_id = uuid.uuid4()
    juice.revise_answers(
        rater=fresh(person),
        public_id=person.previous.public_id,
        submission_id=submission_id,
        answers=[answer("faithfulness", "right")],
        now=scenario.now,
    )
    return lambda: answers_kept(submission_id, "right")


def skip(scenario: Scenario, person: Person) -> Promise:
    hand = hand_of(person)
    juice.skip_assignment(
        rater=fresh(person), public_id=hand.public_id, reason="unsure", now=scenario.now
    )
    return lambda: skip_kept(hand)


def skip_kept(hand: Assignment) -> str:
    state = Assignment.objects.get(pk=hand.pk).state
    return "" if state == AssignmentState.SKIPPED else f"a skip was undone: {state}"


def renew(scenario: Scenario, person: Person) -> Promise:
    hand = hand_of(person)
    until = juice.renew_lease(rater=fresh(person), public_id=hand.public_id, now=scenario.now)
    return lambda: renewal_kept(hand, until)


def renewal_kept(hand: Assignment, until: datetime) -> str:
    row = Assignment.objects.select_related("rater", "comparison").get(pk=hand.pk)
    if row.state == AssignmentState.EXPIRED and not may_end(row):
        return "a renewed lease was taken away"
    is_short = row.state == AssignmentState.LEASED and row.lease_expires_at < until
    return "a renewed lease is shorter than was said" if is_short else ""


def exclude(scenario: Scenario, person: Person) -> Promise:
    juice.exclude_rater(rater=fresh(person), why="Race.", now=scenario.now)
    return lambda: exclusion_kept(person)


def rule(scenario: Scenario, person: Person) -> Promise:
    juice.exclude_by_rule(study=fresh_study(scenario), now=scenario.now)
    return lambda: exclusion_kept(person)


def exclusion_kept(person: Person) -> str:
    is_in = Rater.objects.filter(pk=person.rater.pk, excluded_at=None).exists()
    return "an exclusion was undone" if is_in else ""


def returned(scenario: Scenario, person: Person) -> Promise:
    return panel_says("RETURNED", scenario, person)


def timed_out(scenario: Scenario, person: Person) -> Promise:
    return panel_says("TIMED-OUT", scenario, person)


def panel_says(status: str, scenario: Scenario, person: Person) -> Promise:
    said = {
        "resource_id": person.rater.external_session_id,
        "event_type": "submission.status.change",
        "participant_id": person.rater.external_id,
        "status": status,
    }
    body = json.dumps(said).encode()
    timestamp = str(int(scenario.now.timestamp()))
    signature = juice.sign_message(secret=SECRET, timestamp=timestamp, body=body)
    message = juice.SignedMessage(body, signature, timestamp, uuid.uuid4().hex)
    juice.receive_event(study=fresh_study(scenario), message=message, now=scenario.now)
    return lambda: "" if is_out(fresh(person)) else "who left at the panel is in again"


def sweep(scenario: Scenario, person: Person) -> Promise:
    juice.release_overdue_leases(now=scenario.now, study_id=scenario.study.pk)
    return nothing_promised


def pause(scenario: Scenario, person: Person) -> Promise:
    juice.pause_study(study=fresh_study(scenario))
    return no_votes_after(scenario, "pause")


def close(scenario: Scenario, person: Person) -> Promise:
    juice.close_study(study=fresh_study(scenario), now=scenario.now)
    return no_votes_after(scenario, "close")


def no_votes_after(scenario: Scenario, what: str) -> Promise:
    """What is read at the end is all: no vote is committed afterwards."""
    before = votes_of(scenario)
    return lambda: "" if votes_of(scenario) == before else f"a vote came in after the {what}"


def votes_of(scenario: Scenario) -> list[tuple[int, str]]:
    votes = Judgment.objects.filter(assignment__comparison__study=scenario.study.pk)
    return list(votes.order_by("pk").values_list("pk", "choice"))


def extend(scenario: Scenario, person: Person) -> Promise:
    juice.sync_comparisons(study=fresh_study(scenario))
    return lambda: extension_kept(scenario)


def extension_kept(scenario: Scenario) -> str:
    added = scenario.study.comparisons.counted().filter(prompt__key="race-added").count()
    return "" if added == 1 else f"{added} comparisons were added for one prompt"


def withdraw(scenario: Scenario, person: Person) -> Promise:
    comparison = hand_of(person).comparison
    juice.withdraw_comparison(
        study=fresh_study(scenario), comparison=comparison, reason="Race.", now=scenario.now
    )
    return lambda: withdrawal_kept(comparison)


def withdrawal_kept(comparison: Comparison) -> str:
    row = Comparison.objects.get(pk=comparison.pk)
    if row.state != ComparisonState.WITHDRAWN:
        return f"a withdrawn comparison is {row.state}"
    leased = row.assignments.filter(state=AssignmentState.LEASED, occasion=1)
    return "a withdrawn comparison is in somebody's hand" if leased.exists() else ""


def more_raters(scenario: Scenario, person: Person) -> Promise:
    study = fresh_study(scenario)
    wanted = study.raters_per_comparison + 1
    juice.want_more_raters(study=study, raters=wanted, reason="Race.", now=scenario.now)
    return lambda: raters_kept(scenario, wanted)


def raters_kept(scenario: Scenario, wanted: int) -> str:
    found = fresh_study(scenario).raters_per_comparison
    return "" if found >= wanted else f"a comparison wants {found} raters, not {wanted}"


def fresh(person: Person) -> Rater:
    """As a request reads the rater at its beginning."""
    return Rater.objects.select_related("study").get(pk=person.rater.pk)


def fresh_study(scenario: Scenario) -> Study:
    return Study.objects.get(pk=scenario.study.pk)


def hand_of(person: Person) -> Assignment:
    assert person.hand is not None
    return person.hand


def is_out(rater: Rater) -> bool:
    """Whether the rater's part has ended for good; who is done may be given more."""
    return rater.excluded_at is not None or rater.outcome not in ("", "done")


def may_end(row: Assignment) -> bool:
    """Whether a pair may be taken from its rater: they are out, or it was withdrawn."""
    return is_out(row.rater) or row.comparison.state == ComparisonState.WITHDRAWN


# Through the doors


def claim_by_page(scenario: Scenario, person: Person) -> Promise:
    call(person, "get", f"/s/{scenario.study.slug}/rate/")
    return nothing_promised


def claim_by_api(scenario: Scenario, person: Person) -> Promise:
    call(person, "post", f"/api/v1/studies/{scenario.study.slug}/claim/")
    return nothing_promised


def submit_by_page(scenario: Scenario, person: Person) -> Promise:
    submission_id = uuid.uuid4()
    form = {
        "assignment": str(hand_of(person).public_id),
        "stage": "prompt",
        "submission_id": str(submission_id),
        "choice-faithfulness": "left",
        "reason-faithfulness": "faithfulness-reason",
    }
    call(person, "post", f"/s/{scenario.study.slug}/rate/", form)
    return lambda: answers_kept(submission_id, "left")


def submit_by_api(scenario: Scenario, person: Person) -> Promise:
    submission_id = uuid.uuid4()
    faithfulness = {
        "axis": "faithfulness",
        "choice": "left",
        "reasons": ["faithfulness-reason"],
    }
    body = json.dumps({"submission_id": str(submission_id), "answers": [faithfulness]})
    address = f"/api/v1/assignments/{hand_of(person).public_id}/submit/"
    call(person, "post", address, body, content_type="application/json")
    return lambda: answers_kept(submission_id, "left")


def skip_by_page(scenario: Scenario, person: Person) -> Promise:
    hand = hand_of(person)
    form = {"assignment": str(hand.public_id), "reason": "unsure"}
    call(person, "post", f"/s/{scenario.study.slug}/skip/", form)
    return lambda: skip_kept(hand)


def skip_by_api(scenario: Scenario, person: Person) -> Promise:
    hand = hand_of(person)
    body = json.dumps({"reason": "unsure"})
    address = f"/api/v1/assignments/{hand.public_id}/skip/"
    call(person, "post", address, body, content_type="application/json")
    return lambda: skip_kept(hand)


def call(person: Person, method: str, address: str, *body: Any, **options: Any) -> None:
    """An exception of the view comes out as it is; a 4xx is a refusal."""
    credential = juice.sign_rater(person.rater)
    headers = {"Authorization": f"Rater {credential}", "X-Requested-With": "fetch"}
    reply = getattr(Client(), method)(address, *body, headers=headers, **options)
    if reply.status_code in (401, 404) or reply.status_code >= 500:
        raise RuntimeError(f"HTTP {reply.status_code}: {reply.content[:200]!r}")
    if reply.status_code >= 400:
        raise Refused(f"HTTP {reply.status_code}")


def of_hand(name: str, act: Act) -> Operation:
    return Operation(name, act, needs_hand=True, holds=True)


def of_study(name: str, act: Act) -> Operation:
    return Operation(name, act, is_of_rater=False)


OPERATIONS = {
    one.name: one
    for one in [
        Operation("claim", claim),
        Operation("ahead", ahead, holds=True),
        of_hand("draft", draft),
        of_hand("submit", submit),
        Operation("revise", revise),
        of_hand("skip", skip),
        of_hand("renew", renew),
        Operation("exclude", exclude, holds=True),
        Operation("rule", rule, holds=True),
        Operation("returned", returned, holds=True),
        Operation("timed out", timed_out, holds=True),
        of_study("sweep", sweep),
        of_study("pause", pause),
        of_study("close", close),
        of_study("extend", extend),
        Operation("withdraw", withdraw, is_of_rater=False, needs_hand=True, holds=True),
        of_study("more raters", more_raters),
    ]
}
DOORS = {
    one.name: one
    for one in [
        of_hand("resend", resend),
        Operation("claim by page", claim_by_page),
        Operation("claim by API", claim_by_api),
        of_hand("submit by page", submit_by_page),
        of_hand("submit by API", submit_by_api),
        of_hand("skip by page", skip_by_page),
        of_hand("skip by API", skip_by_api),
    ]
}
EVERY = {**OPERATIONS, **DOORS}
