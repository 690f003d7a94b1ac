"""Fair pairs: comparisons of two stimuli, and the renditions that raters receive."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from annotations.enums import AssignmentState, ComparisonState, RenditionState
from annotations.models.amendment import Amendment
from annotations.models.checks import Check
from annotations.models.prepared import Given
from annotations.models.stimulus import Prompt, Stimulus
from annotations.models.study import Study


class RenditionQuerySet(models.QuerySet["Rendition"]):
    def due(self, *, now: datetime) -> RenditionQuerySet:
        """Renditions to make that no queue or living worker has."""
        unfinished = self.filter(state__in=[RenditionState.PENDING, RenditionState.RENDERING])
        return unfinished.filter(Q(lease_expires_at=None) | Q(lease_expires_at__lte=now))

    def for_study(self, study_id: int) -> RenditionQuerySet:
        """The renditions of the study's comparisons that were not withdrawn."""
        own = Comparison.objects.not_withdrawn().filter(study=study_id).order_by()
        shown = Q(pk__in=own.values("rendition_a")) | Q(pk__in=own.values("rendition_b"))
        return self.filter(shown)


class Rendition(models.Model):
    """A stimulus as raters see it, made by one plan; the key is a hash of all that shaped it."""

    key = models.CharField(max_length=64, unique=True)
    stimulus = models.ForeignKey(Stimulus, models.PROTECT, related_name="renditions")
    profile = models.CharField(max_length=32)
    plan = models.JSONField(help_text="Exactly what is done to the source: crop, size, times.")
    state = models.CharField(max_length=10, choices=RenditionState, default=RenditionState.PENDING)
    file = models.FileField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    bytes = models.PositiveBigIntegerField(default=0)
    crf = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="Of a clip, how coarsely it is coded; more than usual where its bytes asked it.",
    )
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True, blank=True)

    objects = RenditionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(state__in=["pending", "rendering"]),
                name="rendition_unfinished",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state=RenditionState.READY) | ~Q(file=""),
                name="rendition_ready_has_file",
            )
        ]

    def __str__(self) -> str:
        return f"{self.stimulus} as {self.profile}"


SHOWN_WITH = ("of_check", "prompt", "rendition_a", "rendition_b")
"""What a comparison is read with that is to be shown to a rater."""


class ComparisonQuerySet(models.QuerySet["Comparison"]):
    def counted(self) -> ComparisonQuerySet:
        """Comparisons that the study is about; checks are made beside them."""
        return self.filter(of_check=None)

    def not_withdrawn(self) -> ComparisonQuerySet:
        return self.exclude(state=ComparisonState.WITHDRAWN)

    def showing(self, clips: Collection[int]) -> ComparisonQuerySet:
        """Comparisons of which one side is one of these stimuli."""
        return self.filter(Q(stimulus_a__in=clips) | Q(stimulus_b__in=clips))

    def usable(self) -> ComparisonQuerySet:
        """Comparisons that are ready, or may yet be."""
        return self.exclude(state__in=[ComparisonState.FAILED, ComparisonState.WITHDRAWN])

    def ready(self) -> ComparisonQuerySet:
        return self.filter(state=ComparisonState.READY)

    def with_free_seat(self) -> ComparisonQuerySet:
        """Ready comparisons that still want a rater, those that want most first."""
        return self.counted().ready().filter(open_seats__gt=0).order_by("-open_seats", "position")

    def may_want_raters(self) -> ComparisonQuerySet:
        """Comparisons with an open seat, or with one that a lease may yet give back."""
        usable = self.counted().usable()
        leased = Q(assignments__state=AssignmentState.LEASED, assignments__occasion=1)
        return usable.filter(Q(open_seats__gt=0) | leased)

    def unseen_by(self, rater_id: int | Given) -> ComparisonQuerySet:
        """Comparisons that were never given to this rater.

        Each is looked up among its own few assignments, whatever the database's statistics say:
        they may not know yet that the rater has thousands. A value is never planned as a join, and
        by the sum no index leads to the rater's; "below 1" is expected of many, "is null" of few.
        """
        from annotations.models.rating import Assignment  # it needs this module

        of_comparison = Assignment.objects.filter(comparison=OuterRef("pk")).order_by()
        own = of_comparison.alias(whose=F("rater_id") + 0).filter(whose=rater_id).values("pk")[:1]
        return self.alias(own=Coalesce(Subquery(own), 0)).filter(own__lt=1)


class Comparison(models.Model):
    """Two stimuli of one prompt in a canonical order a, b; the screen side is never stored here."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="comparisons")
    # `check` is a method of every Django model: the field's name is `of_check`.
    of_check = models.OneToOneField(
        Check, models.CASCADE, null=True, blank=True, related_name="comparison"
    )
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="comparisons")
    stimulus_a = models.ForeignKey(Stimulus, models.PROTECT, related_name="comparisons_as_a")
    stimulus_b = models.ForeignKey(Stimulus, models.PROTECT, related_name="comparisons_as_b")
    rendition_a = models.ForeignKey(
        Rendition, models.PROTECT, null=True, related_name="comparisons_as_a"
    )
    rendition_b = models.ForeignKey(
        Rendition, models.PROTECT, null=True, related_name="comparisons_as_b"
    )
    state = models.CharField(
        max_length=10, choices=ComparisonState, default=ComparisonState.PREPARING
    )
    error = models.TextField(blank=True)
    # Drawn anew with every seat that is taken, so that no two raters share an order.
    position = models.PositiveBigIntegerField(help_text="Its place in the study's random order.")
    open_seats = models.PositiveSmallIntegerField(
        help_text="Raters still wanted: raters per comparison less live and submitted assignments."
    )
    withdrawn_by = models.ForeignKey(
        Amendment, models.RESTRICT, null=True, blank=True, related_name="comparisons"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "stimulus_a", "stimulus_b"],
                condition=Q(of_check=None),
                name="comparison_once_per_study",
            ),
            models.CheckConstraint(
                condition=~Q(stimulus_a=F("stimulus_b")) | Q(of_check__isnull=False),
                name="comparison_of_two_stimuli",
            ),
            models.CheckConstraint(
                condition=Q(open_seats__gte=0), name="comparison_seats_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(state=ComparisonState.READY)
                | Q(rendition_a__isnull=False, rendition_b__isnull=False),
                name="comparison_ready_has_renditions",
            ),
            models.CheckConstraint(
                condition=Q(state=ComparisonState.WITHDRAWN, withdrawn_by__isnull=False)
                | ~Q(state=ComparisonState.WITHDRAWN) & Q(withdrawn_by=None),
                name="comparison_withdrawn_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                F("study"),
                F("open_seats").desc(),
                F("position"),
                condition=Q(state="ready", open_seats__gt=0, of_check=None),
                name="comparison_free_seats",
            )
        ]

    def __str__(self) -> str:
        return f"comparison {self.pk}"
