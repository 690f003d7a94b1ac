"""What a report says: results without a word about how they were found."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.core.agreement import Agreement
from analysis.core.estimates import Interval
from analysis.core.examples import Example
from analysis.core.protocol_report import ProtocolComparison
from analysis.core.ranking_report import AxisRanking
from analysis.core.reasons import Combination, ReasonDifference, ReasonShare
from analysis.core.settings import AskedAxis, ReportSettings
from analysis.core.sides import BalancedShare, LayoutBalance, SideBalance
from analysis.core.slices import CategoryRate
from analysis.core.stopping import AnytimeInterval, StoppingState
from analysis.core.votes import Exclusions
from analysis.core.win_rates import PreferenceTest, RaterRange, VoteShare, WinRate


@dataclass(frozen=True, slots=True)
class HeadlineRate:
    """A win rate, its interval where one holds, and over how many comparisons."""

    value: float | None
    interval: Interval | None
    comparisons: int


@dataclass(frozen=True, slots=True)
class ModelPairResult:
    """One axis of one model pair (under one protocol, where votes come from several).

    Win rate, its range without one rater and agreement are over complete comparisons, vote share
    and reasons over all valid votes. `incomplete` counts comparisons that want votes, those
    without any if they are known. `a_on_left` shows whether sides were drawn fairly.

    `anytime` is there until the planned look is due, and `stopping` under the always-valid rule.
    """

    protocol: str
    axis: str
    model_a: str
    model_b: str
    prompts: int
    raters: int
    incomplete: int
    a_on_left: BalancedShare
    win_rate: WinRate
    without_one_rater: RaterRange
    preference: PreferenceTest
    anytime: AnytimeInterval | None
    stopping: StoppingState | None
    vote_share: VoteShare
    agreement: Agreement
    reasons_a: tuple[ReasonShare, ...]
    reasons_b: tuple[ReasonShare, ...]
    reason_differences: tuple[ReasonDifference, ...]
    combinations_a: tuple[Combination, ...]
    combinations_b: tuple[Combination, ...]
    categories: tuple[CategoryRate, ...]
    warnings: tuple[str, ...]

    @property
    def headline(self) -> HeadlineRate:
        """The rate of A to show first: for every look, unless that of a single look is due."""
        rate = self.win_rate.rate
        if rate.interval is not None or self.anytime is None:
            return HeadlineRate(rate.value, rate.interval, self.win_rate.n)
        return HeadlineRate(self.anytime.rate, self.anytime.interval, self.anytime.comparisons)


@dataclass(frozen=True, slots=True)
class WithExcluded:
    """The win rate of one axis and model pair if nobody had been excluded."""

    protocol: str
    axis: str
    model_a: str
    model_b: str
    win_rate: WinRate


@dataclass(frozen=True, slots=True)
class RaterPanel:
    """Who judged. `raters` is 0 where the votes do not say; times are in seconds."""

    raters: int
    votes: int
    comparisons: int
    prompts: int
    votes_per_rater: tuple[int, float, int] | None
    median_seconds: float | None


@dataclass(frozen=True, slots=True)
class StudyReport:
    """Everything, ready to be shown.

    Where `single_look` is false, all intervals, p values and ranks are left out but those of
    `anytime` and `stopping`: they would not hold.
    """

    settings: ReportSettings
    models: tuple[str, ...]
    axes: tuple[AskedAxis, ...]
    panel: RaterPanel
    exclusions: Exclusions
    single_look: bool
    results: tuple[ModelPairResult, ...]
    rankings: tuple[AxisRanking, ...]
    protocols: tuple[ProtocolComparison, ...]
    sides: tuple[SideBalance, ...]
    layouts: tuple[LayoutBalance, ...]
    with_excluded: tuple[WithExcluded, ...]
    examples: tuple[Example, ...]
    last_vote_at: str | None

    @property
    def has_results(self) -> bool:
        return any(result.win_rate.n for result in self.results)
