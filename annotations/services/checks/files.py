"""Checks from a table: one row per check, all or none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from annotations.enums import CheckRole, Choice
from annotations.errors import CheckRefused, ImportRefused
from annotations.inputs import csv_columns, csv_records
from annotations.models import GenerativeModel, Reason, Stimulus, Study
from annotations.models.checks import OF_ONE_CLIP
from annotations.services.checks.defining import add_check

WINNER = "winner_"
COLUMNS = ("role", "prompt_id", "model_a", "model_b", "reason", "explanation")
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


def import_checks(*, study: Study, text: str) -> int:
    """Add every check of a CSV; how many.

    Columns: role, prompt_id, model_a, model_b, and winner_<axis> with model_a or model_b for each
    axis that has an answer; reason (its key) for examples; explanation.

    Raises
    ------
    ImportRefused
        With one sentence per bad row; then nothing is written.
    """
    rows = _read(text, [axis.key for axis in study.axes.all()])
    problems = []
    with transaction.atomic():
        for where, row in rows:
            try:
                create_check(study=study, row=row)
            except CheckRefused as error:
                problems.append(f"{where}: {error}")
        if problems:
            raise ImportRefused(problems)
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
        stimulus_a=_clip(row.prompt_id, row.model_a),
        stimulus_b=_clip(row.prompt_id, row.model_b),
        expected={axis: _winner(axis, winner) for axis, winner in row.winners.items() if winner},
        reason=_reason(study, row.reason),
        explanation=row.explanation,
    )


def _read(text: str, axes: list[str]) -> list[tuple[str, CheckRow]]:
    """The rows, each with the words that name its line."""
    named = set(csv_columns(text))
    known = {*COLUMNS, *(f"{WINNER}{axis}" for axis in axes)}
    missing = {"role", "prompt_id", "model_a", "model_b"} - named
    if missing or named - known:
        wrong = [f"The column {name} is missing." for name in sorted(missing)]
        wrong += [f"There is no column {name} here." for name in sorted(named - known, key=str)]
        raise ImportRefused(wrong)
    records = list(csv_records(text))
    if len(records) > MAX_ROWS:
        raise ImportRefused([f"More than {MAX_ROWS} rows."])
    if problems := [f"{where}: {problem}" for where, _, problem in records if problem]:
        raise ImportRefused(problems)
    return [(where, _check_row(row, axes)) for where, row, _ in records]


def _check_row(row: Mapping[str, str], axes: list[str]) -> CheckRow:
    return CheckRow(
        role=row["role"].lower(),
        prompt_id=row["prompt_id"],
        model_a=row["model_a"],
        model_b=row["model_b"],
        winners={axis: row.get(f"{WINNER}{axis}", "") for axis in axes},
        reason=row.get("reason", ""),
        explanation=row.get("explanation", ""),
    )


def _clip(prompt_id: str, model: str) -> Stimulus:
    """The model's clip of the prompt; of several seeds the lowest."""
    found = GenerativeModel.objects.filter(Q(slug=model) | Q(name=model)).first()
    if found is None:
        raise CheckRefused(f"There is no model “{model}”.")
    clip = found.stimuli.filter(prompt__key=prompt_id).order_by("seed", "pk").first()
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
