"""Endpoints to edit; jobs to read, retry and give up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from annotations.admin.base import ReadOnlyAdmin
from generation.adapters.base import PermanentError
from generation.adapters.registry import capabilities_of
from generation.models import Attempt, Endpoint, Job
from generation.services import cancel_job, retry_job


@admin.register(Endpoint)
class EndpointAdmin(ModelAdmin):
    list_display = ("name", "model", "adapter", "base_url", "is_active", "paused_until")
    list_filter = ("adapter", "is_active")
    list_select_related = ("model",)
    search_fields = ("name", "model__name", "remote_model")
    readonly_fields = ("paused_why", "what_it_takes")
    fieldsets = (
        (None, {"fields": ("model", "name", "adapter", "is_active")}),
        ("Where", {"fields": ("base_url", "is_internal", "api_key_env")}),
        (
            "What is asked",
            {"fields": ("remote_model", "parameters", "options", "body_encoding", "what_it_takes")},
        ),
        ("How much at once", {"fields": ("max_concurrency", "paused_until", "paused_why")}),
    )

    @admin.display(description="What its model takes")
    def what_it_takes(self, endpoint: Endpoint) -> str:
        try:
            return capabilities_of(endpoint).in_words()
        except PermanentError as error:
            return str(error)


class AttemptInline(TabularInline):
    model = Attempt
    fields = ("sent_at", "state", "answered_at", "remote_id", "error")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "state", "submits", "progress", "error", "finished_at")
    list_filter = ("state", "endpoint")
    list_select_related = ("endpoint", "prompt")
    search_fields = ("prompt__key", "prompt__text", "remote_id", "error")
    inlines = (AttemptInline,)
    actions = ("retry", "give_up")

    @admin.action(description="Try again those that ended without a clip")
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        retried = sum(retry_job(job=job, now=timezone.now()) for job in queryset)
        messages.success(request, f"{retried} jobs wait to be sent again.")

    @admin.action(description="Give up those that are under way")
    def give_up(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        jobs = queryset.select_related("endpoint__model")
        given_up = sum(cancel_job(job=job, now=timezone.now()) for job in jobs)
        messages.success(request, f"{given_up} jobs were given up.")
