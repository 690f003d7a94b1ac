"""Every door that takes a table reads it alike, refuses it in the same words, and leaves nothing.

The files are those of people who met them: an unquoted comma, a quote never closed, a column named
twice, a cell of 150 kB, a line separator in a text, a seed of 64 bits.
"""

import importlib
import zipfile
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from annotations.errors import ImportRefused, TransitionRefused
from annotations.models import ClipImport, GenerativeModel, ImportRow, Prompt, Stimulus, Study
from annotations.models.seeds import MOST_SEED
from annotations.services.checks.files import import_checks
from annotations.services.clips import importing
from annotations.services.clips.importing import (
    check_row,
    finish_checked_imports,
    import_clips,
    start_import,
)
from annotations.services.clips.manifests import read_clips
from annotations.services.clips.prompt_lists import read_prompt_list
from annotations.services.clips.prompts import import_prompts
from annotations.services.clips.uploads import start_upload
from tests.annotations.factories import (
    NOW,
    make_model,
    make_prompt,
    make_stimulus,
    make_study,
)
from tests.media.clips import make_clip, make_still
from tests.owner.forms import send

pytestmark = pytest.mark.django_db

LONG = "word, " * 25_000
BAD_ROWS = {
    "comma": ("1,A red cat, sitting, on a chair, x.mp4", "it has 5 cells and the header "),
    "short": ("1", "it has 1 cell and the header "),
}
BAD_TABLES = {
    "quote": ('1,"A cat sleeping\n2,A dog running', "the quote before “A cat sleeping 2,A dog"),
    "stray": ('1,A "red" cat', 'a quote stands within “A "red" cat”'),
    "mac": ("1,A\rcat", "holds a carriage return alone"),
}


def prompt_table(row: str) -> bytes:
    return f"prompt_id,prompt,source\n{row}\n".encode()


def stored() -> set[str]:
    """Files of clips, uploads and sources in the store."""
    root = Path(default_storage.path(""))
    return {
        str(path) for path in root.rglob("*") if path.is_file() and "renditions" not in path.parts
    }


def refused_by_manifest(content: bytes, folder: Path) -> str:
    path = folder / "list.csv"
    path.write_bytes(content.replace(b"source", b"model,path"))
    with pytest.raises(CommandError) as refusal:
        call_command("import_clips", path)
    return str(refusal.value)


def refused_by_upload(content: bytes, folder: Path) -> str:
    path = folder / "upload"
    path.write_bytes(content.replace(b"source", b"model,path"))
    try:
        begun = start_upload(
            upload=path, name="list.csv", study=make_study(state="draft", comparisons=0)
        )
    except ImportRefused as refusal:
        return " ".join(refusal.problems)
    finish_checked_imports(now=NOW)
    begun.refresh_from_db()
    assert begun.state == "refused"
    return " ".join(f"{row.where}: {row.problem}" for row in begun.rows.all())


def refused_by_prompts(content: bytes, folder: Path) -> str:
    with pytest.raises(ImportRefused) as refusal:
        read_prompt_list(content.replace(b",source", b""), name="list.csv")
    return " ".join(refusal.value.problems)


def refused_by_sources(content: bytes, folder: Path) -> str:
    path = folder / "list.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError) as refusal:
        call_command("import_prompts", make_study(state="draft", comparisons=0).slug, path)
    return str(refusal.value)


def refused_by_checks(content: bytes, folder: Path) -> str:
    with pytest.raises(ImportRefused) as refusal:
        import_checks(
            study=make_study(state="draft", comparisons=0),
            content=content.replace(b"prompt_id,prompt,source", b"prompt_id,role,model_a,model_b"),
            name="list.csv",
        )
    return " ".join(refusal.value.problems)


