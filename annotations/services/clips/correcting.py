"""Correct the text of a study's prompt; clips stay with the text that their models were told."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from annotations.enums import AmendmentKindChoice, StudyState
from annotations.errors import TransitionRefused
from annotations.inputs import read_text
from annotations.models import Prompt, Study
from annotations.services.pairs.seats import lock_in_order
from annotations.services.studies.amendments import amending
from annotations.services.studies.states import ensure_draft

SOURCE_FIELDS = ("source", "source_kind", "source_sha256", "source_seconds", "shown_source")


def correct_prompt(
    *, study: Study, prompt: Prompt, text: str, now: datetime, reason: str = ""
) -> Prompt:
    """Show another text for one of a study's prompts; the prompt of the new text.

    A draft is simply changed. In an open or paused study it is an amendment, which shows both
    texts; votes stay. Other studies keep the text they have.

    Raises
    ------
    BadInput
        The text is none.
    TransitionRefused, ProtocolFrozen
        It is the text that is there; the study is being prepared or closed; or it is open, and no
        reason is given.
    """
    text = read_text(text, what="the prompt's text").strip()
    if not text:
        raise TransitionRefused("Give the prompt a text.")
    if text == prompt.text:
        raise TransitionRefused("That is the text that the prompt has.")
    if study.state in (StudyState.DRAFT, StudyState.PREPARING):
        with transaction.atomic():
            locked = Study.objects.select_for_update(no_key=True).get(pk=study.pk)
            ensure_draft(locked)
            return _put_in_place(locked, prompt, text)
    kind = AmendmentKindChoice.CORRECTED
    with amending(study=study, kind=kind, reason=reason, now=now) as (locked, change):
        new = _put_in_place(locked, prompt, text)
        change.facts = {"prompt": prompt.key, "before": prompt.text, "after": new.text}
    return new


def _put_in_place(study: Study, old: Prompt, text: str) -> Prompt:
    new, _ = Prompt.objects.get_or_create(
        key=old.key,
        digest=Prompt.digest_of(text, old.source_sha256),
        defaults={
            "text": text,
            "category": old.category,
            **{name: getattr(old, name) for name in SOURCE_FIELDS},
        },
    )
    # What an earlier set-up of a draft left there, under the text that is now wanted.
    study.roster.filter(prompt=new).exclude(prompt__studies=study).delete()
    rows = study.study_prompts.filter(prompt=old)
    if not rows.update(prompt=new, told=Coalesce(F("told"), old.pk)):
        raise TransitionRefused("The prompt has been corrected by somebody else. Look again.")
    study.roster.filter(prompt=old).update(prompt=new)
    lock_in_order(study.comparisons.filter(prompt=old))
    study.comparisons.filter(prompt=old).update(prompt=new)
    return new
