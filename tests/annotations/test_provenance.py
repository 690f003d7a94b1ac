"""What a study says of the clips its raters saw."""

from __future__ import annotations

import pytest

from annotations.models import Rendition
from annotations.services.clips.importing import import_clips
from annotations.services.clips.manifests import read_clips
from annotations.services.clips.registering import import_into_study
from annotations.services.pairs.preparing import (
    lease_due_renditions,
    make_rendition,
    sync_comparisons,
)
from annotations.services.pairs.provenance import RENDITION_COLUMNS, rendition_rows, shown_clips
from annotations.services.studies.states import start_preparing
from tests.annotations.factories import NOW, make_comparison, make_study
from tests.media.clips import make_clip

pytestmark = pytest.mark.django_db


@pytest.fixture
def prepared(tmp_path):
    """Two prompts; one model's clips are wide and fast, the other's square and slow."""
    for model, shape in {
        "aurora": {"width": 128, "height": 72, "fps": 24, "frames": 48},
        "drift": {"width": 64, "height": 64, "fps": 8, "frames": 12},
    }.items():
        (tmp_path / model).mkdir()
        for key in ("fox", "boat"):
            make_clip(tmp_path / model / f"{key}.mp4", **shape)
    (tmp_path / "prompts.csv").write_text("prompt_id,prompt\nfox,A fox\nboat,A boat\n")
    result = import_clips(manifest=read_clips(tmp_path))
    study = import_into_study(result=result, slug="foxes")
    start_preparing(study=study)
    sync_comparisons(study=study)
    for rendition_id in lease_due_renditions(now=NOW):
        make_rendition(rendition_id=rendition_id, now=NOW)
    return study


def test_the_shapes_before_and_after_are_counted_by_model(prepared):
    rows = [(one.model, one.clips, str(one.made), str(one.shown)) for one in shown_clips(prepared)]
    shown = "12 x 64 x 64, 8 fps, 1.50 s"
    assert rows == [
        ("aurora", 2, "48 x 72 x 128, 24 fps, 2.00 s", shown),
        ("drift", 2, "12 x 64 x 64, 8 fps, 1.50 s", shown),
    ]


def test_the_export_tells_what_each_rendition_was_made_from(prepared):
    rows = list(rendition_rows(prepared))
    assert [tuple(row) for row in rows] == [RENDITION_COLUMNS] * 4
    wide = next(row for row in rows if row["model"] == "aurora")
    rendition = Rendition.objects.get(sha256=wide["rendition_sha256"])
    assert wide["source_sha256"] == rendition.stimulus.sha256
    assert wide["filters"].startswith("trim=start=0.250000:duration=1.500000,select=")
    assert "crop=72:72:28:0,scale=64:64" in wide["filters"]
    assert (wide["frames"], wide["fps"], wide["seconds"]) == (12, 8.0, 1.5)


def test_the_number_of_queries_does_not_grow(django_assert_num_queries):
    study = make_study(comparisons=3)
    with django_assert_num_queries(2):
        shown_clips(study)
    with django_assert_num_queries(1):
        assert len(list(rendition_rows(study))) == 6


def test_comparisons_that_are_not_ready_were_not_seen():
    study = make_study(comparisons=0)
    make_comparison(study, state="failed")
    assert shown_clips(study) == []
