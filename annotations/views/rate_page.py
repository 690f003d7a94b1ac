"""What the rating page shows, and what its form sends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from annotations.enums import Choice, Side, SkipReason
from annotations.models import Assignment, Axis, Comparison
from annotations.services.submitting import (
    Answer,
    allowed_choices,
    axes_of,
    drafted_answers,
    is_last_stage,
    needs_reason,
    open_axes,
    shows_prompt,
)
from annotations.services.wording import own_text

CHOICE_LABELS = {
    Side.LEFT.value: _("Left"),
    Side.RIGHT.value: _("Right"),
    Choice.TIE.value: _("No difference"),
}


def answers_from_form(axes: Sequence[Axis], form: QueryDict) -> list[Answer]:
    """The answers to these axes as they stand in a submitted form."""
    return [
        Answer(
            axis=axis.key,
            choice=form.get(f"choice-{axis.key}", ""),
            reasons=tuple(form.getlist(f"reason-{axis.key}")),
            note=form.get(f"note-{axis.key}", "").strip(),
        )
        for axis in axes
    ]


def rate_context(assignment: Assignment) -> dict[str, Any]:
    """The context of `rater/rate.html`. Nothing in it names or links a model."""
    return {
        "study": assignment.comparison.study,
        "assignment": assignment,
        "progress": _progress(assignment),
        "left_url": reverse("stimulus-media", args=[assignment.left_token]),
        "right_url": reverse("stimulus-media", args=[assignment.right_token]),
        "submission_id": uuid.uuid4(),
        "has_sound": _has_sound(assignment.comparison),
        "skip_reasons": SkipReason.choices,
        "error": "",
        **questions_context(assignment, answers=[], problems={}),
    }


def questions_context(
    assignment: Assignment, *, answers: Sequence[Answer], problems: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The part of the context that changes when the rater goes from one stage to the next."""
    study = assignment.comparison.study
    axes = axes_of(study)
    now_open = open_axes(assignment, axes)
    given = {answer.axis: answer for answer in answers}
    drafted = {answer.axis: answer for answer in drafted_answers(assignment)}
    prompt_shown = shows_prompt(assignment, axes)
    questions: list[dict[str, Any]] = []
    answered: list[dict[str, Any]] = []
    later: list[dict[str, Any]] = []
    reason_number = 0
    for number, axis in enumerate(axes, start=1):
        reasons = list(axis.reasons.all())
        if axis.key in drafted:
            answered.append(_answered(axis, number, drafted[axis.key]))
        elif axis in now_open:
            answer = given.get(axis.key, Answer(axis=axis.key))
            question = _question(axis, number, answer, allowed_choices(study), reason_number)
            question["errors"] = list(problems.get(axis.key, []))
            question["needs_reason"] = needs_reason(study) and bool(reasons)
            questions.append(question)
        else:
            later.append({"number": number})
        reason_number += len(reasons)
    return {
        "stage": "open" if prompt_shown else "blind",
        "answered": answered,
        "questions": questions,
        "later_questions": later,
        "prompt_text": assignment.comparison.prompt.text if prompt_shown else None,
        "is_last_stage": is_last_stage(assignment, axes),
        "error": " ".join(problems.get("", [])),
    }


def _has_sound(comparison: Comparison) -> bool:
    """Both renditions have sound or none has; see `annotations.media.profiles`."""
    rendition = comparison.rendition_a
    return rendition is not None and bool(rendition.plan.get("has_audio"))


def _progress(assignment: Assignment) -> dict[str, int]:
    study = assignment.comparison.study
    done = assignment.rater.assignments.submitted().count()
    skipped = assignment.rater.assignments.skipped().count()
    total = study.comparisons.ready().count() - skipped
    if study.max_per_rater is not None:
        total = min(total, study.max_per_rater)
    total = max(total, done + 1)
    return {"done": done, "total": total, "number": done + 1, "percent": 100 * done // total}


def _question(
    axis: Axis, number: int, answer: Answer, choices: Sequence[str], reasons_before: int
) -> dict[str, Any]:
    return {
        "key": axis.key,
        "number": number,
        "question": own_text(axis),
        "choices": [
            {"value": value, "label": CHOICE_LABELS[value], "checked": value == answer.choice}
            for value in choices
        ],
        "reasons": [
            {
                "key": reason.key,
                "label": own_text(reason),
                "number": place,
                "checked": reason.key in answer.reasons,
            }
            for place, reason in enumerate(axis.reasons.all(), start=reasons_before + 1)
        ],
        "note": answer.note,
    }


def _answered(axis: Axis, number: int, answer: Answer) -> dict[str, Any]:
    return {
        "number": number,
        "question": own_text(axis),
        "choice": answer.choice,
        "choice_label": CHOICE_LABELS[answer.choice],
        "reason_labels": [
            own_text(reason) for reason in axis.reasons.all() if reason.key in answer.reasons
        ],
        "note": answer.note,
    }
