"""Whether a claim costs more where there is more: 1,000 comparisons beside 1,000,000.

python -m bench.growth             PostgreSQL; a private one, or the empty one of DATABASE_URL
python -m bench.growth 50000       another size instead of 1,000,000

Claims of a new rater and of one who judged 500 are timed in turn in both studies, at several
shares of comparisons that want nobody any more. Each is undone, so that the next finds the same.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django

from bench.claiming.__main__ import RNG, fill, judge_without_claiming, new_rater
from scripts.services import start_postgres

SMALL, LARGE = 1_000, 1_000_000
SHARES = (0, 10, 99)
"""Per cent of the comparisons that have their raters."""
VETERAN = 500
CLAIMS = 200
MOST_TIMES = 1.3


def timed_claim(rater: Any) -> float:
    """Seconds of a claim, which is undone; also of what the rater is then asked."""
    from django.db.models import F
    from django.utils import timezone

    from annotations.models import Assignment, Comparison
    from annotations.services.rating.asking import ask, show
    from annotations.services.rating.claiming import claim_assignment

    now = timezone.now()
    began = time.perf_counter()
    given = claim_assignment(rater=rater, now=now, rng=RNG)
    assert given is not None
    ask(show(given), now=now)
    seconds = time.perf_counter() - began
    Assignment.objects.filter(pk=given.pk).delete()
    Comparison.objects.filter(pk=given.comparison_id).update(open_seats=F("open_seats") + 1)
    return seconds


def close(study: Any, percent: int) -> None:
    """So many of its comparisons have their raters, evenly spread over the study."""
    from django.db.models import F

    spread = study.comparisons.alias(place=F("pk") % 100)
    spread.filter(place__lt=percent).update(open_seats=0)


def veteran_of(study: Any) -> Any:
    from django.db.models import F

    rater = new_rater(study)
    by_place = study.comparisons.order_by(F("pk") % 100, "pk").values_list("pk", flat=True)
    judge_without_claiming(rater, list(by_place[:VETERAN]))
    return rater


def main(large: int) -> None:
    from django.db import connection

    print(f"Filling studies of {SMALL:,} and {large:,} comparisons", flush=True)
    studies = fill((SMALL, large))
    raters = {
        who: {size: make(study) for size, study in studies.items()}
        for who, make in (("a new rater", new_rater), (f"one who judged {VETERAN}", veteran_of))
    }
    for percent in SHARES:
        for study in studies.values():
            close(study, percent)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        for who, of_size in raters.items():
            times: dict[int, list[float]] = {size: [] for size in studies}
            for _ in range(CLAIMS + 20):
                for size, rater in of_size.items():
                    times[size].append(timed_claim(rater))
            small, big = (1000 * statistics.median(own[20:]) for own in times.values())
            met = "met" if big <= MOST_TIMES * small else "MISSED"
            print(
                f"  {percent:2} % judged, {who:<20} median {small:6.2f} and {big:6.2f} ms: "
                f"{big / small:4.2f} times (at most {MOST_TIMES}: {met})",
                flush=True,
            )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        postgres = start_postgres(Path(folder))
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "juice.settings",
            "DEBUG": "0",
            "SECRET_KEY": "bench" * 10,
            "VAR_DIR": folder,
            "DATABASE_URL": postgres.url,
        }
        django.setup()
        try:
            main(int(sys.argv[1]) if len(sys.argv) > 1 else LARGE)
        finally:
            postgres.stop()
