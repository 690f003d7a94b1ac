"""The first locks of every change that concerns a rater."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from annotations.enums import STOPPED, StudyState
from annotations.errors import PartEnded, StudyNotOpen, StudyOver
from annotations.models import Check, Rater, Study
from annotations.models.checks import BEFORE_START
from annotations.models.prepared import Prepared, given_id
from annotations.models.rating import RaterQuerySet

READ_WITH = ("study__recruitment", "study__check_plan", "invite")
"""What a rater is read with on whom something is decided."""
# PostgreSQL takes the locks of a statement in the order in which it names them.
HELD_STUDY = f"FOR SHARE OF {Study._meta.db_table}"
HELD_RATER = f"FOR NO KEY UPDATE OF {Rater._meta.db_table}"


def _given() -> RaterQuerySet:
    return Rater.objects.select_related(*READ_WITH).filter(pk=given_id("rater")).order_by()


def _lessons() -> QuerySet[Check]:
    """Asked of the checks, which are few: joined, a database might read all comparisons."""
    return Check.objects.filter(study=OuterRef("study"), role__in=BEFORE_START).order_by()


LOCKED_RATER = Prepared(lambda: _given().select_for_update(of=("self",), no_key=True))
RATER_AT_WORK = Prepared(
    lambda: _given().annotate(has_lessons=Exists(_lessons())),
    on_postgres=f"{HELD_STUDY} {HELD_RATER}",
)


def lock_rater(rater_id: int) -> Rater:
    """The rater as they are now; two changes about one rater are made one after the other."""
    return _found(LOCKED_RATER.first(rater=rater_id))


def lock_rater_at_work(rater: Rater) -> Rater:
    """The same, and the study stays in its state until the transaction ends.

    What is acknowledged to a rater is thus committed before the study is paused or closed. The
    study's lock is shared: raters do not wait for each other, only for who pauses or closes.
    """
    return _found(RATER_AT_WORK.first(rater=rater.pk))


def _found(rater: Rater | None) -> Rater:
    if rater is None:
        raise Rater.DoesNotExist
    return rater


def ensure_may_rate(rater: Rater) -> None:
    """Raise StudyNotOpen unless the study takes answers from this rater."""
    if rater.excluded_at is not None or rater.outcome in STOPPED:
        raise PartEnded(_("Your part in this study has ended. Thank you for your time."))
    if rater.study.state == StudyState.CLOSED:
        raise StudyOver(_("This study is closed. Thank you for your interest."))
    if rater.study.state != StudyState.OPEN:
        raise StudyNotOpen
