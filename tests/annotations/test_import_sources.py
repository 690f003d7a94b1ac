"""Finished clips of models that start from more than a text come in with what they started from."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotations.enums import ImportState
from annotations.errors import ImportRefused
from annotations.models import Prompt, Stimulus, Study
from annotations.services.clips.importing import (
    check_row,
    finish_checked_imports,
    import_clips,
    lease_due_rows,
    problems_of,
)
from annotations.services.clips.manifests import read_clips
from annotations.services.clips.prompt_lists import PromptText
from annotations.services.clips.registering import get_or_create_prompt
from annotations.services.clips.uploads import start_upload
from annotations.services.studies.states import create_study, set_prompts, start_preparing
from tests.media.clips import make_clip, make_still

pytestmark = pytest.mark.django_db

SMALL = {"width": 64, "height": 64, "fps": 8}


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two models' clips of one prompt, and the picture that both started from."""
    for model in ("aurora", "drift"):
        (tmp_path / model).mkdir()
        make_clip(tmp_path / model / "fox.mp4", **SMALL, frames=len(model) + 4)
    (tmp_path / "sources").mkdir()
    make_still(tmp_path / "sources" / "fox.png")
    (tmp_path / "prompts.csv").write_text("prompt_id,prompt\nfox,The fox runs away\n")
    return tmp_path


def files_in_store() -> set[str]:
    root = Path(default_storage.location)
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_a_folder_of_sources_comes_in_with_the_clips(folder):
    call_command("import_clips", folder, study="run")
    study = Study.objects.get(slug="run")
    prompt = study.prompts.get()
    assert (study.kind, prompt.source_kind) == ("image-to-video", "image")
    assert default_storage.exists(prompt.source.name)
    assert default_storage.exists(prompt.shown_source.name)
    assert study.roster.count() == 2
    start_preparing(study=study)


def manifest_of(folder: Path, *rows: str) -> Path:
    path = folder / "manifest.csv"
    path.write_text("\n".join(["prompt_id,prompt,model,path,source", *rows]) + "\n")
    return path


BOTH = ("fox,The fox,aurora,aurora/fox.mp4,{}", "fox,The fox,drift,drift/fox.mp4,{}")


def test_a_manifest_names_each_rows_source(folder):
    rows = [row.format("sources/fox.png") for row in BOTH]
    result = import_clips(manifest=read_clips(manifest_of(folder, *rows)))
    [prompt] = result.prompts
    assert prompt.source_sha256
    assert (result.added, result.source_kinds) == (2, {"image"})
    again = import_clips(manifest=read_clips(folder / "manifest.csv"))
    assert (again.added, Prompt.objects.count()) == (0, 1)


def test_ready_pairs_have_a_source_too(folder):
    path = folder / "manifest.csv"
    path.write_text(
        "prompt,model_a,video_a,model_b,video_b,source\n"
        "The fox,aurora,aurora/fox.mp4,drift,drift/fox.mp4,sources/fox.png\n"
    )
    [prompt] = import_clips(manifest=read_clips(path)).prompts
    assert prompt.source_kind == "image"


@pytest.mark.parametrize(
    ("clip", "source", "kind"),
    [
        ("fox.mp4", "past.mp4", "video-extension"),
        ("fox.png", "before.png", "image-editing"),
        ("fox.mp4", "first.png", "image-to-video"),
    ],
)
def test_a_new_study_is_of_the_kind_that_its_files_say(tmp_path, clip, source, kind):
    def make(path: Path, frames: int) -> None:
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".png":
            make_still(path, width=40 + 8 * frames)
        else:
            make_clip(path, **SMALL, frames=frames)

    for number, name in enumerate((f"aurora/{clip}", f"drift/{clip}", source)):
        make(tmp_path / name, 8 + number)
    rows = [f"fox,The fox,{model},{model}/{clip},{source}" for model in ("aurora", "drift")]
    manifest_of(tmp_path, *rows)
    call_command("import_clips", tmp_path, study="run")
    assert Study.objects.get().kind == kind


def test_a_study_that_has_the_source_needs_none_in_the_rows(folder):
    call_command("import_clips", folder, study="run")
    study, prompt = Study.objects.get(), Prompt.objects.get()
    make_clip(folder / "aurora" / "fox.mp4", **SMALL, frames=20)
    rows = ["fox,The fox runs away,aurora,aurora/fox.mp4,"]
    (folder / "more.csv").write_text("\n".join(["prompt_id,prompt,model,path,source", *rows]))
    result = import_clips(manifest=read_clips(folder / "more.csv"), study=study, replaces=True)
    assert (result.added, Prompt.objects.get()) == (1, prompt)
    assert {entry.prompt for entry in study.roster.all()} == {prompt}


def test_a_draft_whose_prompts_were_pasted_takes_the_sources(folder):
    pasted = get_or_create_prompt(PromptText("fox", "The fox runs away"))
    study = create_study(title="S", slug="s", kind="image-to-video")
    set_prompts(study=study, prompts=[pasted])
    import_clips(manifest=read_clips(folder), study=study)
    assert study.prompts.get().source_kind == "image"
    assert study.roster.count() == 2


