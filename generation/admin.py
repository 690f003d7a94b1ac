"""Endpoints to edit; jobs to read, retry and give up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from annotations.admin.base import READABLE_JSON, ReadOnlyAdmin
from generation.adapters.base import PermanentError
from generation.adapters.registry import capabilities_of
from generation.enums import Priority
from generation.limits import why_held
from generation.models import Attempt, Endpoint, Job, JobQuerySet
from generation.services import give_up_jobs, resume_endpoint, retry_jobs, set_priority
from generation.spending import spent_by_model
from generation.tasks import queue_stops


@admin.register(Endpoint)
class EndpointAdmin(ModelAdmin):
    formfield_overrides = READABLE_JSON
    list_display = ("name", "model", "adapter", "base_url", "is_active", "paused_until")
    list_filter = ("adapter", "is_active")
    list_select_related = ("model",)
    search_fields = ("name", "model__name", "remote_model")
    readonly_fields = ("spent", "why_jobs_wait", "what_it_takes")
    actions = ("resume",)
    actions_detail = ("test",)
    fieldsets = (
        (None, {"fields": ("model", "name", "adapter", "is_active")}),
        ("Where", {"fields": ("base_url", "is_internal", "api_key_env")}),
        (
            "What is asked",
            {"fields": ("remote_model", "parameters", "options", "body_encoding", "what_it_takes")},
        ),
        ("Text to image to video", {"fields": ("first_step",)}),
        (
            "How much at once",
            {"fields": ("max_concurrency", "jobs_per_minute", "pause_after", "unknown_outcome")},
        ),
        (
            "What it may cost",
            {
                "fields": (
                    ("cost_per_job", "cost_per_second", "currency"),
                    ("daily_jobs", "daily_cost"),
                    ("total_jobs", "total_cost"),
                    "spent",
                )
            },
        ),
        (
            "Whether it rests",
            {"fields": ("why_jobs_wait", "paused_until", "sends_paused_until")},
        ),
    )

    @action(description="Test this endpoint", url_path="test")
    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.get_object(request, object_id)
        if endpoint is None:
            raise Http404
        return redirect("owner-endpoint-test", endpoint_id=endpoint.pk)

    @admin.display(description="Sent and spent so far")
    def spent(self, endpoint: Endpoint) -> str:
        """Jobs that were refused, or never arrived, are not counted."""
        if endpoint.pk is None:
            return "Nothing."
        spent = spent_by_model(endpoint.attempts.all()).get(endpoint.model_id)
        return f"{endpoint.attempts.charged().count()} jobs, {spent or 'nothing'}"

    @admin.display(description="Why its jobs wait")
    def why_jobs_wait(self, endpoint: Endpoint) -> str:
        if endpoint.pk is None:
            return "It has none."
        return why_held(endpoint, timezone.now()) or "They do not."

    @admin.action(description="Call again those that rest")
    def resume(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            resume_endpoint(endpoint=endpoint)
        messages.success(request, f"{len(queryset)} endpoints are called again.")

    @admin.display(description="What its model takes")
    def what_it_takes(self, endpoint: Endpoint) -> str:
        try:
            return capabilities_of(endpoint).in_words()
        except PermanentError as error:
            return str(error)


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
        "is_test",
        "priority",
        "submits",
        "progress",
        "error",
        "finished_at",
    )
    list_filter = ("state", "is_test", "priority", "endpoint")
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
