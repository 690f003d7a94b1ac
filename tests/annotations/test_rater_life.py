"""Raters' whole lives in any order, clock included, against a small model of what each holds."""

from __future__ import annotations

import json
import random
import sys
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from annotations.enums import ENDED_AT_PANEL
from annotations.errors import (
    EntryRefused,
    ExclusionRefused,
    JuiceError,
    SeatGivenAway,
    StudyNotOpen,
    TransitionRefused,
)
from annotations.models import Assignment, Rater, Recruitment, Revision, Study
from annotations.services.raters.entry import PanelIdentity
from bench.races import instrument as juice
from bench.races.invariants import left_over
from bench.races.operations import is_out
from tests.annotations.factories import (
    NOW,
    faithfulness,
    make_check,
    make_study,
    plan_quality,
    quality,
)

pytestmark = pytest.mark.django_db

SECRET_NAME, SECRET = "SECRET_OF_LIVES", "a secret of the panel's"
LEASE = REVISING = timedelta(minutes=15)
PEOPLE, COMPARISONS, MOST_STEPS = 3, 5, 20
ENDS = ["RETURNED", "TIMED-OUT", "TIMED-OUT", "EXCLUDED", "LATE", "LATE"]

people = st.integers(0, PEOPLE - 1)
# Mostly what is in hand; else a page that stayed open in another tab.
pages = st.sampled_from([0, 0, 0, 1, 2, 3])
sides = st.sampled_from(["left", "right"])
ids = st.sampled_from(["new", "new", "same", "same, changed", "borrowed"])


@dataclass
class Life:
    """What one person was promised, by primary key of the assignment."""

    rater: Rater | None = None
    session: int = 0
    leases: dict[int, datetime] = field(default_factory=dict)
    drafts: dict[int, str] = field(default_factory=dict)
    judged: dict[int, datetime] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)
    late: set[int] = field(default_factory=set)


