"""Personal links for raters whom the owner knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from annotations.errors import BadInput, InviteRefused, InvitesNotMade
from annotations.inputs import read_text
from annotations.models import Invite, Rater, Study
from annotations.services.raters.entry import (
    ensure_no_refused_study,
    ensure_taking_raters,
    recruitment_of,
)

MOST_AT_ONCE = 1000
LONGEST_LABEL = 120


def make_invites(
    *, study: Study, labels: Sequence[str] = (), unnamed: int = 0, is_reusable: bool = False
) -> list[Invite]:
    """An invite for each label that has none in force, and so many without a label.

    Raises
    ------
    InvitesNotMade
        Nothing was asked for, too much, or a label is too long.
    """
    wanted = list(dict.fromkeys(label.strip() for label in labels if label.strip()))
    if not wanted and unnamed < 1:
        raise InvitesNotMade("Say for whom, one name per line, or how many without a name.")
    if len(wanted) + unnamed > MOST_AT_ONCE:
        raise InvitesNotMade(f"Make at most {MOST_AT_ONCE} at once.")
    for number, label in enumerate(labels, start=1):
        _ensure_label(label.strip(), f"Line {number}")
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        in_force = study.invites.filter(revoked_at=None).values_list("label", flat=True)
        there = set(in_force)
        new = [label for label in wanted if label not in there] + [""] * unnamed
        return [
            Invite.objects.create(study=study, label=label, is_reusable=is_reusable)
            for label in new
        ]


def _ensure_label(label: str, where: str) -> None:
    try:
        read_text(label, what="the name", longest=LONGEST_LABEL)
    except BadInput as error:
        raise InvitesNotMade(f"{where}: {error}") from error


def revoke_invite(*, invite: Invite, now: datetime) -> bool:
    """Let the link open nothing any more; False if it was revoked before."""
    return bool(Invite.objects.filter(pk=invite.pk, revoked_at=None).update(revoked_at=now))


def invite_link(invite: Invite, *, base_url: str) -> str:
    """The personal link. Opening it changes nothing yet: mail scanners follow links, too."""
    address = base_url.rstrip("/") + reverse("rater-welcome", args=[invite.study.slug])
    return f"{address}?invite={invite.token}"


def find_invite(*, study: Study, token: str) -> Invite:
    """The invite behind a link, if it is in force.

    Raises
    ------
    InviteRefused
    """
    return _in_force(study.invites.select_related("rater").filter(token=token).first())


def accept_invite(
    *, study: Study, token: str, now: datetime, consented_at: datetime | None
) -> Rater:
    """The rater of this link, made when it is opened first; a single-use link opens once.

    Raises
    ------
    InviteRefused
        Not a link of this study, revoked, or used before.
    EntryRefused
        The person took part in a study that this one refuses.
    StudyNotOpen
        The study takes nobody new in now.
    """
    with transaction.atomic():
        locked = study.invites.select_for_update(of=("self",))
        invite = _in_force(locked.select_related("rater").filter(token=token).first())
        if invite.used_at is not None and not invite.is_reusable:
            raise InviteRefused(
                _(
                    "This link was used already, and it opens once. Go on in the browser where you "
                    "opened it, or ask the person who sent it for a new one."
                )
            )
        if invite.rater is None:
            ensure_taking_raters(study, now=now)
            ensure_no_refused_study(recruitment_of(study), invite.label)
            invite.rater = _rater_of(invite, consented_at)
        invite.used_at = invite.used_at or now
        invite.save(update_fields=["rater", "used_at"])
        return invite.rater


def _rater_of(invite: Invite, consented_at: datetime | None) -> Rater:
    """The rater whom an earlier invite of this name brought; else a new one."""
    earlier = invite.study.invites.filter(label=invite.label, rater__isnull=False)
    known = earlier.select_related("rater").first() if invite.label else None
    if known is not None and known.rater is not None:
        rater = known.rater
        Invite.objects.filter(pk=known.pk).update(rater=None)
        return rater
    # A stranger may have entered under this name by the study's open link.
    is_taken = invite.study.raters.filter(external_id=invite.label).exists()
    return Rater.objects.create(
        study=invite.study,
        external_id="" if is_taken else invite.label,
        consented_at=consented_at,
    )


def _in_force(invite: Invite | None) -> Invite:
    if invite is None:
        raise InviteRefused(
            _(
                "This link is not complete, or it is not one of this study. Please copy it whole, "
                "or ask the person who sent it."
            )
        )
    if invite.revoked_at is not None:
        raise InviteRefused(
            _(
                "This invite was withdrawn by the people who run the study, so it does not open it "
                "any more. If you think that is a mistake, please ask the person who sent it."
            )
        )
    return invite
