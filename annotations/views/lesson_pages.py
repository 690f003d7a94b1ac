"""What the pages before the start show: examples by reason, and the answer to a practice pair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.urls import reverse

from annotations.enums import CheckRole
from annotations.models import Assignment, Axis, Check, Study
from annotations.services.rating.qualifying import is_right
from annotations.services.rating.revising import given_answers
from annotations.services.rating.submitting import axes_of
from annotations.services.studies.texts import own_text
from annotations.views.rate_page import CHOICE_LABELS, clip_addresses, has_sound


def examples_of(study: Study) -> list[Check]:
    """The examples whose clips are ready, in the order of the reasons that they teach."""
    examples = study.checks.ready().filter(role=CheckRole.EXAMPLE)
    ordered = examples.order_by("reason__axis__position", "reason__position", "position", "pk")
    return list(
        ordered.select_related("reason__axis", "comparison__prompt", "comparison__rendition_a")
    )


def examples_context(examples: Sequence[Check]) -> list[dict[str, Any]]:
    """By reason, its examples: clips, text, the better side and why."""
    return [
        {
            "label": own_text(reason) if reason else "",
            "examples": [_example(check) for check in checks],
        }
        for reason, checks in groupby(examples, key=lambda check: check.reason)
    ]


def feedback_context(assignment: Assignment) -> dict[str, Any]:
    """The practice pair once more: what was expected beside what the rater said."""
    check, study = assignment.comparison.of_check, assignment.comparison.study
    axes = axes_of(study)
    given = {answer.axis: answer for answer in given_answers(assignment)}
    expected = check.expected if check else {}
    addresses = clip_addresses(assignment)
    return {
        "study": study,
        "left_url": addresses["left"],
        "right_url": addresses["right"],
        "prompt_text": assignment.comparison.prompt.text,
        "has_sound": has_sound(assignment.comparison),
        "is_right": is_right(assignment),
        "explanation": check.explanation if check else "",
        "answers": [
            {
                "question": own_text(axis),
                "expected": assignment.side_of_choice(expected[axis.key]),
                "given": given[axis.key].choice,
                "given_label": CHOICE_LABELS[given[axis.key].choice],
                "is_right": assignment.side_of_choice(expected[axis.key]) == given[axis.key].choice,
            }
            for axis in axes
            if axis.key in expected
        ],
    }


def _example(check: Check) -> dict[str, Any]:
    axis: Axis | None = check.reason.axis if check.reason else None
    axes = [axis] if axis is not None else list(check.study.axes.all())
    winning = check.winning_side
    return {
        "left_url": reverse("stimulus-media", args=[check.left_token]),
        "right_url": reverse("stimulus-media", args=[check.right_token]),
        "prompt_text": check.comparison.prompt.text,
        "has_sound": has_sound(check.comparison),
        "winners": [
            {"question": own_text(one), "side": winning[one.key]}
            for one in axes
            if one.key in winning
        ],
        "explanation": check.explanation,
    }
