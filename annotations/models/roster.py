"""The roster: which clip a study shows for each model, prompt and sample."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from annotations.enums import RosterOrigin
from annotations.models.stimulus import GenerativeModel, Prompt, Stimulus
from annotations.models.study import Study


class RosterQuerySet(models.QuerySet["RosterEntry"]):
    def wanted(self) -> RosterQuerySet:
        """Entries whose model and prompt are still the study's: an owner may leave one out."""
        return self.filter(model__studies=F("study"), prompt__studies=F("study"))


class RosterEntry(models.Model):
    """One place of a study, and the clip that was put there; no other clip reaches its raters.

    Samples are numbered from 1 for each model and prompt. What two models have under one number is
    compared, whatever their seeds were.
    """

    study = models.ForeignKey(Study, models.CASCADE, related_name="roster")
    model = models.ForeignKey(GenerativeModel, models.PROTECT, related_name="+")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="+")
    sample = models.PositiveIntegerField(default=1)
    stimulus = models.ForeignKey(Stimulus, models.CASCADE, related_name="roster_entries")
    origin = models.CharField(
        max_length=8, choices=RosterOrigin, help_text="How the clip came into the study."
    )
    is_new = models.BooleanField(
        default=True, help_text="Whether its comparisons have yet to be planned."
    )
    added_at = models.DateTimeField(auto_now_add=True)

    objects = RosterQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "roster entries"
        constraints = [
            models.UniqueConstraint(
                fields=["study", "model", "prompt", "sample"], name="roster_place_once"
            ),
            models.UniqueConstraint(fields=["study", "stimulus"], name="roster_clip_once"),
            models.CheckConstraint(condition=Q(sample__gte=1), name="roster_sample_from_one"),
        ]
        indexes = [
            models.Index(fields=["study"], condition=Q(is_new=True), name="roster_new"),
        ]

    def __str__(self) -> str:
        return f"{self.model} / {self.prompt.key} / sample {self.sample}"
