import zipfile
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from annotations.errors import ImportRefused, NameRefused
from annotations.media.errors import TooSlow
from annotations.media.inspection import inspect_media
from annotations.models import GenerativeModel, Prompt, Stimulus, Study
from annotations.services.clips import importing
from annotations.services.clips.importing import import_clips
from annotations.services.clips.manifests import read_clips
from annotations.services.clips.prompt_lists import key_of, read_prompts
from annotations.services.clips.registering import import_into_study
from annotations.services.clips.uploads import keep_inside, unpack_upload
from annotations.services.studies.states import create_study, model_pairs
from tests.media.clips import make_clip

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    """Two models, two prompts, as a lab keeps them."""
    for model in ("aurora", "drift"):
        (tmp_path / model).mkdir()
        for number, key in enumerate(("fox", "boat")):
            make_clip(
                tmp_path / model / f"{key}.mp4",
                width=64 if model == "aurora" else 96,
                height=64,
                fps=8,
                frames=8 + number,
            )
    (tmp_path / "prompts.csv").write_text('prompt_id,prompt\nfox,"A fox, running"\nboat,A boat\n')
    return tmp_path


def write_manifest(folder: Path, *rows: str) -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join(["prompt_id,prompt,model,path,seed", *rows]) + "\n")
    return path


def test_a_folder_of_models_is_imported(folder):
    result = import_clips(manifest=read_clips(folder))
    assert (result.added, GenerativeModel.objects.count(), Prompt.objects.count()) == (4, 2, 2)
    assert Prompt.objects.get(key="fox").text == "A fox, running"


def test_a_stimulus_says_what_the_clip_is(folder):
    import_clips(manifest=read_clips(folder))
    clip = Stimulus.objects.get(model__name="drift", prompt__key="boat")
    assert (clip.width, clip.height, clip.fps, clip.frames) == (96, 64, 8.0, 9)
    assert default_storage.size(clip.file.name) == clip.bytes


def test_importing_again_adds_nothing(folder):
    import_clips(manifest=read_clips(folder))
    again = import_clips(manifest=read_clips(folder))
    assert (again.added, again.already_there, Stimulus.objects.count()) == (0, 4, 4)


def test_a_csv_manifest_is_imported_with_its_seeds(folder):
    manifest = write_manifest(
        folder, "fox,A fox,aurora,aurora/fox.mp4,1", "fox,A fox,aurora,aurora/boat.mp4,2"
    )
    import_clips(manifest=read_clips(manifest))
    assert sorted(Stimulus.objects.values_list("seed", flat=True)) == [1, 2]


def test_a_jsonl_manifest_is_imported(folder):
    manifest = folder / "list.jsonl"
    manifest.write_text(
        '{"prompt_id": "fox", "prompt": "A \\"quick\\" fox", "model": "m", '
        '"path": "aurora/fox.mp4", "seed": 3}\n'
    )
    import_clips(manifest=read_clips(manifest))
    assert Prompt.objects.get().text == 'A "quick" fox'


def test_every_bad_line_of_a_manifest_is_named(folder):
    manifest = write_manifest(
        folder,
        "fox,A fox,aurora,aurora/fox.mp4,0",
        "fox,A fox,,aurora/fox.mp4,0",
        "boat,A boat,aurora,aurora/missing.mp4,0",
        "boat,A boat,aurora,aurora/boat.mp4,many",
        "fox,A fox,aurora,aurora/boat.mp4,0",
        "fox,Another fox,drift,drift/fox.mp4,0",
    )
    assert [str(problem) for problem in read_clips(manifest).problems] == [
        "Line 3: model missing.",
        "Line 4: there is no file aurora/missing.mp4.",
        "Line 5: the seed “many” is no whole number from 0 to 18446744073709551615. Give one.",
        "Line 6: aurora already has a clip for prompt fox and seed 0 (Line 2).",
        "Line 7: prompt fox has another text than at Line 2.",
    ]


def cut_in_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    "spoil",
    [cut_in_half, lambda path: path.write_bytes(b""), lambda path: path.write_text("not a video")],
    ids=["corrupt", "empty", "text"],
)
def test_one_bad_clip_and_nothing_is_imported(folder, spoil):
    spoil(folder / "drift" / "boat.mp4")
    with pytest.raises(ImportRefused) as refusal:
        import_clips(manifest=read_clips(folder))
    assert [text.split(":")[0] for text in refusal.value.problems] == ["drift/boat.mp4"]
    assert (Stimulus.objects.count(), Prompt.objects.count()) == (0, 0)


