"""Fixed studies, and every file of their reports as text that can be kept and compared."""

from __future__ import annotations

import hashlib
import io
import random
import uuid
import zipfile
from datetime import timedelta
from pathlib import Path

import pandas as pd
from pyarrow import parquet

from analysis.page.frame import DRAW, PLOTLY, STYLES, asset
from annotations.enums import AssignmentState, Side, StudyState
from annotations.models import (
    Assignment,
    Comparison,
    GenerativeModel,
    Judgment,
    Rater,
    Rendition,
    Study,
)
from annotations.services.clips.manifests import PromptText
from annotations.services.clips.registering import get_or_create_prompt
from annotations.services.studies.states import create_study
from examples.demo.content import MODELS
from tests.annotations.factories import NOW, make_rendition, make_stimulus

GOLDEN = Path(__file__).parent / "golden"
TEXTS = (".csv", ".tex", ".json", ".jsonl", ".html")
TOKEN = "golden-token-of-the-report"
PROMPTS = (
    ("p01", "A red balloon rising over a green meadow", "motion"),
    ("p02", "A yellow fish drifting left to right in the sea", "motion"),
    ("p03", "Three white birds flying right to left at sunset", "count"),
    ("p04", 'A sign that says "café & <bar>"', "text"),
    ("p06", "Two orange lanterns rising into the night sky", "count"),
    ("p07", "A golden star falling through the night sky", "motion"),
)
RATERS = 5
NOTES = ("", "", "", "=SUM(A1:A2), said twice", "The second one; it “jumps”")


def open_study_rows(raw: pd.DataFrame, prompts: int) -> pd.DataFrame:
    """The votes on the first prompts of the open study, with one rater left out."""
    names = sorted(set(raw["prompt_id"]), key=lambda name: int(name[1:]))[:prompts]
    rows = raw[raw["prompt_id"].isin(names)]
    left_out = rows["rater"].eq("r3")
    why = left_out.map({True: "too fast", False: ""})
    return rows.assign(study="open", excluded=left_out, excluded_why=why)


def judged_demo(state: StudyState) -> Study:
    """A study of the demo's two clip models; ids, times, sides and answers are always the same."""
    rng = random.Random(20261128)
    models = [GenerativeModel.objects.create(slug=one.slug, name=one.name) for one in MODELS[:2]]
    prompts = [get_or_create_prompt(PromptText(*one)) for one in PROMPTS]
    study = create_study(
        title="Which clip is better?",
        slug="demo",
        models=models,
        prompts=prompts,
        raters_per_comparison=RATERS,
    )
    Study.objects.filter(pk=study.pk).update(state=state, report_token=TOKEN)
    comparisons = [
        _comparison(study, prompt, models, number) for number, prompt in enumerate(prompts)
    ]
    raters = [_rater(study, number) for number in range(RATERS + 1)]
    for number, comparison in enumerate(comparisons):
        for rater in [*raters[number % 2 :], *raters][:RATERS]:
            _answer(study, comparison, rater, rng)
    study.refresh_from_db()
    return study


def _comparison(study, prompt, models, number) -> Comparison:
    clips = [_clip(study, model, prompt, 2 * number + side) for side, model in enumerate(models)]
    return Comparison.objects.create(
        pk=900_001 + number,
        study=study,
        prompt=prompt,
        stimulus_a=clips[0].stimulus,
        stimulus_b=clips[1].stimulus,
        rendition_a=clips[0],
        rendition_b=clips[1],
        state="ready",
        position=number,
        open_seats=0,
    )


def _clip(study, model, prompt, number) -> Rendition:
    values = {"sha256": f"{number:064d}", "frames_sha256": f"{number:064d}", "seed": number}
    rendition = make_rendition(make_stimulus(model, prompt, study=study, **values))
    rendition.sha256, rendition.bytes = f"{number:064x}", 1024
    rendition.save()
    return rendition


def _rater(study, number) -> Rater:
    rater = Rater.objects.create(study=study, external_id=f"panel-{number}")
    if number == RATERS:
        rater.excluded_at, rater.excluded_why = NOW, "asked to withdraw"
        rater.save()
    return rater


def _answer(study, comparison, rater, rng) -> None:
    begun = NOW + timedelta(minutes=rng.randrange(600), milliseconds=rng.randrange(1000))
    done = begun + timedelta(milliseconds=rng.randrange(4_000, 60_000))
    assignment = Assignment.objects.create(
        comparison=comparison,
        rater=rater,
        side_a=rng.choice([Side.LEFT, Side.RIGHT]),
        state=AssignmentState.SUBMITTED,
        leased_at=begun,
        lease_expires_at=begun,
        shown_at=begun,
        submitted_at=done,
        submission_id=uuid.UUID(int=rng.getrandbits(128)),
    )
    for axis in study.axes.order_by("position"):
        reasons = list(axis.reasons.order_by("position"))
        judgment = Judgment.objects.create(
            assignment=assignment,
            axis=axis,
            choice=rng.choice("aaab"),
            note=rng.choice(NOTES),
            reason_order=[one.key for one in rng.sample(reasons, len(reasons))],
            created_at=done,
        )
        judgment.reasons.set(rng.sample(reasons, rng.randint(1, 2)))


def kept_forms(files: dict[str, bytes]) -> dict[str, str]:
    """What is kept of files, by name: texts as they are, tables and figures as text."""
    kept, figures = {}, []
    for name, content in sorted(files.items()):
        suffix = Path(name).suffix
        if suffix in TEXTS:
            kept[name] = _without_assets(content.decode())
        elif suffix == ".parquet":
            kept[f"{name}.txt"] = _table_text(content)
        elif suffix == ".svg":
            figures.append(f"{name} {hashlib.sha256(content).hexdigest()}\n")
    return {**kept, "figures.txt": "".join(figures)} if figures else kept


def zipped_files(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return {name: files.read(name) for name in files.namelist()}


def _without_assets(page: str) -> str:
    """A page with its scripts and style as digests: each is a file of its own already."""
    for name in (PLOTLY, DRAW, *STYLES):
        digest = hashlib.sha256(asset(name).encode()).hexdigest()
        page = page.replace(asset(name), f"[{name}, SHA-256 {digest}]")
    return page


def _table_text(content: bytes) -> str:
    """Columns with their types, then the rows."""
    table = parquet.read_table(io.BytesIO(content))
    columns = [f"{field.name}: {field.type}" for field in table.schema]
    rows = [repr(tuple(row.values())) for row in table.to_pylist()]
    return "\n".join([*columns, *rows]) + "\n"
