"""Who may enter a study, who may be given more of it, and how people go back to their panel."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from annotations.enums import (
    ENDED_AT_PANEL,
    AssignmentState,
    ComparisonState,
    RaterOutcome,
    StudyState,
)
from annotations.errors import (
    EntryRefused,
    PartEnded,
    PreviewOnly,
    ShareReached,
    StudyNotOpen,
    StudyOver,
)
from annotations.models import Assignment, Comparison, Rater, Recruitment, Study
from annotations.panels import (
    PREVIEW_SESSION,
    Entry,
    Panel,
    fill_link,
)


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


@dataclass(frozen=True)
class WayBack:
    """The code that a person leaves with, and the link or form that takes it to the panel."""

    code: str
    link: str = ""
    submit_to: str = ""
    fields: dict[str, str] = field(default_factory=dict)


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
    recruitment = recruitment_of(study)
    is_listed = identity.is_known and _looks_like_an_id(recruitment, identity.external_id)
    if recruitment.entry == Entry.LISTED and not is_listed and not is_simulated:
        raise EntryRefused(
            _("This study is open to people who were invited. Please use the link you were sent.")
        )
    ensure_no_refused_study(recruitment, identity.external_id)


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
    recruitment = recruitment_of(rater.study)
    if rater.outcome in ENDED_AT_PANEL:
        raise PartEnded(
            _(
                "The panel tells us that your submission has ended, so you are given no further "
                "pair."
            )
        )
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
    own = rater.assignments.counted()
    if cap is not None and (own.submitted() | own.live(now=now)).count() >= cap:
        raise ShareReached(
            _(
                "You have judged as many pairs as one person may in this study, so that the result "
                "rests on several people."
            )
        )


def lasting_outcome(rater: Rater, error: StudyNotOpen) -> RaterOutcome | None:
    """How the part of a rater ends who is given nothing more; None if they may come back."""
    if rater.outcome in ENDED_AT_PANEL:
        return None
    is_over = isinstance(error, StudyOver | ShareReached)
    if not is_over and rater.study.state != StudyState.CLOSED:
        return None
    return RaterOutcome.DONE if has_worked(rater) else RaterOutcome.OVER_QUOTA


def has_worked(rater: Rater) -> bool:
    """Whether the rater dealt with any of the study's own pairs; practice is no work."""
    own = rater.assignments.counted()
    return (own.submitted() | own.skipped()).exists()


def why_no_more(rater: Rater, *, now: datetime) -> str:
    """Why a rater who is done was given no more, where it is not that nothing is left."""
    try:
        ensure_may_take_more(rater, now=now)
    except (StudyOver, ShareReached) as error:
        return str(error)
    except StudyNotOpen:
        return ""
    return ""


def most_by_one_rater(study: Study) -> int | None:
    """The most comparisons that one rater may judge; None without a limit."""
    limits = [study.max_per_rater, _share_cap(recruitment_of(study))]
    return min((limit for limit in limits if limit is not None), default=None)


def is_full(study: Study) -> bool:
    """Whether every seat is judged: none is or will be open, and none can come free by itself."""
    usable = study.comparisons.counted().exclude(state=ComparisonState.FAILED)
    waiting = usable.filter(open_seats__gt=0)
    held = usable.filter(assignments__state=AssignmentState.LEASED)
    return not waiting.exists() and not held.exists()


def way_back(*, study: Study, outcome: RaterOutcome, identity: PanelIdentity) -> WayBack:
    """How a person of the panel goes back with the code of this outcome."""
    recruitment = recruitment_of(study)
    code = recruitment.code(outcome)
    spec = recruitment.spec
    if not identity.is_known or (spec.session_parameter and not identity.external_session_id):
        return WayBack(code)
    if recruitment.panel == Panel.MTURK:
        return _back_to_mturk(code, outcome, identity)
    link = recruitment.return_link or spec.return_link
    # A link without the code means "done" to the panel, whoever follows it.
    if not link or (outcome is not RaterOutcome.DONE and "{code}" not in link):
        return WayBack(code)
    values = {
        "code": code,
        "id": identity.external_id,
        "session": identity.external_session_id,
    }
    return WayBack(code, link=fill_link(link, values))


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


def end_part(*, rater: Rater, outcome: RaterOutcome) -> None:
    """End the part of a rater who left at the panel, and free the seats that they hold."""
    with transaction.atomic():
        locked = Rater.objects.select_for_update(of=("self",)).get(pk=rater.pk)
        locked.outcome = outcome
        locked.save(update_fields=["outcome"])
        held = locked.assignments.filter(state=AssignmentState.LEASED)
        for pk, comparison in held.order_by("comparison").values_list("pk", "comparison"):
            leased = Assignment.objects.filter(pk=pk, state=AssignmentState.LEASED)
            if leased.update(state=AssignmentState.EXPIRED):
                seats = Comparison.objects.filter(pk=comparison)
                seats.update(open_seats=F("open_seats") + 1)
    rater.outcome = outcome


def _back_to_mturk(code: str, outcome: RaterOutcome, identity: PanelIdentity) -> WayBack:
    """MTurk takes work only by a form; who did none returns the task there."""
    if outcome is not RaterOutcome.DONE or not identity.submit_to:
        return WayBack(code)
    return WayBack(
        code,
        submit_to=f"{identity.submit_to}/mturk/externalSubmit",
        fields={"assignmentId": identity.external_session_id, "completionCode": code},
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
    wanted = study.comparisons.counted().ready().count() * study.raters_per_comparison
    return max(wanted * recruitment.max_share // 100, 1)