def test_other_bytes_for_a_place_of_the_study_that_is_taken_are_refused(folder):
    study = create_study(title="S", slug="s")
    import_clips(manifest=read_clips(folder), study=study)
    make_clip(folder / "drift" / "boat.mp4", width=64, height=64, fps=8, frames=20)
    with pytest.raises(ImportRefused, match="Nothing was imported: 1 row") as refusal:
        import_clips(manifest=read_clips(folder), study=study)
    assert "seed 0 in this study" in refusal.value.problems[0]
    assert (Stimulus.objects.count(), study.roster.count()) == (4, 4)


def test_what_is_new_is_counted_in_the_study(folder):
    import_clips(manifest=read_clips(folder))
    study = create_study(title="S", slug="s")
    tried = import_clips(manifest=read_clips(folder), study=study, is_dry_run=True)
    result = import_clips(manifest=read_clips(folder), study=study)
    again = import_clips(manifest=read_clips(folder), study=study)
    assert (tried.added, result.added, again.added, again.already_there) == (4, 4, 0, 4)
    assert (Stimulus.objects.count(), study.roster.count()) == (4, 4)


def test_a_clip_without_a_prompt_is_named(folder):
    (folder / "prompts.csv").write_text("prompt_id,prompt\nfox,A fox\n")
    assert [problem.where for problem in read_clips(folder).problems] == [
        "aurora/boat.mp4",
        "drift/boat.mp4",
    ]


def test_the_command_makes_a_study_of_the_named_models_in_their_order(folder):
    call_command("import_clips", folder, study="foxes", models=["drift", "aurora"])
    study = Study.objects.get(slug="foxes")
    assert [row.model.name for row in study.study_models.all()] == ["drift", "aurora"]
    assert list(study.study_prompts.values_list("prompt__key", flat=True)) == ["boat", "fox"]


def test_the_command_names_the_models_there_are(folder):
    with pytest.raises(CommandError, match="there are: aurora, drift"):
        call_command("import_clips", folder, models=["pika"])


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in folder.rglob("*"):
            if path.is_file() and path != target:
                archive.write(path, path.relative_to(folder))
    return target


def test_a_zip_of_the_folder_is_unpacked_and_imported(folder, tmp_path_factory):
    archive = zipped(folder, tmp_path_factory.mktemp("upload") / "clips.zip")
    target = tmp_path_factory.mktemp("unpacked")
    root = unpack_upload(archive, target)
    assert import_clips(manifest=keep_inside(read_clips(root), target)).added == 4


def test_a_zip_that_is_none_is_refused(tmp_path):
    (tmp_path / "clips.zip").write_text("no archive")
    with pytest.raises(ImportRefused, match="Nothing was imported"):
        unpack_upload(tmp_path / "clips.zip", tmp_path)


def test_a_name_that_points_outside_of_the_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "clips.zip", "w") as archive:
        archive.writestr("../outside.mp4", b"x")
    with pytest.raises(ImportRefused) as refusal:
        unpack_upload(tmp_path / "clips.zip", tmp_path)
    assert refusal.value.problems == ["../outside.mp4: the name points outside of the archive."]


def test_a_manifest_of_an_upload_cannot_reach_other_files(folder, tmp_path_factory):
    inside = tmp_path_factory.mktemp("inside")
    manifest = inside / "manifest.csv"
    manifest.write_text(f"prompt_id,prompt,model,path\nfox,A fox,m,{folder}/aurora/fox.mp4\n")
    kept = keep_inside(read_clips(inside), inside)
    assert kept.rows == []
    assert [str(problem) for problem in kept.problems] == [
        "Line 2: the file lies outside of the upload."
    ]


def test_pasted_prompts_get_the_same_ids_everywhere():
    prompts = read_prompts("A fox in the snow\n\n  A boat \nA fox in the snow\n", name="pasted.txt")
    assert [prompt.text for prompt in prompts] == ["A fox in the snow", "A boat"]
    assert prompts[0].key == key_of("A fox in the snow")


def test_a_csv_of_prompts_names_its_bad_line():
    with pytest.raises(ImportRefused) as refusal:
        read_prompts("prompt_id,prompt\na,A fox\nb,\n", name="prompts.csv")
    assert refusal.value.problems == ["Line 3: the prompt is missing (column `prompt`)."]


