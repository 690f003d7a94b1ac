"""What a report says of one pair of models on one axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.core.agreement import Agreement, measure_agreement
from analysis.core.clusters import FEW_PROMPTS
from analysis.core.columns import WINNERS
from analysis.core.items import Items, items_of
from analysis.core.model_pair_votes import (
    UNKNOWN,
    Ints,
    ModelPairName,
    ModelPairVotes,
    Words,
    different,
    first_places,
    model_pairs_of,
    words_of,
)
from analysis.core.reasons import (
    CitedReasons,
    Combination,
    ReasonDifference,
    ReasonShare,
    combinations_of_reasons,
    differences_of_reasons,
    shares_of_reasons,
)
from analysis.core.results import ModelPairResult
from analysis.core.settings import (
    AskedAxis,
    ReportSettings,
    StoppingRule,
)
from analysis.core.sides import balanced_share
from analysis.core.slices import MIN_CATEGORIES, CategoryRate, rates_of_categories
from analysis.core.stopping import (
    AnytimeInterval,
    StoppingState,
    anytime_interval,
    scores_as_opened,
    stopping_state,
)
from analysis.core.verdicts import verdict_places
from analysis.core.win_rates import (
    SCORES,
    RaterRange,
    VoteShare,
    WinRate,
    preference_test,
    range_without_each,
    share_of_votes,
    win_rate_of_places,
)

RARE_CATEGORY = 0.15
MANY_COMPARISONS = 100
FEW_VOTES = 50
"""Of so few votes the results are kept: among thousands of pairs many have the same."""
TIE = WINNERS.index("tie")
NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Shares and combinations of votes for A and of those for B, and the differences."""

    shares: tuple[tuple[ReasonShare, ...], tuple[ReasonShare, ...]]
    differences: tuple[ReasonDifference, ...]
    combinations: tuple[tuple[Combination, ...], tuple[Combination, ...]]


@dataclass(slots=True)
class ModelPairReports:
    """The results of a study's pairs, one of `watched` each under the always-valid rule."""

    settings: ReportSettings
    words: Words
    watched: int
    kept: dict[tuple[object, ...], ModelPairResult] = field(default_factory=dict)

    def result(
        self, name: ModelPairName, votes: ModelPairVotes, axis: AskedAxis
    ) -> ModelPairResult:
        """The result of these votes, also if it was found for another pair before."""
        if len(votes) > FEW_VOTES:
            return self._counted(name, votes, axis)
        planned = self.settings.planned.get((name.model_a, name.model_b))
        key = (axis.key, planned, votes.content)
        if key not in self.kept:
            self.kept[key] = self._counted(name, votes, axis)
        return replace(self.kept[key], **name._asdict())

    def _counted(
        self, name: ModelPairName, votes: ModelPairVotes, axis: AskedAxis
    ) -> ModelPairResult:
        settings, items = self.settings, items_of(votes)
        enough = items.complete(settings.min_votes)
        complete, prompts = items.counts[enough], items.prompts[enough]
        verdicts = verdict_places(complete, settings.majority_rule)
        rates = win_rate_of_places(verdicts, prompts, settings.confidence)
        agreement = _agreement(complete, prompts, settings)
        model_pair = (name.model_a, name.model_b)
        planned = planned_comparisons(model_pair, settings)
        anytime, stopping = self._looks(votes, items, planned)
        reasons = self._reasons(votes.where(votes.choices != TIE), axis)
        return ModelPairResult(
            **name._asdict(),
            prompts=len(np.unique(votes.prompts)),
            raters=len(np.unique(votes.raters[votes.raters != UNKNOWN])),
            incomplete=max(len(enough), settings.planned.get(model_pair, 0)) - len(complete),
            a_on_left=balanced_share(
                votes.a_left[votes.a_left != UNKNOWN] == 1, settings.confidence
            ),
            win_rate=rates,
            without_one_rater=_without_one_rater(votes, items, settings),
            preference=preference_test(verdicts, prompts, rates),
            anytime=anytime,
            stopping=stopping,
            vote_share=_vote_share(votes, settings),
            agreement=agreement,
            reasons_a=reasons.shares[0],
            reasons_b=reasons.shares[1],
            reason_differences=reasons.differences,
            combinations_a=reasons.combinations[0],
            combinations_b=reasons.combinations[1],
            categories=self._categories(votes, verdicts, prompts),
            warnings=_warnings(prompts, agreement),
        )

    def _looks(
        self, votes: ModelPairVotes, items: Items, planned: int | None
    ) -> tuple[AnytimeInterval | None, StoppingState | None]:
        """What holds at every look, and whether the study may stop for it."""
        settings = self.settings
        watches = settings.plan is not None and settings.plan.rule == StoppingRule.ANYTIME
        if not (settings.interim or watches):
            return None, None
        opened = _opened(votes, items)
        if opened is None:
            return None, None
        scores, comparisons = scores_as_opened(
            items.prompts,
            opened,
            items.counts,
            min_votes=settings.min_votes,
            rule=settings.majority_rule,
        )
        anytime = anytime_interval(scores, comparisons, settings.confidence)
        if settings.plan is None or not watches:
            return anytime, None
        complete = int(items.complete(settings.min_votes).sum())
        return anytime, stopping_state(
            scores, settings.plan, planned=planned, complete=complete, watched=self.watched
        )

    def _reasons(self, decided: ModelPairVotes, axis: AskedAxis) -> _Reasons:
        """What was cited in votes that are no ties; nothing where reasons were not asked for."""
        cited, for_a = self._cited(decided, axis), decided.choices == 0
        if not cited.names:
            return _Reasons(((), ()), (), ((), ()))
        prompts, confidence = decided.prompts, self.settings.confidence
        won, lost = (CitedReasons(cited.names, cited.votes[own]) for own in (for_a, ~for_a))
        return _Reasons(
            (
                shares_of_reasons(won, prompts[for_a], confidence),
                shares_of_reasons(lost, prompts[~for_a], confidence),
            ),
            differences_of_reasons(cited, for_a, prompts, confidence),
            (combinations_of_reasons(won), combinations_of_reasons(lost)),
        )

    def _cited(self, decided: ModelPairVotes, axis: AskedAxis) -> CitedReasons:
        """Reasons in the order of the question, then any others that votes cite, by name.

        None at all where no vote cites one: then they were not asked for.
        """
        kinds, of_votes = different(decided.reasons)
        cells = [self.words.reasons[kind] for kind in kinds]
        found = set().union(*cells)
        if not found:
            return CitedReasons((), np.zeros((len(decided), 0), dtype=bool))
        names = (*axis.reasons, *sorted(found - {*axis.reasons}))
        table = np.array([[name in cell for name in names] for cell in cells], dtype=bool)
        return CitedReasons(names, table[of_votes])

    def _categories(
        self, votes: ModelPairVotes, verdicts: Ints, prompts: Ints
    ) -> tuple[CategoryRate, ...]:
        """See `rates_by_category`: a prompt belongs to the category that its first vote names."""
        firsts = first_places(votes.prompts, votes.prompts.max(initial=-1) + 1)
        of_prompts = votes.categories[firsts]
        if len(np.unique(of_prompts)) < MIN_CATEGORIES or not len(verdicts):
            return ()
        return rates_of_categories(
            verdicts, prompts, of_prompts[prompts], self.words.categories, self.settings.confidence
        )


