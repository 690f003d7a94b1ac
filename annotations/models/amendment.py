"""Changes of a study's protocol after raters were let in, each with its time and reason."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from annotations.enums import AmendmentKindChoice
from annotations.models.study import Study


class Amendment(models.Model):
    """One change of a study that is open or paused. `facts` say what, by kind:

    - withdrawn: `comparisons`, as [prompt id, model a, model b] each;
    - replaced: `clips`, as [prompt id, model, sample] each, and `comparisons` that they ended;
    - more-raters: `before` and `after`, per comparison;
    - more-prompts: `prompts`, their ids;
    - corrected: `prompt`, its id, and the texts `before` and `after`.
    """

    study = models.ForeignKey(Study, models.CASCADE, related_name="amendments")
    kind = models.CharField(max_length=12, choices=AmendmentKindChoice)
    reason = models.TextField()
    facts = models.JSONField(default=dict)
    votes_before = models.PositiveIntegerField(help_text="Votes that counted when it was made.")
    votes_set_aside = models.PositiveIntegerField(
        default=0, help_text="Votes that count no more because of it."
    )
    protocol_before = models.CharField(max_length=64)
    protocol_after = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="amendment_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.made_at:%Y-%m-%d %H:%M}"
