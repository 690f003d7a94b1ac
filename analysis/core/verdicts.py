"""The majority of a comparison's votes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.core.settings import MajorityRule


def majority_verdicts(
    counts: ArrayLike, rule: MajorityRule = MajorityRule.PLURALITY
) -> NDArray[np.object_]:
    """`"model_a"`, `"model_b"` or `"tie"` per comparison, `None` where nobody voted.

    Parameters
    ----------
    counts
        Comparisons x 3: votes for A, votes for B, tie votes.
    """
    for_a, for_b, ties = np.asarray(counts, dtype=int).reshape(-1, 3).T
    total = for_a + for_b + ties
    if rule is MajorityRule.PLURALITY:
        a_wins, b_wins = for_a > np.maximum(for_b, ties), for_b > np.maximum(for_a, ties)
    elif rule is MajorityRule.DECISIVE:
        a_wins, b_wins = for_a > for_b, for_b > for_a
    else:
        a_wins, b_wins = 2 * for_a > total, 2 * for_b > total
    verdicts = np.full(total.shape, "tie", dtype=object)
    verdicts[a_wins], verdicts[b_wins], verdicts[total == 0] = "model_a", "model_b", None
    return verdicts
