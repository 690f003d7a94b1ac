"""Coverage of nominal 95% intervals, as a Markdown table.

python -m bench.coverage [--runs 4000] [--processes 4] [--only looks]

Columns marked with * are held to 93 to 97% (sequences: at least 95%, less three Monte Carlo
errors); the others are there to show what they would do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from math import sqrt
from multiprocessing import Pool
from typing import Any

import numpy as np

from bench.coverage import cells

SEED = 20231117
LOW, HIGH, HIGH_AT_THE_ENDS = 0.93, 0.97, 0.975
HELD = {
    "wilson",
    "tango",
    "wilson, effective n",
    "two-way t",
    "sandwich t",
    "wilson, this panel",
}
SEQUENCES = {"beta-binomial, all looks", "beta-binomial, at stop", "hedged, all looks"}
SLOW = {cells.panel_majority: 4, cells.hedged_looks: 8, cells.arm_tests: 8, cells.looks: 1}

Cell = tuple[Callable[..., dict[str, float]], dict[str, Any]]

CELLS: list[Cell] = [
    *(
        (cells.majority, {"prompts": g, "win_rate": w})
        for g in (50, 100, 300, 1003)
        for w in (0.5, 0.6377, 0.7443, 0.8957, 0.941)
    ),
    *(
        (cells.net, {"prompts": g, "win": w, "tie": t})
        for g in (50, 100)
        for w, t in ((0.4, 0.3), (0.5, 0.1), (0.7, 0.2))
    ),
    *(
        (cells.votes_of_prompts, {"prompts": g, "raters": k, "mean": m, "icc": r})
        for g, k, m, r in (
            (50, 5, 0.6, 0.3),
            (100, 5, 0.6, 0.3),
            (100, 5, 0.85, 0.3),
            (100, 3, 0.6, 0.15),
            (300, 5, 0.6, 0.3),
        )
    ),
    (cells.votes_of_prompts, {"prompts": 100, "raters": 1, "mean": 0.6, "icc": 0.3, "items": 4}),
    *(
        (cells.votes_of_raters, {"prompts": g, "panel": p, "raters": 5, "rater_sd": sd})
        for g, p, sd in ((100, 10, 0.6), (100, 30, 0.6), (300, 20, 0.6), (100, 10, 0.2))
    ),
    *(
        (cells.panel_majority, {"prompts": g, "panel": p, "raters": 5, "rater_sd": 0.6})
        for g, p in ((100, 10), (300, 30))
    ),
    *(
        (cells.strengths, {"prompts": g, "raters": k, "tau": tau, "tie_rate": t})
        for g, k, tau, t in (
            (30, 3, 0.8, 0.0),
            (100, 3, 0.8, 0.0),
            (100, 5, 1.2, 0.0),
            (100, 3, 0.8, 0.15),
            (100, 3, 0.0, 0.0),
        )
    ),
    *(
        (cells.reasons, {"prompts": g, "raters": 5, "citing": c})
        for g, c in ((40, -1.0), (100, -1.0), (100, -2.4), (300, -1.0))
    ),
    *((cells.looks, {"win_rate": p}) for p in (0.5, 0.6, 0.8, 0.92)),
    *((cells.hedged_looks, {"win": w, "tie": t}) for w, t in ((0.5, 0.0), (0.4, 0.4))),
    *(
        (cells.kappas, {"prompts": g, "raters": k, "mean": m, "icc": 0.3})
        for g, k, m in ((100, 5, 0.6), (100, 5, 0.85), (50, 3, 0.9))
    ),
    (cells.arm_tests, {"prompts": 50}),
]


def run(job: tuple[int, int]) -> dict[str, float]:
    number, runs = job
    cell, settings = CELLS[number]
    return cell(runs, np.random.default_rng([SEED, number]), **settings)


def verdict(name: str, share: float, runs: int, settings: dict[str, Any]) -> str:
    """Marked with * where the figure is held to its bounds, with ! where it misses them.

    A simulated figure may stray by three Monte Carlo errors.
    """
    noise = 3 * sqrt(0.05 * 0.95 / runs)
    if name in SEQUENCES:
        return "*" if share >= 0.95 - noise else "*!"
    if name not in HELD:
        return ""
    exact = "win_rate" in settings or "win" in settings
    high = HIGH_AT_THE_ENDS if settings.get("win_rate", 0) > 0.9 else HIGH
    slack = 0 if exact else noise
    return "*" if LOW - slack <= share <= high + slack else "*!"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    jobs = [
        (number, max(1, arguments.runs // SLOW.get(cell, 1)))
        for number, (cell, _) in enumerate(CELLS)
        if arguments.only in cell.__name__
    ]
    missed = 0
    print("| Experiment | Setting | Runs | Coverage |\n|---|---|---|---|")
    with Pool(arguments.processes) as pool:
        for (number, runs), shares in zip(jobs, pool.imap(run, jobs), strict=True):
            cell, settings = CELLS[number]
            marks = {name: verdict(name, share, runs, settings) for name, share in shares.items()}
            missed += sum("!" in mark for mark in marks.values())
            found = ", ".join(f"{name} {share:.3f}{marks[name]}" for name, share in shares.items())
            setting = ", ".join(f"{name} {value:g}" for name, value in settings.items())
            counted = "exact" if cell in (cells.majority, cells.net) else f"{runs:,}"
            print(f"| {cell.__name__} | {setting} | {counted} | {found} |", flush=True)
    print(f"\n{missed} figures outside of their bounds.", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
