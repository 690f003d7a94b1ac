"""A study of 100,000 comparisons x 5 raters x 2 axes, in a database of its own.

python -m bench.database           fill a temporary SQLite, then every case
python -m bench.database CASE      one case, in this process, on the database that is there

With DATABASE_URL set, an empty database of that server is filled instead. Each case runs in a
process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import django
import numpy as np

COMPARISONS = int(os.environ.get("BENCH_COMPARISONS", "100000"))
RATERS = 5
SEED = 20231117
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 20_000
EARLY_PIECE = 3
MOST_GROWTH = 20


@contextmanager
def timed(what: str, limit: float | None = None) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds = time.perf_counter() - start
    verdict = (
        "" if limit is None else f"  (limit {limit:g} s: {'met' if seconds < limit else 'MISSED'})"
    )
    print(f"  {what:<58}{seconds:9.3f} s{verdict}", flush=True)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill() -> None:
    """Make the rows, in batches."""
    from django.core.management import call_command

    from annotations.models import Axis, GenerativeModel, Prompt, Rater, Reason, Study
    from annotations.services.studies.states import create_study

    call_command("migrate", verbosity=0)
    models = [GenerativeModel.objects.create(name=name, slug=name) for name in ("ours", "theirs")]
    study = create_study(title="A million judgments", slug="bench", models=models)
    Study.objects.filter(pk=study.pk).update(state="closed")
    _insert(
        Prompt, ({"key": f"p{n}", "text": f"Prompt {n}", "digest": f"{n:064d}"} for n in _all())
    )
    prompts = list(Prompt.objects.order_by("pk").values_list("pk", flat=True))
    raters = [Rater.objects.create(study=study, external_id=f"r{n}").pk for n in range(50)]
    axes = [axis.pk for axis in Axis.objects.filter(study=study)]
    reasons = {
        axis: list(Reason.objects.filter(axis=axis).values_list("pk", flat=True)) for axis in axes
    }
    _fill_comparisons(study.pk, [model.pk for model in models], prompts)
    _fill_votes(study.pk, raters, axes, reasons)


def _all() -> range:
    return range(COMPARISONS)


def _insert(model: Any, rows: Iterator[dict[str, Any]]) -> None:
    batch = []
    for row in rows:
        batch.append(model(**row))
        if len(batch) == BATCH:
            model.objects.bulk_create(batch)
            batch = []
    model.objects.bulk_create(batch)


def _fill_comparisons(study: int, models: list[int], prompts: list[int]) -> None:
    from annotations.models import Comparison, Stimulus

    common = {
        "kind": "video",
        "container": "mp4",
        "codec": "h264",
        "width": 512,
        "height": 512,
        "frames": 64,
        "seconds": 4.0,
        "bytes": 1,
        "source": "bench",
    }
    _insert(
        Stimulus,
        (
            {**common, "model_id": model, "prompt_id": prompt, "sha256": f"{prompt}-{model}"}
            for prompt in prompts
            for model in models
        ),
    )
    stimuli = Stimulus.objects.order_by("pk").values_list("pk", flat=True)
    pairs = list(stimuli.iterator())
    _insert(
        Comparison,
        (
            {
                "study_id": study,
                "prompt_id": prompt,
                "stimulus_a_id": pairs[2 * place],
                "stimulus_b_id": pairs[2 * place + 1],
                "position": place,
                "open_seats": 0,
            }
            for place, prompt in enumerate(prompts)
        ),
    )


def _fill_votes(
    study: int, raters: list[int], axes: list[int], reasons: dict[int, list[int]]
) -> None:
    import uuid

    from annotations.models import Assignment, Comparison, Judgment

    rng = np.random.default_rng(SEED)
    comparisons = list(Comparison.objects.filter(study=study).values_list("pk", flat=True))
    seats = (
        (comparison, raters[(place + seat) % len(raters)], place)
        for place, comparison in enumerate(comparisons)
        for seat in range(RATERS)
    )
    _insert(
        Assignment,
        (
            {
                "comparison_id": comparison,
                "rater_id": rater,
                "side_a": "left" if rng.random() < 0.5 else "right",
                "state": "submitted",
                "leased_at": BEGAN + timedelta(seconds=place),
                "shown_at": BEGAN + timedelta(seconds=place),
                "lease_expires_at": BEGAN,
                "submitted_at": BEGAN + timedelta(seconds=place + 20),
                "submission_id": uuid.uuid4(),
            }
            for comparison, rater, place in seats
        ),
    )
    assignments = list(Assignment.objects.order_by("pk").values_list("pk", flat=True).iterator())
    _insert(
        Judgment,
        (
            {
                "assignment_id": assignment,
                "axis_id": axis,
                "choice": "a" if rng.random() < 0.6 else "b",
                "created_at": BEGAN,
            }
            for assignment in assignments
            for axis in axes
        ),
    )
    through: Any = Judgment.reasons.through
    axis_of = Judgment.objects.order_by("pk").values_list("pk", "axis")
    _insert(
        through,
        (
            {"judgment_id": judgment, "reason_id": reasons[axis][judgment % len(reasons[axis])]}
            for judgment, axis in axis_of.iterator()
        ),
    )


def report() -> None:
    """Votes read from the database, and the whole report; limits 10 s and 1,024 MB."""
    from analysis.core.report import build_report, report_json
    from analysis.votes.columns import study_votes
    from analysis.votes.settings import report_settings
    from annotations.models import Study

    study = Study.objects.get(slug="bench")
    with timed("database to report, with all intervals, and JSON", limit=10):
        with timed("  of which the vote table"):
            votes = study_votes(study)
        report_json(build_report(votes, settings=report_settings(study)))
    print(f"  {len(votes):,} votes")


def csv_stream() -> None:
    """judgments.csv in pieces; the memory must not grow with the number of lines."""
    from analysis.files.csv import judgment_lines

    _streamed("every judgment as a line of CSV", judgment_lines)


def parquet_stream() -> None:
    """judgments.parquet in pieces; the memory must not grow with the number of row groups."""
    from analysis.files.parquet import judgment_chunks

    _streamed("every judgment in a Parquet file", judgment_chunks)


def exchange_streams() -> None:
    """The judgments in the columns of other tools."""
    from analysis.files.exchange import VOTE_FILES

    for name, lines in VOTE_FILES.items():
        _streamed(f"every judgment in {name}", lines)


def _streamed(what: str, written: Callable[[Any], Iterator[str] | Iterator[bytes]]) -> None:
    """Limits: 15 s for a million judgments, and MOST_GROWTH between an early and the last piece."""
    from analysis.votes.parts import judgment_parts
    from annotations.models import Study

    study = Study.objects.get(slug="bench")
    early, size = 0.0, 0
    with timed(what, limit=15 * COMPARISONS / 100_000):
        for number, piece in enumerate(written(judgment_parts(study))):
            size += len(piece)
            if number == EARLY_PIECE:
                early = peak_megabytes()
    growth = peak_megabytes() - early
    verdict = "met" if growth < MOST_GROWTH else "MISSED"
    grown = f"{growth:,.0f} MB more after the first {EARLY_PIECE} pieces"
    print(f"  {size:,} characters or bytes, {grown}  (limit {MOST_GROWTH} MB: {verdict})")


def books() -> None:
    """manage.py check_books of a study whose books agree, and of one with every seat wrong."""
    from annotations.models import Study
    from annotations.services.pairs.books import check_books, repair_books

    study = Study.objects.get(slug="bench")
    with timed("seats, leases and votes counted against each other", limit=30):
        assert check_books(study) == []
    study.comparisons.update(open_seats=1)
    with timed("every comparison's seats found to be wrong", limit=30):
        assert len(check_books(study)) == COMPARISONS
    with timed("and counted anew"):
        repair_books(study)
    assert check_books(study) == []


CASES: dict[str, Callable[[], None]] = {
    "report": report,
    "csv_stream": csv_stream,
    "parquet_stream": parquet_stream,
    "exchange_streams": exchange_streams,
    "books": books,
}


def run_case(name: str) -> None:
    case = CASES[name]
    print(f"{name}: {case.__doc__}", flush=True)
    before = peak_megabytes()
    case()
    print(f"  peak memory {peak_megabytes():,.0f} MB, of which {before:,.0f} MB before the case")


def main(names: list[str]) -> None:
    if names:
        django.setup()
        for name in names:
            fill() if name == "fill" else run_case(name)
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environment = {**os.environ, "DEBUG": "1", "VAR_DIR": folder}
        environment["DJANGO_SETTINGS_MODULE"] = "juice.settings"
        for name in ("fill", *CASES):
            command = [sys.executable, "-m", "bench.database", name]
            start = time.perf_counter()
            subprocess.run(command, check=True, env=environment)
            if name == "fill":
                print(f"filled in {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
