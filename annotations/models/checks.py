"""What a study does to know its raters: checks with known answers, and what failing them does."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from annotations.enums import CheckAction, CheckRole, Choice, Side
from annotations.models.stimulus import Stimulus
from annotations.models.study import Reason, Study, new_token

PERCENT = [MinValueValidator(1), MaxValueValidator(100)]
BEFORE_START = [CheckRole.PRACTICE, CheckRole.QUALIFICATION]
WOVEN_IN = [CheckRole.GOLD, CheckRole.IDENTICAL, CheckRole.DEGRADED]
OF_ONE_CLIP = [CheckRole.IDENTICAL, CheckRole.DEGRADED]


class CheckPlan(models.Model):
    """How many checks each rater gets, what failing does, and the rule for leaving raters out.

    A study without a row has the defaults: no checks, no rule.
    """

    study = models.OneToOneField(Study, models.CASCADE, related_name="check_plan")
    gold_per_rater = models.PositiveSmallIntegerField(
        default=0,
        verbose_name="gold checks",
        help_text="Per rater, of those given below.",
    )
    identical_per_rater = models.PositiveSmallIntegerField(
        default=0, verbose_name="identical checks", help_text="Per rater; made by the platform."
    )
    degraded_per_rater = models.PositiveSmallIntegerField(
        default=0, verbose_name="degraded copies", help_text="Per rater; made by the platform."
    )
    repeats_per_rater = models.PositiveSmallIntegerField(
        default=0,
        verbose_name="swapped repeats",
        help_text="Per rater: an earlier comparison once more, with the sides changed.",
    )
    on_failing = models.CharField(max_length=8, choices=CheckAction, default=CheckAction.NOTHING)
    pass_percent = models.PositiveSmallIntegerField(
        default=70, validators=PERCENT, help_text="Of gold checks and degraded copies."
    )
    judged_after = models.PositiveSmallIntegerField(
        default=4,
        validators=[MinValueValidator(1)],
        help_text="No rater is judged by fewer checks than this.",
    )
    qualification_percent = models.PositiveSmallIntegerField(
        default=75, validators=PERCENT, verbose_name="qualification pass mark in per cent"
    )
    qualification_tries = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    exclude_gold_below = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=PERCENT,
        help_text="Rule: leave out who has fewer per cent of the checks right.",
    )
    exclude_consistency_below = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=PERCENT,
        help_text="Rule: leave out who answers fewer per cent of the repeats as before.",
    )
    exclude_fast_above = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=PERCENT,
        help_text="Rule: leave out who answers more per cent too soon, by the server's clock.",
    )

    class Meta:
        verbose_name = "checks"

    def __str__(self) -> str:
        return f"checks of {self.study}"


class CheckQuerySet(models.QuerySet["Check"]):
    def ready(self) -> CheckQuerySet:
        return self.filter(comparison__state="ready")


class Check(models.Model):
    """A comparison whose answer is known. Raters judge it like any other; its votes never count."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="checks")
    role = models.CharField(max_length=14, choices=CheckRole)
    stimulus_a = models.ForeignKey(Stimulus, models.PROTECT, related_name="+")
    stimulus_b = models.ForeignKey(Stimulus, models.PROTECT, related_name="+")
    expected = models.JSONField(
        default=dict, blank=True, help_text='By axis: {"quality": "a"}; axes left out are free.'
    )
    reason = models.ForeignKey(
        Reason,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of an example: the reason that it teaches.",
    )
    explanation = models.TextField(blank=True, help_text="Shown with the answer, after it.")
    position = models.PositiveIntegerField(default=0)
    # Examples are shown to all raters alike; the others get sides and addresses by assignment.
    side_a = models.CharField(max_length=5, choices=Side, default=Side.LEFT)
    left_token = models.CharField(max_length=40, default=new_token, unique=True, editable=False)
    right_token = models.CharField(max_length=40, default=new_token, unique=True, editable=False)

    objects = CheckQuerySet.as_manager()

    class Meta:
        ordering = ["role", "position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=CheckRole.values), name="check_role_is_known"
            ),
            models.CheckConstraint(
                condition=Q(role__in=OF_ONE_CLIP, stimulus_a=F("stimulus_b"))
                | (~Q(role__in=OF_ONE_CLIP) & ~Q(stimulus_a=F("stimulus_b"))),
                name="check_of_one_or_two_stimuli",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display().split(':')[0]} {self.stimulus_a.prompt.key}"

    def clean(self) -> None:
        """Expected answers are by axis of the study, a or b."""
        expected: Any = self.expected
        if not isinstance(expected, dict) or set(expected.values()) - {Choice.A, Choice.B}:
            raise ValidationError({"expected": 'Give {"axis": "a"} or {"axis": "b"} by axis.'})
        axes = set(self.study.axes.values_list("key", flat=True))
        if unknown := sorted(set(expected) - axes):
            raise ValidationError({"expected": f"The study has no axis {', '.join(unknown)}."})

    @property
    def winning_side(self) -> dict[str, str]:
        """By axis, the side on which an example shows the better clip."""
        side_a = Side(self.side_a)
        return {
            axis: str(side_a if choice == Choice.A else side_a.other)
            for axis, choice in self.expected.items()
        }
