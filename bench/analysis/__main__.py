"""Each case in a process of its own, so that its peak memory is its own.

python -m bench.analysis            all cases
python -m bench.analysis ranking    one case, in this process
"""

from __future__ import annotations

import importlib.util
import io
import os
import resource
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django
import numpy as np
import pandas as pd

from analysis.core.agreement import measure_agreement
from analysis.core.bradley_terry import fit_strengths
from analysis.core.columns import Part
from analysis.core.contests import Contests, contests_of_scores, win_matrix
from analysis.core.decided import decided_comparisons
from analysis.core.rankings import rank_models
from analysis.core.raters import rater_rows
from analysis.core.report import build_report, report_json
from analysis.core.settings import MajorityRule, ReportSettings
from analysis.core.strength_draws import bootstrap_strengths
from analysis.core.votes import validate_votes
from bench.analysis.simulated import arena as arena_votes
from bench.analysis.simulated import contests as simulated_contests
from bench.analysis.simulated import study, study_of_many

SEED = 20231117
PICTURES = (".png", ".svg", ".pdf")
MOST_PAGE = 3
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "juice.settings",
    "DEBUG": "0",
    "SECRET_KEY": "bench" * 10,
    "ALLOWED_HOSTS": "*",
    "PUBLIC_URL": "http://127.0.0.1",
}
PEERS = ("statsmodels", "choix", "evalica")


@contextmanager
def timed(what: str, limit: float | None = None) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds = time.perf_counter() - start
    verdict = (
        "" if limit is None else f"  (limit {limit:g} s: {'met' if seconds < limit else 'MISSED'})"
    )
    print(f"  {what:<58}{seconds:9.3f} s{verdict}")


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def small_report() -> None:
    """1,000 prompts x 2 models x 5 raters x 2 axes: 10,000 votes."""
    _report(1_000, limit=1)


def large_report() -> None:
    """100,000 prompts x 2 models x 5 raters x 2 axes: 1,000,000 votes; limit 1,024 MB."""
    _report(100_000, limit=10)


def _report(prompts: int, limit: float) -> None:
    raw = study(prompts, 5, np.random.default_rng(SEED))
    settings = ReportSettings("Benchmark", min_votes=5, ties_allowed=False)
    with timed("vote table checked, report with all intervals, JSON", limit):
        report_json(build_report(validate_votes(raw), settings=settings))


def arena() -> None:
    """59 models, 927 pairs, 8,931 votes: from a file of votes to every file of a report."""
    _analyzed(arena_votes(59, 8_931, 500, np.random.default_rng(SEED), pairs=927), limit=10)


def many_models() -> None:
    """400 models, 2,000 votes: nearly every vote on a pair of its own."""
    _analyzed(arena_votes(400, 2_000, 300, np.random.default_rng(SEED)), limit=10)


def two_models() -> None:
    """100,000 votes on two models."""
    _analyzed(arena_votes(2, 100_000, 20_000, np.random.default_rng(SEED)), limit=10)


def thousand_models() -> None:
    """1,000 models, 100,000 votes, some 90,000 pairs."""
    _analyzed(arena_votes(1_000, 100_000, 2_000, np.random.default_rng(SEED)), limit=60)


def _analyzed(votes: pd.DataFrame, limit: float) -> None:
    """`manage.py analyze` in this process."""
    from django.core.management import call_command

    with TemporaryDirectory() as folder:
        source, out, told = Path(folder) / "votes.csv", Path(folder) / "out", io.StringIO()
        votes.to_csv(source, index=False)
        with timed("read, counted, page, tables, figures and votes written", limit):
            call_command("analyze", str(source), "--out", str(out), stdout=told, stderr=told)
        page = (out / "report.html").stat().st_size / 1e6
        pictures = sum(one.stat().st_size for one in out.iterdir() if one.suffix in PICTURES) / 1e6
    verdict = "met" if page < MOST_PAGE else "MISSED"
    print(
        f"  report.html {page:.1f} MB (limit {MOST_PAGE} MB: {verdict}), figures {pictures:.1f} MB"
    )


def ranking() -> None:
    """Bradley-Terry: 100 models, 1,000,000 votes, 1,000 prompts."""
    votes = simulated_contests(100, 1_000_000, 1_000, np.random.default_rng(SEED))
    names = [f"m{i:02d}" for i in range(100)]
    with timed("votes added up by prompt and pair"):
        contests = contests_of_scores(names, *votes[:3], prompts=votes[3])
    with timed("sandwich intervals, ranks, 1,000 prompt resamples", limit=4):
        rank_models(contests)
        bootstrap_strengths(contests, rng=np.random.default_rng(SEED), draws=1_000)
    _peer_fits(contests)


