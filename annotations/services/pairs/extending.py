"""Ask more of an open study: more raters per comparison, or more prompts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max

from annotations.batches import in_batches
from annotations.enums import AmendmentKindChoice
from annotations.errors import TransitionRefused
from annotations.models import Amendment, Prompt, Study, StudyPrompt
from annotations.models.study import MOST_RATERS
from annotations.services.pairs.seats import lock_in_order, recount_seats
from annotations.services.studies.amendments import amending


def want_more_raters(*, study: Study, raters: int, reason: str, now: datetime) -> Amendment:
    """Have so many raters judge each comparison; those that were complete open again.

    Raises
    ------
    TransitionRefused
        Not more than before, or too many; the study is neither open nor paused; no reason.
    """
    kind = AmendmentKindChoice.MORE_RATERS
    with amending(study=study, kind=kind, reason=reason, now=now) as (locked, change):
        before = locked.raters_per_comparison
        if not before < raters <= MOST_RATERS:
            raise TransitionRefused(
                f"Each comparison wants {before} raters now. Give a larger number, at most "
                f"{MOST_RATERS}: votes that are there are not taken back."
            )
        Study.objects.filter(pk=study.pk).update(raters_per_comparison=raters)
        locked.raters_per_comparison = raters
        ids = lock_in_order(locked.comparisons.all())
        for some in in_batches(ids):
            recount_seats(study=locked, comparison_ids=some)
        change.facts = {"before": before, "after": raters}
    return change


def add_prompts(
    *, study: Study, prompts: Sequence[Prompt], reason: str, now: datetime
) -> Amendment:
    """Add prompts to an open or paused study; their comparisons are made as clips are put in.

    Raises
    ------
    TransitionRefused
        None is new, an id is taken by another text, or one lacks the source that the study's kind
        needs; the study is neither open nor paused; no reason.
    """
    kind = AmendmentKindChoice.MORE_PROMPTS
    with amending(study=study, kind=kind, reason=reason, now=now) as (locked, change):
        texts = dict(locked.prompts.values_list("key", "pk"))
        new = [one for one in dict.fromkeys(prompts) if texts.setdefault(one.key, one.pk) == one.pk]
        if len(new) < len(set(prompts)):
            taken = [one.key for one in prompts if one not in new]
            raise TransitionRefused(f"These ids stand for another text here: {', '.join(taken)}.")
        there = set(locked.study_prompts.values_list("prompt", flat=True))
        new = [one for one in new if one.pk not in there]
        if not new:
            raise TransitionRefused("The study has all of these prompts already.")
        if locked.needs_source and any(not one.source for one in new):
            raise TransitionRefused(
                "This study's prompts each have an image or a clip to start from, and one of these "
                "has none. Bring a table with a column source: manage.py amend_study --prompts."
            )
        last = locked.study_prompts.aggregate(last=Max("position"))["last"] or 0
        StudyPrompt.objects.bulk_create(
            StudyPrompt(study=locked, prompt=prompt, position=place)
            for place, prompt in enumerate(new, start=last + 1)
        )
        change.facts = {"prompts": [prompt.key for prompt in new]}
    return change
