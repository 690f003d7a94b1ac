"""The context of the rating page, and what its form sends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from annotations.models import Assignment, Axis, Study
from annotations.services.rating.asking import Asked, ask, ask_again
from annotations.services.rating.stages import Answer
from annotations.views.addresses import clip_addresses, source_address

Problems = Mapping[str, Sequence[str]]


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


def rate_context(
    assignment: Assignment,
    *,
    now: datetime,
    given: Sequence[Answer] = (),
    problems: Problems | None = None,
) -> dict[str, Any]:
    """The context of `rater/rate.html`; `given` are answers that have these problems."""
    asked = ask(assignment, now=now, given=given)
    return _context(assignment.comparison.study, asked, "rater-rate", problems or {})


def revision_context(
    assignment: Assignment,
    *,
    given: Sequence[Answer] | None = None,
    problems: Problems | None = None,
) -> dict[str, Any]:
    """The same page for the comparison before, with its answers, to change them."""
    asked = ask_again(assignment, given=given)
    return _context(assignment.comparison.study, asked, "rater-back", problems or {})


def _context(study: Study, asked: Asked, sent_to: str, problems: Problems) -> dict[str, Any]:
    addresses = clip_addresses(asked.clips)
    return {
        "study": study,
        "asked": asked,
        "form_url": reverse(sent_to, args=[asked.study]),
        "left_url": addresses["left"],
        "right_url": addresses["right"],
        "source_url": source_address(asked) if asked.source else "",
        "submission_id": uuid.uuid4(),
        "questions": [
            (question, tuple(problems.get(question.key, ()))) for question in asked.questions
        ],
        "error": " ".join(problems.get("", [])),
    }
