"""What is known of each rater beside the votes: checks, repeats, clocks, devices and notes.

Counts for the owner's eyes, and the rule for leaving raters out that the study fixed beforehand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from annotations.enums import Doubt
from annotations.errors import ExclusionRefused
from annotations.models import Assignment, Judgment, Rater, Study
from annotations.models.rating import JudgmentQuerySet
from annotations.services.checks.defining import check_plan_of
from annotations.services.raters.endings import exclude_rater
from annotations.services.rating.qualifying import KNOWN_ANSWER, is_right

IMPOSSIBLE = {Doubt.TOO_SOON, Doubt.IMPOSSIBLE}
# Notes that are as long as this and word for word the same are no coincidence.
LONG_NOTE = 25
# What chat programs write, and people who rate clips do not.
MACHINE_PHRASES = ("as an ai", "language model", "in conclusion,", "it is worth noting", "**")
# The same reasons for so many of so many judgments, and the other reasons never.
SAME_REASONS_SHARE = 0.9
SAME_REASONS_FROM = 10


@dataclass
class Conduct:
    """Counts of one rater.

    Attributes
    ----------
    gold_right, gold
        Gold pairs and degraded copies answered as expected, and in all; one that was skipped
        counts as failed.
    repeats_alike, repeats
        Answers to swapped repeats that name the same clip as before, and in all, over axes.
    too_soon, answered
        Comparisons whose answer the server's clock cannot believe, and in all.
    skipped
        Pairs passed by, checks among them.
    focus_lost
        Times that the rater turned to another window.
    pasted
        Times that a note was pasted.
    devices
        Kinds of device that the rater answered from.
    same_reasons
        Axes on which nearly all judgments have the very same reasons.
    copied_notes
        Long notes that another rater wrote word for word too.
    machine_notes
        Notes that read like a chat program's.
    """

    gold_right: int = 0
    gold: int = 0
    repeats_alike: int = 0
    repeats: int = 0
    too_soon: int = 0
    answered: int = 0
    skipped: int = 0
    focus_lost: int = 0
    pasted: int = 0
    devices: set[str] = field(default_factory=set)
    same_reasons: list[str] = field(default_factory=list)
    copied_notes: int = 0
    machine_notes: int = 0


def conduct_of(study: Study) -> dict[int, Conduct]:
    """By primary key of the rater; raters without any answer are left out."""
    found: defaultdict[int, Conduct] = defaultdict(Conduct)
    of_study = Assignment.objects.filter(comparison__study=study)
    submitted = of_study.submitted()
    _count_known_answers(of_study.dealt_with().not_withdrawn(), found)
    for rater in of_study.skipped().values_list("rater", flat=True):
        found[rater].skipped += 1
    _count_repeats(submitted, found)
    for assignment in submitted.counted().only("rater_id", "doubts", "playback"):
        _count_clock_and_device(found[assignment.rater_id], assignment)
    judgments = Judgment.objects.for_study(study.pk)
    _count_notes(judgments, found)
    _count_reasons(judgments, found)
    return dict(found)


def _count_known_answers(dealt_with: Iterable[Assignment], found: Mapping[int, Conduct]) -> None:
    checks = dealt_with.filter(comparison__of_check__role__in=KNOWN_ANSWER)  # type: ignore[attr-defined]
    for assignment in checks.select_related("comparison__of_check").prefetch_related(
        "judgments__axis"
    ):
        conduct = found[assignment.rater_id]
        conduct.gold += 1
        conduct.gold_right += is_right(assignment)


def _count_repeats(submitted: Iterable[Assignment], found: Mapping[int, Conduct]) -> None:
    choices: defaultdict[tuple[int, int], dict[int, dict[int, str]]] = defaultdict(dict)
    of_study = submitted.filter(comparison__of_check=None)  # type: ignore[attr-defined]
    repeated = of_study.filter(occasion__gt=1).values("comparison")
    again = of_study.filter(comparison__in=repeated).prefetch_related("judgments")
    for assignment in again:
        answers = {judgment.axis_id: judgment.choice for judgment in assignment.judgments.all()}
        choices[assignment.rater_id, assignment.comparison_id][assignment.occasion] = answers
    for (rater, _), by_occasion in choices.items():
        first, second = by_occasion.get(1), by_occasion.get(2)
        if first is None or second is None:
            continue
        found[rater].repeats += len(second)
        found[rater].repeats_alike += sum(first.get(axis) == one for axis, one in second.items())


def _count_clock_and_device(conduct: Conduct, assignment: Assignment) -> None:
    facts = assignment.playback
    conduct.answered += 1
    conduct.too_soon += bool(IMPOSSIBLE & set(assignment.doubts))
    conduct.focus_lost += _count(facts.get("focus_lost"))
    conduct.pasted += _count(facts.get("pasted"))
    if "touch" in facts:
        conduct.devices.add("touch" if facts["touch"] is True else "pointer")


def _count(value: object) -> int:
    """A count of the browser's; what is none is 0."""
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return min(max(int(value), 0), 1000) if is_count else 0  # type: ignore[call-overload]


