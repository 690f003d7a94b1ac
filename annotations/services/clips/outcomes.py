"""What became of the clips that a study wants: made, imported, or missing for a reason.

Where clips are made is not known here. Whoever makes them registers a source that counts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db.models import Count

from annotations.enums import ClipOutcome
from annotations.models import Stimulus, Study

# Of a study: outcomes by the model's primary key.
OutcomeSource = Callable[[Study], Mapping[int, Counter[ClipOutcome]]]
_sources: list[OutcomeSource] = []


@dataclass(frozen=True)
class ModelOutcomes:
    """Of one model: `wanted` is a clip for each prompt, and the sum of all others."""

    model: str
    wanted: int
    made: int
    imported: int
    refused: int
    failed: int
    given_up: int
    not_yet: int


def register_source(source: OutcomeSource) -> None:
    """Let a source be asked from now on; the same one is asked once."""
    if source not in _sources:
        _sources.append(source)


def outcomes_of(study: Study) -> list[ModelOutcomes]:
    """By model in the study's order, in a fixed number of queries."""
    wanted = study.study_prompts.count()
    stimuli = Stimulus.objects.for_study(study.pk).order_by().values_list("model")
    there = dict(stimuli.annotate(n=Count("prompt", distinct=True)))
    counts: dict[int, Counter[ClipOutcome]] = {}
    for source in _sources:
        for model, found in source(study).items():
            counts[model] = counts.get(model, Counter()) + found
    models = [row.model for row in study.study_models.select_related("model")]
    return [
        _outcomes(model.name, wanted, there.get(model.pk, 0), counts.get(model.pk, Counter()))
        for model in models
    ]


def _outcomes(model: str, wanted: int, there: int, counts: Counter[ClipOutcome]) -> ModelOutcomes:
    made = min(counts[ClipOutcome.MADE], there)
    refused, failed = counts[ClipOutcome.REFUSED], counts[ClipOutcome.FAILED]
    given_up = counts[ClipOutcome.GIVEN_UP]
    return ModelOutcomes(
        model=model,
        wanted=wanted,
        made=made,
        imported=there - made,
        refused=refused,
        failed=failed,
        given_up=given_up,
        not_yet=max(wanted - there - refused - failed - given_up, 0),
    )
