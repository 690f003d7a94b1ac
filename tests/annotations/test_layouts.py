"""Folders and zips: clutter, names, nesting, and what is said of files that are no clips."""

import unicodedata
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from annotations.errors import ImportRefused
from annotations.models import ClipImport
from annotations.services.clips.layouts import is_clutter, layout_of
from annotations.services.clips.manifests import read_clips
from annotations.services.clips.uploads import start_upload
from tests.annotations.factories import make_study

pytestmark = pytest.mark.django_db

CLUTTER = [
    "__MACOSX/A/._001.mp4",
    "A/._001.mp4",
    "A/.DS_Store",
    "A/Thumbs.db",
    "A/desktop.ini",
    "A/Icon\r",
    "$RECYCLE.BIN/x.mp4",
    "System Volume Information/x",
    "A/@eaDir/001.mp4",
    "A/~$notes.xlsx",
    ".ipynb_checkpoints/001.mp4",
]
LIST = "prompt_id,prompt\n001,A cat\n"


def folder_of(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def zip_of(target: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


def both_doors(
    tmp_path: Path, files: dict[str, str]
) -> list[tuple[list[str], list[str], list[str]]]:
    """Rows, problems and notes by a folder and by a zip of the same files."""
    command = read_clips(folder_of(tmp_path / "clips.zip", files))
    archive = zip_of(tmp_path / "upload", files)
    upload = start_upload(upload=archive, name="clips.zip", study=make_study(state="draft"))
    rows = list(upload.rows.all())
    return [
        (
            [row.where for row in command.rows],
            [str(problem) for problem in command.problems],
            command.notes,
        ),
        (
            [row.where for row in rows if not row.problem],
            [f"{row.where}: {row.problem}" for row in rows if row.problem],
            upload.notes,
        ),
    ]


def refusals(tmp_path: Path, files: dict[str, str]) -> list[list[str]]:
    with pytest.raises(ImportRefused) as command:
        read_clips(folder_of(tmp_path / "clips.zip", files))
    archive = zip_of(tmp_path / "upload", files)
    with pytest.raises(ImportRefused) as upload:
        start_upload(upload=archive, name="clips.zip", study=make_study(state="draft"))
    assert not ClipImport.objects.exists()
    return [command.value.problems, upload.value.problems]


@pytest.mark.parametrize("name", CLUTTER)
def test_clutter_of_systems_is_passed_over_and_named(tmp_path, name):
    found = both_doors(tmp_path, {"A/001.mp4": "x", "prompts.csv": LIST, name: "x"})
    shown = name.replace("\r", "?")
    note = f"Passed over as clutter of the system: {shown}."
    assert found == [(["A/001.mp4"], [], [note])] * 2


def test_what_only_looks_like_clutter_is_none():
    assert not any(map(is_clutter, ["A/thumbs.mp4", "desktop/001.mp4", "macosx/001.mp4"]))


def test_every_other_file_is_named_with_the_reason(tmp_path):
    files = {
        "A/001.mp4": "x",
        "A/002.avi": "x",
        "A/deeper/003.mp4": "x",
        "004.mp4": "x",
        "A/notes": "x",
        "list.csv": "x",
        "prompts.csv": LIST,
    }
    first, second = both_doors(tmp_path, files)
    assert first == second
    kinds = "those that are end in .mp4, .m4v, .mov, .webm, .mkv, .gif, .webp, .png, .jpg, .jpeg."
    place = "a clip is looked for at <model>/<prompt_id>.<ext>."
    assert sorted(first[2]) == [
        f"004.mp4 was passed over: it lies beside the folders; {place}",
        f"A/002.avi was passed over: files ending in “.avi” are not read as clips; {kinds}",
        f"A/deeper/003.mp4 was passed over: it lies 2 folders deep; {place}",
        f"A/notes was passed over: a file without an ending is not read as clips; {kinds}",
        "list.csv was passed over: a manifest is named manifest.csv or clips.csv, and a list of "
        "prompts prompts.csv.",
    ]


@pytest.mark.parametrize("name", ["manifest.csv", "Manifest.CSV", "clips.csv", "CLIPS.tsv"])
def test_a_manifest_is_found_by_its_name_in_any_case(tmp_path, name):
    between = "\t" if name.endswith("tsv") else ","
    rows = [["prompt_id", "prompt", "model", "path"], ["1", "A cat", "A", "x/1.mp4"]]
    files = {name: "\n".join(map(between.join, rows)) + "\n", "x/1.mp4": "x", "x/2.mp4": "y"}
    for rows_found, problems, notes in both_doors(tmp_path, files):
        assert (rows_found, problems) == (["Line 2"], [])
        assert notes[-1] == f"x/2.mp4 was passed over: no row of {name} that can be used names it."


def test_two_manifests_are_refused(tmp_path):
    words = "clips.zip: there are clips.csv and manifest.csv. Keep one, so that it is plain which."
    files = {"clips.csv": "x", "manifest.csv": "y"}
    assert refusals(tmp_path, files) == [[words], [words]]


@pytest.mark.parametrize("around", ["", "study/", "export/study/"])
def test_folders_around_everything_are_stepped_into(tmp_path, around):
    files = {f"{around}A/001.mp4": "x", f"{around}prompts.csv": LIST, "__MACOSX/x": "y"}
    assert [found[:2] for found in both_doors(tmp_path, files)] == [(["A/001.mp4"], [])] * 2


def test_a_single_model_is_not_taken_for_a_folder_around():
    assert list(layout_of({"A/001.mp4": "x"}).clips) == ["A/001.mp4"]


def test_deeper_nesting_is_told_by_what_was_seen(tmp_path):
    files = {f"{model}/pets/00{n}.mp4": "x" for model in "AB" for n in (1, 2, 3)}
    for problems in refusals(tmp_path, {**files, "prompts.csv": LIST}):
        assert problems[0] == (
            "clips.zip: there is no <model>/<prompt_id>.<ext> in it. Found: A/pets/001.mp4, "
            "A/pets/002.mp4, A/pets/003.mp4, B/pets/001.mp4, B/pets/002.mp4 and 2 more. Put a "
            "folder for each model at the top, with its clips in it, or a manifest.csv that names "
            "them."
        )
        assert "A/pets/001.mp4 was passed over: it lies 2 folders deep" in problems[1]


def test_an_empty_folder_is_said_to_be_empty(tmp_path):
    words = "clips.zip: there is no file in it. Clips are looked for at <model>/<prompt_id>.<ext>."
    assert [problems[0] for problems in refusals(tmp_path, {"A/.DS_Store": "x"})] == [words] * 2


def test_the_fault_of_a_list_of_prompts_is_told_with_its_file(tmp_path):
    words = "prompts.csv: Line 2: it has 3 cells and the header 2 columns"
    files = {"A/001.mp4": "x", "prompts.csv": "prompt_id,prompt\n001,A cat, red\n"}
    assert [problems[0][: len(words)] for problems in refusals(tmp_path, files)] == [words] * 2


def test_names_in_other_characters_for_the_same_text_are_the_same(tmp_path):
    """macOS keeps names of files decomposed (NFD), most programs write them composed (NFC)."""
    composed, apart = (unicodedata.normalize(form, "Zürich") for form in ("NFC", "NFD"))
    assert composed != apart
    for written, named in ((composed, apart), (apart, composed)):
        source = tmp_path / f"{written == composed}"
        folder_of(source, {f"{named}/{named}.mp4": "x"})
        (source / "prompts.csv").write_text(f"prompt_id,prompt\n{written},A town\n")
        [row] = read_clips(source).rows
        assert (row.prompt.key, row.model) == (composed, composed)
        (source / "manifest.csv").write_text(
            f"prompt_id,prompt,model,path\n{written},A town,M,{written}/{written}.mp4\n"
        )
        found = read_clips(source)
        assert ([row.prompt.key for row in found.rows], found.problems) == ([composed], [])


def test_paths_as_windows_writes_them_are_found(tmp_path):
    source = folder_of(tmp_path, {"x/1.mp4": "x"})
    (source / "manifest.csv").write_text(
        "prompt_id,prompt,model,path\n1,A cat,A,x\\1.mp4\n1,A cat,B,x\\2.mp4\n"
    )
    found = read_clips(source)
    assert [row.location for row in found.rows] == [str(source / "x" / "1.mp4")]
    assert [str(one) for one in found.problems] == ["Line 3: there is no file x\\2.mp4."]


def test_a_zip_with_the_separators_of_windows_is_unpacked(tmp_path):
    archive = zip_of(tmp_path / "upload", {"A\\001.mp4": "x", "prompts.csv": LIST})
    begun = start_upload(upload=archive, name="x.ZIP", study=make_study(state="draft"))
    assert [row.where for row in begun.rows.all()] == ["A/001.mp4"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_in_a_zip_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "upload", "w") as archive:
        archive.writestr("A/001.mp4", "x")
        archive.writestr("A/001.mp4", "y")
    with pytest.raises(ImportRefused) as refusal:
        start_upload(upload=tmp_path / "upload", name="x.zip", study=make_study(state="draft"))
    assert refusal.value.problems == ["A/001.mp4: the archive holds two files of this name."]


@pytest.mark.parametrize("name", ["clips.xlsx", "clips.7z", "clips"])
def test_another_kind_of_upload_is_refused(tmp_path, name):
    archive = zip_of(tmp_path / "upload", {"A/001.mp4": "x"})
    with pytest.raises(ImportRefused) as refusal:
        start_upload(upload=archive, name=name, study=make_study(state="draft"))
    assert refusal.value.problems[0].startswith(f"{name} is neither a zip nor a table. Upload")


def test_a_zip_is_not_read_as_a_table_by_the_command(tmp_path):
    archive = zip_of(tmp_path / "clips.zip", {"A/001.mp4": "x"})
    with pytest.raises(CommandError, match=r"clips\.zip is a zip\. Unpack it, or upload it"):
        call_command("import_clips", archive)


def test_what_was_passed_over_is_shown_at_both_doors(admin_client, tmp_path):
    files = {"A/001.avi": "x", "A/001.mp4": "x", "prompts.csv": LIST}
    words = "A/001.avi was passed over: files ending in “.avi” are not read as clips"
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("import_clips", folder_of(tmp_path / "clips", files), stderr=said)
    assert words in said.getvalue()
    study = make_study(state="draft")
    archive = zip_of(tmp_path / "clips.zip", files).read_bytes()
    sent = {"upload": SimpleUploadedFile("clips.zip", archive)}
    answer = admin_client.post(reverse("owner-import", args=[study.slug]), sent, follow=True)
    assert words in answer.content.decode()
