"""What was told to operators, so that several processes tell it once."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class AlertQuerySet(models.QuerySet["Alert"]):
    def untold(self, *, begun_before: datetime) -> AlertQuerySet:
        """Faults that have lasted, and of which nobody was told yet."""
        return self.filter(told_at=None, ended_at=None, began_at__lte=begun_before)

    def gone(self, *, seen_before: datetime) -> AlertQuerySet:
        """Faults that nobody has seen for a while, and whose end nobody tells yet."""
        return self.filter(ended_at=None, seen_at__lte=seen_before)

    def left_over(self, *, ended_before: datetime) -> AlertQuerySet:
        """Those whose end was being told by a process that died."""
        return self.filter(ended_at__lte=ended_before)


class Alert(models.Model):
    """A fault of the installation that is seen now: gone when its end was told."""

    fault = models.CharField(max_length=120, unique=True, help_text="The fault's key.")
    words = models.TextField()
    what_to_do = models.TextField(blank=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [("view_operation", "Can see how the installation stands")]

    def __str__(self) -> str:
        return f"{self.fault}: {self.words}"
