"""What must hold when two operations are over, whichever was first."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from annotations.enums import AssignmentState, StudyState
from annotations.errors import AnswersRefused, JuiceError, WebhookRefused
from annotations.models import Assignment, Rater, Study
from bench.races import instrument as juice
from bench.races.operations import Promise, is_out
from bench.races.scenario import Scenario, answer

# Every pair, its check and its repeat: more is going round in a circle.
MOST_STEPS = 8
RNG = random.SystemRandom()


@dataclass(frozen=True)
class Outcome:
    """What one operation answered: a promise, or an exception."""

    name: str
    result: Promise | Exception


@dataclass(frozen=True)
class Problem:
    kind: str
    text: str


def problems_after(tries: Sequence[tuple[Scenario, list[Outcome]]]) -> list[list[Problem]]:
    """Everything that does not hold after each try; the raters go on working to find out.

    Each try has a study of its own, so that the books of all can be looked at in one go.
    """
    scenarios = [scenario for scenario, _ in tries]
    found = [[*_exceptions(outcomes), *_broken_promises(outcomes)] for _, outcomes in tries]
    found = [own + wrong for own, wrong in zip(found, _books(scenarios), strict=True)]
    found = [own or list(_stuck(one)) for own, one in zip(found, scenarios, strict=True)]
    return [own or wrong for own, wrong in zip(found, _books(scenarios), strict=True)]


def _exceptions(outcomes: list[Outcome]) -> Iterator[Problem]:
    for outcome in outcomes:
        error = outcome.result
        if not isinstance(error, Exception) or _is_refusal(error, outcomes):
            continue
        kind = "deadlock" if "deadlock" in str(error) else "error"
        yield Problem(kind, f"{outcome.name}: {in_a_line(error)}")


def _is_refusal(error: Exception, outcomes: list[Outcome]) -> bool:
    """A rule said no, and not because the try was made wrongly."""
    if isinstance(error, AnswersRefused):
        return any(outcome.name == "draft" for outcome in outcomes)
    return isinstance(error, JuiceError) and not isinstance(error, WebhookRefused)


def in_a_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).splitlines()[:1])[:200]}"


def _broken_promises(outcomes: list[Outcome]) -> Iterator[Problem]:
    for outcome in outcomes:
        if not isinstance(outcome.result, Exception) and (broken := outcome.result()):
            yield Problem("promise", f"{outcome.name}: {broken}")


def _books(scenarios: Sequence[Scenario]) -> list[list[Problem]]:
    """What does not agree, in the study of each."""
    of_study: dict[int, list[Problem]] = {one.study.pk: [] for one in scenarios}
    for found in juice.check_books(*[one.study for one in scenarios]):
        of_study[found.study].append(Problem("books", found.text))
    return [of_study[one.study.pk] for one in scenarios]


def _stuck(scenario: Scenario) -> Iterator[Problem]:
    """Every rater goes on until nothing is left; a paused study is opened again first."""
    study = Study.objects.get(pk=scenario.study.pk)
    if study.state == StudyState.CLOSED:
        return
    if study.state == StudyState.PAUSED:
        juice.open_study(study=study, now=scenario.now)
    for rater in scenario.raters:
        if why := _work_until_done(rater.pk, scenario):
            yield Problem("stuck", why)


def _work_until_done(rater_id: int, scenario: Scenario) -> str:
    """Why the rater cannot go on; empty when they can, or are out."""
    rater = Rater.objects.select_related("study").get(pk=rater_id)
    try:
        for _ in range(MOST_STEPS):
            given = juice.claim_assignment(rater=rater, now=scenario.now, rng=RNG)
            if given is None:
                return "" if is_out(rater) else left_over(rater)
            if is_out(rater):
                return "a rater who is out is given a pair"
            _answer(given, scenario)
    except JuiceError as error:
        return "" if is_out(rater) else in_a_line(error)
    except Exception as error:
        return in_a_line(error)
    return "pairs without end"


def _answer(given: Assignment, scenario: Scenario) -> None:
    common = {"rater": given.rater, "public_id": given.public_id, "now": scenario.now}
    if given.draft is None:
        juice.save_draft(answers=[answer("quality")], **common)
    submission_id = uuid.uuid4()
    juice.submit_answers(answers=[answer("faithfulness")], submission_id=submission_id, **common)


def left_over(rater: Rater) -> str:
    """A seat that this rater could have had while they are told that nothing is left."""
    free = rater.study.comparisons.counted().ready().filter(open_seats__gt=0)
    if free.exclude(assignments__rater=rater).exists():
        return "nothing is left, and a seat is free"
    late = Assignment.objects.counted().filter(
        rater=rater,
        state=AssignmentState.EXPIRED,
        late_answers=None,
        comparison__open_seats__gt=0,
    )
    return "a pair that ran out is free, and not given back" if late.exists() else ""
