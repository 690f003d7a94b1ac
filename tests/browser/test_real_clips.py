"""Real clips of published models, from their manifest to a report."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from analysis.services.making import compute_report_now
from annotations.models import Study
from annotations.services.pairs.preparing import (
    lease_due_renditions,
    make_rendition,
    sync_all_comparisons,
)
from annotations.services.studies.states import close_study, open_study
from tests.browser.rater import RaterAtBrowser

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "clips" / "open"

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CLIPS.exists(), reason="the shared clips are not on this machine"),
]


@pytest.fixture
def study() -> Study:
    """modelscope against zeroscope on 15 prompts: MP4 and GIF of different sizes and rates."""
    call_command(
        "import_clips",
        CLIPS / "manifest.csv",
        study="open-clips",
        models=["modelscope", "zeroscope"],
        prepare=True,
    )
    Study.objects.update(raters_per_comparison=1)
    sync_all_comparisons(now=timezone.now())
    now = timezone.now()
    for rendition_id in lease_due_renditions(now=now):
        make_rendition(rendition_id=rendition_id, now=now)
    study = Study.objects.get()
    open_study(study=study, now=now)
    return study


def test_real_clips_are_prepared_rated_and_reported(page, live_server, study):
    assert study.comparisons.ready().count() == 15
    rater = RaterAtBrowser(page, live_server.url, study.slug)
    rater.start()
    for _ in range(15):
        rater.judge("left", "left")
    rater.page.wait_for_url("**/done/")
    close_study(study=study, now=timezone.now())
    report = compute_report_now(study=study)

    results = json.loads(report.content)["results"]
    lefts = study.comparisons.filter(assignments__side_a="left").count()
    # The rater pressed Left throughout: model a wins where it was on the left.
    assert [result["win_rate"]["wins"] for result in results] == [lefts, lefts]
    assert [result["win_rate"]["losses"] for result in results] == [15 - lefts] * 2
    rows = list(csv.DictReader(io.StringIO(report.files["win_rates.csv"])))
    assert [(row["model_a"], row["model_b"], row["n"]) for row in rows] == [
        ("modelscope", "zeroscope", "15")
    ] * 2
