"""A report before its look is due: values, counts, and what holds at every look.

Intervals, standard errors, p values and ranks of a single look would be read at every look. Each
function here takes one kind of result and names what of it waits.
"""

from __future__ import annotations

from dataclasses import replace

from analysis.core.agreement import Agreement
from analysis.core.estimates import Estimate, Undefined
from analysis.core.protocol_arms import ArmDifference
from analysis.core.protocol_report import ProtocolComparison
from analysis.core.ranking_report import AxisRanking, ModelPairProbability, RankedModel
from analysis.core.reasons import ReasonDifference, ReasonShare
from analysis.core.results import ModelPairResult, StudyReport, WithExcluded
from analysis.core.sides import BalancedShare, SideBalance
from analysis.core.slices import CategoryRate
from analysis.core.win_rates import VoteShare, WinRate


def without_single_look(report: StudyReport) -> StudyReport:
    """The same report without what holds for a single look only."""
    return replace(
        report,
        single_look=False,
        results=tuple(map(_model_pair, report.results)),
        rankings=tuple(map(_ranking, report.rankings)),
        protocols=tuple(map(_protocols, report.protocols)),
        sides=tuple(map(_sides, report.sides)),
        with_excluded=tuple(map(_with_excluded, report.with_excluded)),
    )


def _value(estimate: Estimate) -> Estimate:
    """The value alone; where it had an interval, the reason why it has none now."""
    undefined = Undefined.INTERIM if estimate.interval else estimate.undefined
    return replace(estimate, se=None, interval=None, undefined=undefined)


def _model_pair(result: ModelPairResult) -> ModelPairResult:
    return replace(
        result,
        a_on_left=_balanced(result.a_on_left),
        win_rate=_win_rate(result.win_rate),
        preference=replace(result.preference, p_value=None, holm_p_value=None),
        vote_share=_vote_share(result.vote_share),
        agreement=_agreement(result.agreement),
        reasons_a=tuple(map(_reason, result.reasons_a)),
        reasons_b=tuple(map(_reason, result.reasons_b)),
        reason_differences=tuple(map(_reason_difference, result.reason_differences)),
        categories=tuple(map(_category, result.categories)),
    )


def _win_rate(rates: WinRate) -> WinRate:
    return replace(rates, rate=_value(rates.rate), net=_value(rates.net))


def _vote_share(share: VoteShare) -> VoteShare:
    return replace(
        share,
        pooled=_value(share.pooled),
        item_weighted=_value(share.item_weighted),
        new_raters=_value(share.new_raters),
    )


def _agreement(agreement: Agreement) -> Agreement:
    return replace(
        agreement,
        pairwise=_value(agreement.pairwise),
        fleiss_kappa=_value(agreement.fleiss_kappa),
        gwet_ac1=_value(agreement.gwet_ac1),
        brennan_prediger=_value(agreement.brennan_prediger),
        krippendorff_alpha=_value(agreement.krippendorff_alpha),
    )


def _reason(share: ReasonShare) -> ReasonShare:
    return replace(share, share=_value(share.share))


def _reason_difference(one: ReasonDifference) -> ReasonDifference:
    return replace(one, difference=_value(one.difference), p_value=None, holm_p_value=None)


def _category(one: CategoryRate) -> CategoryRate:
    return replace(one, win_rate=_win_rate(one.win_rate), p_value=None, holm_p_value=None)


def _ranking(ranking: AxisRanking) -> AxisRanking:
    return replace(
        ranking,
        models=tuple(map(_ranked, ranking.models)),
        probabilities=tuple(map(_probability, ranking.probabilities)),
        side_effect=_value(ranking.side_effect),
        cyclic_triples=(),
    )


def _ranked(model: RankedModel) -> RankedModel:
    return replace(model, rating=_value(model.rating), best_rank=None, worst_rank=None)


def _probability(model_pair: ModelPairProbability) -> ModelPairProbability:
    return replace(model_pair, probability=_value(model_pair.probability))


def _protocols(comparison: ProtocolComparison) -> ProtocolComparison:
    return replace(comparison, differences=tuple(map(_arms, comparison.differences)))


def _arms(one: ArmDifference) -> ArmDifference:
    test = replace(one.test, p_value=None)
    return replace(one, difference=_value(one.difference), test=test, holm_p_value=None)


def _sides(side: SideBalance) -> SideBalance:
    return replace(
        side, left_choices=_balanced(side.left_choices), a_on_left=_balanced(side.a_on_left)
    )


def _balanced(share: BalancedShare) -> BalancedShare:
    return replace(share, share=_value(share.share), p_value=None)


def _with_excluded(one: WithExcluded) -> WithExcluded:
    return replace(one, win_rate=_win_rate(one.win_rate))
