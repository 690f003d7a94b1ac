"""A report's examples as its page shows them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from analysis.core.examples import Example, ExampleVote, Why
from analysis.core.results import StudyReport
from analysis.page.words import axis_words

WHY = {Why.DIVIDED: "Votes most divided", Why.DRAWN: "Drawn at random"}


def example_blocks(report: StudyReport) -> list[dict[str, Any]]:
    """One block per example: why it is here, its prompt, votes by question and one by one."""
    return [_block(report, example) for example in report.examples]


def _block(report: StudyReport, example: Example) -> dict[str, Any]:
    axes = [axis.key for axis in report.axes]
    votes = sorted(example.votes, key=lambda vote: axes.index(vote.axis))
    return {
        "why": WHY.get(example.why) or f"Clearest win of {example.model}",
        "prompt": example.prompt,
        "prompt_id": example.prompt_id,
        "comparison_id": example.comparison_id,
        "counts": [_count(example, axis) for axis in dict.fromkeys(vote.axis for vote in votes)],
        "votes": [_vote(report, example, vote) for vote in votes],
        "reasoned": any(vote.reasons for vote in votes),
        "noted": any(vote.note for vote in votes),
    }


def _count(example: Example, axis: str) -> str:
    """Such as `Quality: 4 votes for Emu, 1 for Gen-2`."""
    choices = Counter(vote.winner for vote in example.votes if vote.axis == axis)
    question = axis_words(axis)
    words = (
        f"{question[:1].upper()}{question[1:]}: {choices['model_a']} for {example.model_a}, "
        f"{choices['model_b']} for {example.model_b}"
    )
    return f"{words}, {choices['tie']} for neither" if choices["tie"] else words


def _vote(report: StudyReport, example: Example, vote: ExampleVote) -> dict[str, str]:
    asked = next(axis for axis in report.axes if axis.key == vote.axis)
    names = {"model_a": example.model_a, "model_b": example.model_b, "tie": "neither"}
    reasons = [asked.reasons.get(key, axis_words(key)) for key in vote.reasons]
    return {
        "question": axis_words(vote.axis),
        "rater": vote.rater or "–",
        "preferred": names[vote.winner],
        "reasons": ", ".join(reasons),
        "note": vote.note,
    }
