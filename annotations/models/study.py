"""A study: which models, on which prompts, and what raters are asked."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from annotations.enums import (
    AudioPolicy,
    Fit,
    FrameRate,
    Pairing,
    PresentationProfile,
    Protocol,
    ReasonOrder,
    SamplePairing,
    StoppingRuleChoice,
    StudyKind,
    StudyState,
    TiePolicy,
    Trim,
    Viewing,
)
from annotations.media.profiles import MAX_BYTES
from annotations.models.stimulus import GenerativeModel, Prompt

MOST_RATERS = 99
"""Per comparison."""


def count_of(rows: models.QuerySet[Any]) -> Coalesce:
    """How many rows a correlated query has, as a column."""
    return total_of(rows, Count("pk"))


def total_of(rows: models.QuerySet[Any], added_up: models.Aggregate) -> Coalesce:
    """What the rows of a correlated query come to, as a column; 0 without any."""
    totals = rows.order_by().annotate(one=Value(1)).values("one").annotate(n=added_up)
    return Coalesce(Subquery(totals.values("n")), 0)


def new_token() -> str:
    """192 random bits for a URL that cannot be guessed."""
    return secrets.token_urlsafe(24)


def new_completion_code() -> str:
    """A code that a rater can read aloud: no letters that look like digits."""
    return "".join(secrets.choice("ABCDEFGHJKMNPQRSTUVWXYZ23456789") for _ in range(8))


def new_order_seed() -> int:
    return secrets.randbelow(2**31)


def validate_masks(masks: object) -> None:
    """Rectangles of four fractions, each inside of the picture."""
    rows = masks if isinstance(masks, list) else [None]
    for row in rows:
        if not (
            isinstance(row, list)
            and len(row) == 4
            and all(isinstance(part, int | float) and 0 <= part <= 1 for part in row)
            and row[0] + row[2] <= 1
            and row[1] + row[3] <= 1
            and row[2] * row[3] > 0
        ):
            raise ValidationError(
                "Give rectangles as [[left, top, width, height], ...] in fractions of the "
                "picture, from 0 to 1, each inside of it."
            )


def validate_languages(languages: object) -> None:
    """Codes of settings.LANGUAGES, each once."""
    codes = languages if isinstance(languages, list) else [None]
    if len(set(codes)) != len(codes) or set(codes) - dict(settings.LANGUAGES).keys():
        raise ValidationError(
            "Give languages as a list of these: %(codes)s.",
            params={"codes": ", ".join(dict(settings.LANGUAGES))},
        )


class StudyQuerySet(models.QuerySet["Study"]):
    def with_judgments(self) -> StudyQuerySet:
        from annotations.models.rating import Judgment

        judgments = Judgment.objects.filter(assignment__comparison__study=OuterRef("pk"))
        return self.annotate(has_judgments=Exists(judgments))

    def with_counts(self) -> StudyQuerySet:
        """With `comparison_count`, and `submitted_count`: assignments that raters completed."""
        from annotations.models.comparison import Comparison
        from annotations.models.rating import Assignment

        comparisons = Comparison.objects.counted().not_withdrawn().filter(study=OuterRef("pk"))
        submitted = Assignment.objects.submitted().counted().not_withdrawn()
        submitted = submitted.filter(comparison__study=OuterRef("pk"))
        return self.annotate(
            comparison_count=count_of(comparisons), submitted_count=count_of(submitted)
        )

    def preparing_or_rating(self) -> StudyQuerySet:
        """Studies whose comparisons may still have to be made."""
        return self.filter(state__in=[StudyState.PREPARING, StudyState.OPEN, StudyState.PAUSED])


class Study(models.Model):
    """One evaluation with a fixed protocol; frozen once it has judgments."""

    title = models.CharField(max_length=200, help_text="Raters see it: name no model here.")
    slug = models.SlugField(max_length=120, unique=True, help_text="The rater link ends in it.")
    kind = models.CharField(max_length=20, choices=StudyKind, default=StudyKind.TEXT_TO_VIDEO)
    state = models.CharField(
        max_length=12, choices=StudyState, default=StudyState.DRAFT, editable=False
    )
    instructions = models.TextField(
        blank=True, help_text="Shown to raters before they start; empty: the standard ones."
    )
    content_warning = models.TextField(
        blank=True, help_text="Shown before the instructions, where clips may upset."
    )
    consent = models.TextField(
        blank=True,
        help_text="What raters agree to by a tick before they start; empty: nothing is asked.",
    )
    language = models.CharField(
        max_length=10,
        choices=settings.LANGUAGES,
        default=settings.LANGUAGE_CODE,
        verbose_name="language of these texts",
        help_text="What you write here for raters is in it; below you can add translations.",
    )
    languages = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_languages],
        verbose_name="languages offered",
        help_text="What raters may choose from, and what their browser may choose for them; "
        "none ticked: all.",
    )
    generative_models = models.ManyToManyField(
        GenerativeModel, through="StudyModel", related_name="studies"
    )
    prompts = models.ManyToManyField(
        Prompt, through="StudyPrompt", through_fields=("study", "prompt"), related_name="studies"
    )
    raters_per_comparison = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(MOST_RATERS)]
    )
    max_per_rater = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        verbose_name="comparisons per rater",
        help_text="A rater is done after so many; empty: as many as there are.",
    )
    tie_policy = models.CharField(max_length=10, choices=TiePolicy, default=TiePolicy.FORCED)
    protocol = models.CharField(max_length=10, choices=Protocol, default=Protocol.JUICE)
    reason_order = models.CharField(
        max_length=6,
        choices=ReasonOrder,
        default=ReasonOrder.RANDOM,
        verbose_name="order of the reasons",
        help_text="What stands first is ticked more often; random spreads that over all reasons.",
    )
    presentation_profile = models.CharField(
        max_length=16, choices=PresentationProfile, default=PresentationProfile.PAIRWISE_MIN
    )
    fit = models.CharField(
        max_length=10,
        choices=Fit,
        default=Fit.CROP,
        help_text="How pictures of another shape are brought to the common one.",
    )
    trim = models.CharField(
        max_length=6, choices=Trim, default=Trim.CENTRE, help_text="What is kept of a longer clip."
    )
    frame_rate = models.CharField(max_length=5, choices=FrameRate, default=FrameRate.LOWER)
    audio = models.CharField(max_length=10, choices=AudioPolicy, default=AudioPolicy.NONE)
    masks = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_masks],
        help_text="Rectangles covered on both sides, such as a watermark's place: "
        "[[left, top, width, height], ...] in fractions of the shown picture.",
    )
    clip_megabytes = models.PositiveSmallIntegerField(
        default=MAX_BYTES // 1_000_000,
        db_default=MAX_BYTES // 1_000_000,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        verbose_name="megabytes of a clip",
        help_text="At most, as it is sent to raters; larger clips are coded more coarsely.",
    )
    fixed_width = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(16), MaxValueValidator(4096)]
    )
    fixed_height = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(16), MaxValueValidator(4096)]
    )
    fixed_fps = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
        verbose_name="fixed frames per second",
    )
    fixed_seconds = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(60)],
        help_text="At most; the shorter clip of a comparison shortens both.",
    )
    viewing = models.CharField(
        max_length=12,
        choices=Viewing,
        default=Viewing.SIMULTANEOUS,
        help_text="How the two clips of a comparison are shown.",
    )
    must_watch = models.BooleanField(
        default=True,
        verbose_name="watch first",
        help_text="Choices open when both clips were seen in full once.",
    )
    pairing = models.CharField(max_length=16, choices=Pairing, default=Pairing.AGAINST_FIRST)
    sample_pairing = models.CharField(
        max_length=8,
        choices=SamplePairing,
        default=SamplePairing.EQUAL,
        db_default=SamplePairing.EQUAL,
        verbose_name="pairing of samples",
        help_text="Where models have several clips of a prompt: which of them meet.",
    )
    planned_comparisons = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        verbose_name="planned comparisons per model pair",
        help_text="The result is read when so many are complete; empty: one for each prompt.",
    )
    stopping_rule = models.CharField(
        max_length=10, choices=StoppingRuleChoice, default=StoppingRuleChoice.FIXED
    )
    stopping_alpha = models.FloatField(
        default=0.05,
        validators=[MinValueValidator(0.0001), MaxValueValidator(0.5)],
        verbose_name="alpha of the always-valid rule",
        help_text="Shared evenly by all model pairs and questions that are watched.",
    )
    stopping_minimum = models.PositiveIntegerField(
        default=20,
        validators=[MinValueValidator(1)],
        verbose_name="least comparisons of the always-valid rule",
        help_text="Before so many are complete, nothing stops the study.",
    )
    stopping_half_width = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.001), MaxValueValidator(0.5)],
        verbose_name="half width of the always-valid rule",
        help_text="Stop too when the interval is this narrow: 0.05 is 5 points to either side. "
        "Empty: only a winner stops the study early.",
    )
    lease_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
        help_text="How long a comparison is kept for a rater who went silent.",
    )
    skip_percent = models.PositiveSmallIntegerField(
        default=10,
        null=True,
        blank=True,
        validators=[MaxValueValidator(100)],
        verbose_name="skips per rater (%)",
        help_text="Of the comparisons that a rater has met so far; who skips more is given no "
        "further one. Empty: no limit.",
    )
    skip_minimum = models.PositiveSmallIntegerField(
        default=3,
        verbose_name="but at least",
        help_text="So many comparisons may be skipped, however few were met.",
    )
    revise_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MaxValueValidator(24 * 60)],
        help_text="How long a rater can go one step back and answer anew; 0: not at all.",
    )
    break_minutes = models.PositiveSmallIntegerField(
        default=30,
        validators=[MaxValueValidator(24 * 60)],
        help_text="After so many minutes at work the page suggests a break; 0: never.",
    )
    completion_code = models.CharField(max_length=40, default=new_completion_code)
    report_token = models.CharField(max_length=40, default=new_token, unique=True, editable=False)
    order_seed = models.BigIntegerField(default=new_order_seed, editable=False)
    # Under which what raters are asked is kept in memory; empty in the draft, where it changes.
    frozen_as = models.CharField(
        max_length=40, default="", db_default="", blank=True, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = StudyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "studies"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(raters_per_comparison__gte=1), name="study_has_raters"
            ),
            models.CheckConstraint(
                condition=Q(state__in=StudyState.values), name="study_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(stopping_rule__in=StoppingRuleChoice.values)
                & Q(stopping_alpha__gt=0, stopping_alpha__lt=1, stopping_minimum__gte=1)
                & (Q(planned_comparisons=None) | Q(planned_comparisons__gte=1))
                & (Q(stopping_half_width=None) | Q(stopping_half_width__gt=0)),
                name="study_plan_is_possible",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """A fixed presentation says what it is fixed to; H.264 wants even sides."""
        if self.presentation_profile != PresentationProfile.FIXED:
            return
        wanted = ["fixed_width", "fixed_height"]
        if not self.is_image_study:
            wanted += ["fixed_fps", "fixed_seconds"]
        missing = [name for name in wanted if not getattr(self, name)]
        if missing:
            raise ValidationError(dict.fromkeys(missing, "The fixed presentation needs it."))
        odd = [name for name in wanted[:2] if getattr(self, name) % 2]
        if odd:
            raise ValidationError(dict.fromkeys(odd, "Give an even number of pixels."))

    @property
    def is_image_study(self) -> bool:
        return self.kind in (StudyKind.TEXT_TO_IMAGE, StudyKind.IMAGE_EDITING)

    @property
    def needs_source(self) -> bool:
        """Whether every prompt comes with an image or a clip that the models start from."""
        return self.kind in (
            StudyKind.IMAGE_TO_VIDEO,
            StudyKind.VIDEO_EXTENSION,
            StudyKind.IMAGE_EDITING,
        )

    def offered_languages(self) -> list[str]:
        """In the order of settings.LANGUAGES."""
        codes = [code for code, _ in settings.LANGUAGES]
        return [code for code in codes if code in self.languages] or codes


class StudyModel(models.Model):
    """A model in a study. The order gives each model pair its fixed a and b."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="study_models")
    model = models.ForeignKey(GenerativeModel, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["study", "model"], name="study_model_once")]

    def __str__(self) -> str:
        return self.model.name


