"""What the votes say of each rater, as numbers; nothing follows from them by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import isnan
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
    for own in _facts(known).to_dict("records"):
        name = own["rater"]
        agreement, seconds = agreements[name], own["milliseconds"] / 1000
        yield {
            "rater": name,
            "votes": own["votes"],
            "comparisons": own["comparisons"],
            "left_votes": left[name][0],
            "decided_votes": left[name][1],
            "left_share": sides[name].left.share.value,
            "leans_to_one_side": sides[name].flag,
            "agreement_with_others": agreement.share.value,
            "compared_with_others": agreement.items,
            "median_seconds": None if isnan(seconds) else seconds,
            "excluded": own["excluded"],
            "excluded_why": own["excluded_why"],
        }


def _facts(votes: pd.DataFrame) -> pd.DataFrame:
    """What can be counted of every rater, by order of their names."""
    own = votes.groupby("rater", sort=True)
    reasons = votes[votes["excluded_why"].ne("")].drop_duplicates("rater")
    why = dict(zip(reasons["rater"], reasons["excluded_why"], strict=True))
    facts = own.agg(
        votes=("winner", "size"),
        comparisons=("comparison_id", "nunique"),
        milliseconds=("duration_ms", "median"),
        excluded=("excluded", "any"),
    )
    names = [str(name) for name in facts.index]
    return facts.assign(rater=names, excluded_why=[why.get(name, "") for name in facts.index])


def left_votes(votes: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Choices of the left clip, and of either, by rater; votes without a known side do not count.

    The first question of a pair only: the second is mostly answered alike, and would count the
    same chance twice.
    """
    sided = votes[votes["winner"].ne("tie") & votes["side_a"].ne("")]
    decided = sided.drop_duplicates(["rater", "comparison_id"])
    left = decided["winner"].eq("model_a") == decided["side_a"].eq("left")
    of_left, of_either = Counter(decided["rater"][left]), Counter(decided["rater"])
    names = sorted(votes["rater"].unique())
    return {str(name): (of_left[name], of_either[name]) for name in names}


def others_agreement(votes: pd.DataFrame) -> dict[str, OthersAgreement]:
    """Leave-one-out agreement by rater; the questions of a comparison are items of their own."""
    items = votes.groupby(["protocol", "comparison_id", "axis"]).ngroup()
    raters, names = pd.factorize(votes["rater"])
    labels = pd.Index(WINNERS).get_indexer(pd.Index(votes["winner"]))
    found = agreement_with_others(items, raters, labels, classes=len(WINNERS))
    return {str(names[one.rater]): one for one in found}
