"""What the votes say of each rater, as numbers; nothing follows from them by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis.core.columns import WINNERS, ColumnKind, fields
from analysis.core.reliability import OthersAgreement, agreement_with_others
from analysis.core.sides import screen_raters

RATER_COLUMNS = (
    *fields(ColumnKind.TEXT, "rater"),
    *fields(ColumnKind.WHOLE, "votes", "comparisons", "left_votes", "decided_votes"),
    *fields(ColumnKind.NUMBER, "left_share"),
    *fields(ColumnKind.FLAG, "leans_to_one_side"),
    *fields(ColumnKind.NUMBER, "agreement_with_others"),
    *fields(ColumnKind.WHOLE, "compared_with_others"),
    *fields(ColumnKind.NUMBER, "median_seconds"),
    *fields(ColumnKind.FLAG, "excluded"),
    *fields(ColumnKind.TEXT, "excluded_why"),
)


def rater_rows(votes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """One row per rater with the columns of RATER_COLUMNS, by name; unknown raters have none.

    All votes of a rater but gold ones, also of those who are excluded. `leans_to_one_side` is the
    screen of `sides.screen_raters`; `agreement_with_others` is the share of votes that equal the
    majority of the other raters, over `compared_with_others` votes.
    """
    known = votes[votes["rater"].ne("") & ~votes["is_gold"]]
    if known.empty:
        return
    left = left_votes(known)
    sides = {side.rater: side for side in screen_raters(left)}
    agreements = others_agreement(known)
    for rater, own in known.groupby("rater", sort=True):
        name = str(rater)
        agreement, seconds = agreements[name], own["duration_ms"].median() / 1000
        yield {
            "rater": name,
            "votes": len(own),
            "comparisons": own["comparison_id"].nunique(),
            "left_votes": left[name][0],
            "decided_votes": left[name][1],
            "left_share": sides[name].left.share.value,
            "leans_to_one_side": sides[name].flag,
            "agreement_with_others": agreement.share.value,
            "compared_with_others": agreement.items,
            "median_seconds": None if pd.isna(seconds) else float(seconds),
            "excluded": bool(own["excluded"].any()),
            "excluded_why": next(filter(None, own["excluded_why"]), ""),
        }


def left_votes(votes: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Choices of the left clip, and of either, by rater; votes without a known side do not count.

    The first question of a pair only: the second is mostly answered alike, and would count the
    same chance twice.
    """
    sided = votes[votes["winner"].ne("tie") & votes["side_a"].ne("")]
    decided = sided.drop_duplicates(["rater", "comparison_id"])
    left = decided["winner"].eq("model_a") == decided["side_a"].eq("left")
    counts = left.groupby(decided["rater"].astype(object)).agg(["sum", "size"])
    every = counts.reindex(sorted(votes["rater"].unique()), fill_value=0)
    return {str(name): (int(row["sum"]), int(row["size"])) for name, row in every.iterrows()}


def others_agreement(votes: pd.DataFrame) -> dict[str, OthersAgreement]:
    """Leave-one-out agreement by rater; the questions of a comparison are items of their own."""
    items = votes.groupby(["protocol", "comparison_id", "axis"]).ngroup()
    raters, names = pd.factorize(votes["rater"])
    labels = pd.Index(WINNERS).get_indexer(pd.Index(votes["winner"]))
    found = agreement_with_others(items, raters, labels, classes=len(WINNERS))
    return {str(names[one.rater]): one for one in found}
