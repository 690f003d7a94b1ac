"""Take raters in, and see them off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from django.core import signing
from django.db import transaction
from django.db.models import F

from annotations.enums import AssignmentState, RaterOutcome, StudyState
from annotations.errors import ConsentMissing, ExclusionRefused, StudyNotOpen
from annotations.models import Comparison, Rater, Study
from annotations.services.qualifying import end_for

RATER_SALT = "annotations.rater"
SIMULATION_SALT = "annotations.simulation"
PROLIFIC_RETURN_URL = "https://app.prolific.com/submissions/complete?cc={code}"


@dataclass(frozen=True)
class PanelIdentity:
    """The ids that a panel such as Prolific puts into the link; empty for others."""

    external_id: str = ""
    external_study_id: str = ""
    external_session_id: str = ""

    @property
    def is_known(self) -> bool:
        return bool(self.external_id)


def join_study(
    *,
    study: Study,
    identity: PanelIdentity,
    is_simulated: bool = False,
    consented_at: datetime | None = None,
) -> Rater:
    """The rater with this identity, made at the first visit; without one, a new rater.

    Raises
    ------
    StudyNotOpen
        The study takes nobody in now.
    ConsentMissing
        The study asks for consent, and `consented_at` is None.
    """
    if study.state != StudyState.OPEN:
        raise StudyNotOpen
    if study.consent and consented_at is None:
        raise ConsentMissing
    values = {
        "external_study_id": identity.external_study_id,
        "external_session_id": identity.external_session_id,
        "is_simulated": is_simulated,
        "consented_at": consented_at if study.consent else None,
    }
    if not identity.is_known:
        return Rater.objects.create(study=study, **values)
    with transaction.atomic():
        return Rater.objects.get_or_create(
            study=study, external_id=identity.external_id, defaults=values
        )[0]


def finish_rater(*, rater: Rater, now: datetime) -> None:
    """Note that the rater has nothing left to judge; the first time counts."""
    end_for(rater=rater, outcome=RaterOutcome.DONE, now=now)


def exclude_rater(*, rater: Rater, why: str, now: datetime) -> int:
    """Leave a rater's judgments out, and open their seats for others; how many seats.

    The judgments stay in the export, marked as excluded with the reason. It is not undone: the
    seats may be taken at once.

    Raises
    ------
    ExclusionRefused
        No reason was given, or the rater is excluded already.
    """
    if not why.strip():
        raise ExclusionRefused("Say why: the reason stands in the export beside the judgments.")
    with transaction.atomic():
        locked = Rater.objects.select_for_update(of=("self",)).get(pk=rater.pk)
        if locked.excluded_at is not None:
            raise ExclusionRefused(f"{locked} is excluded already.")
        locked.excluded_at, locked.excluded_why = now, why.strip()[:300]
        locked.save(update_fields=["excluded_at", "excluded_why"])
        held = [AssignmentState.LEASED, AssignmentState.SUBMITTED]
        seated = locked.assignments.counted().filter(state__in=held)
        seats = list(seated.values_list("comparison", flat=True))
        locked.assignments.filter(state=AssignmentState.LEASED).update(
            state=AssignmentState.EXPIRED
        )
        # In one order for all, as claims lock them.
        for comparison in sorted(seats):
            Comparison.objects.filter(pk=comparison).update(open_seats=F("open_seats") + 1)
        return len(seats)


def return_url(rater: Rater) -> str | None:
    """Where the rater's panel wants them back, with the completion code; None without a panel."""
    if not rater.external_id or not rater.external_session_id:
        return None
    return PROLIFIC_RETURN_URL.format(code=quote(rater.study.completion_code))


def sign_rater(rater: Rater) -> str:
    """The credential of a rater, for a cookie or an Authorization header."""
    return signing.dumps(rater.pk, salt=RATER_SALT)


def find_rater(credential: str) -> Rater | None:
    """The rater that a credential belongs to; None for a forged or outdated one."""
    try:
        pk = signing.loads(credential, salt=RATER_SALT)
    except signing.BadSignature:
        return None
    return Rater.objects.select_related("study").filter(pk=pk).first()


def sign_simulation(study: Study) -> str:
    """A pass that marks a rater as simulated; only who has the secret key can make one."""
    return signing.dumps(study.pk, salt=SIMULATION_SALT)


def is_simulation(study: Study, token: str) -> bool:
    try:
        return bool(signing.loads(token, salt=SIMULATION_SALT, max_age=24 * 3600) == study.pk)
    except signing.BadSignature:
        return False
