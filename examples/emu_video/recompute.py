"""What the paper printed, and what follows from it.

A printed win rate of a known number of prompts is a whole number of wins, if one rounds to it;
with it come the interval that the paper does not print, and one vote for each prompt.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis.core.estimates import Interval
from analysis.core.intervals import wilson

PUBLISHED = Path(__file__).parent / "published.csv"
AXES = ("quality", "faithfulness")
MODEL = "Emu Video"
# Printed below figure 2 of arXiv 2311.10709v2.
PRINTED_AVERAGES = {"quality": 91.8, "faithfulness": 86.6}
# Printed to one decimal.
ROUNDING = 0.05


@dataclass(frozen=True)
class Published:
    """A printed win rate of Emu Video, in per cent; `averaged` where the paper's mean has it."""

    opponent: str
    axis: str
    prompts: int
    printed: float
    averaged: bool

    @property
    def wins(self) -> int | None:
        """The whole number of wins that rounds to what is printed; None if there is none."""
        nearest = round(self.printed / 100 * self.prompts)
        off = abs(100 * nearest / self.prompts - self.printed)
        return nearest if off <= ROUNDING + 1e-9 else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval of the wins."""
        return None if self.wins is None else wilson(self.wins, self.prompts)


def published() -> list[Published]:
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return [
            Published(
                opponent=row["opponent"],
                axis=axis,
                prompts=int(row["prompts"]),
                printed=float(row[axis]),
                averaged=row["averaged"] == "true",
            )
            for row in csv.DictReader(file)
            for axis in AXES
        ]


def recomputed_average(axis: str) -> float:
    """The mean of the printed win rates that the paper's own mean is over."""
    rates = [one.printed for one in published() if one.axis == axis and one.averaged]
    return sum(rates) / len(rates)


def votes() -> Iterator[dict[str, str]]:
    """One vote per prompt, where the wins are known: the majority's."""
    for one in published():
        if one.wins is None:
            continue
        for number in range(one.prompts):
            yield {
                "prompt_id": f"{one.opponent}-{number + 1:03d}",
                "axis": one.axis,
                "model_a": MODEL,
                "model_b": one.opponent,
                "winner": "model_a" if number < one.wins else "model_b",
            }


def table() -> str:
    """Printed and recomputed side by side."""
    head = f"{'opponent':<20}{'asked':<14}{'n':>5}{'printed':>9}{'wins':>6}  95 % interval"
    lines = [head]
    for one in published():
        bounds = one.interval
        wins = "none" if one.wins is None else str(one.wins)
        found = (
            f"{100 * bounds.lower:.1f} to {100 * bounds.upper:.1f}"
            if bounds
            else f"no whole number of {one.prompts} prompts rounds to it"
        )
        lines.append(
            f"{one.opponent:<20}{one.axis:<14}{one.prompts:>5}{one.printed:>9.1f}{wins:>6}  {found}"
        )
    for axis, average in PRINTED_AVERAGES.items():
        mean = recomputed_average(axis)
        lines.append(f"Average, {axis}: printed {average:.1f}, recomputed {mean:.2f}")
    return "\n".join(lines) + "\n"


def write_votes(path: Path) -> int:
    """The votes as a file that `manage.py analyze` reads; how many."""
    rows = list(votes())
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)
