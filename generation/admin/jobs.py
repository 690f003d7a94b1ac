"""Jobs to read, try again and give up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline

from annotations.admin.base import ReadOnlyAdmin
from generation.enums import Priority
from generation.jobs.decisions import give_up_jobs, retry_jobs, set_priority
from generation.models import Attempt, Job, JobQuerySet
from generation.tasks import queue_stops


class AttemptInline(TabularInline):
    model = Attempt
    fields = ("sent_at", "state", "answered_at", "remote_id", "cost", "error")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "state",
        "is_trial",
        "priority",
        "submits",
        "progress",
        "error",
        "finished_at",
    )
    list_filter = ("state", "is_trial", "priority", "endpoint")
    list_select_related = ("endpoint", "prompt")
    search_fields = ("prompt__key", "prompt__text", "remote_id", "error")
    inlines = (AttemptInline,)
    actions = ("retry", "give_up", "send_first", "send_later")

    @admin.action(description="Try again those that ended without a clip")
    def retry(self, request: HttpRequest, queryset: JobQuerySet) -> None:
        retried = retry_jobs(jobs=queryset, now=timezone.now())
        messages.success(request, f"{retried} jobs wait to be sent again.")

    @admin.action(description="Give up those that are under way")
    def give_up(self, request: HttpRequest, queryset: JobQuerySet) -> None:
        given_up, running = give_up_jobs(jobs=queryset, now=timezone.now())
        queue_stops(running)
        messages.success(request, f"{given_up} jobs were given up.")

    @admin.action(description="Send before all others")
    def send_first(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._give_priority(request, queryset, Priority.FIRST)

    @admin.action(description="Send when nothing else waits")
    def send_later(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._give_priority(request, queryset, Priority.LATER)

    def _give_priority(
        self, request: HttpRequest, queryset: QuerySet[Job], priority: Priority
    ) -> None:
        changed = set_priority(jobs=queryset, priority=priority)
        words = Priority(priority).label.lower()
        messages.success(request, f"{changed} waiting jobs are sent: {words}.")