def win_rates_of_model_pairs(
    votes: pd.DataFrame, settings: ReportSettings
) -> Iterator[tuple[ModelPairName, WinRate]]:
    """The win rate of every pair over its complete comparisons, and nothing else."""
    for name, own in zip(*model_pairs_of(votes), strict=True):
        items = items_of(own)
        enough = items.complete(settings.min_votes)
        verdicts = verdict_places(items.counts[enough], settings.majority_rule)
        yield name, win_rate_of_places(verdicts, items.prompts[enough], settings.confidence)


def model_pair_reports(
    votes: pd.DataFrame, settings: ReportSettings, watched: int
) -> ModelPairReports:
    return ModelPairReports(settings, words_of(votes), watched)


def planned_comparisons(model_pair: tuple[str, str], settings: ReportSettings) -> int | None:
    by_plan = settings.plan.comparisons if settings.plan else None
    return by_plan or settings.planned.get(model_pair)


def choices_of(settings: ReportSettings) -> list[str]:
    """What a rater could choose."""
    return list(WINNERS if settings.ties_allowed else WINNERS[:2])


def known_raters(raters: pd.Series) -> pd.Series:
    return raters[raters.ne("")]


def _opened(votes: ModelPairVotes, items: Items) -> Ints | None:
    """When the first vote of each comparison was begun; None where votes do not say."""
    never = np.iinfo(np.int64).max
    opened = np.full(len(items.counts), never)
    started = np.where(votes.started == NO_TIME, never, votes.started)
    np.minimum.at(opened, items.of_votes, started)
    return None if (opened == never).any() else opened


def _without_one_rater(votes: ModelPairVotes, items: Items, settings: ReportSettings) -> RaterRange:
    enough = items.complete(settings.min_votes)
    kept = enough[items.of_votes]
    raters = votes.raters[kept]
    if (raters == UNKNOWN).any():
        return RaterRange(len(np.unique(raters)), None, None)
    places = (np.cumsum(enough) - 1)[items.of_votes[kept]]
    counts, choices = items.counts[enough], votes.choices[kept]
    return range_without_each(raters, counts, places, choices, settings.majority_rule)


def _vote_share(votes: ModelPairVotes, settings: ReportSettings) -> VoteShare:
    return share_of_votes(
        SCORES[votes.choices],
        comparisons=votes.comparisons,
        prompts=votes.prompts,
        raters=None if (votes.raters == UNKNOWN).any() else votes.raters,
        confidence=settings.confidence,
    )


def _agreement(complete: Ints, prompts: Ints, settings: ReportSettings) -> Agreement:
    return measure_agreement(
        complete[:, : len(choices_of(settings))],
        confidence=settings.confidence,
        draws=settings.bootstrap_draws,
        rng=np.random.default_rng(settings.seed),
        prompts=prompts,
    )


def _warnings(prompts: Ints, agreement: Agreement) -> tuple[str, ...]:
    """Of the complete comparisons, whose prompts these are."""
    warnings = []
    if 0 < len(np.unique(prompts)) < FEW_PROMPTS:
        warnings.append("too_few_clusters")
    rare = agreement.smallest_category_share
    if rare is not None and rare < RARE_CATEGORY and len(prompts) < MANY_COMPARISONS:
        warnings.append("rare_category")
    return tuple(warnings)
