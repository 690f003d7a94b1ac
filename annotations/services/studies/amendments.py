"""Change what an open study asks or compares: with a reason, and never in silence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from annotations.enums import AmendmentKindChoice, StudyState
from annotations.errors import TransitionRefused
from annotations.inputs import read_text
from annotations.models import Amendment, Judgment, Study
from annotations.models.study import new_token
from annotations.services.studies.protocol import hash_protocol

LONGEST_REASON = 1000
CAN_BE_AMENDED = (StudyState.OPEN, StudyState.PAUSED)


@contextmanager
def amending(
    *, study: Study, kind: AmendmentKindChoice, reason: str, now: datetime
) -> Iterator[tuple[Study, Amendment]]:
    """One transaction in which an open or paused study is changed; yields the study as it is now.

    Nobody is given a comparison meanwhile, and no vote comes in: raters hold the study in its
    state, and wait. Whoever changes it fills in the amendment's facts. What raters are asked is
    read anew afterwards.

    Raises
    ------
    TransitionRefused
        The study is neither open nor paused, or no reason is given.
    """
    words = read_text(reason, what="the reason", longest=LONGEST_REASON).strip()
    if not words:
        raise TransitionRefused("Say why: the reason stands in the report.")
    with transaction.atomic():
        locked = Study.objects.select_for_update(no_key=True).get(pk=study.pk)
        ensure_can_be_amended(locked)
        before = hash_protocol(locked)
        amendment = Amendment.objects.create(
            study=locked,
            kind=kind,
            reason=words,
            votes_before=Judgment.objects.for_study(locked.pk).count(),
            protocol_before=before,
            protocol_after=before,
            made_at=now,
        )
        yield locked, amendment
        amendment.protocol_after = hash_protocol(Study.objects.get(pk=study.pk))
        amendment.save()
        Study.objects.filter(pk=study.pk).update(frozen_as=new_token())
    study.refresh_from_db()


def ensure_can_be_amended(study: Study) -> None:
    """Raise TransitionRefused unless the study is open or paused."""
    if study.state not in CAN_BE_AMENDED:
        raise TransitionRefused(
            f"The study is {study.get_state_display().lower()}: only one that is open or paused is "
            "changed so, and a draft by its set-up."
        )