DOORS = [
    refused_by_manifest,
    refused_by_upload,
    refused_by_prompts,
    refused_by_sources,
    refused_by_checks,
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("fault", [*BAD_ROWS, *BAD_TABLES])
def test_a_fault_of_a_table_is_told_in_the_same_words_by_every_door(tmp_path, door, fault):
    row, words = (BAD_ROWS | BAD_TABLES)[fault]
    before = stored()
    said = door(prompt_table(row), tmp_path)
    assert "Line 2" in said
    assert words in said
    assert not Stimulus.objects.exists()
    assert not Prompt.objects.filter(text__contains="A ").exists()
    assert stored() <= before


@pytest.mark.parametrize("door", DOORS)
def test_a_column_that_is_there_twice_is_refused_by_every_door(tmp_path, door):
    content = b"prompt_id,prompt,source,Prompt-ID\n1,A cat,a.mp4,x\n"
    assert "list.csv: the column prompt_id is there twice" in door(content, tmp_path)


@pytest.mark.parametrize("door", DOORS)
def test_a_missing_column_is_named_with_those_found_by_every_door(tmp_path, door):
    said = door(b"promptid,category\n1,x\n", tmp_path)
    assert "missing. Found: prompt_id, " in said or "There is no column category here." in said


@pytest.mark.parametrize("name", ["list.xlsx", "list", "list.pdf"])
def test_an_unknown_format_is_refused_by_every_door(tmp_path, name):
    with pytest.raises(ImportRefused):
        read_prompt_list(b"A cat\n", name=name)
    path = tmp_path / name
    path.write_bytes(b"A cat\n")
    study = make_study(state="draft", comparisons=0)
    for command in (["import_clips", path], ["import_prompts", study.slug, path]):
        with pytest.raises(CommandError, match=r"those that are read end in \.csv, \.tsv"):
            call_command(*command)
    with pytest.raises(CommandError, match=r"those that are read end in \.csv, \.tsv"):
        call_command("invite_raters", study.slug, names=path)


def test_the_admins_form_reads_a_file_and_says_how(admin_client):
    study = make_study(state="draft", comparisons=0)
    url = reverse("admin:annotations_study_change", args=[study.pk])
    content = "Prompt ID;Prompt\r\n1;Eine rote Katze, sitzend\r\n".encode("utf-16")
    send(admin_client, url, prompt_file=SimpleUploadedFile("LIST.CSV", content))
    assert [prompt.text for prompt in study.prompts.all()] == ["Eine rote Katze, sitzend"]
    assert "LIST.CSV was read as UTF-16 text, cells with semicolons between." in (
        admin_client.get(url).content.decode()
    )


def test_a_refused_file_of_the_admins_form_changes_nothing(admin_client):
    study = make_study(state="draft", comparisons=0)
    before = list(study.prompts.all())
    url = reverse("admin:annotations_study_change", args=[study.pk])
    for content in (b"prompt\nA red cat, sitting\n", b"prompt\n", LONG.encode("utf-16-le")):
        answer = send(admin_client, url, prompt_file=SimpleUploadedFile("list.csv", content))
        assert answer.status_code == 200
        assert answer.context["adminform"].form.errors["prompt_file"]
    assert list(study.prompts.all()) == before


def test_a_cell_of_150_kilobytes_is_taken_by_every_door(tmp_path):
    make_clip(tmp_path / "a.mp4", width=64, height=64, fps=8, frames=8)
    path = tmp_path / "list.csv"
    path.write_text(f'prompt_id,prompt,model,path\n1,"{LONG}",A,a.mp4\n')
    import_clips(manifest=read_clips(path))
    assert Prompt.objects.get().text == LONG.strip()
    [prompt] = read_prompt_list(f'prompt_id,prompt\n1,"{LONG}"\n', name="a.csv").prompts
    assert prompt.text == LONG.strip()


# Seeds


@pytest.mark.parametrize(
    ("told", "seed"),
    [
        ("18446744073709551615", MOST_SEED),
        ("42.0", 42),
        ("0", 0),
        ("", 0),
        ("9223372036854775808", 2**63),
    ],
)
def test_a_seed_is_kept_as_it_is(tmp_path, told, seed):
    """torch and ComfyUI draw seeds of 64 bits without a sign."""
    make_clip(tmp_path / "a.mp4", width=64, height=64, fps=8, frames=8)
    (tmp_path / "list.csv").write_text(f"prompt_id,prompt,model,path,seed\n1,A,M,a.mp4,{told}\n")
    import_clips(manifest=read_clips(tmp_path / "list.csv"))
    assert (Stimulus.objects.get().seed, ImportRow.objects.get().seed) == (seed, seed)
    assert Stimulus.objects.get(seed=seed)
    again = import_clips(manifest=read_clips(tmp_path / "list.csv"))
    assert (again.added, again.already_there) == (0, 1)


@pytest.mark.parametrize("told", ["18446744073709551616", "-1", "42.5", "4e1", "1,5", "x"])
def test_what_is_no_seed_is_refused(tmp_path, told):
    (tmp_path / "a.mp4").write_text("x")
    (tmp_path / "list.csv").write_text(f'prompt_id,prompt,model,path,seed\n1,A,M,a.mp4,"{told}"\n')
    [problem] = read_clips(tmp_path / "list.csv").problems
    assert problem.why == (
        f"the seed “{told}” is no whole number from 0 to 18446744073709551615. Give one."
    )


def test_a_seed_of_json_is_a_number_of_any_size(tmp_path):
    (tmp_path / "a.mp4").write_text("x")
    rows = [
        f'{{"prompt_id": 1, "prompt": "A", "model": "M{n}", "path": "a.mp4", "seed": {seed}}}'
        for n, seed in enumerate([MOST_SEED, 42.0, "NaN"])
    ]
    (tmp_path / "list.jsonl").write_text("\n".join(rows))
    assert [row.seed for row in read_clips(tmp_path / "list.jsonl").rows] == [MOST_SEED, 42, 0]


def test_seeds_are_in_order_and_each_has_a_place_of_its_own():
    model, prompt = make_model(), make_prompt()
    seeds = [MOST_SEED, 0, 2**63, MOST_SEED - 1, 2**63 - 1, 1]
    for seed in seeds:
        make_stimulus(model, prompt, seed=seed)
    there = Stimulus.objects.order_by("seed")
    assert list(there.values_list("seed", flat=True)) == sorted(seeds)
    assert there.filter(seed__gte=2**63).count() == 3


def test_seeds_of_before_are_rewritten_and_back():
    """A negative seed becomes 2^64 more, as torch takes it."""
    migration = importlib.import_module("annotations.migrations.0017_seeds_of_64_bits")
    clip = make_stimulus(make_model(), make_prompt())
    editor = SimpleNamespace(execute=connection.cursor().execute)
    for before, after in (
        (0, 0),
        (7, 7),
        (2**63 - 1, 2**63 - 1),
        (-1, MOST_SEED),
        (-(2**63), 2**63),
    ):
        store_raw_seed(clip, before)
        migration.shift_seeds(None, editor)
        clip.refresh_from_db()
        assert clip.seed == after
        migration.shift_seeds(None, editor)
        clip.refresh_from_db()
        assert clip.seed - 2**63 == before


def store_raw_seed(clip: Stimulus, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE annotations_stimulus SET seed = %s WHERE id = %s", [number, clip.pk])


# What a refusal leaves


def clips_in(folder: Path, *models: str) -> Path:
    for model in models:
        (folder / model).mkdir()
        make_clip(folder / model / "fox.mp4", width=64, height=64, fps=8, frames=8)
    (folder / "prompts.csv").write_text("prompt_id,prompt\nfox,A fox\n")
    return folder


def nothing_is_there() -> bool:
    rows = (Stimulus, Prompt, GenerativeModel, Study)
    return not any(kind.objects.exists() for kind in rows)


def test_an_import_of_strangers_into_a_study_that_is_no_draft_leaves_nothing(tmp_path):
    study, before = make_study(comparisons=0), stored()
    counts = [kind.objects.count() for kind in (Stimulus, Prompt, GenerativeModel)]
    with pytest.raises(CommandError, match="is not in this study"):
        call_command("import_clips", clips_in(tmp_path, "A"), study=study.slug)
    assert [kind.objects.count() for kind in (Stimulus, Prompt, GenerativeModel)] == counts
    assert stored() <= before


def test_an_import_whose_study_cannot_be_prepared_leaves_nothing(tmp_path):
    """One model makes no pairs."""
    before = stored()
    with pytest.raises(CommandError, match="two models"):
        call_command("import_clips", clips_in(tmp_path, "A"), study="foxes", prepare=True)
    assert nothing_is_there()
    assert stored() <= before
    assert ClipImport.objects.get().state == "refused"


def test_an_import_by_workers_that_a_study_refuses_in_the_end_says_so(tmp_path, monkeypatch):
    def refuse(study, result, replacing):
        raise TransitionRefused("These prompt ids stand for two texts: fox.")

    monkeypatch.setattr(importing, "add_to_study", refuse)
    before = stored()
    begun = start_import(
        manifest=read_clips(clips_in(tmp_path, "A")),
        source="up",
        study=make_study(state="draft", comparisons=0),
        by_workers=True,
    )
    check_row(row_id=begun.rows.get().pk, now=NOW)
    finish_checked_imports(now=NOW)
    begun.refresh_from_db()
    assert (begun.state, begun.notes) == ("refused", ["These prompt ids stand for two texts: fox."])
    assert not Stimulus.objects.exists()
    assert stored() <= before


def test_a_refused_table_of_sources_leaves_no_prompt_and_no_file(tmp_path):
    study, before = make_study(state="draft", comparisons=0), stored()
    prompts = Prompt.objects.count()
    make_still(tmp_path / "a.png", width=64, height=48)
    make_still(tmp_path / "b.png", width=32, height=32)
    (tmp_path / "c.png").write_text("no picture")
    refused = {
        "broken": "prompt,source\nA cat,a.png\nA dog,c.png\n",
        "two for one id": "prompt_id,prompt,source\n1,A cat,a.png\n1,A cat,b.png\n",
    }
    for rows in refused.values():
        (tmp_path / "list.csv").write_text(rows)
        with pytest.raises(CommandError):
            call_command("import_prompts", study.slug, tmp_path / "list.csv")
    assert Prompt.objects.count() == prompts
    assert stored() <= before


def test_an_upload_that_cannot_be_written_down_leaves_no_file(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr("A/1.mp4", "x")
        archive.writestr("prompts.csv", "prompt_id,prompt\n1,A cat\n")
    before = stored()
    monkeypatch.setattr(ImportRow.objects, "bulk_create", lambda *args, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        start_upload(
            upload=tmp_path / "x", name="x.zip", study=make_study(state="draft", comparisons=0)
        )
    assert stored() <= before


# Names and notes


def test_names_for_invites_are_read_by_lines_and_from_our_own_table(tmp_path):
    study = make_study(comparisons=0)
    (tmp_path / "names.txt").write_bytes(b"\xef\xbb\xbfAnna\r\nBen\xe2\x80\xa8Smith\n")
    (tmp_path / "names.csv").write_text("name,link\nCleo,https://x.test\n")
    for name in ("names.txt", "names.csv"):
        call_command("invite_raters", study.slug, names=tmp_path / name, stdout=StringIO())
    labels = list(study.invites.order_by("pk").values_list("label", flat=True))
    assert labels == ["Anna", "Ben\u2028Smith", "Cleo"]


def test_notes_of_a_table_of_sources_and_of_checks_are_said(tmp_path):
    make_still(tmp_path / "a.png", width=64, height=48)
    (tmp_path / "list.tsv").write_text("prompt\tsource\tmine\nA cat\ta.png\tx\n")
    said: list[str] = []
    study = make_study(state="draft", comparisons=0)
    import_prompts(study=study, path=tmp_path / "list.tsv", on_note=said.append)
    assert said == [
        "list.tsv was read as UTF-8 text, cells with tabs between.",
        "list.tsv: not read: the column mine.",
    ]
