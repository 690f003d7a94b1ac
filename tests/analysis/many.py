"""Reports of many models, made from the few results of a real one."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, cycle, islice

import pandas as pd

from analysis.core.ranking_report import AxisRanking, ModelPairProbability
from analysis.core.rankings import OneSided
from analysis.core.report import build_report
from analysis.core.results import ModelPairResult, StudyReport, WithExcluded
from analysis.core.settings import ReportSettings, StoppingPlan, StoppingRule
from analysis.core.votes import validate_votes
from analysis.core.win_rates import win_rate

AXES = ("quality", "faithfulness")
SETTINGS = ReportSettings("Arena", 2, ties_allowed=False, bootstrap_draws=10)
ANYTIME = replace(SETTINGS, plan=StoppingPlan(StoppingRule.ANYTIME, comparisons=20))
# The first one clearly lost, the last one clearly won.
RATES = tuple(win_rate(wins, 0, 12 - wins) for wins in range(13))


def few_models(settings: ReportSettings = SETTINGS) -> StudyReport:
    """Three models, two questions, reasons, categories, and a rater who is left out."""
    rows = [
        {
            "prompt_id": f"p{prompt}",
            "category": "animals" if prompt % 2 else "people",
            "axis": axis,
            "model_a": a,
            "model_b": b,
            "winner": "model_a" if (prompt + rater + len(axis)) % 3 else "model_b",
            "reasons": "sharp" if rater else "smooth;sharp",
            "rater": f"r{rater}",
            "excluded": rater == 2,
            "started_at": f"2026-01-01T00:{prompt:02d}:00Z",
        }
        for prompt in range(6)
        for a, b in combinations(("aurora", "drift", "ember"), 2)
        for axis in AXES
        for rater in range(3)
    ]
    return build_report(validate_votes(pd.DataFrame(rows)), settings=settings)


def many_models(
    report: StudyReport, models: int, pairs: int | None = None, *, met_all: bool = False
) -> StudyReport:
    """The first so many pairs of models on two questions; where one met all, those of the first.

    Model number n won so much more the smaller its number, and has so much lower a rating.
    """
    names = tuple(f"model-{number:04d}" for number in range(models))
    met = combinations(names, 2) if not met_all else ((names[0], name) for name in names[1:])
    kinds = zip(cycle(report.results), cycle(RATES), strict=False)
    results = tuple(
        replace(kind, axis=axis, model_a=a, model_b=b, win_rate=rate, anytime=None)
        for a, b in islice(met, pairs)
        for axis, (kind, rate) in zip(AXES, kinds, strict=False)
    )
    return replace(
        report,
        models=names,
        results=results,
        rankings=tuple(_ranking(one, names) for one in report.rankings),
        with_excluded=tuple(map(_with_excluded, results)) if report.with_excluded else (),
        examples=(),
    )


def _ranking(ranking: AxisRanking, names: tuple[str, ...]) -> AxisRanking:
    """The last model has the highest rating."""
    first, chance = ranking.models[0], ranking.probabilities[0].probability
    return replace(
        ranking,
        models=tuple(
            replace(first, model=name, rating=replace(first.rating, value=float(number)))
            for number, name in enumerate(names)
        ),
        probabilities=tuple(
            ModelPairProbability(*pair, chance) for pair in combinations(names[-60:], 2)
        ),
        one_sided=tuple(
            OneSided(names[:place], names[place:], place) for place in range(1, len(names))
        ),
        cyclic_triples=tuple((names[0], names[1], name) for name in names[2:]),
    )


def _with_excluded(result: ModelPairResult) -> WithExcluded:
    return WithExcluded(
        result.protocol, result.axis, result.model_a, result.model_b, result.win_rate
    )
