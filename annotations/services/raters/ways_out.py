"""What a person is told whose part has ended, or who has to wait: what happened, what they get,
and the way back. Pages and API say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from annotations.enums import ENDED_AT_PANEL, RaterOutcome
from annotations.errors import EntryRefused, ShareReached, StudyNotOpen, StudyOver
from annotations.models import Assignment, Rater, Study
from annotations.panels import Panel, fill_link
from annotations.services.raters.entry import (
    PanelIdentity,
    ensure_may_take_more,
    ensure_taking_raters,
    identity_of,
    recruitment_of,
)

WAITING = "waiting"
"""The kind of what is said to somebody who may come back: nothing has ended."""
INVITE_WITHDRAWN = "invite-withdrawn"

TITLES: Mapping[str, Promise] = {
    RaterOutcome.DONE: gettext_lazy("Thank you. You are done."),
    RaterOutcome.NOTHING_JUDGED: gettext_lazy("You judged no pair"),
    RaterOutcome.SCREENED_OUT: gettext_lazy("Thank you for trying"),
    RaterOutcome.FAILED_CHECK: gettext_lazy("Your part ends here"),
    RaterOutcome.SKIP_LIMIT: gettext_lazy("Your part ends here"),
    RaterOutcome.EXCLUDED: gettext_lazy("Your part ends here"),
    RaterOutcome.NO_CONSENT: gettext_lazy("You do not take part"),
    RaterOutcome.OVER_QUOTA: gettext_lazy("This study takes no more people"),
    RaterOutcome.RETURNED: gettext_lazy("You returned this study"),
    RaterOutcome.TIMED_OUT: gettext_lazy("Your time at the panel ran out"),
    INVITE_WITHDRAWN: gettext_lazy("Your invite was withdrawn"),
    WAITING: gettext_lazy("Nothing to judge now"),
}
TEXTS: Mapping[str, Promise] = {
    RaterOutcome.NOTHING_JUDGED: gettext_lazy(
        "You skipped every pair that you were given, so no answer of yours is there."
    ),
    RaterOutcome.SCREENED_OUT: gettext_lazy(
        "The test before the start was not passed, so there is nothing further to judge here. That "
        "says nothing about you: the study needs eyes trained for one particular kind of "
        "difference."
    ),
    RaterOutcome.FAILED_CHECK: gettext_lazy(
        "Some pairs have an answer that is plain to see, and too many of them were answered "
        "otherwise. Your answers are saved; the study gives you no further pairs."
    ),
    RaterOutcome.SKIP_LIMIT: gettext_lazy(
        "You skipped more pairs than one person may in this study. The answers that you gave are "
        "saved; the study gives you no further pairs."
    ),
    RaterOutcome.EXCLUDED: gettext_lazy(
        "The people who run this study have ended your part in it. Your answers are saved, and you "
        "are given no further pair."
    ),
    RaterOutcome.NO_CONSENT: gettext_lazy(
        "You did not agree, so you do not take part, and nothing about you was kept."
    ),
    RaterOutcome.OVER_QUOTA: gettext_lazy(
        "Every comparison has all the answers that it needs. Thank you for coming."
    ),
    RaterOutcome.RETURNED: gettext_lazy(
        "The panel tells us that you returned your submission, so you are given no further pair."
    ),
    RaterOutcome.TIMED_OUT: gettext_lazy(
        "The panel tells us that your submission ran out of time, so you are given no further pair "
        "for now. What you judged is saved."
    ),
}
WITH_OTHERS = gettext_lazy(
    "All comparisons are with other raters at the moment. Please try again later."
)


@dataclass(frozen=True)
class WayBack:
    """The code that a person leaves with, and the link or form that takes it to the panel.

    `home` is the panel's own site, for those who leave without a code.
    """

    code: str = ""
    link: str = ""
    home: str = ""
    submit_to: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ending:
    """What is said to somebody who is given no pair.

    Attributes
    ----------
    kind
        The outcome, `invite-withdrawn`, or `waiting`.
    text
        What happened.
    gets
        What the person gets or can do; empty where the way back says it.
    note
        Why nothing more is given, where it is not that nothing is left.
    may_come_back
        Whether the same address may have a pair later.
    """

    kind: str
    title: str
    text: str
    gets: str
    way_back: WayBack
    note: str = ""
    may_come_back: bool = False


def has_judged(rater: Rater) -> bool:
    """Whether the rater judged any of the study's own pairs; practice is no work."""
    return Assignment.objects.counted_of(rater.pk).submitted().exists()


def may_get_more(rater: Rater) -> bool:
    """Whether a pair that the rater never had may come free, or is being made."""
    return rater.study.comparisons.may_want_raters().unseen_by(rater.pk).exists()


def outcome_without_more(rater: Rater) -> RaterOutcome:
    """How the part of a rater ends for whom nothing is left."""
    if has_judged(rater):
        return RaterOutcome.DONE
    if Assignment.objects.counted_of(rater.pk).skipped().exists():
        return RaterOutcome.NOTHING_JUDGED
    return RaterOutcome.OVER_QUOTA