def test_one_id_with_two_texts_is_refused():
    with pytest.raises(ImportRefused, match="Nothing was imported"):
        read_prompts("prompt_id,prompt\na,A fox\na,A boat\n", name="prompts.csv")


def test_with_keep_going_the_good_rows_are_imported_and_the_bad_ones_named(folder):
    cut_in_half(folder / "drift" / "boat.mp4")
    manifest = write_manifest(
        folder,
        "fox,A fox,drift,drift/fox.mp4,0",
        "boat,A boat,drift,drift/boat.mp4,0",
        "boat,A boat,drift,drift/gone.mp4,0",
    )
    result = import_clips(manifest=read_clips(manifest), keep_going=True)
    assert (result.added, Stimulus.objects.count()) == (1, 1)
    assert [text.split(":")[0] for text in result.problems] == ["Line 3", "Line 4"]
    assert [prompt.key for prompt in result.prompts] == ["fox"]


def test_a_dry_run_says_what_would_happen_and_writes_nothing(folder):
    import_clips(manifest=write_and_read(folder, "fox,A fox,aurora,aurora/fox.mp4,0"))
    files = stored_files()
    result = import_clips(manifest=read_clips(folder), is_dry_run=True)
    assert (result.added, result.already_there) == (4, 0)
    assert (Stimulus.objects.count(), Prompt.objects.count()) == (1, 1)
    assert stored_files() == files


def write_and_read(folder: Path, *rows: str):
    return read_clips(write_manifest(folder, *rows))


def stored_files() -> set[str]:
    """Everything in the store."""
    root = Path(default_storage.path(""))
    return {str(path) for path in root.rglob("*") if path.is_file()}


def test_a_refused_import_leaves_no_file_behind(folder):
    before = stored_files()
    cut_in_half(folder / "drift" / "boat.mp4")
    with pytest.raises(ImportRefused):
        import_clips(manifest=read_clips(folder))
    assert stored_files() <= before


def test_a_refused_import_keeps_the_files_that_others_use(folder):
    import_clips(manifest=write_and_read(folder, "fox,A fox,aurora,aurora/fox.mp4,0"))
    rows = ("fox,A fox,copy,aurora/fox.mp4,0", "boat,A boat,copy,aurora/gone.mp4,0")
    with pytest.raises(ImportRefused):
        import_clips(manifest=write_and_read(folder, *rows))
    assert default_storage.exists(Stimulus.objects.get().file.name)


def test_a_clip_that_a_busy_machine_did_not_finish_is_tried_again_last(folder, monkeypatch):
    looked_at = []

    def look(path):
        looked_at.append(path.name)
        if len(looked_at) == 1:
            raise TooSlow("too busy.")
        return inspect_media(path)

    monkeypatch.setattr(importing, "inspect_media", look)
    result = import_clips(manifest=read_clips(folder))
    assert result.problems == ()
    assert looked_at[0] == looked_at[-1]
    assert len(looked_at) == result.added + 1


def test_an_interrupted_import_goes_on_where_it_stopped(folder, monkeypatch):
    looked_at = []

    def look(path):
        if len(looked_at) == 2:
            raise KeyboardInterrupt
        looked_at.append(path)
        return inspect_media(path)

    monkeypatch.setattr(importing, "inspect_media", look)
    with pytest.raises(KeyboardInterrupt):
        import_clips(manifest=read_clips(folder))
    assert Stimulus.objects.count() == 0

    monkeypatch.setattr(
        importing, "inspect_media", lambda path: looked_at.append(path) or inspect_media(path)
    )
    assert import_clips(manifest=read_clips(folder)).added == 4
    assert len(looked_at) == len(set(looked_at)) == 4


def test_a_clip_that_changed_since_it_was_listed_is_what_is_on_the_disk(folder):
    manifest = read_clips(folder)
    (folder / "drift" / "boat.mp4").unlink()
    with pytest.raises(ImportRefused) as refusal:
        import_clips(manifest=manifest)
    assert "boat.mp4: it cannot be read" in refusal.value.problems[0]


