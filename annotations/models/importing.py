"""Clips on their way in: every row is checked before any becomes a stimulus."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Count, Q

from annotations.enums import ImportRowState, ImportState
from annotations.models.seeds import SeedField
from annotations.models.study import Study


class ClipImportQuerySet(models.QuerySet["ClipImport"]):
    def with_counts(self) -> ClipImportQuerySet:
        """With `waiting`, `good` and `bad`: rows in each state."""
        return self.annotate(
            **{state.value: Count("rows", filter=Q(rows__state=state)) for state in ImportRowState}
        )

    def checked_through(self) -> ClipImportQuerySet:
        """Imports by workers that have no row left to check."""
        open_imports = self.filter(state=ImportState.CHECKING, by_workers=True)
        return open_imports.exclude(rows__state=ImportRowState.WAITING)


class ClipImport(models.Model):
    """One import: from a folder, a manifest, an upload or a bucket."""

    study = models.ForeignKey(
        Study, models.CASCADE, null=True, blank=True, related_name="clip_imports"
    )
    source = models.CharField(max_length=500)
    digest = models.CharField(max_length=64, help_text="SHA-256 of its rows: the same import.")
    model_pairs = models.JSONField(
        default=list, blank=True, help_text="Names of models to compare, from ready comparisons."
    )
    notes = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="How its table was read, and what was passed over.",
    )
    keep_going = models.BooleanField(
        default=False, help_text="Import the good rows even if there are bad ones."
    )
    replaces = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Put its clips in the place of those that are there.",
    )
    replaces_why = models.TextField(
        default="",
        db_default="",
        blank=True,
        help_text="Why clips of an open study are replaced: for the report.",
    )
    is_dry_run = models.BooleanField(default=False, help_text="Check only; write nothing.")
    by_workers = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.CHECKING)
    added = models.PositiveIntegerField(default=0)
    already_there = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ClipImportQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.source}"


class ImportRowQuerySet(models.QuerySet["ImportRow"]):
    def waiting(self) -> ImportRowQuerySet:
        return self.filter(state=ImportRowState.WAITING)

    def due(self, *, now: datetime) -> ImportRowQuerySet:
        """Rows for workers that no queue or living worker has."""
        mine = self.waiting().filter(
            clip_import__by_workers=True, clip_import__state=ImportState.CHECKING
        )
        return mine.unleased(now=now)

    def unleased(self, *, now: datetime) -> ImportRowQuerySet:
        return self.filter(Q(lease_expires_at=None) | Q(lease_expires_at__lte=now))


class ImportRow(models.Model):
    """One clip of an import; `where` names its line or file for messages."""

    clip_import = models.ForeignKey(ClipImport, models.CASCADE, related_name="rows")
    where = models.CharField(max_length=300)
    model = models.CharField(max_length=120, blank=True)
    prompt_key = models.CharField(max_length=120, blank=True)
    prompt_text = models.TextField(blank=True)
    category = models.CharField(max_length=120, blank=True)
    seed = SeedField(default=0)
    location = models.TextField(blank=True, help_text="A path, a web address or a bucket's key.")
    source = models.TextField(
        default="", db_default="", blank=True, help_text="The same of what the model started from."
    )
    source_sha256 = models.CharField(max_length=64, default="", db_default="", blank=True)
    source_facts = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="What the prompt's row says of its source.",
    )
    state = models.CharField(max_length=8, choices=ImportRowState, default=ImportRowState.WAITING)
    problem = models.TextField(blank=True)
    file = models.CharField(max_length=255, blank=True, help_text="Its name in the store.")
    facts = models.JSONField(default=dict, blank=True, help_text="What the clip is.")
    tries = models.PositiveSmallIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)

    objects = ImportRowQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state=ImportRowState.BAD) | ~Q(problem=""),
                name="import_row_bad_says_why",
            )
        ]
        indexes = [
            models.Index(fields=["clip_import", "state"], name="import_row_by_state"),
            models.Index(
                fields=["lease_expires_at"], condition=Q(state="waiting"), name="import_row_waiting"
            ),
        ]

    def __str__(self) -> str:
        return self.where
