"""What is compared: models, prompts, and the stimuli that models made from prompts."""

from __future__ import annotations

import hashlib

from django.db import models

from annotations.enums import StimulusKind
from annotations.models.seeds import SeedField


class GenerativeModel(models.Model):
    """One system under evaluation, reused across studies."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=120, unique=True)
    notes = models.TextField(blank=True, help_text="Version, settings, date: for the report.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "model"

    def __str__(self) -> str:
        return self.name


class Prompt(models.Model):
    """The text that every model was given. The same key and text are one prompt everywhere."""

    key = models.CharField(max_length=120, help_text="The prompt's id in files and exports.")
    text = models.TextField()
    category = models.CharField(max_length=120, blank=True)
    digest = models.CharField(
        max_length=64, editable=False, help_text="SHA-256 of the text, and of the source if any."
    )
    source = models.FileField(
        max_length=255,
        blank=True,
        help_text="What the models start from: a first image, a past clip, an image to edit.",
    )
    source_kind = models.CharField(max_length=8, choices=StimulusKind, blank=True)
    source_sha256 = models.CharField(max_length=64, blank=True)
    source_seconds = models.FloatField(default=0, help_text="Length of a past clip.")
    shown_source = models.FileField(
        max_length=255, blank=True, help_text="The source as raters see it, made anew."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["key"]
        constraints = [
            models.UniqueConstraint(fields=["key", "digest"], name="prompt_key_and_text_once")
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.text[:80]}"

    @staticmethod
    def digest_of(text: str, source_sha256: str = "") -> str:
        described = f"{text}\n{source_sha256}" if source_sha256 else text
        return hashlib.sha256(described.encode()).hexdigest()


class StimulusQuerySet(models.QuerySet["Stimulus"]):
    def for_study(self, study_id: int) -> StimulusQuerySet:
        """Clips on the study's roster, of the models and prompts that are still its own."""
        return self.filter(
            roster_entries__study=study_id,
            roster_entries__model__studies=study_id,
            roster_entries__prompt__studies=study_id,
        )


class Stimulus(models.Model):
    """One model's output for one prompt and seed; the original file, never shown to a rater.

    Another checkpoint under the same name, or another run, is another clip: a study's roster says
    which one it shows.
    """

    model = models.ForeignKey(GenerativeModel, models.PROTECT, related_name="stimuli")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="stimuli")
    seed = SeedField(default=0)
    kind = models.CharField(max_length=8, choices=StimulusKind)
    file = models.FileField(max_length=255)
    sha256 = models.CharField(max_length=64)
    frames_sha256 = models.CharField(
        max_length=64, help_text="SHA-256 of the decoded frames: equal for identical pictures."
    )
    container = models.CharField(max_length=32)
    codec = models.CharField(max_length=32)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    fps_numerator = models.PositiveIntegerField(default=0, help_text="0 for a still image.")
    fps_denominator = models.PositiveIntegerField(default=1)
    frames = models.PositiveIntegerField()
    seconds = models.FloatField()
    has_audio = models.BooleanField(default=False)
    bytes = models.PositiveBigIntegerField()
    warnings = models.JSONField(
        default=list, blank=True, help_text="What an owner may want to look at: codes."
    )
    source = models.CharField(max_length=500, help_text="Where the clip came from.")
    provenance = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StimulusQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "stimuli"
        constraints = [
            models.UniqueConstraint(
                fields=["model", "prompt", "seed", "sha256"], name="stimulus_once"
            )
        ]
        indexes = [models.Index(fields=["prompt", "model"], name="stimulus_by_prompt")]

    def __str__(self) -> str:
        return f"{self.model} / {self.prompt.key} / seed {self.seed}"

    @property
    def fps(self) -> float:
        return self.fps_numerator / self.fps_denominator
