"""What a report is told beside the votes: what was asked, shown and planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class MajorityRule(StrEnum):
    """How a comparison's votes a (for A), b (for B), t (ties) become one verdict.

    An even split is kept as a tie and never broken at random.
    """

    PLURALITY = "plurality"
    """The unique largest of a, b, t wins; otherwise tie."""
    DECISIVE = "decisive"
    """Tie votes are ignored; a = b is a tie."""
    STRICT = "strict"
    """More than half of all votes; otherwise tie."""


class StoppingRule(StrEnum):
    FIXED = "fixed"
    """Read once, when the planned number is complete: intervals of a single look hold then."""
    ANYTIME = "anytime"
    """Read, and stopped, at any time: only confidence sequences hold, also at the end."""


@dataclass(frozen=True, slots=True)
class StoppingPlan:
    """What was set before the first vote.

    `comparisons` of each model pair are planned, `None` where that was not said. The always-valid
    rule stops at no fewer than `minimum`, and shares `alpha` among all that is watched; with
    a `half_width` it also stops when the interval is no wider than twice that.
    """

    rule: StoppingRule = StoppingRule.FIXED
    comparisons: int | None = None
    alpha: float = 0.05
    minimum: int = 1
    half_width: float | None = None


@dataclass(frozen=True, slots=True)
class AskedAxis:
    """What raters were asked on one axis; `reasons` maps a reason's key to its words."""

    key: str
    question: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """So many clips of a model were made as `made` and shown as `shown`, in words."""

    model: str
    clips: int
    made: str
    shown: str


@dataclass(frozen=True, slots=True)
class ClipsWanted:
    """What became of the clips that one model was to make, one for each prompt.

    `refused` by moderation is an outcome of the model; `not_yet` are on their way, or were never
    asked for.
    """

    model: str
    wanted: int
    made: int
    imported: int
    refused: int
    failed: int
    given_up: int
    not_yet: int

    @property
    def missing(self) -> int:
        return self.wanted - self.made - self.imported


class AmendmentKind(StrEnum):
    """What of a study was changed after raters were let in."""

    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    MORE_RATERS = "more-raters"
    MORE_PROMPTS = "more-prompts"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class ProtocolAmendment:
    """One change of a study's protocol while raters were at work.

    `what` are its particulars: comparisons (prompt and both models), clips, prompts, both texts of
    a corrected one, or the numbers of raters before and after. `votes_before` counted when it was
    made, `votes_set_aside` count no more because of it.
    """

    kind: AmendmentKind
    reason: str
    made_at: str
    votes_before: int
    votes_set_aside: int
    protocol_before: str
    protocol_after: str
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What the votes cannot say about themselves.

    A comparison is complete on an axis with `min_votes` valid votes. `planned` holds the number
    of comparisons of each (model_a, model_b), where known. `plan` says when the study may be read
    and stopped: before, while it runs (`interim`), only intervals for every look are given.
    `axes` gives the order of the report. `shown` says what raters saw, and `presentation` by which
    rule. `clips` says which models lack clips, and why. `amendments` were made while raters were at
    work.
    """

    title: str
    min_votes: int
    ties_allowed: bool
    axes: tuple[AskedAxis, ...] = ()
    planned: Mapping[tuple[str, str], int] = field(default_factory=dict)
    plan: StoppingPlan | None = None
    majority_rule: MajorityRule = MajorityRule.PLURALITY
    simulated: bool = False
    interim: bool = False
    protocol_hash: str = ""
    code_version: str = ""
    notes: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()
    clips: tuple[ClipsWanted, ...] = ()
    presentation: str = ""
    amendments: tuple[ProtocolAmendment, ...] = ()
    confidence: float = 0.95
    bootstrap_draws: int = 10_000
    seed: int = 20231117