class Lives(RuleBasedStateMachine):
    """Each rule does one thing and says what the model allows to come of it."""

    def __init__(self, study: Study) -> None:
        super().__init__()
        self.rows = transaction.atomic()
        self.rows.__enter__()
        self.study, self.now, self.rng = study, NOW, random.Random(0)
        self.state = "open"
        self.lives = [Life() for _ in range(PEOPLE)]
        # By submission id: the assignment, the side on each axis.
        self.answers: dict[uuid.UUID, tuple[int, dict[str, str]]] = {}

    # What raters do

    @initialize(first=st.integers(0, COMPARISONS), second=st.integers(0, 2))
    def work_has_begun(self, first: int, second: int) -> None:
        """Repeats and checks come only to those who have judged something."""
        for who, steps in enumerate([first, second]):
            self.enter(who)
            self.work(who, steps)

    @rule(who=people)
    def enter(self, who: int) -> None:
        """The first time, or once more by the same link."""
        life = self.lives[who]
        identity = PanelIdentity(
            external_id=f"person {who}", external_session_id=f"session {who}.{life.session}"
        )
        try:
            life.rater = juice.join_study(study=self.fresh_study(), identity=identity, now=self.now)
        except StudyNotOpen:
            assert life.rater is None
            assert self.state != "open"
        except EntryRefused:
            assert self.fresh(life).finished_at is not None

    @rule(who=people)
    def come_back_by_another_submission(self, who: int) -> None:
        self.lives[who].session += 1
        self.enter(who)

    @rule(who=people, steps=st.integers(1, 3))
    def work(self, who: int, steps: int) -> None:
        """As most people do: claim, answer, claim."""
        for _ in range(steps):
            self.claim(who)
            self.draft(who, 0, "left")
            self.submit(who, 0, "left", "new")

    @rule(who=people)
    def claim(self, who: int) -> None:
        life = self.life_of(who)
        if life is None:
            return
        before = self.leases_of(life)
        try:
            given = juice.claim_assignment(rater=self.fresh(life), now=self.now, rng=self.rng)
        except StudyNotOpen:
            assert self.may_work(life) is not True
            return
        if given is None:
            assert self.may_work(life) is not True or left_over(self.fresh(life)) == ""
            return
        assert self.may_work(life) is not False
        assert given.pk in before or not before
        self.take(life, given)

    @rule(who=people)
    def claim_ahead(self, who: int) -> None:
        life = self.life_of(who)
        if life is None:
            return
        before = self.leases_of(life)
        try:
            given = juice.claim_ahead(rater=self.fresh(life), now=self.now, rng=self.rng)
        except StudyNotOpen:
            assert self.may_work(life) is not True
            return
        if given is None:
            return
        assert self.may_work(life) is not False
        assert (len(before), given.pk in before) in [(1, False), (2, True)]
        self.take(life, given)

    @rule(who=people, page=pages, side=sides)
    def draft(self, who: int, page: int, side: str) -> None:
        life, row = self.page_of(who, page)
        if life is None or row is None:
            return
        is_new = row.pk not in life.drafts
        try:
            juice.save_draft(
                rater=self.fresh(life),
                public_id=row.public_id,
                answers=[quality(side)],
                now=self.now,
            )
        except JuiceError:
            is_ended = row.pk in life.judged or row.pk in life.skipped
            is_other = life.drafts.get(row.pk, side) != side
            assert self.may_work(life) is not True or is_ended or is_other or not self.has_seat(row)
            return
        assert self.may_work(life) is not False
        assert life.drafts.setdefault(row.pk, side) == side
        if is_new:
            self.take(life, Assignment.objects.get(pk=row.pk))

    @rule(who=people, page=pages, side=sides, id_is=ids)
    def submit(self, who: int, page: int, side: str, id_is: str) -> None:
        life, row = self.page_of(who, page)
        if life is None or row is None:
            return
        submission_id, side = self.id_for(life, row, side, id_is)
        allowed = self.allowed_to_submit(life, row, submission_id, side)
        came = "saved"
        try:
            juice.submit_answers(
                rater=self.fresh(life),
                public_id=row.public_id,
                submission_id=submission_id,
                answers=[faithfulness(side)],
                now=self.now,
            )
        except SeatGivenAway:
            came = "late"
        except JuiceError:
            came = "refused"
        assert came in allowed
        if came == "saved" and submission_id not in self.answers:
            life.judged[row.pk] = self.now
            life.leases.pop(row.pk, None)
            self.keep_answer(life, row, submission_id, side)
        if came == "late":
            life.late.add(row.pk)

    @rule(who=people, page=pages, side=sides)
    def revise(self, who: int, page: int, side: str) -> None:
        life, row = self.page_of(who, page, of_judged=True)
        if life is None or row is None:
            return
        last = max(life.judged.items(), key=lambda item: (item[1], item[0]))[0]
        in_time = self.now < life.judged[row.pk] + REVISING
        may = self.may_work(life) if row.pk == last and in_time else False
        submission_id = uuid.uuid4()
        try:
            juice.revise_answers(
                rater=self.fresh(life),
                public_id=row.public_id,
                submission_id=submission_id,
                answers=[faithfulness(side)],
                now=self.now,
            )
        except JuiceError:
            assert may is not True
            return
        assert may is not False
        self.keep_answer(life, row, submission_id, side)

    @rule(who=people, page=pages)
    def skip(self, who: int, page: int) -> None:
        life, row = self.page_of(who, page)
        if life is None or row is None:
            return
        try:
            juice.skip_assignment(
                rater=self.fresh(life), public_id=row.public_id, reason="unsure", now=self.now
            )
        except JuiceError:
            assert self.may_work(life) is not True or row.pk in life.judged
            return
        assert row.pk not in life.judged
        assert row.pk in life.skipped or self.may_work(life, before=True) is not False
        life.skipped.add(row.pk)
        life.leases.pop(row.pk, None)

    @rule(who=people, page=pages)
    def renew(self, who: int, page: int) -> None:
        life, row = self.page_of(who, page)
        if life is None or row is None:
            return
        is_held = row.pk in self.leases_of(life)
        try:
            until = juice.renew_lease(rater=self.fresh(life), public_id=row.public_id, now=self.now)
        except JuiceError:
            assert not is_held or self.may_work(life) is not True
            return
        assert row.state == "leased"
        assert until == self.now + LEASE
        life.leases[row.pk] = until

    # What happens to them

    @rule(minutes=st.sampled_from([1, 5, 16, 40]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def sweep(self) -> None:
        juice.release_overdue_leases(now=self.now)

    @rule(who=people)
    def exclude(self, who: int) -> None:
        life = self.life_of(who)
        if life is None:
            return
        was_excluded = self.fresh(life).excluded_at is not None
        try:
            juice.exclude_rater(rater=self.fresh(life), why="Of no use.", now=self.now)
        except ExclusionRefused:
            assert was_excluded
        assert self.fresh(life).excluded_at is not None

    @rule(who=people, status=st.sampled_from(["RETURNED", "TIMED-OUT"]))
    def the_panel_says(self, who: int, status: str) -> None:
        life = self.life_of(who)
        if life is None:
            return
        said = {
            "resource_id": f"session {who}.{life.session}",
            "event_type": "submission.status.change",
            "participant_id": f"person {who}",
            "status": status,
        }
        body, timestamp = json.dumps(said).encode(), str(int(self.now.timestamp()))
        signature = juice.sign_message(secret=SECRET, timestamp=timestamp, body=body)
        message = juice.SignedMessage(body, signature, timestamp, uuid.uuid4().hex)
        juice.receive_event(study=self.fresh_study(), message=message, now=self.now)

    @precondition(lambda self: self.state == "open")
    @rule()
    def pause(self) -> None:
        self.move(lambda: juice.pause_study(study=self.fresh_study()), "paused", {"open"})

    @precondition(lambda self: self.state == "paused")
    @rule()
    def open_again(self) -> None:
        self.move(self.open_study, "open", {"paused"})

    @precondition(lambda self: len(self.answers) > COMPARISONS)
    @rule()
    def close(self) -> None:
        close = lambda: juice.close_study(study=self.fresh_study(), now=self.now)  # noqa: E731
        self.move(close, "closed", {"open", "paused"})

    def open_study(self) -> None:
        juice.open_study(study=self.fresh_study(), now=self.now)

    def move(self, act, target: str, sources: set[str]) -> None:
        try:
            act()
        except TransitionRefused:
            assert self.state not in sources
            return
        assert self.state in sources
        self.state = target

    @rule(
        who=people,
        event=st.sampled_from(ENDS),
        holds_two=st.booleans(),
        answers=st.sampled_from(["", "draft", "all"]),
    )
    def leave_with_a_pair_in_hand(
        self, who: int, event: str, holds_two: bool, answers: str
    ) -> None:
        """And perhaps answer it all the same: the page is still open."""
        self.claim(who)
        if holds_two:
            self.claim_ahead(who)
        if event == "EXCLUDED":
            self.exclude(who)
        elif event == "LATE":
            self.time_passes(16)
        else:
            self.the_panel_says(who, event)
        if answers:
            self.draft(who, 0, "left")
        if answers == "all":
            self.submit(who, 0, "left", "new")

    # The model

    def fresh(self, life: Life) -> Rater:
        assert life.rater is not None
        return Rater.objects.select_related("study").get(pk=life.rater.pk)

    def fresh_study(self) -> Study:
        return Study.objects.get(pk=self.study.pk)

    def life_of(self, who: int) -> Life | None:
        return self.lives[who] if self.lives[who].rater is not None else None

    def leases_of(self, life: Life) -> set[int]:
        """What the person holds now; nothing, once their part has ended."""
        return (
            set()
            if is_out(self.fresh(life))
            else {pk for pk, until in life.leases.items() if until > self.now}
        )

    def may_work(self, life: Life, *, before: bool = False) -> bool | None:
        """None where either answer is right: who left at the panel may hand in what they had.

        With `before`, of a rater whom this very step may have put out.
        """
        rater = self.fresh(life)
        if self.state != "open" or (rater.excluded_at is not None and not before):
            return False
        if not is_out(rater):
            return True
        return None if rater.outcome in ENDED_AT_PANEL or before else False

    def has_seat(self, row: Assignment) -> bool:
        return row.state == "leased" or not row.takes_seat or row.comparison.open_seats > 0

    def page_of(
        self, who: int, page: int, *, of_judged: bool = False
    ) -> tuple[Life | None, Assignment | None]:
        """The rater, and the assignment that one of their pages shows; the first is in hand."""
        life = self.life_of(who)
        if life is None:
            return None, None
        own = Assignment.objects.filter(rater=life.rater).select_related("comparison")
        held = self.leases_of(life)
        rows = sorted(
            own, key=lambda row: (row.pk not in held, row.pk if row.pk in held else -row.pk)
        )
        if of_judged:
            rows = sorted(
                (row for row in rows if row.pk in life.judged),
                key=lambda row: (life.judged[row.pk], row.pk),
                reverse=True,
            )
        return (life, rows[min(page, len(rows) - 1)]) if rows else (None, None)

    def take(self, life: Life, given: Assignment) -> None:
        assert given.pk not in life.judged
        assert given.pk not in life.skipped
        life.leases[given.pk] = given.lease_expires_at

    def id_for(self, life: Life, row: Assignment, side: str, id_is: str) -> tuple[uuid.UUID, str]:
        """An id, and the side: the one that was sent under this id, or the other."""
        own = [one for one, (pk, _) in self.answers.items() if pk == row.pk]
        others = [one for one, (pk, _) in self.answers.items() if pk != row.pk]
        if id_is.startswith("same") and own:
            sent = self.answers[own[-1]][1]["faithfulness"]
            other = "right" if sent == "left" else "left"
            return own[-1], other if id_is == "same, changed" else sent
        if id_is == "borrowed" and others:
            return others[-1], side
        return uuid.uuid4(), side

    def allowed_to_submit(
        self, life: Life, row: Assignment, submission_id: uuid.UUID, side: str
    ) -> set[str]:
        known = self.answers.get(submission_id)
        if known is not None:
            is_same = known[0] == row.pk and known[1]["faithfulness"] == side
            return {"saved"} if is_same else {"refused"}
        if row.pk in life.judged or row.pk in life.skipped or row.pk not in life.drafts:
            return {"refused"}
        may = self.may_work(life)
        if may is False:
            return {"refused"}
        if may is None or row.pk in life.late:
            return {"saved", "late", "refused"}
        return {"saved"} if self.has_seat(row) else {"late"}

    def keep_answer(self, life: Life, row: Assignment, submission_id: uuid.UUID, side: str) -> None:
        given = {"quality": life.drafts[row.pk], "faithfulness": side}
        self.answers[submission_id] = (row.pk, given)

    # What holds after every step

    @invariant()
    def the_books_agree(self) -> None:
        assert juice.check_books(self.fresh_study()) == []

    @invariant()
    def everybody_has_what_they_were_promised(self) -> None:
        for life in self.lives:
            if life.rater is None:
                continue
            rows = {row.pk: row for row in Assignment.objects.filter(rater=life.rater)}
            states = {
                name: {pk for pk, row in rows.items() if row.state == name} for name in STATES
            }
            assert states["submitted"] == life.judged.keys()
            assert states["skipped"] == life.skipped
            live = {pk for pk in states["leased"] if rows[pk].lease_expires_at > self.now}
            assert live == self.leases_of(life)
            assert all(rows[pk].lease_expires_at >= life.leases[pk] for pk in live)
            life.leases = {pk: rows[pk].lease_expires_at for pk in live}
            assert all(rows[pk].late_answers for pk in life.late)
            assert all(rows[pk].draft[0]["choice"] == side for pk, side in life.drafts.items())

    @invariant()
    def every_acknowledged_answer_is_stored_once(self) -> None:
        found = {**self.current_answers(), **self.earlier_answers()}
        assert found == self.answers

    def current_answers(self) -> dict[uuid.UUID, tuple[int, dict[str, str]]]:
        rows = Assignment.objects.submitted().prefetch_related("judgments__axis")
        return {
            row.submission_id: (
                row.pk,
                {one.axis.key: row.side_of_choice(one.choice) for one in row.judgments.all()},
            )
            for row in rows
        }

    def earlier_answers(self) -> dict[uuid.UUID, tuple[int, dict[str, str]]]:
        return {
            one.submission_id: (
                one.assignment_id,
                {
                    answer["axis"]: one.assignment.side_of_choice(answer["choice"])
                    for answer in one.answers
                },
            )
            for one in Revision.objects.select_related("assignment")
        }

    # The end

    def teardown(self) -> None:
        has_failed = sys.exc_info()[0] is not None
        try:
            if not has_failed:
                self.everything_can_be_finished()
        finally:
            transaction.set_rollback(True)
            self.rows.__exit__(None, None, None)

    def everything_can_be_finished(self) -> None:
        if self.state == "paused":
            self.open_again()
        if self.state == "open":
            self.everybody_works_until_nothing_is_left()
            self.others_take_every_seat()
            self.the_books_agree()

    def everybody_works_until_nothing_is_left(self) -> None:
        for life in self.lives:
            if life.rater is not None and not is_out(self.fresh(life)):
                self.work_until_done(self.fresh(life))

    def others_take_every_seat(self) -> None:
        """Then every comparison has exactly as many votes as the study wants."""
        for number in range(self.study.raters_per_comparison):
            identity = PanelIdentity(external_id=f"another {number}")
            self.work_until_done(
                juice.join_study(study=self.fresh_study(), identity=identity, now=self.now)
            )
        valid = Assignment.objects.submitted().counted().filter(rater__excluded_at=None)
        votes = [valid.filter(comparison=one).count() for one in self.study.comparisons.counted()]
        assert votes == [self.study.raters_per_comparison] * COMPARISONS

    def work_until_done(self, rater: Rater) -> None:
        for _ in range(MOST_STEPS):
            given = juice.claim_assignment(rater=rater, now=self.now, rng=self.rng)
            if given is None:
                return
            common = {"rater": rater, "public_id": given.public_id, "now": self.now}
            # The right answer to a check, so that nobody is stopped.
            side = given.side_of_choice("a")
            if given.draft is None:
                juice.save_draft(answers=[quality(side)], **common)
            juice.submit_answers(submission_id=uuid.uuid4(), answers=[faithfulness(side)], **common)
        raise AssertionError("pairs without end")


STATES = ["leased", "submitted", "skipped", "expired"]


@pytest.mark.parametrize(("raters", "on_failing"), [(1, "nothing"), (2, "stop")])
def test_any_life_keeps_every_promise(monkeypatch, raters, on_failing):
    monkeypatch.setenv(SECRET_NAME, SECRET)
    study = make_study(comparisons=COMPARISONS, raters_per_comparison=raters)
    make_check(study, "gold")
    plan_quality(
        study, gold_per_rater=1, repeats_per_rater=1, judged_after=1, on_failing=on_failing
    )
    Recruitment.objects.update_or_create(study=study, defaults={"webhook_secret_env": SECRET_NAME})
    run_state_machine_as_test(
        lambda: Lives(study),
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            database=None,
            derandomize=True,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
