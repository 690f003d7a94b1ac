"""Where models are called, and what studies ask of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from annotations.models import GenerativeModel, Study
from generation.adapters.registry import CHOICES, UPLOAD, capabilities_of, problems_of
from generation.adapters.requests import Kind
from generation.costs import estimated_cost
from generation.enums import (
    BodyEncoding,
    UnknownOutcome,
)

is_variable_name = RegexValidator(
    r"^[A-Z][A-Z0-9_]*$",
    "Give the name of an environment variable, such as LAB_KEY; never the key.",
)
SET_BY_THE_JOB = {"model", "prompt", "seed"}
# URLField wants a top-level domain, which hosts of a private network do not have.
is_web_address = RegexValidator(
    r"^https?://[^\s/]+(/\S*)?$", "Give an address such as https://lab.example/v1."
)
SETTINGS = ("negative_prompt", "seconds", "size", "ratio")
is_size = RegexValidator(r"^[1-9]\d{1,4}x[1-9]\d{1,4}$", "Give a size such as 1280x720.")
is_ratio = RegexValidator(r"^[1-9]\d{0,3}:[1-9]\d{0,3}$", "Give a shape such as 16:9.")
AT_LEAST_ONE = [MinValueValidator(1)]
AT_LEAST_NOTHING = [MinValueValidator(0)]


def money(help_text: str) -> models.DecimalField:
    """An amount in the endpoint's own currency; empty is not known, or no limit."""
    return models.DecimalField(
        max_digits=14,
        decimal_places=6,
        null=True,
        blank=True,
        validators=AT_LEAST_NOTHING,
        help_text=help_text,
    )


def limit(help_text: str) -> models.PositiveIntegerField:
    """A number of jobs; empty is no limit."""
    return models.PositiveIntegerField(
        null=True, blank=True, validators=AT_LEAST_ONE, help_text=help_text
    )


