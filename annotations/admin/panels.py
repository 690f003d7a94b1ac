"""Recruitment to edit; invites and messages of panels to look up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from annotations.admin.base import ReadOnlyAdmin
from annotations.models import Invite, PanelEvent, Recruitment
from annotations.models.panel import CODE_FIELDS


@admin.register(Recruitment)
class RecruitmentAdmin(ModelAdmin):
    list_display = ("study", "panel", "entry", "opens_at", "closes_at", "max_share")
    list_filter = ("panel", "entry")
    list_select_related = ("study",)
    search_fields = ("study__title", "study__slug")
    readonly_fields = ("study",)
    filter_horizontal = ("refused_studies",)
    fieldsets = (
        (None, {"fields": ("study", "panel", "id_parameter", "return_link")}),
        (
            "Who may enter, and when",
            {"fields": ("entry", "refused_studies", "opens_at", "closes_at", "max_share")},
        ),
        (
            "Completion codes",
            {
                "fields": tuple(CODE_FIELDS.values()),
                "description": "The code of those who are done is the study's completion code.",
            },
        ),
        (
            "Prolific",
            {
                "fields": (
                    "description",
                    "places",
                    "estimated_minutes",
                    "maximum_minutes",
                    "reward",
                    "webhook_secret_env",
                    "keeps_returned",
                )
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A study has one from the beginning."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Invite)
class InviteAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "study", "is_reusable", "created_at", "used_at", "revoked_at")
    list_filter = ("study", "is_reusable")
    list_select_related = ("study",)
    search_fields = ("label",)
    # Whoever has the token rates as that person.
    exclude = ("token",)


@admin.register(PanelEvent)
class PanelEventAdmin(ReadOnlyAdmin):
    list_display = ("kind", "status", "study", "rater", "external_session_id", "received_at")
    list_filter = ("status", "study")
    list_select_related = ("study", "rater")
    search_fields = ("external_session_id", "event_id")
