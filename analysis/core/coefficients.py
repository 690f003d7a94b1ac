"""Agreement coefficients as functions of sums over items.

Every coefficient depends on the items only through sums of a few numbers of each item. A
relabeling or a resample of items is then a matrix product, whatever the coefficient.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SAME = 1e-12


def item_terms(counts: ArrayLike) -> Floats:
    """What each item adds to the sums: ... x items x categories to ... x items x terms.

    Items without votes add nothing, items with one vote only their share of each category. The
    terms are: voted, with two votes or more, complete, share of agreeing pairs, votes and
    coincidences for alpha, then the share and the count of each category.

    Raises
    ------
    ValueError
        A count is negative, not finite or not whole.
    """
    table = np.asarray(counts, dtype=float)
    if not (np.isfinite(table).all() and (table >= 0).all() and (table == np.rint(table)).all()):
        raise ValueError("counts of votes are whole numbers, 0 or more")
    votes = table.sum(axis=-1)
    several = votes >= 2
    agreeing = (table * (table - 1)).sum(axis=-1)
    scalars = [
        votes >= 1,
        several,
        several & (table.max(axis=-1) == votes),
        agreeing / np.maximum(votes * (votes - 1), 1),
        votes * several,
        agreeing / np.maximum(votes - 1, 1),
    ]
    shares = table / np.maximum(votes, 1)[..., None]
    return np.concatenate([np.stack(scalars, axis=-1), shares, table * several[..., None]], axis=-1)


def coefficients(sums: Floats) -> dict[str, Floats]:
    """Every coefficient for ... x terms of summed `item_terms`; NaN where it is undefined.

    Fleiss' kappa and Krippendorff's alpha are undefined without variation, all of them without
    an item of two votes. The formulas are those of `analysis.core.agreement`.
    """
    categories = (sums.shape[-1] - 6) // 2
    items, several, complete, agreeing = np.moveaxis(sums[..., :4], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = agreeing / several
        shares = sums[..., 6 : 6 + categories] / items[..., None]
        by_kappa = (shares**2).sum(axis=-1)
        by_ac1 = (shares * (1 - shares)).sum(axis=-1) / (categories - 1)
        return {
            "complete": complete / several,
            "pairwise": observed,
            "fleiss_kappa": _corrected(observed, by_kappa),
            "gwet_ac1": _corrected(observed, by_ac1),
            "brennan_prediger": _corrected(observed, np.full_like(observed, 1 / categories)),
            "krippendorff_alpha": alpha(sums),
        }


def alpha(sums: Floats) -> Floats:
    """Krippendorff's alpha alone, for thousands of resamples."""
    categories = (sums.shape[-1] - 6) // 2
    votes, coincidences = np.moveaxis(sums[..., 4:6], -1, 0)
    chosen = sums[..., 6 + categories :]
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = (chosen * (chosen - 1)).sum(axis=-1) / (votes * (votes - 1))
        return _corrected(coincidences / votes, expected)


def _corrected(observed: Floats, expected: Floats) -> Floats:
    """(P - Pe) / (1 - Pe); NaN where chance alone agrees always."""
    return np.where(expected < 1 - SAME, (observed - expected) / (1 - expected), np.nan)
