"""Checks from a table: one row per check, all or none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from django.db import transaction
from django.db.models import Q

from annotations.enums import CheckRole, Choice
from annotations.errors import BadInput, CheckRefused, ImportRefused
from annotations.models import GenerativeModel, Reason, Stimulus, Study
from annotations.models.checks import OF_ONE_CLIP
from annotations.services.checks.defining import add_check
from annotations.tables.columns import KnownColumns
from annotations.tables.reading import read_table
from annotations.tables.table import Row, ensure_columns, missing_in, texts_of

WINNER = "winner_"
REQUIRED = ("role", "prompt_id", "model_a", "model_b")
COLUMNS = (*REQUIRED, "reason", "explanation")
ROLES = [role for role in CheckRole if role not in OF_ONE_CLIP]
MAX_ROWS = 2000


@dataclass(frozen=True)
class CheckRow:
    """What a row or a form says of a check, as text."""

    role: str
    prompt_id: str
    model_a: str
    model_b: str
    winners: Mapping[str, str]
    reason: str = ""
    explanation: str = ""


def import_checks(
    *,
    study: Study,
    content: bytes,
    name: str,
    on_note: Callable[[str], None] = lambda note: None,
) -> int:
    """Add every check of a table; how many. `on_note` is told how the table was read.

    Columns: role, prompt_id, model_a, model_b, and winner_<axis> with model_a or model_b for each
    axis that has an answer; reason (its key) for examples; explanation.

    Raises
    ------
    ImportRefused
        With one sentence per bad row; then nothing is written.
    """
    axes = [axis.key for axis in study.axes.all()]
    try:
        rows, notes = _read(content, name, axes)
    except BadInput as error:
        raise ImportRefused([str(error)]) from error
    problems = []
    with transaction.atomic():
        for where, row in rows:
            try:
                create_check(study=study, row=row)
            except CheckRefused as error:
                problems.append(f"{where}: {error}")
        if problems:
            raise ImportRefused(problems)
    for note in notes:
        on_note(note)
    return len(rows)


def create_check(*, study: Study, row: CheckRow) -> None:
    """Find what a row names, and add the check.

    Raises
    ------
    CheckRefused
    """
    if row.role not in ROLES:
        raise CheckRefused(f"The role is one of {', '.join(ROLES)}, not “{row.role}”.")
    add_check(
        study=study,
        role=CheckRole(row.role),
        stimulus_a=_clip(study, row.prompt_id, row.model_a),
        stimulus_b=_clip(study, row.prompt_id, row.model_b),
        expected={axis: _winner(axis, winner) for axis, winner in row.winners.items() if winner},
        reason=_reason(study, row.reason),
        explanation=row.explanation,
    )


def _read(
    content: bytes, name: str, axes: list[str]
) -> tuple[list[tuple[str, CheckRow]], list[str]]:
    """The rows, each with the words that name its line, and how the table was read."""
    known = (*COLUMNS, *(f"{WINNER}{axis}" for axis in axes))
    table = read_table(content, name=name, known=known)
    if unknown := KnownColumns(known).unknown(table.columns):
        raise ImportRefused([f"There is no column {column} here." for column in unknown])
    ensure_columns(table, REQUIRED, known)
    found, problems = [], []
    for row in table.rows:
        try:
            found.append((row.where, _check_row(row, axes, known)))
        except BadInput as error:
            problems.append(f"{row.where}: {error}")
        if len(found) + len(problems) > MAX_ROWS:
            raise ImportRefused([f"{name} has more than {MAX_ROWS} rows. Split it."])
    if problems or not found:
        raise ImportRefused(problems or [f"{name}: there is no row in it."])
    return found, table.notes


def _check_row(row: Row, axes: list[str], known: Sequence[str]) -> CheckRow:
    told = texts_of(row)
    if absent := [column for column in REQUIRED if column not in told]:
        raise BadInput(missing_in(row, told, absent, known))
    if unknown := KnownColumns(known).unknown(row.names):
        raise BadInput(f"there is no column {unknown[0]} here.")
    cells = {column: told.get(column, "") for column in known}
    return CheckRow(
        role=cells["role"].lower(),
        prompt_id=cells["prompt_id"],
        model_a=cells["model_a"],
        model_b=cells["model_b"],
        winners={axis: cells[f"{WINNER}{axis}"] for axis in axes},
        reason=cells["reason"],
        explanation=cells["explanation"],
    )


def _clip(study: Study, prompt_id: str, model: str) -> Stimulus:
    """The model's clip of the prompt: the study's first sample, or else that of the lowest seed.

    Practice and gold pairs may be of prompts that are not the study's.
    """
    found = GenerativeModel.objects.filter(Q(slug=model) | Q(name=model)).first()
    if found is None:
        raise CheckRefused(f"There is no model “{model}”.")
    clips = found.stimuli.filter(prompt__key__in={prompt_id, normalize("NFC", prompt_id)})
    own = clips.filter(roster_entries__study=study).order_by("roster_entries__sample").first()
    clip = own or clips.order_by("seed", "pk").first()
    if clip is None:
        raise CheckRefused(f"{found} has no clip of the prompt “{prompt_id}”.")
    return clip


def _winner(axis: str, winner: str) -> str:
    choices = {"model_a": Choice.A, "a": Choice.A, "model_b": Choice.B, "b": Choice.B}
    if winner not in choices:
        raise CheckRefused(f"The winner on {axis} is model_a or model_b, not “{winner}”.")
    return str(choices[winner])


def _reason(study: Study, key: str) -> Reason | None:
    if not key:
        return None
    reason = Reason.objects.filter(axis__study=study, key=key).select_related("axis").first()
    if reason is None:
        raise CheckRefused(f"The study has no reason “{key}”.")
    return reason
