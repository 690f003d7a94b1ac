"""Reports as rows: what they saw, how far they are, and what came out."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from annotations.models import Study


class ReportState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


UNFINISHED = (ReportState.QUEUED, ReportState.RUNNING)


class ReportQuerySet(models.QuerySet["Report"]):
    def unfinished(self) -> ReportQuerySet:
        return self.filter(state__in=UNFINISHED)

    def latest_ready(self, study: Study) -> Report | None:
        return self.filter(study=study, state=ReportState.READY).order_by("-pk").first()

    def lost(self, *, queued_before: datetime, started_before: datetime) -> ReportQuerySet:
        """Reports whose task was lost: never begun, or begun by a worker that died."""
        return self.filter(
            Q(state=ReportState.QUEUED, queued_at__lte=queued_before)
            | Q(state=ReportState.RUNNING, started_at__lte=started_before)
        )

    def due_again(self, now: datetime) -> ReportQuerySet:
        """Those that failed and have had their pause."""
        return self.filter(state=ReportState.FAILED, next_try_at__lte=now)

    def extras_due_again(self, now: datetime) -> ReportQuerySet:
        return self.filter(state=ReportState.READY, extras="", extras_next_try_at__lte=now)


class Report(models.Model):
    """The report of a study for one state of its votes, protocol and code."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="reports")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of all that it is made from.")
    votes = models.PositiveIntegerField(help_text="Judgments that it sees.")
    last_judgment_id = models.PositiveBigIntegerField()
    state = models.CharField(max_length=8, choices=ReportState, default=ReportState.QUEUED)
    tries = models.PositiveIntegerField(default=0)
    percent = models.PositiveSmallIntegerField(default=0, help_text="How much of it is made.")
    headline = models.TextField(blank=True)
    page = models.FileField(max_length=255, blank=True, help_text="The HTML file.")
    content = models.TextField(blank=True, help_text="Every number, as JSON.")
    files = models.JSONField(default=dict, blank=True, help_text="Tables by the names of files.")
    extras = models.FileField(
        max_length=255, blank=True, help_text="Figures, Parquet and all the rest, as a zip."
    )
    extras_asked_at = models.DateTimeField(null=True, blank=True)
    extras_error = models.TextField(blank=True, help_text="Why they could not be made.")
    extras_tries = models.PositiveIntegerField(default=0)
    extras_next_try_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="Why the latest try failed.")
    next_try_at = models.DateTimeField(
        null=True, blank=True, help_text="After a failure: when it is tried again by itself."
    )
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "fingerprint"], name="report_once_per_fingerprint"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ReportState.values), name="report_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=ReportState.READY) | ~Q(page=""), name="report_ready_has_page"
            ),
            models.CheckConstraint(
                condition=~Q(state=ReportState.FAILED) | ~Q(error=""), name="report_failed_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(state=ReportState.FAILED) | Q(next_try_at__isnull=False),
                name="report_failed_is_tried_again",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queued_at"],
                condition=Q(state__in=["queued", "running"]),
                name="report_unfinished",
            ),
            models.Index(
                fields=["next_try_at"], condition=Q(state="failed"), name="report_due_again"
            ),
        ]

    def __str__(self) -> str:
        return f"report {self.pk} of {self.votes} votes: {self.state}"

    @property
    def is_under_way(self) -> bool:
        return self.state in UNFINISHED

    @property
    def has_failed(self) -> bool:
        return self.state == ReportState.FAILED
