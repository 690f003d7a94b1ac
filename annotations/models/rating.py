"""Who judged what: raters, assignments under a lease, and judgments."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from annotations.enums import (
    AssignmentState,
    Choice,
    ComparisonState,
    RaterOutcome,
    Side,
    SkipReason,
)
from annotations.models.checks import BEFORE_START
from annotations.models.comparison import SHOWN_WITH, Comparison
from annotations.models.prepared import Given
from annotations.models.study import Axis, Reason, Study, new_token


class RaterQuerySet(models.QuerySet["Rater"]):
    def included(self) -> RaterQuerySet:
        return self.filter(excluded_at=None)


class Rater(models.Model):
    """A person who judges in one study."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="raters")
    external_id = models.CharField(
        max_length=120, blank=True, help_text="The id that a panel gave, such as PROLIFIC_PID."
    )
    external_study_id = models.CharField(max_length=120, blank=True)
    external_session_id = models.CharField(max_length=120, blank=True)
    submit_to = models.CharField(
        max_length=60, blank=True, help_text="Where MTurk takes the finished work."
    )
    is_simulated = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    qualified_at = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=14, choices=RaterOutcome, blank=True)
    excluded_at = models.DateTimeField(null=True, blank=True)
    excluded_why = models.CharField(max_length=300, blank=True)

    objects = RaterQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "external_id"],
                condition=~Q(external_id=""),
                name="rater_once_per_study",
            ),
            models.CheckConstraint(
                condition=Q(outcome="") | Q(outcome__in=RaterOutcome.values),
                name="rater_outcome_is_known",
            ),
            models.CheckConstraint(
                condition=Q(excluded_at=None) | ~Q(excluded_why=""),
                name="rater_excluded_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id or f"rater {self.pk}"


COUNTED = Q(occasion=1) & ~Q(comparison__of_check__isnull=False)
"""Assignments that the study is about: no checks, and no second showing of a comparison.

Told as what is left out: of "is null" SQLite thinks that it leads to few rows, and begins with all
comparisons there are.
"""


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def for_rater(self, rater_id: int | Given) -> AssignmentQuerySet:
        return self.filter(rater=rater_id)

    def counted(self) -> AssignmentQuerySet:
        return self.filter(COUNTED)

    def counted_of(self, rater_id: int | Given) -> AssignmentQuerySet:
        """`counted` of one rater, found among the rater's own."""
        own = self.for_rater(rater_id).with_role()
        return own.filter(Q(role=""), occasion=1)

    def with_role(self) -> AssignmentQuerySet:
        """Each with the `role` of its check, or an empty text: of a few, such as one rater's.

        Joined, a database may read the comparisons of all studies in their order to find a rater's
        few hundred among them. A value is never planned as a join, whatever the statistics say.
        """
        own = Comparison.objects.filter(pk=OuterRef("comparison")).order_by()
        return self.alias(role=Coalesce(Subquery(own.values("of_check__role")[:1]), Value("")))

    def not_withdrawn(self) -> AssignmentQuerySet:
        """Those whose comparison the study still is about."""
        return self.exclude(comparison__state=ComparisonState.WITHDRAWN)

    def holding_seat(self) -> AssignmentQuerySet:
        """Those that take one of their comparison's seats: see `services.pairs.seats`."""
        leased = Q(state=AssignmentState.LEASED)
        voted = Q(state=AssignmentState.SUBMITTED, rater__excluded_at=None)
        return self.counted().filter(leased | voted)

    def live(self, *, now: datetime | Given) -> AssignmentQuerySet:
        """Leased to a rater who still has time."""
        return self.filter(state=AssignmentState.LEASED, lease_expires_at__gt=now)

    def overdue(self, *, now: datetime | Given) -> AssignmentQuerySet:
        """Leases that ran out and whose seats were not given back yet."""
        return self.filter(state=AssignmentState.LEASED, lease_expires_at__lte=now)

    def submitted(self) -> AssignmentQuerySet:
        return self.filter(state=AssignmentState.SUBMITTED)

    def taken(self, *, now: datetime | Given) -> AssignmentQuerySet:
        """Judged, or in the hands of a rater who still has time: what counts, or soon may."""
        return self.submitted() | self.live(now=now)

    def judged_at_work(self) -> AssignmentQuerySet:
        """What a rater judged once the practice was over, checks included."""
        return self.submitted().exclude(comparison__of_check__role__in=BEFORE_START)

    def skipped(self) -> AssignmentQuerySet:
        return self.filter(state=AssignmentState.SKIPPED)

    def dealt_with(self) -> AssignmentQuerySet:
        """What a rater answered or skipped."""
        return self.filter(state__in=[AssignmentState.SUBMITTED, AssignmentState.SKIPPED])

    def showing(self, token: str | Given) -> AssignmentQuerySet:
        """The one that shows a clip under this token, with what says who may have the clip when."""
        own = ("rater_id", "state", "side_a", "left_token", "right_token")
        when = ("lease_expires_at", "submitted_at")
        study = ("comparison__study__revise_minutes", "comparison__of_check__role")
        files = ("comparison__rendition_a__file", "comparison__rendition_b__file")
        joined = {name.rpartition("__")[0] for name in (*study, *files)}
        given = self.filter(Q(left_token=token) | Q(right_token=token))
        return given.select_related(*joined).only(*own, *when, *study, *files)

    def with_stimuli(self) -> AssignmentQuerySet:
        """With all that a rater's page needs, in one query."""
        study = "comparison__study__recruitment"
        return self.select_related("rater", study).with_comparison_as_shown()

    def with_comparison_as_shown(self) -> AssignmentQuerySet:
        return self.select_related(*(f"comparison__{name}" for name in SHOWN_WITH))


class Assignment(models.Model):
    """A comparison given to one rater under a lease, with the sides drawn for that rater."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    comparison = models.ForeignKey(Comparison, models.CASCADE, related_name="assignments")
    rater = models.ForeignKey(Rater, models.CASCADE, related_name="assignments")
    occasion = models.PositiveSmallIntegerField(
        default=1, help_text="The how-manieth time this rater sees the comparison."
    )
    side_a = models.CharField(
        max_length=5, choices=Side, help_text="The side on which stimulus a is shown."
    )
    left_token = models.CharField(max_length=40, default=new_token, unique=True, editable=False)
    right_token = models.CharField(max_length=40, default=new_token, unique=True, editable=False)
    state = models.CharField(max_length=10, choices=AssignmentState, default=AssignmentState.LEASED)
    leased_at = models.DateTimeField()
    lease_expires_at = models.DateTimeField()
    shown_at = models.DateTimeField(
        null=True, blank=True, help_text="When the rater first got its page."
    )
    draft = models.JSONField(
        null=True,
        blank=True,
        help_text="Answers given before the prompt was shown; they stay as they are.",
    )
    submission_id = models.UUIDField(null=True, blank=True, unique=True)
    submission_digest = models.CharField(max_length=64, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    skip_reason = models.CharField(max_length=10, choices=SkipReason, blank=True)
    skip_note = models.TextField(blank=True)
    late_answers = models.JSONField(
        null=True, blank=True, help_text="Answers that came after the seat was given away."
    )
    playback = models.JSONField(
        default=dict, blank=True, help_text="What the browser says about how the clips played."
    )
    doubts = models.JSONField(
        default=list, blank=True, help_text="What the server's clock says against the answer."
    )

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "rater", "occasion"], name="comparison_once_per_rater"
            ),
            models.CheckConstraint(
                condition=~Q(state=AssignmentState.SUBMITTED)
                | Q(submitted_at__isnull=False, submission_id__isnull=False),
                name="assignment_submitted_is_dated",
            ),
            models.CheckConstraint(
                condition=~Q(state=AssignmentState.SKIPPED) | ~Q(skip_reason=""),
                name="assignment_skipped_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(state="leased"),
                name="assignment_leases",
            ),
            models.Index(fields=["rater", "state"], name="assignment_by_rater"),
        ]

    def __str__(self) -> str:
        return f"assignment {self.public_id}"

    @property
    def takes_seat(self) -> bool:
        """Whether it takes one of the comparison's seats: checks and repeats do not."""
        return self.occasion == 1 and self.comparison.of_check_id is None

    def choice_of_side(self, pressed: str) -> Choice:
        """The comparison's own order from the side that was pressed."""
        if pressed == Choice.TIE:
            return Choice.TIE
        return Choice.A if pressed == self.side_a else Choice.B

    def side_of_choice(self, choice: str) -> str:
        """The side on which the rater saw what was chosen."""
        if choice == Choice.TIE:
            return str(Choice.TIE)
        side_a = Side(self.side_a)
        return str(side_a if choice == Choice.A else side_a.other)

    def token(self, side: Side) -> str:
        return self.left_token if side == Side.LEFT else self.right_token

    def side_of_token(self, token: str) -> Side:
        return Side.LEFT if token == self.left_token else Side.RIGHT


class JudgmentQuerySet(models.QuerySet["Judgment"]):
    def for_study(self, study_id: int) -> JudgmentQuerySet:
        """The votes that count: none on checks or repeats, none on what was withdrawn."""
        return self.filter(
            ~Q(assignment__comparison__state=ComparisonState.WITHDRAWN),
            assignment__comparison__study=study_id,
            assignment__comparison__of_check=None,
            assignment__occasion=1,
        )

    def set_aside(self, study_id: int) -> JudgmentQuerySet:
        """Votes on comparisons that were withdrawn: kept, and counted nowhere else."""
        return self.filter(
            assignment__comparison__state=ComparisonState.WITHDRAWN,
            assignment__comparison__study=study_id,
            assignment__comparison__of_check=None,
            assignment__occasion=1,
        )

    def with_context(self) -> JudgmentQuerySet:
        """With the names that an export needs, in two queries."""
        return self.select_related(
            "axis",
            "assignment__rater",
            "assignment__comparison__prompt",
            "assignment__comparison__stimulus_a__model",
            "assignment__comparison__stimulus_b__model",
        ).prefetch_related("reasons")


class Judgment(models.Model):
    """One rater's answer on one axis, in the comparison's own order."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="judgments")
    axis = models.ForeignKey(Axis, models.PROTECT, related_name="judgments")
    choice = models.CharField(max_length=3, choices=Choice)
    reasons = models.ManyToManyField(Reason, related_name="judgments", blank=True)
    note = models.TextField(blank=True)
    reason_order = models.JSONField(
        default=list, blank=True, help_text="Keys of the reasons in the order that was shown."
    )
    created_at = models.DateTimeField()

    objects = JudgmentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["assignment", "axis"], name="judgment_once_per_axis"),
            models.CheckConstraint(
                condition=Q(choice__in=Choice.values), name="judgment_choice_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.axis}: {self.choice}"


class Revision(models.Model):
    """The answers of an assignment before the rater went back and answered anew."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="revisions")
    submission_id = models.UUIDField(unique=True)
    submission_digest = models.CharField(max_length=64)
    answers = models.JSONField(help_text="Axis, choice in the comparison's order, reasons, note.")
    submitted_at = models.DateTimeField()
    replaced_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.assignment} before {self.replaced_at:%Y-%m-%d %H:%M}"