def _count_notes(judgments: JudgmentQuerySet, found: Mapping[int, Conduct]) -> None:
    rows = judgments.exclude(note="").values_list("assignment__rater", "note")
    own_notes = [(rater, " ".join(note.lower().split())) for rater, note in rows]
    writers: defaultdict[str, set[int]] = defaultdict(set)
    for rater, note in own_notes:
        writers[note].add(rater)
    for rater, note in own_notes:
        found[rater].copied_notes += len(note) >= LONG_NOTE and len(writers[note]) > 1
        found[rater].machine_notes += any(phrase in note for phrase in MACHINE_PHRASES)


def _count_reasons(judgments: JudgmentQuerySet, found: Mapping[int, Conduct]) -> None:
    """By rows and not by judgments as objects: a large study has a million."""
    rows = judgments.order_by("pk", "reasons").values_list(
        "assignment__rater", "axis__key", "pk", "reasons"
    )
    ticked: defaultdict[tuple[int, str], Counter[tuple[int, ...]]] = defaultdict(Counter)
    for (rater, axis, _), of_judgment in groupby(rows.iterator(), key=lambda row: row[:3]):
        ticked[rater, axis][tuple(reason for *_, reason in of_judgment if reason)] += 1
    for (rater, axis), combinations in ticked.items():
        if _is_monotonous(combinations):
            found[rater].same_reasons.append(axis)


def _is_monotonous(combinations: Counter[tuple[int, ...]]) -> bool:
    reasons, most = combinations.most_common(1)[0]
    total = combinations.total()
    return bool(reasons) and total >= SAME_REASONS_FROM and most >= SAME_REASONS_SHARE * total


def raters_under_rule(study: Study) -> list[tuple[Rater, str]]:
    """The raters whom the study's rule leaves out and who are still in, each with the reason."""
    plan = check_plan_of(study)
    limits = {
        "gold": plan.exclude_gold_below,
        "repeats": plan.exclude_consistency_below,
        "too_soon": plan.exclude_fast_above,
    }
    if not any(limits.values()):
        return []
    conduct = conduct_of(study)
    reasons = {
        rater: _why_excluded(conduct[rater.pk], limits, plan.judged_after)
        for rater in study.raters.included()
        if rater.pk in conduct
    }
    return [(rater, why) for rater, why in reasons.items() if why]


def exclude_by_rule(*, study: Study, now: datetime) -> int:
    """Leave out every rater whom the rule names, and open their seats; how many raters."""
    named = raters_under_rule(study)
    return sum(_exclude_once(rater, f"By rule: {why}", now) for rater, why in named)


def _exclude_once(rater: Rater, why: str, now: datetime) -> bool:
    """False for a rater whom somebody else has excluded meanwhile."""
    try:
        exclude_rater(rater=rater, why=why, now=now)
    except ExclusionRefused:
        return False
    return True


def _why_excluded(conduct: Conduct, limits: Mapping[str, int | None], enough: int) -> str:
    """In words; empty for a rater whom no part of the rule names."""
    found = []
    gold, repeats, soon = limits["gold"], limits["repeats"], limits["too_soon"]
    if gold and conduct.gold >= enough and 100 * conduct.gold_right < gold * conduct.gold:
        found.append(f"{conduct.gold_right} of {conduct.gold} checks right, under {gold} %")
    if repeats and conduct.repeats and 100 * conduct.repeats_alike < repeats * conduct.repeats:
        share = f"{conduct.repeats_alike} of {conduct.repeats}"
        found.append(f"{share} repeats answered as before, under {repeats} %")
    if soon and conduct.answered >= enough and 100 * conduct.too_soon > soon * conduct.answered:
        share = f"{conduct.too_soon} of {conduct.answered}"
        found.append(f"{share} answered too soon, over {soon} %")
    return "; ".join(found)
