"""The first locks of every change that concerns a rater."""

from __future__ import annotations

from django.utils.translation import gettext as _

from annotations.enums import STOPPED, StudyState
from annotations.errors import PartEnded, StudyNotOpen, StudyOver
from annotations.models import Rater
from annotations.models.prepared import Prepared, given_id
from annotations.services.studies.states import hold_state

LOCKED_RATER = Prepared(
    lambda: (
        Rater.objects.select_for_update(of=("self",), no_key=True)
        .select_related("study__recruitment", "study__check_plan", "invite")
        .filter(pk=given_id("rater"))
    )
)


def lock_rater(rater_id: int) -> Rater:
    """The rater as they are now; two changes about one rater are made one after the other."""
    locked = LOCKED_RATER.first(rater=rater_id)
    if locked is None:
        raise Rater.DoesNotExist
    return locked


def lock_rater_at_work(rater: Rater) -> Rater:
    """The same, and the study stays in its state until the transaction ends.

    What is acknowledged to a rater is thus committed before the study is paused or closed.
    """
    hold_state(rater.study_id)
    return lock_rater(rater.pk)


def ensure_may_rate(rater: Rater) -> None:
    """Raise StudyNotOpen unless the study takes answers from this rater."""
    if rater.excluded_at is not None or rater.outcome in STOPPED:
        raise PartEnded(_("Your part in this study has ended. Thank you for your time."))
    if rater.study.state == StudyState.CLOSED:
        raise StudyOver(_("This study is closed. Thank you for your interest."))
    if rater.study.state != StudyState.OPEN:
        raise StudyNotOpen