def ending_of(rater: Rater, *, now: datetime) -> Ending | None:
    """What is said to a rater whose part has ended; None while it goes on."""
    if not rater.outcome:
        return None
    outcome = RaterOutcome(rater.outcome)
    identity = identity_of(rater)
    if outcome is RaterOutcome.OVER_QUOTA:
        return end_of_visit(rater.study, outcome, identity, text=_why_over(rater, now=now))
    if outcome is not RaterOutcome.DONE:
        return end_of_visit(rater.study, outcome, identity)
    judged = rater.assignments.judged_at_work().count()
    text = ngettext(
        "You judged %(count)s pair, and your answers are saved.",
        "You judged %(count)s pairs, and your answers are saved.",
        judged,
    )
    return end_of_visit(
        rater.study,
        outcome,
        identity,
        text=text % {"count": judged},
        note=_why_no_more(rater, now=now),
    )


def end_of_visit(
    study: Study,
    outcome: RaterOutcome,
    identity: PanelIdentity,
    *,
    title: str = "",
    text: str = "",
    note: str = "",
) -> Ending:
    """What is said to a person, rater or not, with this outcome."""
    back = way_back(study=study, outcome=outcome, identity=identity)
    return Ending(
        kind=str(outcome),
        title=title or str(TITLES[outcome]),
        text=text or str(TEXTS[outcome]),
        gets=_what_one_gets(study, outcome, back),
        way_back=back,
        note=note,
    )


def wait(text: str, *, title: str = "") -> Ending:
    """What is said to somebody who may come back."""
    return Ending(
        kind=WAITING,
        title=title or str(TITLES[WAITING]),
        text=text,
        gets=_("What you have judged is saved. This page goes on from where you were."),
        way_back=WayBack(),
        may_come_back=True,
    )


def without_invite(text: str) -> Ending:
    """What is said to a rater whose invite was withdrawn; a new one goes on as the same rater."""
    return Ending(
        kind=INVITE_WITHDRAWN,
        title=str(TITLES[INVITE_WITHDRAWN]),
        text=text,
        gets=_("If you think that is a mistake, please ask the person who sent it."),
        way_back=WayBack(),
    )


def why_not_let_in(
    study: Study, error: EntryRefused | StudyNotOpen, identity: PanelIdentity
) -> Ending | None:
    """The last page of somebody who comes in vain; None if they may come back or try again."""
    if isinstance(error, StudyOver):
        return end_of_visit(study, RaterOutcome.OVER_QUOTA, identity, text=str(error))
    if type(error) is EntryRefused and identity.is_known:
        return end_of_visit(
            study,
            RaterOutcome.SCREENED_OUT,
            identity,
            title=_("You cannot take part"),
            text=str(error),
        )
    return wait(str(error), title=_("Not open")) if isinstance(error, StudyNotOpen) else None


def way_back(*, study: Study, outcome: RaterOutcome, identity: PanelIdentity) -> WayBack:
    """How a person goes back with the code of this outcome.

    Who left at the panel has no code any more; who came from no panel has one for being done.
    """
    recruitment = recruitment_of(study)
    if outcome in ENDED_AT_PANEL:
        return WayBack(home=recruitment.spec.home)
    if outcome is not RaterOutcome.DONE and not identity.is_known:
        return WayBack()
    if recruitment.panel == Panel.MTURK and identity.is_known:
        return _back_to_mturk(recruitment.code(outcome), outcome, identity)
    code = recruitment.code(outcome)
    spec = recruitment.spec
    if not identity.is_known or (spec.session_parameter and not identity.external_session_id):
        return WayBack(code)
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


def _back_to_mturk(code: str, outcome: RaterOutcome, identity: PanelIdentity) -> WayBack:
    """MTurk takes work only by a form; who did none returns the task there."""
    if outcome is not RaterOutcome.DONE:
        return WayBack()
    if not identity.submit_to or not identity.external_session_id:
        return WayBack(code)
    return WayBack(
        code,
        submit_to=f"{identity.submit_to}/mturk/externalSubmit",
        fields={"assignmentId": identity.external_session_id, "completionCode": code},
    )


def _what_one_gets(study: Study, outcome: RaterOutcome, back: WayBack) -> str:
    if outcome is RaterOutcome.RETURNED:
        return _(
            "A submission that was returned is not paid. If you returned it by mistake, please "
            "write to the researchers through the panel."
        )
    if outcome is RaterOutcome.TIMED_OUT:
        return _(
            "If you can take the study again at the panel, open it from there: you go on where you "
            "were."
        )
    if outcome is RaterOutcome.DONE:
        return "" if back.link or back.submit_to else _("You can close this page now.")
    if recruitment_of(study).is_framed:
        return _("Please return the task (HIT), so that somebody else can take it.")
    if back.code:
        return _(
            "Please go back to the panel with this code. It says how your part ended; the people "
            "who run the study decide about the pay."
        )
    return _("You can close this page now.")


def _why_over(rater: Rater, *, now: datetime) -> str:
    """Why a rater came in vain; empty if the study has all its answers."""
    try:
        ensure_taking_raters(rater.study, now=now)
    except StudyOver as error:
        return str(error)
    except StudyNotOpen:
        return ""
    return ""


def _why_no_more(rater: Rater, *, now: datetime) -> str:
    """Why a rater who is done was given no more, where it is not that nothing is left."""
    try:
        ensure_may_take_more(rater, now=now)
    except (StudyOver, ShareReached) as error:
        return str(error)
    except StudyNotOpen:
        return ""
    return ""
