"""Read rows as a vote table, whose columns `analysis.core.columns` defines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_bool_dtype, is_numeric_dtype

from analysis.core.columns import COLUMNS, DEFAULT_AXIS, REQUIRED, WINNERS, ColumnKind, of_kind

FLAGS, TIMES = of_kind(ColumnKind.FLAG), of_kind(ColumnKind.TIME)

_FLAG_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": 0}
_SWAPPED = {
    "model_a": "model_b",
    "model_b": "model_a",
    "left": "right",
    "right": "left",
    "tie": "tie",
    "": "",
}


class VoteTableError(ValueError):
    """The rows are not a vote table; the message names the rows and what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Votes that no statistic saw, and why."""

    gold: int
    excluded: int
    repeated: int


def validate_votes(raw: pd.DataFrame) -> pd.DataFrame:
    """A vote table with every column, typed, each model pair in one fixed order.

    A pair that comes in both orders is put into alphabetical order; rows are turned round with
    their winner and side. Nothing unknown is ever read as a tie.

    Parameters
    ----------
    raw
        Any frame with the required columns. Its index names the rows in error messages, under
        the index's own name ("line"), or "row".

    Raises
    ------
    VoteTableError
        A required column is missing, or rows hold values that are not understood.
    """
    missing = [name for name in REQUIRED if name not in raw.columns]
    if missing:
        raise VoteTableError(f"The votes lack the column {', '.join(missing)}.")
    votes = _typed(raw)
    _refuse_unusable(votes)
    return _identified(_oriented(votes))[list(COLUMNS)]


def valid_votes(votes: pd.DataFrame) -> tuple[pd.DataFrame, Exclusions]:
    """The votes that count, in an order that does not depend on that of the rows.

    Gold comparisons and excluded votes are left out; of several votes of one rater on one
    comparison and axis, the first counts.
    """
    kept = votes[~votes["is_gold"] & ~votes["excluded"]]
    kept = kept.sort_values("submitted_at", kind="stable", na_position="last")
    identity = ["study", "protocol", "comparison_id", "axis", "rater"]
    repeated = kept.duplicated(identity) & kept["rater"].ne("")
    exclusions = Exclusions(
        gold=int(votes["is_gold"].sum()),
        excluded=int((votes["excluded"] & ~votes["is_gold"]).sum()),
        repeated=int(repeated.sum()),
    )
    order = [*identity, "submitted_at", "winner", "reasons"]
    return kept[~repeated].sort_values(order, kind="stable", ignore_index=True), exclusions


def _typed(raw: pd.DataFrame) -> pd.DataFrame:
    """Every column in its type: text by default, missing text empty.

    Text is held as categories in the order of the alphabet, so that grouping and comparing a
    million rows is work on whole numbers.
    """
    votes = pd.DataFrame(index=raw.index)
    for name in COLUMNS:
        column = raw[name] if name in raw.columns else _nothing(name, raw.index)
        if name in FLAGS:
            votes[name] = _flags(column)
        elif name in TIMES:
            votes[name] = _times(column)
        elif name == "duration_ms":
            votes[name] = _durations(column)
        else:
            votes[name] = _texts(column)
    votes["axis"] = _coded(votes["axis"], {"": DEFAULT_AXIS})
    for pair in (("model_a", "model_b"), ("played_a", "played_b")):
        either = sorted({text for name in pair for text in votes[name].cat.categories})
        for name in pair:
            votes[name] = votes[name].cat.set_categories(either)
    return votes


def _texts(column: pd.Series) -> pd.Series:
    """Stripped text, missing values empty."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _coded(column)
    if infer_dtype(column, skipna=True) not in ("string", "empty"):
        column = column.astype(object).where(column.notna(), "").map(str)
    return _coded(column.astype(object))


def _coded(column: pd.Series, words: Mapping[str, str] = {}) -> pd.Series:
    """The column as categories, stripped and exchanged once for each different value."""
    codes, kinds = pd.factorize(column)
    stripped = [str(kind).strip() for kind in kinds]
    cleaned = [words.get(text, text) for text in stripped]
    categories = sorted({*cleaned, ""})
    place = {text: number for number, text in enumerate(categories)}
    places = np.array([*(place[text] for text in cleaned), place[""]])
    coded = pd.Categorical.from_codes(places[codes], categories=pd.Index(categories, dtype=object))
    return pd.Series(coded, index=column.index, name=column.name)


def _nothing(name: str, index: pd.Index) -> pd.Series:
    return pd.Series(pd.Categorical([""]).take(np.zeros(len(index), int)), index=index, name=name)


def _flags(column: pd.Series) -> pd.Series:
    if column.dtype == bool:
        return column
    texts = _texts(column)
    flags = [_FLAG_WORDS.get(text.lower()) for text in texts.cat.categories]
    bad = _by_kind(texts, [flag is None for flag in flags])
    _refuse(bad.astype(bool), column, "must be true or false")
    return _by_kind(texts, flags).astype(bool)


