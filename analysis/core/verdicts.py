"""The majority of a comparison's votes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.core.columns import WINNERS
from analysis.core.settings import MajorityRule

NOBODY_VOTED = -1
_NAMES = np.array([*WINNERS, None], dtype=object)


def majority_verdicts(
    counts: ArrayLike, rule: MajorityRule = MajorityRule.PLURALITY
) -> NDArray[np.object_]:
    """`"model_a"`, `"model_b"` or `"tie"` per comparison, `None` where nobody voted.

    Parameters
    ----------
    counts
        Comparisons x 3: votes for A, votes for B, tie votes.
    """
    return _NAMES[verdict_places(np.asarray(counts, dtype=np.int64).reshape(-1, 3), rule)]


def verdict_places(counts: NDArray[np.int64], rule: MajorityRule) -> NDArray[np.int64]:
    """The same as places in WINNERS; -1 where nobody voted."""
    for_a, for_b, ties = counts.T
    total = for_a + for_b + ties
    if rule is MajorityRule.PLURALITY:
        a_wins, b_wins = for_a > np.maximum(for_b, ties), for_b > np.maximum(for_a, ties)
    elif rule is MajorityRule.DECISIVE:
        a_wins, b_wins = for_a > for_b, for_b > for_a
    else:
        a_wins, b_wins = 2 * for_a > total, 2 * for_b > total
    places = np.full(total.shape, WINNERS.index("tie"))
    places[a_wins], places[b_wins], places[total == 0] = 0, 1, NOBODY_VOTED
    return places