class Endpoint(models.Model):
    """Where one model is called."""

    model = models.OneToOneField(GenerativeModel, models.CASCADE, related_name="endpoint")
    name = models.CharField(max_length=120)
    adapter = models.CharField(max_length=40, choices=CHOICES, default="openai_videos")
    base_url = models.CharField(
        max_length=300,
        blank=True,
        validators=[is_web_address],
        help_text="Up to and including /v1; docs/endpoints.md has each adapter's.",
    )
    remote_model = models.CharField(max_length=200, help_text="The model's name at the endpoint.")
    parameters = models.JSONField(
        default=dict, blank=True, help_text='Sent with every job, such as {"seconds": "4"}.'
    )
    options = models.JSONField(
        default=dict, blank=True, help_text="How the adapter talks to it: see docs/endpoints.md."
    )
    first_step = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="second_steps",
        verbose_name="first frame by",
        help_text="For text to image to video: the endpoint that makes the picture this model "
        "starts from. Models with the same one start from the same picture.",
    )
    body_encoding = models.CharField(max_length=10, choices=BodyEncoding, default=BodyEncoding.JSON)
    api_key_env = models.CharField(
        max_length=80,
        blank=True,
        validators=[is_variable_name],
        verbose_name="API key variable",
        help_text="Name of the environment variable that holds the key.",
    )
    max_concurrency = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1)], help_text="Jobs at the endpoint at once."
    )
    jobs_per_minute = limit("Jobs sent in any minute, at most.")
    pause_after = models.PositiveSmallIntegerField(
        default=5,
        validators=AT_LEAST_ONE,
        help_text="Calls that fail in a row before the endpoint is left alone for a while.",
    )
    unknown_outcome = models.CharField(
        max_length=20,
        choices=UnknownOutcome,
        default=UnknownOutcome.PARK,
        verbose_name="after a lost answer",
        help_text="Where the endpoint's list cannot tell what became of the job.",
    )
    currency = models.CharField(
        max_length=20, blank=True, help_text="What costs are counted in, such as USD or credits."
    )
    cost_per_job = money("Price of a clip: an estimate, where the endpoint does not tell the cost.")
    cost_per_second = money("Price of a second of clip, besides the price of a clip if any.")
    daily_jobs = limit("Jobs sent in a day, at most.")
    total_jobs = limit("Jobs sent in all, at most.")
    daily_cost = money("Spent in a day, at most.")
    total_cost = money("Spent in all, at most.")
    is_internal = models.BooleanField(
        default=False, help_text="Allow an address in a private network."
    )
    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0, editable=False)
    paused_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then it is not called at all."
    )
    sends_paused_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then it is sent no jobs; its clips are fetched."
    )
    paused_why = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(max_concurrency__gte=1), name="endpoint_takes_a_job"
            ),
            models.CheckConstraint(
                condition=Q(jobs_per_minute__isnull=True) | Q(jobs_per_minute__gte=1),
                name="endpoint_rate_is_a_rate",
            ),
            models.CheckConstraint(
                condition=Q(unknown_outcome__in=UnknownOutcome.values),
                name="endpoint_policy_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """An endpoint has an address unless nothing is called, and options that its adapter knows.

        Raises
        ------
        ValidationError
        """
        if not self.base_url and self.adapter != UPLOAD:
            raise ValidationError({"base_url": "Give the address of the endpoint."})
        if not isinstance(self.parameters, dict):
            raise ValidationError({"parameters": 'Give a JSON object, such as {"seconds": "4"}.'})
        if taken := sorted(SET_BY_THE_JOB & self.parameters.keys()):
            raise ValidationError({"parameters": f"The job itself sets {', '.join(taken)}."})
        if problems := problems_of(self):
            raise ValidationError({"options": problems})
        if self.first_step and (words := self._problem_of_first_step(self.first_step)):
            raise ValidationError({"first_step": words})
        has_budget = self.daily_cost is not None or self.total_cost is not None
        if has_budget and not estimated_cost(self):
            words = "A budget needs an estimate, since costs are told late or never: give the "
            words += "price of a clip, or of a second and a length in the parameters."
            raise ValidationError({"cost_per_job": words})

    def _problem_of_first_step(self, first: Endpoint) -> str:
        if first.pk == self.pk or first.first_step_id:
            return "A chain has two steps: a picture from text, then a clip from the picture."
        if Kind.TEXT_TO_IMAGE not in capabilities_of(first).kinds:
            return f"{first} makes no picture from text."
        if Kind.IMAGE_TO_VIDEO not in capabilities_of(self).kinds:
            return "This model makes no clip from a picture: see the option “kinds”."
        return ""

    def resumes_at(self, now: datetime) -> datetime | None:
        """When jobs are sent to it again; None if it does not rest."""
        pauses = (self.paused_until, self.sends_paused_until)
        return max((until for until in pauses if until and until > now), default=None)

    def is_paused(self, now: datetime) -> bool:
        """Whether no job is sent to it."""
        return self.resumes_at(now) is not None

    @property
    def is_failing(self) -> bool:
        """So many calls failed in a row that one at a time tries whether it works again."""
        return self.failures >= self.pause_after


class ClipSettings(models.Model):
    """What a study asks of every one of its models, beside the prompt."""

    study = models.OneToOneField(Study, models.CASCADE, related_name="clip_settings")
    negative_prompt = models.TextField(
        blank=True,
        help_text="What clips should not show; for models that take one. What is empty here is as "
        "each endpoint has it.",
    )
    seconds = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(600)],
        help_text="Length of every clip.",
    )
    size = models.CharField(
        max_length=11,
        blank=True,
        validators=[is_size],
        help_text="In pixels, such as 1280x720.",
    )
    ratio = models.CharField(
        max_length=9,
        blank=True,
        validators=[is_ratio],
        verbose_name="shape",
        help_text="Width to height, such as 16:9, for models that take no size.",
    )

    class Meta:
        verbose_name = "clip settings"
        verbose_name_plural = "what every model is asked beside the prompt"

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.asked.items()) or "nothing"

    @property
    def asked(self) -> dict[str, Any]:
        """What is asked, without what is left to the endpoints."""
        given = {name: getattr(self, name) for name in SETTINGS}
        return {name: value for name, value in given.items() if value}
