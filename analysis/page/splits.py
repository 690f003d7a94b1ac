"""How the votes of comparisons were split: the kinds of splits, and the bars that show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analysis.core.agreement import Agreement, SplitCount
from analysis.core.results import ModelPairResult

EXACT_SPLITS = 3


def split_kinds(results: Iterable[ModelPairResult]) -> tuple[str, ...]:
    """Splits by name where every comparison has as many votes (5|0, 4|1, 3|2), else by kind."""
    splits = {count.split for result in results for count in result.agreement.splits}
    if len({sum(split) for split in splits}) == 1 and len(splits) <= EXACT_SPLITS:
        return tuple(SplitCount(split, 0).label for split in sorted(splits, reverse=True))
    return ("unanimous", "a majority", "no majority") if splits else ()


def split_counts(kinds: Sequence[str], agreement: Agreement) -> list[int]:
    """Comparisons of each of these kinds."""
    counts = dict.fromkeys(kinds, 0)
    for count in agreement.splits:
        kind = count.label if count.label in counts else _kind(count)
        counts[kind] += count.comparisons
    return list(counts.values())


def _kind(count: SplitCount) -> str:
    if len(count.split) == 1:
        return "unanimous"
    return "a majority" if 2 * count.split[0] > sum(count.split) else "no majority"
