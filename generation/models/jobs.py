"""Jobs are the queue of record, and every call of one is an attempt."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Sum

from annotations.enums import StudyKind
from annotations.models import Prompt, RosterEntry, Stimulus, Study, StudyPrompt
from generation.costs import as_money
from generation.enums import (
    AT_ENDPOINT,
    CHAINED,
    ENDED_BADLY,
    MOVING,
    NOT_MADE,
    AttemptState,
    JobState,
    Priority,
)
from generation.models.endpoints import Endpoint, money


class JobQuerySet(models.QuerySet["Job"]):
    def for_study(self, study_id: int) -> JobQuerySet:
        """What the study asked for, and the jobs whose pictures that starts from.

        Only for models and prompts that are still the study's, corrected or not.
        """
        places = StudyPrompt.objects.filter(study=study_id)
        told = Q(prompt__in=places.values("prompt")) | Q(prompt__in=places.values("told"))
        own = Job.objects.filter(told, study=study_id, endpoint__model__studies=study_id)
        return self.filter(pk__in=own.with_first_steps().values("pk"))

    def behind_clips_of(self, study_id: int) -> JobQuerySet:
        """What the study asked for, and what made the clips that it took over from elsewhere."""
        clips = Stimulus.objects.for_study(study_id).filter(jobs__isnull=False).values("jobs")
        own = Job.objects.for_study(study_id).values("pk")
        return self.filter(Q(pk__in=own) | Q(pk__in=clips))

    def with_first_steps(self) -> JobQuerySet:
        """These, and the jobs whose pictures they start from."""
        firsts = self.filter(first_step__isnull=False).values("first_step")
        return Job.objects.filter(Q(pk__in=self.values("pk")) | Q(pk__in=firsts))

    def moving(self) -> JobQuerySet:
        return self.filter(state__in=MOVING)

    def at_endpoint(self, *, now: datetime) -> JobQuerySet:
        """Jobs that take a place; one that waits for a person does so until its deadline."""
        parked_for_long = Q(wake_at=None, deadline_at__isnull=False, deadline_at__lt=now)
        return self.filter(state__in=AT_ENDPOINT).exclude(parked_for_long)

    def waiting(self, *, now: datetime) -> JobQuerySet:
        """Jobs that could be sent now, if their endpoint takes them."""
        return self.filter(state=JobState.READY, wake_at__lte=now)

    def callable_now(self, *, now: datetime) -> JobQuerySet:
        """Jobs whose endpoint is not left alone."""
        return self.exclude(endpoint__paused_until__gt=now)

    def failed(self) -> JobQuerySet:
        """Jobs that ended without a clip, and those that wait for a person."""
        return self.filter(
            Q(state__in=ENDED_BADLY) | Q(state=JobState.UNKNOWN_OUTCOME, wake_at=None)
        )

    def without_clip(self) -> JobQuerySet:
        """Jobs whose place in their study is empty; of pictures to start from, those not made."""
        place = RosterEntry.objects.filter(
            Q(prompt=OuterRef("prompt")) | Q(stimulus__prompt=OuterRef("prompt")),
            study=OuterRef("study"),
            model=OuterRef("endpoint__model"),
        )
        followers = Job.objects.filter(first_step=OuterRef("pk"))
        is_picture = Q(Exists(followers), stimulus__isnull=False)
        return self.filter(~Exists(place)).exclude(is_picture)

    def due(self, *, now: datetime) -> JobQuerySet:
        """Jobs that want attention: scheduled for now, or left by a worker that died."""
        return self.moving().filter(wake_at__lte=now)

    def counts_by_state(self) -> dict[str, int]:
        counts = self.order_by().values_list("state").annotate(n=Count("pk"))
        return dict(counts)


class Job(models.Model):
    """One clip to be made: a model at its endpoint, a prompt, a seed.

    `wake_at` is when the job next wants attention: the time of its next try or poll, or the end
    of the lease of the worker that has it. Null: it waits for a person or for its first step, or
    has ended.
    """

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="jobs")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="jobs")
    study = models.ForeignKey(
        Study,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="planned_jobs",
        help_text="Who asked for it first; studies take turns at an endpoint.",
    )
    is_trial = models.BooleanField(
        "trial", default=False, help_text="Tries the endpoint out; part of no study."
    )
    kind = models.CharField(
        max_length=20, choices=StudyKind, blank=True, help_text="Empty: that of the study."
    )
    asked = models.JSONField(
        default=dict, blank=True, help_text="What the study asks of every model."
    )
    first_step = models.ForeignKey(
        "self",
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="followers",
        help_text="The job whose picture this one starts from.",
    )
    priority = models.SmallIntegerField(choices=Priority, default=Priority.USUAL)
    seed = models.BigIntegerField(default=0)
    state = models.CharField(max_length=16, choices=JobState, default=JobState.READY)
    wake_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    submits = models.PositiveSmallIntegerField(default=0)
    polls = models.PositiveIntegerField(default=0)
    fetches = models.PositiveSmallIntegerField(default=0)
    progress = models.PositiveSmallIntegerField(null=True, blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True, help_text="In the endpoint's own words.")
    stimulus = models.ForeignKey(
        Stimulus, models.SET_NULL, null=True, blank=True, related_name="jobs"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "prompt", "seed"], name="job_once_per_endpoint_prompt_seed"
            ),
            models.CheckConstraint(
                condition=Q(state__in=JobState.values), name="job_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=ENDED_BADLY) | ~Q(error=""), name="job_failed_says_why"
            ),
            models.CheckConstraint(
                condition=Q(priority__in=Priority.values), name="job_priority_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=CHAINED) | Q(first_step__isnull=False),
                name="job_waits_for_a_first_step",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "wake_at"], name="job_wake_up"),
            models.Index(fields=["endpoint", "state", "priority", "study"], name="job_of_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} / {self.prompt.key} / seed {self.seed}"


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def charged(self) -> AttemptQuerySet:
        """Attempts that count towards a budget: made, being made, or perhaps so."""
        return self.exclude(state__in=NOT_MADE)

    def abandon(self, *, now: datetime) -> int:
        """Nobody waits any more for those that may still be made: they keep their places."""
        uncertain = self.filter(state__in=[AttemptState.SENDING, AttemptState.UNKNOWN])
        return uncertain.update(state=AttemptState.ABANDONED, answered_at=now)

    def sent_since(self, moment: datetime) -> AttemptQuerySet:
        """Attempts that may have reached the endpoint after that moment."""
        return self.filter(Q(answered_at__gt=moment) | Q(answered_at=None))

    def spent(self) -> Decimal:
        return self.aggregate(sum=Sum("cost"))["sum"] or Decimal(0)


class Attempt(models.Model):
    """One time that a job was sent out; written before anything is sent.

    `raw` holds what was sent and what was answered. `cost` is the endpoint's estimate until the
    endpoint tells it.
    """

    job = models.ForeignKey(Job, models.CASCADE, related_name="attempts")
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="attempts")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=10, choices=AttemptState, default=AttemptState.SENDING)
    sent_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    raw = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    cost = money("In the endpoint's currency.")
    is_cost_told = models.BooleanField(default=False)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["remote_id"], name="attempt_by_remote_id"),
            models.Index(fields=["endpoint", "sent_at"], name="attempt_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.job} at {self.sent_at:%Y-%m-%d %H:%M:%S}"

    @property
    def is_charged(self) -> bool:
        """Whether it counts towards a budget: see `AttemptQuerySet.charged`."""
        return self.state not in NOT_MADE

    @property
    def cost_in_words(self) -> str:
        return "" if self.cost is None else as_money(self.cost, self.endpoint.currency)
