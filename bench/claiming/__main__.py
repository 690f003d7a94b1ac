"""What a claim costs in studies of 1,000 and of 50,000 comparisons, 5 raters each.

python -m bench.claiming           on a temporary SQLite
python -m bench.claiming designs   orders and sides of several designs, simulated; no database

With DATABASE_URL set, an empty database of that server is used: plans and threads need PostgreSQL.
"""

from __future__ import annotations

import math
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice, product
from typing import Any

import django

SIZES = (1_000, 50_000)
SEATS = 5
CLAIMS = 300
VETERAN = 5_000
THREADS = 32
BATCH = 5_000
RNG = random.Random(20231117)


def fill(sizes: Sequence[int] = SIZES) -> dict[int, Any]:
    """A study of each size in one database, by size; they share clips, of which few are needed."""
    from django.core.management import call_command

    from annotations.models import Comparison, GenerativeModel, Prompt, Rendition, Stimulus
    from annotations.services.rating.ordering import new_place

    call_command("migrate", verbosity=0)
    models = [GenerativeModel.objects.create(name=name, slug=name) for name in ("ours", "theirs")]
    prompt = Prompt.objects.create(key="p", text="A fox", digest="d" * 64)
    common = {"kind": "video", "container": "mp4", "codec": "h264", "width": 512, "height": 512}
    common |= {"prompt": prompt, "frames": 64, "seconds": 4.0, "bytes": 1, "source": "bench"}
    clips_each = math.isqrt(max(sizes) - 1) + 1
    a_side, b_side = (
        Stimulus.objects.bulk_create(
            Stimulus(model=model, seed=seed, sha256=f"{model.slug}-{seed}", **common)
            for seed in range(clips_each)
        )
        for model in models
    )
    rendition = Rendition.objects.create(
        key="k" * 64, stimulus=a_side[0], profile="bench", plan={}, state="ready", file="bench.mp4"
    )
    shared = {"prompt": prompt, "rendition_a": rendition, "rendition_b": rendition}
    shared |= {"state": "ready", "open_seats": SEATS}
    studies = {size: _open_study(models, f"bench-{size}") for size in sizes}
    for size, study in studies.items():
        pairs = islice(product(a_side, b_side), size)
        rows = (
            Comparison(
                study=study, stimulus_a=a, stimulus_b=b, position=new_place(rng=RNG), **shared
            )
            for a, b in pairs
        )
        while batch := list(islice(rows, BATCH)):
            Comparison.objects.bulk_create(batch)
    return studies


def _open_study(models: list[Any], slug: str) -> Any:
    from annotations.models import Study
    from annotations.services.studies.states import create_study

    study = create_study(title=slug, slug=slug, models=models, raters_per_comparison=SEATS)
    Study.objects.filter(pk=study.pk).update(state="open", frozen_as=slug)
    return Study.objects.get(pk=study.pk)


def claim(rater: Any) -> float | None:
    """Claim a comparison and judge it at once; the seconds of the claim, None without one."""
    from django.utils import timezone

    from annotations.models import Assignment
    from annotations.services.rating.claiming import claim_assignment

    start = time.perf_counter()
    given = claim_assignment(rater=rater, now=timezone.now(), rng=RNG)
    seconds = time.perf_counter() - start
    if given is None:
        return None
    Assignment.objects.filter(pk=given.pk).update(
        state="submitted", submitted_at=timezone.now(), submission_id=uuid.uuid4()
    )
    return seconds


def new_rater(study: Any) -> Any:
    from annotations.models import Rater

    return Rater.objects.create(study=study, external_id=uuid.uuid4().hex)


def tell(what: str, seconds: list[float]) -> None:
    in_order = sorted(1000 * one for one in seconds)
    last = in_order[round(0.95 * (len(in_order) - 1))]
    middle = statistics.median(in_order)
    print(f"  {what:<66} median {middle:6.2f} ms, 95 % within {last:6.2f} ms", flush=True)


def time_claims(what: str, rater: Any, claims: int = CLAIMS) -> None:
    tell(what, [seconds for _ in range(claims) if (seconds := claim(rater)) is not None])


