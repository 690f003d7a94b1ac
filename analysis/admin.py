"""Reports, to look at."""

from __future__ import annotations

from django.contrib import admin

from analysis.models import Report
from annotations.admin.base import ReadOnlyAdmin


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    list_display = (
        "study",
        "state",
        "votes",
        "headline",
        "queued_at",
        "finished_at",
        "tries",
        "next_try_at",
    )
    list_filter = ("state", "study")
    list_select_related = ("study",)
    exclude = ("content", "files")
