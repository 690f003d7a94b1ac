"""Models and prompts to edit; stimuli, comparisons, raters and judgments to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from annotations.admin.base import ReadOnlyAdmin
from annotations.media.warnings import WORDS
from annotations.models import (
    Assignment,
    Comparison,
    GenerativeModel,
    Judgment,
    Prompt,
    Rater,
    Rendition,
    Stimulus,
)
from annotations.services.pairs.provenance import made_shape, shown_shape


@admin.register(GenerativeModel)
class GenerativeModelAdmin(ModelAdmin):
    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Prompt)
class PromptAdmin(ReadOnlyAdmin):
    """Prompts come in with a study or an import, and never change: clips belong to their text."""

    list_display = ("key", "text", "category")
    list_filter = ("category",)
    search_fields = ("key", "text")


class WarningFilter(admin.SimpleListFilter):
    """Clips that an owner may want to look at."""

    title = "warning"
    parameter_name = "warning"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(WORDS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        code = self.value()
        # As text: SQLite has no containment of JSON.
        rows = queryset.annotate(codes=Cast("warnings", TextField()))
        return rows.filter(codes__contains=f'"{code}"') if code else queryset


@admin.register(Stimulus)
class StimulusAdmin(ReadOnlyAdmin):
    list_display = ("model", "prompt", "seed", "size", "frame_rate", "seconds", "look_at", "source")
    list_filter = (WarningFilter, "model", "kind", "container")
    list_select_related = ("model", "prompt")
    search_fields = ("prompt__key", "prompt__text", "sha256")

    @admin.display(ordering="width")
    def size(self, stimulus: Stimulus) -> str:
        return f"{stimulus.width} x {stimulus.height}"

    @admin.display(description="frames per second", ordering="fps_numerator")
    def frame_rate(self, stimulus: Stimulus) -> str:
        return f"{stimulus.fps:.3g}"

    @admin.display(description="warnings", ordering="warnings")
    def look_at(self, stimulus: Stimulus) -> str:
        return " ".join(WORDS[code] for code in stimulus.warnings)


@admin.register(Rendition)
class RenditionAdmin(ReadOnlyAdmin):
    list_display = ("stimulus", "profile", "state", "made", "shown", "bytes", "error")
    list_filter = ("state", "profile")
    list_select_related = ("stimulus__model", "stimulus__prompt")
    search_fields = ("stimulus__prompt__key", "key", "stimulus__sha256")
    fields = (
        "stimulus",
        "source_sha256",
        "made",
        "profile",
        "filters",
        "shown",
        "sha256",
        "bytes",
        "state",
        "error",
        "ready_at",
    )

    @admin.display(description="SHA-256 of the source")
    def source_sha256(self, rendition: Rendition) -> str:
        return str(rendition.stimulus.sha256)

    @admin.display(description="as made")
    def made(self, rendition: Rendition) -> str:
        return str(made_shape(rendition.stimulus))

    @admin.display(description="as shown")
    def shown(self, rendition: Rendition) -> str:
        return str(shown_shape(rendition.plan))

    def filters(self, rendition: Rendition) -> str:
        return str(rendition.plan["filters"])


@admin.register(Comparison)
class ComparisonAdmin(ReadOnlyAdmin):
    list_display = ("id", "study", "prompt", "stimulus_a", "stimulus_b", "state", "open_seats")
    list_filter = ("state", "study")
    list_select_related = (
        "study",
        "prompt",
        "stimulus_a__model",
        "stimulus_a__prompt",
        "stimulus_b__model",
        "stimulus_b__prompt",
    )
    search_fields = ("prompt__key", "prompt__text")


@admin.register(Rater)
class RaterAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "study", "is_simulated", "created_at", "finished_at", "excluded_at")
    list_filter = ("study", "is_simulated")
    list_select_related = ("study",)
    search_fields = ("external_id",)


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("id", "comparison", "rater", "state", "side_a", "leased_at", "submitted_at")
    list_filter = ("state", "comparison__study")
    list_select_related = ("rater",)
    search_fields = ("rater__external_id",)
    # The tokens open the clips of a rater who is at work.
    exclude = ("left_token", "right_token")


@admin.register(Judgment)
class JudgmentAdmin(ReadOnlyAdmin):
    list_display = ("id", "assignment", "axis", "choice", "ticked", "note", "created_at")
    list_filter = ("choice", "axis__study")
    search_fields = ("note", "assignment__rater__external_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("axis", "assignment")
        found: QuerySet[Any] = rows.prefetch_related("reasons")
        return found

    @admin.display(description="reasons")
    def ticked(self, judgment: Judgment) -> str:
        return ", ".join(reason.label for reason in judgment.reasons.all())