def judge_without_claiming(rater: Any, comparisons: list[Any]) -> None:
    """A rater who has judged these: rows as claims and answers would have left them."""
    from django.db.models import F
    from django.utils import timezone

    from annotations.models import Assignment, Comparison

    now = timezone.now()
    common = {"state": "submitted", "leased_at": now, "lease_expires_at": now, "submitted_at": now}
    for first in range(0, len(comparisons), BATCH):
        batch = comparisons[first : first + BATCH]
        Assignment.objects.bulk_create(
            Assignment(
                rater=rater,
                comparison_id=pk,
                side_a=RNG.choice(["left", "right"]),
                submission_id=uuid.uuid4(),
                **common,
            )
            for pk in batch
        )
        taken = Comparison.objects.filter(pk__in=batch)
        taken.update(open_seats=F("open_seats") - 1)


def explain(what: str, rater: Any) -> None:
    """The plans of the look-ups as a claim makes them."""
    from django.db import connection, transaction

    from annotations.services.rating.ordering import PLACES, free_for, new_place, on_arc

    if connection.vendor != "postgresql":
        return
    whose = rater.study_id, rater.pk
    free = on_arc(*whose, (new_place(rng=RNG), PLACES))
    most = free_for(*whose).values_list("open_seats")
    locked = free.select_for_update(skip_locked=True, of=("self",), no_key=True)
    for name, look_up in (("most open seats", most), ("the comparison", locked)):
        with transaction.atomic():
            plan = look_up[:1].explain(analyze=True, buffers=True)
        print(f"  {name}, {what}:\n    " + plan.replace("\n", "\n    "), flush=True)


@contextmanager
def old_snapshot() -> Iterator[None]:
    """Somebody who reads for long, such as a dump: no dead row may be forgotten meanwhile."""
    from django.db import connection

    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM annotations_study")
        yield
        cursor.execute("ROLLBACK")
    other.close()


def crowd(study: Any, claims_each: int) -> None:
    """Raters in threads, all claiming at once."""
    from django.db import connection

    def work(_: int) -> list[float]:
        rater = new_rater(study)
        try:
            return [s for _ in range(claims_each) if (s := claim(rater)) is not None]
        finally:
            connection.close()

    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        seconds = [one for own in threads.map(work, range(THREADS)) for one in own]
    rate = len(seconds) / (time.perf_counter() - start)
    tell(f"{THREADS} threads at once, {study.slug}, {rate:.0f} claims a second", seconds)
    open_seats = Counter(study.comparisons.values_list("open_seats", flat=True))
    print(f"    comparisons by open seats: {dict(sorted(open_seats.items(), reverse=True))}")


def main() -> None:
    from django.db import connection

    is_server = connection.vendor == "postgresql"
    studies = fill()
    explain("a new rater, before the database knows the tables", new_rater(studies[SIZES[-1]]))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for size, study in studies.items():
        explain(f"a new rater, {size:,} comparisons", new_rater(study))
        time_claims(f"a new rater, {size:,} comparisons", new_rater(study))
    large = studies[SIZES[-1]]
    in_order = large.comparisons.with_free_seat().values_list("pk", flat=True)
    veteran, ends_alone = new_rater(large), new_rater(large)
    judge_without_claiming(veteran, list(in_order[:VETERAN]))
    explain(f"a rater who judged {VETERAN:,}", veteran)
    time_claims(f"a rater who judged {VETERAN:,}", veteran)
    if is_server:
        crowd(studies[SIZES[0]], 20)
        crowd(large, 100)
        with old_snapshot():
            crowd(large, 300)
            time_claims("10,000 dead rows that must be kept for a reader", new_rater(large))
    # The worst there can be: all that wants raters most was judged by the one who claims.
    large.comparisons.filter(open_seats__gt=1).update(open_seats=1)
    judge_without_claiming(ends_alone, list(in_order[:VETERAN]))
    large.comparisons.filter(assignments__rater=ends_alone).update(open_seats=2)
    explain(f"a rater who judged the {VETERAN:,} first in line", ends_alone)
    time_claims(f"a rater who judged the {VETERAN:,} first in line", ends_alone, 30)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "juice.settings")
        # Without DEBUG, in which Django keeps every query.
        os.environ |= {"DEBUG": "0", "SECRET_KEY": "bench" * 10, "VAR_DIR": folder}
        os.environ["DATABASE_POOL_SIZE"] = str(THREADS + 8)
        django.setup()
        if sys.argv[1:] == ["designs"]:
            from bench.claiming.designs import tell_designs

            tell_designs()
        else:
            main()