def _times(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        utc: pd.Series = column.dt.tz_convert("UTC")
        return utc
    texts = _texts(column)
    given = pd.Series(texts.cat.categories.to_numpy())
    kinds = pd.to_datetime(given.where(given.ne("")), utc=True, format="ISO8601", errors="coerce")
    times = pd.Series(
        kinds.array.take(texts.cat.codes.to_numpy()), index=column.index, name=column.name
    )
    _refuse(times.isna() & texts.ne(""), column, "must be a time such as 2026-01-31T12:00:00Z")
    return times


def _by_kind(texts: pd.Series, values: Sequence[Any]) -> pd.Series:
    """The value of each cell, given those of the different texts."""
    found = np.array(values, dtype=object)[texts.cat.codes.to_numpy()]
    return pd.Series(found, index=texts.index, name=texts.name)


def _durations(column: pd.Series) -> pd.Series:
    numeric = is_numeric_dtype(column) and not is_bool_dtype(column)
    texts = column if numeric else _texts(column).astype(object)
    given = texts.notna() & texts.ne("")
    numbers = pd.to_numeric(texts.where(given), errors="coerce")
    bad = (numbers.isna() & given) | numbers.lt(0) | numbers.eq(float("inf"))
    _refuse(bad, column, "must be milliseconds, 0 or more")
    return numbers.astype(float)


def _refuse_unusable(votes: pd.DataFrame) -> None:
    winner, side = votes["winner"], votes["side_a"]
    _refuse(~winner.isin(WINNERS), winner, f"must be one of {', '.join(WINNERS)}")
    _refuse(~side.isin(["left", "right", ""]), side, "must be left, right or empty")
    for name in ("model_a", "model_b"):
        _refuse(votes[name].eq(""), votes[name], "must name a model")
    same = votes["model_a"].eq(votes["model_b"])
    _refuse(same, votes["model_b"], "must differ from model_a")


def _refuse(bad: pd.Series, column: pd.Series, rule: str) -> None:
    if not bad.any():
        return
    rows = [str(row) for row in column.index[bad]]
    named = ", ".join(rows[:5]) + (f" and {len(rows) - 5} more" if len(rows) > 5 else "")
    values = ", ".join(dict.fromkeys(repr(value) for value in column[bad].head(5)))
    where = column.index.name or "row"
    raise VoteTableError(f"{column.name} {rule}, not {values} ({where} {named}).")


def _oriented(votes: pd.DataFrame) -> pd.DataFrame:
    """Each pair in the order it always comes in, else in alphabetical order."""
    # Both columns have the same categories, in the order of the alphabet.
    a, b = (votes[name].cat.codes.to_numpy().astype(np.int64) for name in ("model_a", "model_b"))
    width = len(votes["model_a"].cat.categories)
    turned = np.isin(a * width + b, np.unique(b * width + a)) & (a > b)
    if not turned.any():
        return votes
    oriented = votes.copy()
    for left, right in (("model_a", "model_b"), ("played_a", "played_b")):
        oriented.loc[turned, left] = votes.loc[turned, right]
        oriented.loc[turned, right] = votes.loc[turned, left]
    for name in ("winner", "side_a"):
        swapped = _coded(votes[name], _SWAPPED).astype(object)
        oriented[name] = _coded(votes[name].astype(object).mask(turned, swapped))
    return oriented


def _identified(votes: pd.DataFrame) -> pd.DataFrame:
    """Fill in prompt_id and comparison_id; a comparison is of one prompt and one model pair."""
    own = votes["comparison_id"]
    if votes["prompt_id"].eq("").any():
        rows = pd.Series([f"row {row}" for row in votes.index], index=votes.index, dtype=object)
        own = _instead(own, rows)
    identified = votes.assign(prompt_id=_instead(votes["prompt_id"], own))
    unnamed = votes["comparison_id"].eq("")
    if unnamed.any():
        pairs = _joined(votes["model_a"], votes["model_b"])
        default = _joined(identified["prompt_id"], pairs)
        identified["comparison_id"] = _instead(votes["comparison_id"], default)
    if not unnamed.all():
        _refuse_ambiguous(identified)
    return identified


def _refuse_ambiguous(votes: pd.DataFrame) -> None:
    """A comparison id that stands for several prompts or model pairs."""
    own = ["study", "comparison_id"]
    meanings = votes[[*own, "prompt_id", "model_a", "model_b"]].drop_duplicates()
    several = meanings[meanings.duplicated(own)].set_index(own).index
    if len(several):
        bad = pd.Series(pd.MultiIndex.from_frame(votes[own]).isin(several), index=votes.index)
        _refuse(bad, votes["comparison_id"], "must be of one prompt and model pair")


def _instead(texts: pd.Series, others: pd.Series) -> pd.Series:
    """The texts, and the others where a text is empty."""
    empty = texts.eq("")
    if not empty.any():
        return texts
    return _coded(others.astype(object).where(empty, texts.astype(object)))


def _joined(texts: pd.Series, others: pd.Series) -> pd.Series:
    """Both texts with a bar between, as one string for each different pair."""
    (codes, kinds), (other_codes, other_kinds) = (
        pd.factorize(one.to_numpy(dtype=object)) for one in (texts, others)
    )
    width = len(other_kinds)
    pairs, distinct = pd.factorize(codes * width + other_codes)
    names = [f"{kinds[k // width]} | {other_kinds[k % width]}" for k in distinct.tolist()]
    return pd.Series(np.array([*names, ""], dtype=object)[pairs], index=texts.index, dtype=object)
