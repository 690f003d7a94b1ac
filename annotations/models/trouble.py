"""What went wrong in the background, for those who can do something about it."""

from __future__ import annotations

from django.db import models

from annotations.enums import SweepWork
from annotations.models.study import Study


class Trouble(models.Model):
    """Work of a sweep that failed for a study: shown to its owner until it succeeds."""

    study = models.ForeignKey(Study, models.CASCADE, related_name="troubles")
    work = models.CharField(max_length=12, choices=SweepWork)
    error = models.TextField()
    times = models.PositiveIntegerField(default=1)
    since = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "work"], name="trouble_once_per_work")
        ]

    def __str__(self) -> str:
        return f"{self.get_work_display()} of {self.study}: {self.error}"