def _peer_fits(contests: Contests) -> None:
    """One point fit by each peer that is installed, next to ours."""
    wins = win_matrix(contests)
    ours = fit_strengths(contests).values
    with timed("one fit: ours"):
        fit_strengths(contests)
    for name in PEERS:
        if importlib.util.find_spec(name) is None:
            print(f"  one fit: {name:<49}not installed")
            continue
        with timed(f"one fit: {name}"):
            theirs = PEER_FITS[name](wins)
        print(f"    largest difference from ours {np.abs(theirs - theirs.mean() - ours).max():.1e}")


def _statsmodels_fit(wins: np.ndarray) -> np.ndarray:
    import statsmodels.api as sm

    m = len(wins)
    i, j = np.triu_indices(m, 1)
    design = np.zeros((len(i), m))
    design[np.arange(len(i)), i], design[np.arange(len(i)), j] = 1, -1
    outcomes = np.column_stack([wins[i, j], wins[j, i]])
    fit = sm.GLM(outcomes, design[:, 1:], family=sm.families.Binomial()).fit()
    return np.concatenate([[0.0], fit.params])


def _choix_fit(wins: np.ndarray) -> np.ndarray:
    import choix

    return choix.ilsr_pairwise_dense(wins)


def _evalica_fit(wins: np.ndarray) -> np.ndarray:
    import evalica

    m = len(wins)
    i, j = np.nonzero(wins)
    result = evalica.bradley_terry(
        [str(k) for k in i], [str(k) for k in j], [evalica.Winner.X] * len(i), weights=wins[i, j]
    )
    return np.log(result.scores.reindex([str(k) for k in range(m)]).to_numpy())


PEER_FITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "statsmodels": _statsmodels_fit,
    "choix": _choix_fit,
    "evalica": _evalica_fit,
}


def agreement() -> None:
    """Agreement of 100,000 comparisons x 5 raters, with 10,000 resamples for alpha."""
    rng = np.random.default_rng(SEED)
    for_a = rng.binomial(5, rng.beta(1.8, 1.2, 100_000))
    counts = np.column_stack([for_a, 5 - for_a])
    with timed("all coefficients with intervals"):
        measure_agreement(counts, rng=rng)
    if importlib.util.find_spec("statsmodels") is None:
        print("  Fleiss' kappa alone: statsmodels                          not installed")
        return
    from statsmodels.stats.inter_rater import fleiss_kappa

    with timed("Fleiss' kappa alone: statsmodels"):
        fleiss_kappa(counts)


def files() -> None:
    """Every file of 1,000,000 votes on 2 models, and the tables of 100,000 on 1,000 models."""
    from analysis.files.csv import judgment_lines
    from analysis.files.exchange import VOTE_FILES
    from analysis.files.parquet import judgment_chunks
    from analysis.files.preferences import preference_lines
    from analysis.files.tables import vote_table_parts

    two = validate_votes(study(100_000, 5, np.random.default_rng(SEED)))
    makers: dict[str, Callable[[Iterable[Part]], Iterator[Any]]] = {
        "judgments.csv": judgment_lines,
        "judgments.parquet": judgment_chunks,
        **VOTE_FILES,
    }
    for name, pieces_of in makers.items():
        with timed(f"{name} of 1,000,000 votes", limit=15):
            deque(pieces_of(vote_table_parts(two)), maxlen=0)
    with timed("raters of 1,000,000 votes", limit=5):
        deque(rater_rows(two), maxlen=0)
    many = validate_votes(study_of_many(1_000, 100_000, np.random.default_rng(SEED)))
    with timed("verdicts and preferences of 100,000 model pairs", limit=5):
        rows = list(decided_comparisons(many, min_votes=1, rule=MajorityRule.PLURALITY))
        deque(preference_lines(many, rows), maxlen=0)


def reading() -> None:
    """1,000,000 votes of a CSV file, read and checked."""
    from analysis.votes.readers import read_votes

    with TemporaryDirectory() as folder:
        path = Path(folder) / "votes.csv"
        study(100_000, 5, np.random.default_rng(SEED)).to_csv(path, index=False)
        with timed("read_votes of 1,000,000 lines"):
            read_votes(path)


CASES = {
    case.__name__: case
    for case in (
        *(small_report, large_report, arena, many_models, two_models, thousand_models),
        *(ranking, agreement, files, reading),
    )
}


def main(names: list[str]) -> None:
    os.environ |= SETTINGS
    django.setup()
    for name in names:
        case = CASES[name]
        print(f"{name}: {case.__doc__}")
        before = peak_megabytes()
        case()
        print(
            f"  peak memory {peak_megabytes():,.0f} MB, of which {before:,.0f} MB before the case"
        )


if __name__ == "__main__":
    if sys.argv[1:]:
        main(sys.argv[1:])
    else:
        for name in CASES:
            subprocess.run([sys.executable, "-m", "bench.analysis", name], check=True)
