"""Pairs whose answer is known: define them, and make the ones that need nobody's eye."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from django.core.exceptions import ValidationError
from django.db import transaction

from annotations.enums import CheckRole, Choice, Side
from annotations.errors import CheckRefused
from annotations.models import Check, CheckPlan, Reason, Stimulus, Study
from annotations.services.studies.protocol import ensure_not_frozen


def check_plan_of(study: Study) -> CheckPlan:
    """The study's plan; one that asks for nothing where there is no row."""
    try:
        return study.check_plan
    except CheckPlan.DoesNotExist:
        # By id: a study must not keep a plan that nobody saved.
        return CheckPlan(study_id=study.pk)


def add_check(
    *,
    study: Study,
    role: CheckRole,
    stimulus_a: Stimulus,
    stimulus_b: Stimulus,
    expected: Mapping[str, str],
    reason: Reason | None = None,
    explanation: str = "",
) -> Check:
    """A comparison with a known answer. Examples have the better clip as often left as right.

    Raises
    ------
    CheckRefused
        No answer, an unknown one, or a reason of another study.
    ProtocolFrozen
        The study has judgments.
    """
    ensure_not_frozen(study)
    if not expected:
        raise CheckRefused("Say which of the two is better, on at least one axis.")
    if reason is not None and reason.axis.study_id != study.pk:
        raise CheckRefused("The reason belongs to another study.")
    before = study.checks.filter(role=role).count()
    check = Check(
        study=study,
        role=role,
        stimulus_a=stimulus_a,
        stimulus_b=stimulus_b,
        expected=dict(expected),
        reason=reason,
        explanation=explanation.strip(),
        position=before,
        side_a=_side_that_balances(expected, before),
    )
    try:
        check.full_clean()
    except ValidationError as error:
        raise CheckRefused(" ".join(error.messages)) from error
    check.save()
    return check


def remove_check(*, check: Check) -> None:
    """Take a check out, and its comparison with it."""
    ensure_not_frozen(check.study)
    check.delete()


def make_copies(*, study: Study) -> int:
    """Make the identical and degraded checks that the plan asks for; count the new ones.

    Of clips drawn from the study's own, the same for all raters. Safe to repeat.
    """
    plan = check_plan_of(study)
    wanted = {
        CheckRole.IDENTICAL: plan.identical_per_rater,
        CheckRole.DEGRADED: plan.degraded_per_rater,
    }
    have = Counter(study.checks.filter(role__in=list(wanted)).values_list("role", flat=True))
    missing = [role for role, n in wanted.items() for _ in range(n - have[role])]
    if not missing:
        return 0
    clips = _clips_without_check(study)
    # A draw that anyone can repeat, not a secret.
    Random(study.order_seed).shuffle(clips)  # noqa: S311
    blind = list(study.axes.filter(shows_prompt=False).values_list("key", flat=True))
    with transaction.atomic():
        return len(
            [_copy_of(study, role, clip, blind) for role, clip in zip(missing, clips, strict=False)]
        )


def _clips_without_check(study: Study) -> list[int]:
    taken = set(study.checks.values_list("stimulus_a", flat=True))
    clips = Stimulus.objects.for_study(study.pk).order_by("pk").values_list("pk", flat=True)
    return [pk for pk in clips if pk not in taken]


def _copy_of(study: Study, role: CheckRole, clip: int, blind_axes: list[str]) -> Check:
    """A clip beside itself; the degraded copy is b, and worse to look at, whatever the text."""
    is_spoilt = role == CheckRole.DEGRADED
    return Check.objects.create(
        study=study,
        role=role,
        stimulus_a_id=clip,
        stimulus_b_id=clip,
        expected=dict.fromkeys(blind_axes, str(Choice.A)) if is_spoilt else {},
        position=study.checks.filter(role=role).count(),
    )


def _side_that_balances(expected: Mapping[str, str], number: int) -> Side:
    """Left for every second answer, whichever of a and b it is."""
    wins_left = number % 2 == 0
    a_wins = next(iter(expected.values())) == Choice.A
    return Side.LEFT if a_wins == wins_left else Side.RIGHT


@dataclass(frozen=True)
class ReasonCoverage:
    """How the examples teach one reason.

    Attributes
    ----------
    wins
        Examples of the reason won by each model, by name.
    """

    reason: Reason
    wins: Mapping[str, int]

    @property
    def problem(self) -> str:
        """What raters could learn wrongly; empty if nothing."""
        if not self.wins:
            return "no example"
        if len(self.wins) == 1 and sum(self.wins.values()) > 1:
            return f"always won by {next(iter(self.wins))}"
        return "" if len(self.wins) > 1 else "one example only: give one that another model wins"


def example_coverage(study: Study) -> list[ReasonCoverage]:
    """Per reason, which models win its examples.

    Emu Video (arXiv 2311.10709, section 3.2) trains raters on examples of every reason, some won
    by each side, so that no model is taught as the better one.
    """
    examples = study.checks.filter(role=CheckRole.EXAMPLE).select_related(
        "stimulus_a__model", "stimulus_b__model", "reason__axis"
    )
    wins: dict[int, Counter[str]] = {}
    for example in examples:
        if example.reason is None:
            continue
        winner = example.expected.get(example.reason.axis.key)
        if winner is None:
            continue
        stimulus = example.stimulus_a if winner == Choice.A else example.stimulus_b
        wins.setdefault(example.reason.pk, Counter())[stimulus.model.name] += 1
    reasons = Reason.objects.filter(axis__study=study).select_related("axis")
    ordered = reasons.order_by("axis__position", "axis", "position", "pk")
    return [ReasonCoverage(reason, dict(wins.get(reason.pk, {}))) for reason in ordered]
