"""Endpoints to edit."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import action

from annotations.admin.base import READABLE_JSON
from generation.adapters.base import PermanentError
from generation.adapters.registry import capabilities_of
from generation.endpoints.limits import why_held
from generation.endpoints.spending import spent_by_model
from generation.jobs.decisions import resume_endpoint
from generation.models import Endpoint


@admin.register(Endpoint)
class EndpointAdmin(ModelAdmin):
    formfield_overrides = READABLE_JSON
    list_display = ("name", "model", "adapter", "base_url", "is_active", "paused_until")
    list_filter = ("adapter", "is_active")
    list_select_related = ("model",)
    search_fields = ("name", "model__name", "remote_model")
    readonly_fields = ("spent", "why_jobs_wait", "what_it_takes")
    actions = ("resume",)
    actions_detail = ("trial",)
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

    @action(description="Try this endpoint", url_path="trial")  # type: ignore[untyped-decorator]
    def trial(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.get_object(request, object_id)
        if endpoint is None:
            raise Http404
        return redirect("owner-endpoint-trial", endpoint_id=endpoint.pk)

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