def test_ready_pairs_become_the_pairs_that_a_study_compares(folder):
    manifest = folder / "pairs.csv"
    manifest.write_text(
        "prompt_id,prompt,model_a,video_a,model_b,video_b\n"
        "fox,A fox,aurora,aurora/fox.mp4,drift,drift/fox.mp4\n"
        "boat,A boat,aurora,aurora/boat.mp4,drift,drift/boat.mp4\n"
        "fox,A fox,aurora,aurora/fox.mp4,third,drift/boat.mp4\n"
    )
    result = import_clips(manifest=read_clips(manifest))
    study = import_into_study(result=result, slug="pairs")
    assert result.added == 5
    assert [(first.name, second.name) for first, second in model_pairs(study)] == [
        ("aurora", "drift"),
        ("aurora", "third"),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("A fox,aurora,aurora/fox.mp4,drift,", "Line 2: video_b missing."),
        (
            "A fox,aurora,aurora/fox.mp4,aurora,drift/fox.mp4",
            "Line 2: model_a and model_b are the same.",
        ),
        (
            "A fox,aurora,gone.mp4,drift,drift/fox.mp4",
            "Line 2: there is no file gone.mp4.",
        ),
    ],
)
def test_a_bad_pair_is_named(folder, row, problem):
    manifest = folder / "pairs.csv"
    manifest.write_text(f"prompt,model_a,video_a,model_b,video_b\n{row}\n")
    assert [str(one) for one in read_clips(manifest).problems] == [problem]


def test_bad_lines_of_a_jsonl_manifest_are_named(folder):
    manifest = folder / "list.jsonl"
    manifest.write_text('{"prompt_id": \n[1]\n')
    problems = [str(problem) for problem in read_clips(manifest).problems]
    assert problems[0].startswith("Line 1: it is not JSON")
    assert problems[1] == "Line 2: it is not a JSON object."


def test_the_command_reports_a_dry_run(folder, capsys):
    call_command("import_clips", folder, dry_run=True, study="foxes")
    assert "Would import 4 clips" in capsys.readouterr().out
    assert not Study.objects.exists()


def test_the_command_names_what_it_left_out(folder, capsys):
    cut_in_half(folder / "drift" / "boat.mp4")
    call_command("import_clips", folder, keep_going=True)
    said = capsys.readouterr()
    assert "Imported 3 clips" in said.out
    assert "Left out: drift/boat.mp4" in said.err


@pytest.mark.parametrize("name", ["My study!", "", "a/b", "x" * 121, "studie\u0301"])
def test_a_short_name_that_no_address_can_hold_is_refused(name):
    with pytest.raises(NameRefused, match="stands in its address"):
        create_study(title="My study", slug=name)
    assert not Study.objects.exists()


def test_a_short_name_is_given_once():
    create_study(title="One", slug="one")
    with pytest.raises(NameRefused, match="already"):
        create_study(title="Another", slug="one")


def test_clips_of_a_study_are_replaced_by_an_import_that_says_so(folder, capsys):
    call_command("import_clips", folder, study="foxes")
    study = Study.objects.get(slug="foxes")
    before = study.roster.get(model__name="drift", prompt__key="boat").stimulus
    make_clip(folder / "drift" / "boat.mp4", width=64, height=64, fps=8, frames=20)
    call_command("import_clips", folder, study="foxes", replace=True)
    assert "Imported 1 clips (3 were already there)." in capsys.readouterr().out
    after = study.roster.get(model__name="drift", prompt__key="boat").stimulus
    assert (after != before, study.roster.count(), Stimulus.objects.count()) == (True, 4, 5)


def test_clips_of_an_open_study_are_replaced_for_a_reason_or_not_at_all(folder):
    call_command("import_clips", folder, study="foxes")
    Study.objects.update(state="open")
    make_clip(folder / "drift" / "boat.mp4", width=64, height=64, fps=8, frames=20)
    with pytest.raises(CommandError, match="Say why"):
        call_command("import_clips", folder, study="foxes", replace=True)
    study = Study.objects.get()
    assert (study.amendments.count(), Stimulus.objects.count()) == (0, 4)
    call_command("import_clips", folder, study="foxes", replace=True, reason="It was cut off.")
    [change] = study.amendments.all()
    assert (change.kind, change.reason) == ("replaced", "It was cut off.")
    assert change.facts["clips"] == [["boat", "drift", 1]]


def test_a_closed_study_takes_no_clip(folder):
    call_command("import_clips", folder, study="foxes")
    Study.objects.update(state="closed")
    make_clip(folder / "drift" / "boat.mp4", width=64, height=64, fps=8, frames=20)
    with pytest.raises(CommandError, match="closed"):
        call_command("import_clips", folder, study="foxes", replace=True, reason="It was cut off.")
    assert (Stimulus.objects.count(), Study.objects.get().roster.count()) == (4, 4)
