"""Take raters in, and know them again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core import signing
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotations.errors import ConsentMissing, EntryRefused
from annotations.kept_for import kept_for_seconds
from annotations.models import Rater, Study
from annotations.models.prepared import Prepared, given_id
from annotations.services.raters.endings import resume_part
from annotations.services.raters.entry import (
    PanelIdentity,
    ensure_may_enter,
    ensure_taking_raters,
)
from annotations.services.raters.invites import accept_invite
from annotations.services.raters.locking import lock_rater

RATER_SALT = "annotations.rater"
SIMULATION_SALT = "annotations.simulation"


def join_study(
    *,
    study: Study,
    identity: PanelIdentity,
    is_simulated: bool = False,
    consented_at: datetime | None = None,
    invite: str = "",
    now: datetime | None = None,
) -> Rater:
    """The rater with this identity or invite, made at the first visit; without one, a new rater.

    Who was here before is let in whatever the study's state: their last page has their code.

    Raises
    ------
    StudyNotOpen
        The study takes nobody in now.
    ConsentMissing
        The study asks for consent, and `consented_at` is None.
    EntryRefused
        This person may not take part.
    """
    now = now or timezone.now()
    known = None if invite else _known_rater(study, identity)
    if known is None and not invite:
        ensure_taking_raters(study, now=now)
    has_agreed = known is not None and known.consented_at is not None
    if study.consent and consented_at is None and not has_agreed:
        raise ConsentMissing
    consented_at = consented_at if study.consent else None
    if invite:
        return accept_invite(study=study, token=invite, now=now, consented_at=consented_at)
    if known is not None:
        return _come_back(known, identity)
    ensure_may_enter(study, identity, is_simulated=is_simulated)
    values = {
        "external_study_id": identity.external_study_id,
        "external_session_id": identity.external_session_id,
        "submit_to": identity.submit_to,
        "is_simulated": is_simulated,
        "consented_at": consented_at,
    }
    if not identity.is_known:
        return Rater.objects.create(study=study, **values)
    with transaction.atomic():
        return Rater.objects.get_or_create(
            study=study, external_id=identity.external_id, defaults=values
        )[0]


def _known_rater(study: Study, identity: PanelIdentity) -> Rater | None:
    """The rater of these ids. Who came by a personal link is opened by that link alone."""
    if not identity.is_known or identity.is_preview:
        return None
    same_id = study.raters.filter(external_id=identity.external_id)
    rater = same_id.select_related("invite").first()
    if rater is not None and getattr(rater, "invite", None) is not None:
        raise EntryRefused(_("Please open this study by the personal link that you were sent."))
    return rater


def _come_back(rater: Rater, identity: PanelIdentity) -> Rater:
    """Go on where the rater was; a second submission at the panel takes the place of the first.

    Raises
    ------
    EntryRefused
        The rater was done by another submission: the work is not paid twice.
    """
    session = identity.external_session_id
    if not session or session == rater.external_session_id:
        return rater
    if rater.finished_at is not None and rater.external_session_id:
        raise EntryRefused(
            _(
                "You have taken part in this study before, and there is nothing more to judge. "
                "Thank you!"
            )
        )
    with transaction.atomic():
        locked = lock_rater(rater.pk)
        locked.external_session_id = session
        locked.external_study_id = identity.external_study_id
        locked.submit_to = identity.submit_to
        locked.save(update_fields=["external_session_id", "external_study_id", "submit_to"])
        resume_part(rater=locked)
        return locked


def sign_rater(rater: Rater) -> str:
    """The credential of a rater, for a cookie or an Authorization header."""
    return signing.dumps(rater.pk, salt=RATER_SALT)


def rater_id_of(credential: str) -> int | None:
    """Whose credential it is; None for a forged one, which may be of nobody, too."""
    if not credential:
        return None
    try:
        return int(signing.loads(credential, salt=RATER_SALT))
    except signing.BadSignature:
        return None


RATER_WITH_STUDY = Prepared(
    lambda: Rater.objects.select_related("study").filter(pk=given_id("rater"))
)
KNOWN_RATER = Prepared(
    lambda: (
        Rater.objects.filter(pk=given_id("rater"))
        .order_by()
        .values_list("study", "study__slug", "study__language", "study__languages")
    )
)
RATER_OF = Prepared(lambda: Rater.objects.filter(pk=given_id("rater"), study=given_id("study")))


def find_rater(credential: str, study: Study | None = None) -> Rater | None:
    """The rater that a credential belongs to; None for a forged or outdated one.

    With a study that is held already, one of another study is nobody.
    """
    pk = rater_id_of(credential)
    if pk is None:
        return None
    if study is None:
        return RATER_WITH_STUDY.first(rater=pk)
    rater = RATER_OF.first(rater=pk, study=study.pk)
    if rater is not None:
        rater.study = study
    return rater


def recognise_rater(credential: str) -> Rater | None:
    """The same, with no more than whose it is, and which languages the study offers.

    For a service that reads and locks the rest: the rater may be gone since, and any other column
    is read when it is asked for.
    """
    pk = rater_id_of(credential)
    known = None if pk is None else _known(pk)
    if known is None:
        return None
    alias = connection.alias
    rater = Rater.from_db(alias, ["id", "study_id"], [pk, known[0]])
    rater.study = Study.from_db(alias, ["id", "slug", "language", "languages"], known)
    return rater


@kept_for_seconds(most=20_000)
def _known(rater_id: int) -> tuple[Any, ...] | None:
    return KNOWN_RATER.first(rater=rater_id)


def sign_simulation(study: Study) -> str:
    """A pass that marks a rater as simulated; only who has the secret key can make one."""
    return signing.dumps(study.pk, salt=SIMULATION_SALT)


def is_simulation(study: Study, token: str) -> bool:
    try:
        return bool(signing.loads(token, salt=SIMULATION_SALT, max_age=24 * 3600) == study.pk)
    except signing.BadSignature:
        return False
