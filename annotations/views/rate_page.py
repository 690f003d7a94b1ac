"""What the rating page shows, and what its form sends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from statistics import median
from typing import Any

from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from annotations.enums import CheckRole, Choice, Side, SkipReason, StudyKind
from annotations.models import Assignment, Axis, Comparison, Rater
from annotations.models.quality import BEFORE_START
from annotations.services.raters.entry import most_by_one_rater
from annotations.services.rating.qualifying import score_checks
from annotations.services.rating.revising import given_answers, previous_assignment
from annotations.services.rating.submitting import (
    Answer,
    allowed_choices,
    axes_of,
    drafted_answers,
    is_last_stage,
    needs_reason,
    open_axes,
    shows_prompt,
)
from annotations.services.rating.watching import seconds_of
from annotations.services.rating.weaving import planned_checks
from annotations.services.studies.texts import own_text

# The time left is told from so many pairs on, by the median of so many.
PACE_FROM = 3
PACE_OVER = 10
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


def rate_context(assignment: Assignment, *, now: datetime) -> dict[str, Any]:
    """The context of `rater/rate.html`. Nothing in it names or links a model."""
    rater = assignment.rater
    return {
        **_page_context(assignment),
        "form_url": reverse("rater-rate", args=[assignment.comparison.study.slug]),
        "lesson": _lesson(assignment),
        "is_warned": _is_newly_warned(assignment),
        "can_go_back": previous_assignment(rater=rater, now=now) is not None,
        **questions_context(assignment, answers=[], problems={}),
    }


def revision_context(assignment: Assignment) -> dict[str, Any]:
    """The same page for the comparison before, with its answers, to change them."""
    return {
        **_page_context(assignment),
        "form_url": reverse("rater-back", args=[assignment.comparison.study.slug]),
        "is_revision": True,
        **revision_questions(assignment, answers=given_answers(assignment), problems={}),
    }


def _page_context(assignment: Assignment) -> dict[str, Any]:
    addresses = clip_addresses(assignment)
    return {
        "study": assignment.comparison.study,
        "assignment": assignment,
        "progress": _progress(assignment),
        "left_url": addresses["left"],
        "right_url": addresses["right"],
        "submission_id": uuid.uuid4(),
        "seam_seconds": _seam_seconds(assignment.comparison),
        "has_sound": has_sound(assignment.comparison),
        "skip_reasons": SkipReason.choices,
        "error": "",
    }


def clip_addresses(assignment: Assignment) -> dict[str, str]:
    """Where the rater's browser gets the clips, by side."""
    return {
        "left": reverse("stimulus-media", args=[assignment.left_token]),
        "right": reverse("stimulus-media", args=[assignment.right_token]),
    }


def _source(assignment: Assignment) -> dict[str, str] | None:
    """What the models started from, where the study's kind has it."""
    prompt = assignment.comparison.prompt
    if not prompt.shown_source:
        return None
    address = reverse("rater-source", args=[assignment.comparison.study.slug, assignment.public_id])
    return {"url": address, "kind": prompt.source_kind}


def _seam_seconds(comparison: Comparison) -> float | None:
    """When the past clip ends in what is shown; None where there is none, or it is cut away."""
    study, rendition = comparison.study, comparison.rendition_a
    if study.kind != StudyKind.VIDEO_EXTENSION or rendition is None:
        return None
    starts_at = float(Fraction(str(rendition.plan.get("start", 0))))
    seam = comparison.prompt.source_seconds - starts_at
    return round(seam, 3) if 0 < seam < seconds_of(rendition.plan) else None


def _lesson(assignment: Assignment) -> dict[str, Any] | None:
    """What a pair before the start is called, which of how many it is, and the try."""
    check = assignment.comparison.of_check
    if check is None or check.role not in BEFORE_START:
        return None
    study = assignment.comparison.study
    lessons = study.comparisons.ready().filter(of_check__role=check.role)
    seen = assignment.rater.assignments.filter(
        comparison__of_check__role=check.role, occasion=assignment.occasion
    )
    earlier = score_checks(
        assignment.rater, [CheckRole.QUALIFICATION], occasion=assignment.occasion - 1
    )
    return {
        "role": check.role,
        "number": seen.filter(pk__lte=assignment.pk).count(),
        "total": lessons.count(),
        "try": assignment.occasion,
        "earlier": earlier if assignment.occasion > 1 else None,
    }


def _is_newly_warned(assignment: Assignment) -> bool:
    """Whether this is the first comparison since the rater failed checks."""
    warned_at = assignment.rater.warned_at
    if warned_at is None or assignment.shown_at is None or assignment.shown_at < warned_at:
        return False
    return not assignment.rater.assignments.submitted().filter(submitted_at__gt=warned_at).exists()


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
        "source": _source(assignment) if prompt_shown else None,
        "is_last_stage": is_last_stage(assignment, axes),
        "error": " ".join(problems.get("", [])),
    }


def revision_questions(
    assignment: Assignment, *, answers: Sequence[Answer], problems: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The questions that may be answered anew; those from before the text was shown stand."""
    context = questions_context(assignment, answers=answers, problems=problems)
    return {**context, "is_revision": True, "is_last_stage": True, "later_questions": []}


def has_sound(comparison: Comparison) -> bool:
    """Both renditions have sound or none has; see `annotations.media.profiles`."""
    rendition = comparison.rendition_a
    return rendition is not None and bool(rendition.plan.get("has_audio"))


def _progress(assignment: Assignment) -> dict[str, Any]:
    """How far the rater is, in pairs as the rater meets them: checks are among them."""
    study, rater = assignment.comparison.study, assignment.rater
    lessons = Q(comparison__of_check__role__in=BEFORE_START)
    met = rater.assignments.exclude(lessons)
    done = met.submitted().count()
    own = study.comparisons.counted().ready().count() - met.skipped().count()
    most = most_by_one_rater(study)
    if most is not None:
        own = min(own, most)
    total = max(own + planned_checks(rater), done + 1)
    return {
        "done": done,
        "total": total,
        "number": done + 1,
        "percent": 100 * done // total,
        "minutes_left": _minutes_left(rater, total - done),
    }


def _minutes_left(rater: Rater, pairs: int) -> int | None:
    """What is left at the rater's own pace; None before there is one."""
    last = rater.assignments.submitted().exclude(shown_at=None).order_by("-submitted_at")
    times = [
        (submitted_at - shown_at).total_seconds()
        for shown_at, submitted_at in last.values_list("shown_at", "submitted_at")[:PACE_OVER]
        if submitted_at and shown_at
    ]
    if len(times) < PACE_FROM:
        return None
    return max(1, round(median(times) * pairs / 60))


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