def test_another_source_for_a_studys_prompt_is_refused(folder):
    call_command("import_clips", folder, study="run")
    make_still(folder / "sources" / "fox.png", width=96)
    make_clip(folder / "aurora" / "fox.mp4", **SMALL, frames=20)
    with pytest.raises(ImportRefused) as refusal:
        import_clips(manifest=read_clips(folder), study=Study.objects.get(), replaces=True)
    assert "has another source in this study" in refusal.value.problems[0]


def test_one_prompt_has_one_source(folder):
    make_still(folder / "sources" / "other.png", width=96)
    manifest = read_clips(
        manifest_of(folder, BOTH[0].format("sources/fox.png"), BOTH[1].format("sources/other.png"))
    )
    [problem] = manifest.problems
    assert str(problem) == "Line 3: prompt fox starts from another source than at Line 2."


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("no picture"), Path.unlink])
def test_a_source_that_cannot_be_used_is_named_and_nothing_stays(folder, spoil):
    manifest = read_clips(folder)
    spoil(folder / "sources" / "fox.png")
    before = files_in_store()
    with pytest.raises(ImportRefused) as refusal:
        import_clips(manifest=manifest)
    assert "fox.png" in refusal.value.problems[0]
    assert (files_in_store(), Prompt.objects.count(), Stimulus.objects.count()) == (before, 0, 0)


def test_a_dry_run_looks_at_sources_and_keeps_none(folder):
    before = files_in_store()
    assert import_clips(manifest=read_clips(folder), is_dry_run=True).added == 2
    assert (files_in_store(), Prompt.objects.count()) == (before, 0)


def test_a_source_that_no_clip_needs_is_named(folder):
    make_still(folder / "sources" / "boat.png")
    notes = read_clips(folder).notes
    assert any(note.startswith("sources/boat.png was passed over") for note in notes)


def test_a_missing_source_is_named_with_its_line(folder):
    manifest = read_clips(manifest_of(folder, BOTH[0].format("gone.png")))
    assert [str(one) for one in manifest.problems] == ["Line 2: there is no file gone.png."]


def test_an_upload_brings_its_sources(folder, tmp_path):
    study = create_study(title="S", slug="s", kind="image-to-video")
    archive = tmp_path / "clips.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name in ("aurora/fox.mp4", "drift/fox.mp4", "sources/fox.png", "prompts.csv"):
            packed.write(folder / name, name)
    before = files_in_store()
    begun = start_upload(upload=archive, name="clips.zip", study=study)
    for row_id in lease_due_rows(now=timezone.now()):
        check_row(row_id=row_id, now=timezone.now())
    finish_checked_imports(now=timezone.now())
    begun.refresh_from_db()
    assert (begun.state, problems_of(begun)) == (ImportState.DONE, [])
    assert study.prompts.get().source_kind == "image"
    assert not any(name.startswith("uploads/") for name in files_in_store() - before)


def test_a_source_outside_of_an_upload_is_refused(folder, tmp_path):
    rows = "fox,The fox,aurora,aurora/fox.mp4,../secret.png"
    make_still(tmp_path.parent / "secret.png")
    archive = tmp_path / "clips.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(folder / "aurora" / "fox.mp4", "aurora/fox.mp4")
        packed.writestr("manifest.csv", f"prompt_id,prompt,model,path,source\n{rows}\n")
    begun = start_upload(upload=archive, name="clips.zip", study=create_study(title="S", slug="s"))
    [problem] = problems_of(begun)
    assert problem.startswith("Line 2: ")


def test_prompts_with_sources_are_added_to_an_open_study(folder, tmp_path):
    call_command("import_clips", folder, study="run")
    Study.objects.update(state="open")
    make_still(tmp_path / "boat.png", width=80)
    table = tmp_path / "more.csv"
    table.write_text("prompt_id,prompt,source\nboat,The boat turns,boat.png\n")
    call_command("amend_study", "run", prompts=table, reason="More to judge.")
    study = Study.objects.get()
    assert study.prompts.get(key="boat").source_kind == "image"
    assert study.amendments.get().facts == {"prompts": ["boat"]}
    before = files_in_store()
    make_still(tmp_path / "kite.png", width=90)
    table.write_text("prompt_id,prompt,source\nkite,A kite,kite.png\n")
    with pytest.raises(CommandError, match="Say why"):
        call_command("amend_study", "run", prompts=table)
    assert (files_in_store(), Prompt.objects.filter(key="kite").exists()) == (before, False)


def test_prompts_without_the_source_that_a_study_needs_are_refused(folder, tmp_path):
    call_command("import_clips", folder, study="run")
    Study.objects.update(state="open")
    table = tmp_path / "more.csv"
    table.write_text("prompt_id,prompt\nboat,The boat turns\n")
    with pytest.raises(CommandError, match="source"):
        call_command("amend_study", "run", prompts=table, reason="More to judge.")
