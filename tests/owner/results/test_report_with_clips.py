"""The report as one file with the clips of its examples."""

from __future__ import annotations

import base64
import csv
import re
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.urls import reverse

from analysis.models import Report
from analysis.page.clips import page_with_clips
from analysis.services.making import compute_report_now
from analysis.tasks import compute
from annotations.services.studies.states import create_study
from tests.annotations.factories import (
    CLIP_BYTES,
    NOW,
    judge_for,
    make_model,
    make_prompt,
    make_rater,
    make_stimulus,
    make_study,
)

pytestmark = pytest.mark.django_db
CLIP = f'src="data:video/mp4;base64,{base64.b64encode(CLIP_BYTES).decode()}"'


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setattr(compute, "apply_async", lambda *args, **options: None)


def reported_study(comparisons: int = 2):
    """Two raters for every comparison, who agree on each."""
    study = make_study(comparisons=comparisons, raters_per_comparison=2)
    for _ in range(2):
        rater = make_rater(study)
        for _ in range(comparisons):
            judge_for(rater, "a")
    return study, compute_report_now(study=study, now=NOW)


def stored_page(report) -> str:
    with report.page.open() as file:
        return file.read().decode()


def download(client, study):
    return client.get(reverse("owner-report-with-clips", args=[study.slug]))


def test_an_owner_gets_a_file_with_both_clips_of_every_example(owner):
    study, _ = reported_study(comparisons=2)
    answer = download(owner, study)
    page = b"".join(answer.streaming_content).decode()
    assert page.count(CLIP) == 4
    assert "data-comparison" not in page
    expected = f'attachment; filename="{study.slug}-report-with-clips.html"'
    assert answer.headers["Content-Disposition"] == expected


def test_the_clips_carry_the_names_of_their_models():
    study, report = reported_study(comparisons=1)
    page = "".join(page_with_clips(stored_page(report), study))
    captions = re.findall(r"<figure><figcaption>([^<]*)</figcaption>", page)
    assert captions == [row.model.name for row in study.study_models.all()]


def test_nobody_else_gets_it(client):
    study, _ = reported_study(comparisons=1)
    assert download(client, study).status_code == 302


def test_the_report_behind_its_link_has_no_clips(client):
    study, _ = reported_study(comparisons=1)
    answer = client.get(reverse("report", args=[study.report_token]))
    page = b"".join(answer.streaming_content)
    answer.close()
    assert b"This file is without clips." in page
    assert b"data:video" not in page


def test_beyond_the_limit_examples_say_that_their_clips_are_left_out():
    study, report = reported_study(comparisons=3)
    room = 2 * 4 * -(-len(CLIP_BYTES) // 3)
    page = "".join(page_with_clips(stored_page(report), study, most_bytes=room))
    assert page.count(CLIP) == 2
    assert page.count("The file would be too large with these clips.") == 2


def test_clips_that_are_gone_are_said_to_be():
    study, report = reported_study(comparisons=1)
    default_storage.delete(study.comparisons.get().rendition_b.file.name)
    page = "".join(page_with_clips(stored_page(report), study))
    assert "These clips are gone." in page
    assert "data:video" not in page


def test_a_comparison_of_another_study_is_never_embedded():
    study, report = reported_study(comparisons=1)
    other = make_study(comparisons=1).comparisons.get()
    page = stored_page(report)
    asked = page.replace(f'comparison="{study.comparisons.get().pk}"', f'comparison="{other.pk}"')
    assert "data:video" not in "".join(page_with_clips(asked, study))


def test_a_picture_is_embedded_as_one():
    study, report = reported_study(comparisons=1)
    rendition = study.comparisons.get().rendition_a
    rendition.file.name = default_storage.save("renditions/one.png", ContentFile(CLIP_BYTES))
    rendition.save()
    page = "".join(page_with_clips(stored_page(report), study))
    assert 'src="data:image/png;base64,' in page


def test_before_there_is_a_report_the_owner_is_asked_to_wait(owner):
    study = make_study()
    answer = owner.get(reverse("owner-report-with-clips", args=[study.slug]), follow=True)
    assert "The report is being made." in answer.content.decode()
    assert Report.objects.get().study == study


def test_a_command_writes_a_study_with_or_without_clips(tmp_path):
    study, _ = reported_study(comparisons=1)
    call_command("report", study.slug, out=tmp_path, stdout=StringIO())
    names = {path.name for path in tmp_path.iterdir()}
    assert {"report.html", "judgments.csv", "renditions.csv", "generation.csv"} <= names
    assert "report-with-clips.html" not in names
    call_command("report", study.slug, out=tmp_path, with_clips=True, stdout=StringIO())
    assert (tmp_path / "report-with-clips.html").read_text().count(CLIP) == 2


def test_the_command_tells_how_each_clip_came_about(tmp_path):
    models, prompt = [make_model("one"), make_model("two")], make_prompt()
    study = create_study(title="S", slug="s", models=models, prompts=[prompt])
    for model in models:
        make_stimulus(model, prompt, study=study)
    call_command("report", study.slug, out=tmp_path, stdout=StringIO())
    with (tmp_path / "generation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["prompt"] for row in rows] == [prompt.text] * 2


def test_the_command_names_a_study_that_there_is_not(tmp_path):
    with pytest.raises(CommandError, match="There is no study “none”"):
        call_command("report", "none", out=tmp_path)
