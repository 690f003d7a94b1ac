"""What a rater's votes tell about the rater, for the owner's eyes; nothing follows by itself."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.core.gold import GoldDecision, gold_accuracy
from analysis.core.intervals import wilson
from analysis.core.raters import left_votes, others_agreement
from analysis.core.reliability import OthersAgreement
from analysis.core.response_times import RaterPace, flag_response_times, rater_paces
from analysis.core.sides import RaterSide, screen_raters
from analysis.page import words as wording
from analysis.votes.columns import study_votes
from analysis.votes.judged import rater_names
from annotations.models import Comparison, Rater, Study
from annotations.services.checks.defining import check_plan_of
from annotations.services.rating.conduct import Conduct, conduct_of
from annotations.services.rating.watching import seconds_of

HALF = 0.5
STEADY_SHARE = 0.7
MOST_TOO_SOON = 0.1


@dataclass(frozen=True)
class FlaggedRater:
    """One rater's raters in words; `flags` are those that stand out."""

    rater: Rater
    name: str
    votes: int
    left: str
    pace: str
    agreement: str
    gold: str
    repeats: str
    notes: list[str]
    flags: list[str]


def flagged_raters(study: Study) -> list[FlaggedRater]:
    """Raters with votes, those that stand out first."""
    votes = study_votes(study)
    if votes.empty:
        return []
    sides = {side.rater: side for side in screen_raters(left_votes(votes))}
    paces = {pace.rater: pace for pace in _paces(study, votes)}
    agreements = others_agreement(votes)
    conduct = conduct_of(study)
    pass_share = check_plan_of(study).pass_percent / 100
    medians = votes.groupby("rater")["duration_ms"].median() / 1000
    raters = {rater.pk: rater for rater in study.raters.all()}
    found = [
        _flagged(
            raters[pk],
            name,
            sides[name],
            paces[name],
            agreements[name],
            medians[name],
            conduct.get(pk, Conduct()),
            pass_share,
        )
        for pk, name in rater_names(study).items()
        if name in sides
    ]
    return sorted(found, key=lambda one: (-len(one.flags), one.name))


def _flagged(
    rater: Rater,
    name: str,
    side: RaterSide,
    pace: RaterPace,
    agreement: OthersAgreement,
    median: float,
    conduct: Conduct,
    pass_share: float,
) -> FlaggedRater:
    share = agreement.share
    is_apart = share.interval is not None and share.interval.upper < HALF
    gold = gold_accuracy(conduct.gold_right, conduct.gold, threshold=pass_share)
    changes = conduct.repeats > 0 and (
        wilson(conduct.repeats_alike, conduct.repeats).upper < STEADY_SHARE
    )
    flags = {
        "leans to one side": side.flag,
        "answers too fast": pace.flag,
        "disagrees with most": is_apart,
        "fails checks": gold.decision == GoldDecision.FAIL,
        "changes with the side": changes,
        "answers that cannot be true": conduct.too_soon > MOST_TOO_SOON * conduct.answered,
        "always the same reasons": bool(conduct.same_reasons),
        "notes like another rater's": conduct.copied_notes > 0,
        "notes like a machine's": conduct.machine_notes > 0,
    }
    interval = wording.percent_interval(share.interval)
    return FlaggedRater(
        rater=rater,
        name=name,
        votes=pace.votes,
        left=f"{wording.percent(side.left.share.value)} of {side.left.n}",
        pace=f"{median:.1f} s, {pace.fast} of {pace.votes} fast",
        agreement=f"{wording.percent(share.value)} of {agreement.items}"
        + (f" ({interval})" if interval else ""),
        gold=_share_of(conduct.gold_right, conduct.gold),
        repeats=_share_of(conduct.repeats_alike, conduct.repeats),
        notes=_notes(conduct),
        flags=[words for words, holds in flags.items() if holds],
    )


def _share_of(count: int, total: int) -> str:
    """A count with its interval; a dash where there is nothing to count."""
    if not total:
        return "–"
    return f"{count} of {total} ({wording.percent_interval(wilson(count, total))})"


def _notes(conduct: Conduct) -> list[str]:
    """What is no more than worth knowing."""
    found = {
        "answers from several kinds of device": len(conduct.devices) > 1,
        f"skipped comparisons: {conduct.skipped}": conduct.skipped > 0,
        "on a touch screen": conduct.devices == {"touch"},
        f"left the window {conduct.focus_lost} times": conduct.focus_lost > conduct.answered,
        f"pasted into notes {conduct.pasted} times": conduct.pasted > 0,
    }
    return [words for words, holds in found.items() if holds]


def _paces(study: Study, votes: pd.DataFrame) -> tuple[RaterPace, ...]:
    """A comparison counts once, whatever the number of questions."""
    once = votes.drop_duplicates(["rater", "comparison_id"])
    shortest = once["comparison_id"].map(_seconds_shown(study))
    times = flag_response_times(once["duration_ms"] / 1000, shortest=shortest)
    return rater_paces(times, once["rater"])


def _seconds_shown(study: Study) -> dict[str, float]:
    """Length of the longer clip of each comparison, by its id."""
    plans = Comparison.objects.filter(study=study).counted().ready()
    rows = plans.values_list("pk", "rendition_a__plan", "rendition_b__plan")
    return {str(pk): max(seconds_of(first), seconds_of(second)) for pk, first, second in rows}