class StudyPrompt(models.Model):
    study = models.ForeignKey(Study, models.CASCADE, related_name="study_prompts")
    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="+")
    told = models.ForeignKey(
        Prompt,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="corrected_in",
        help_text="Whose text the models were told, where it was corrected since.",
    )
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "prompt"], name="study_prompt_once")
        ]

    def __str__(self) -> str:
        return self.prompt.key


class ModelPair(models.Model):
    """Two models to compare, for studies whose pairing is `listed`."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="listed_pairs")
    model_a = models.ForeignKey(GenerativeModel, models.PROTECT, related_name="+")
    model_b = models.ForeignKey(GenerativeModel, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "model_a", "model_b"], name="model_pair_once"),
            models.CheckConstraint(
                condition=~Q(model_a=models.F("model_b")), name="model_pair_of_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_a} / {self.model_b}"


class Axis(models.Model):
    """One question asked of every comparison, such as quality or text faithfulness."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="axes")
    key = models.SlugField(max_length=60, help_text="Its name in exports, such as quality.")
    question = models.CharField(max_length=300)
    shows_prompt = models.BooleanField(
        default=False,
        help_text="Off: asked before the rater sees the prompt. On: asked with the prompt shown.",
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "axes"
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["study", "key"], name="axis_key_once")]

    def __str__(self) -> str:
        return self.key


class Reason(models.Model):
    """A tickable ground for a choice; belongs to one axis."""

    axis = models.ForeignKey(Axis, models.CASCADE, related_name="reasons")
    key = models.SlugField(max_length=60)
    label = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["axis", "key"], name="reason_key_once")]

    def __str__(self) -> str:
        return self.label


class StudyText(models.Model):
    """One of the study's own texts in another language; see `services.studies.texts`."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="texts")
    language = models.CharField(max_length=10, choices=settings.LANGUAGES)
    key = models.CharField(max_length=140)
    text = models.TextField()

    class Meta:
        verbose_name = "translation"
        ordering = ["language", "id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "language", "key"], name="study_text_once")
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.language})"
