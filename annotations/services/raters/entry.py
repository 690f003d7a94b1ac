"""Who may enter a study, and who may be given more of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from annotations.enums import ENDED_AT_PANEL, StudyState
from annotations.errors import (
    EntryRefused,
    PartEnded,
    PreviewOnly,
    ShareReached,
    StudyNotOpen,
    StudyOver,
)
from annotations.models import Assignment, Rater, Recruitment, Study
from annotations.panels import PREVIEW_SESSION, Entry
from annotations.services.pairs.ready import ready_count


@dataclass(frozen=True)
class PanelIdentity:
    """The ids that a panel such as Prolific puts into the link; empty for others."""

    external_id: str = ""
    external_study_id: str = ""
    external_session_id: str = ""
    submit_to: str = ""

    @property
    def is_known(self) -> bool:
        return bool(self.external_id)

    @property
    def is_preview(self) -> bool:
        return self.external_session_id == PREVIEW_SESSION


def recruitment_of(study: Study) -> Recruitment:
    """The study's recruitment, made with its defaults when first asked for."""
    try:
        return study.recruitment
    except Recruitment.DoesNotExist:
        # By id: a study must not keep the row of an attempt that somebody else was ahead of.
        study.recruitment = Recruitment.objects.get_or_create(study_id=study.pk)[0]
        return study.recruitment


def ensure_taking_raters(study: Study, *, now: datetime) -> None:
    """Raise StudyNotOpen unless the study takes people in now."""
    if study.state == StudyState.CLOSED:
        raise StudyOver(_("This study is closed. Thank you for your interest."))
    if study.state != StudyState.OPEN:
        raise StudyNotOpen
    _ensure_in_window(recruitment_of(study), now=now)


def ensure_may_enter(study: Study, identity: PanelIdentity, *, is_simulated: bool = False) -> None:
    """Raise EntryRefused unless this person, who comes without an invite, may take part."""
    if identity.is_preview:
        raise PreviewOnly(_("This is a preview. Accept the task, and you can start here."))
    if not is_simulated:
        ensure_comes_by_link(study, identity)
    ensure_no_refused_study(recruitment_of(study), identity.external_id)


def ensure_comes_by_link(study: Study, identity: PanelIdentity) -> None:
    """Raise EntryRefused for who has no invite where only invited and panel's people enter.

    A rater of the panel whose cookie is lost is asked for the link, not made a new person.
    """
    recruitment = recruitment_of(study)
    is_listed = identity.is_known and _looks_like_an_id(recruitment, identity.external_id)
    if recruitment.entry == Entry.LISTED and not is_listed:
        raise EntryRefused(
            _(
                "This study is open to people who were invited. Please use the link you were sent. "
                "If you have begun already, it takes you back to where you were."
            )
        )


def ensure_no_refused_study(recruitment: Recruitment, external_id: str) -> None:
    """Raise EntryRefused for a person who was given a pair in a study that this one refuses."""
    others = Rater.objects.filter(
        study__in=recruitment.refused_studies.all(),
        external_id=external_id,
        assignments__isnull=False,
    )
    if external_id and others.exists():
        raise EntryRefused(
            _(
                "You took part in another study on the same subject, so you cannot take part in "
                "this one. Thank you for your interest."
            )
        )


def ensure_may_take_more(rater: Rater, *, now: datetime) -> None:
    """Raise StudyNotOpen unless the rater may be given a further comparison.

    Raises
    ------
    PartEnded
        The panel says that the rater left, or their invite was revoked.
    ShareReached
        The rater has judged as much as one person may.
    StudyOver, StudyNotOpen
        Outside of the study's time window.
    """
    ensure_not_left(rater)
    recruitment = recruitment_of(rater.study)
    invite = getattr(rater, "invite", None)
    if invite is not None and invite.revoked_at is not None:
        raise PartEnded(
            _(
                "Your invite was withdrawn by the people who run this study. What you judged is "
                "saved."
            )
        )
    _ensure_in_window(recruitment, now=now)
    cap = _share_cap(recruitment)
    if cap is not None and Assignment.objects.taken(now=now).counted_of(rater.pk).count() >= cap:
        raise ShareReached(
            _(
                "You have judged as many pairs as one person may in this study, so that the result "
                "rests on several people."
            )
        )


def ensure_not_left(rater: Rater) -> None:
    """Raise PartEnded for who returned the submission at the panel, or ran out of time there."""
    if rater.outcome in ENDED_AT_PANEL:
        raise PartEnded(
            _(
                "The panel tells us that your submission has ended, so you are given no further "
                "pair."
            )
        )


def most_by_one_rater(study: Study) -> int | None:
    """The most comparisons that one rater may judge; None without a limit."""
    limits = [study.max_per_rater, _share_cap(recruitment_of(study))]
    return min((limit for limit in limits if limit is not None), default=None)


def identity_of(rater: Rater) -> PanelIdentity:
    """The panel's ids of a rater; those who came by an invite have none."""
    if getattr(rater, "invite", None) is not None:
        return PanelIdentity()
    return PanelIdentity(
        external_id=rater.external_id,
        external_study_id=rater.external_study_id,
        external_session_id=rater.external_session_id,
        submit_to=rater.submit_to,
    )


def _looks_like_an_id(recruitment: Recruitment, external_id: str) -> bool:
    pattern = recruitment.spec.id_pattern
    return not pattern or re.fullmatch(pattern, external_id) is not None


def _ensure_in_window(recruitment: Recruitment, *, now: datetime) -> None:
    opens_at, closes_at = recruitment.opens_at, recruitment.closes_at
    if opens_at is not None and now < opens_at:
        text = _("This study opens on %(moment)s. Please come back then.")
        raise StudyNotOpen(text % {"moment": _moment(opens_at)})
    if closes_at is not None and now >= closes_at:
        text = _("This study closed on %(moment)s. Thank you for your interest.")
        raise StudyOver(text % {"moment": _moment(closes_at)})


def _moment(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j F Y, H:i e")


def _share_cap(recruitment: Recruitment) -> int | None:
    """The largest share as a number of comparisons; always at least one."""
    if recruitment.max_share is None:
        return None
    study = recruitment.study
    wanted = ready_count(study.pk) * study.raters_per_comparison
    return max(wanted * recruitment.max_share // 100, 1)
