"""Set up a study: one page, filled in with JUICE's questions; closed once raters are at work."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from annotations.admin.base import READABLE_JSON
from annotations.admin.forms import (
    AxisForm,
    AxisFormSet,
    StudyForm,
    StudyTextForm,
    StudyTextFormSet,
    template_values,
)
from annotations.enums import StudyState
from annotations.inputs import is_id
from annotations.models import Axis, CheckPlan, ModelPair, Study, StudyModel, StudyText
from annotations.services.clips.registering import get_or_create_prompt
from annotations.services.studies.protocol import axis_templates, is_frozen
from annotations.services.studies.states import set_prompts
from annotations.services.studies.texts import untranslated

PROMPTS_SHOWN = 20
# What never changes a judgment, and so may change while raters are at work.
ALWAYS_EDITABLE = {
    "max_per_rater",
    "lease_minutes",
    "skip_percent",
    "skip_minimum",
    "break_minutes",
    "completion_code",
}

SETUP = (
    (None, {"fields": ("title", "slug", "kind")}),
    (
        "Prompts",
        {"fields": ("current_prompts", "pasted_prompts", "prompt_file")},
    ),
    (
        "Protocol",
        {
            "fields": (
                ("protocol", "tie_policy"),
                ("raters_per_comparison", "pairing", "sample_pairing"),
                "reason_order",
            ),
            "description": "Frozen once there are judgments.",
        },
    ),
    (
        "Plan",
        {
            "fields": (
                ("planned_comparisons", "stopping_rule"),
                ("stopping_alpha", "stopping_minimum", "stopping_half_width"),
            ),
            "description": "Set before raters begin, printed in the report, and frozen with the "
            "protocol. The planning page says how many comparisons a study needs.",
        },
    ),
    (
        "Presentation",
        {
            "fields": (
                "presentation_profile",
                ("fit", "trim"),
                ("frame_rate", "audio"),
                "masks",
                "clip_megabytes",
                ("fixed_width", "fixed_height"),
                ("fixed_fps", "fixed_seconds"),
            ),
            "description": "What is made equal between the two clips of a comparison.",
        },
    ),
    (
        "Rating page",
        {"fields": ("viewing", "must_watch", ("revise_minutes", "break_minutes"))},
    ),
    (
        "Raters",
        {
            "fields": (
                "instructions",
                "content_warning",
                "consent",
                ("max_per_rater", "lease_minutes"),
                ("skip_percent", "skip_minimum"),
                "completion_code",
            )
        },
    ),
    (
        "Languages",
        {
            "fields": ("language", "languages", "untranslated_texts"),
            "description": "The pages themselves, and JUICE's questions and reasons, are "
            "translated already. Save the study first, then add translations of its own texts.",
        },
    ),
)
READ_ONLY = ("current_prompts", "untranslated_texts")
PROMPT_INPUTS = {"pasted_prompts", "prompt_file"}


class DraftInline:
    """Rows that can be edited while the study is a draft."""

    def has_add_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return _is_draft(obj) and super().has_add_permission(request, obj)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return _is_draft(obj) and super().has_change_permission(request, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return _is_draft(obj) and super().has_delete_permission(request, obj)  # type: ignore[misc]


class NamedSelects:
    """Selects in a table's cells, named for screen readers by what they choose."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        field.widget.attrs["aria-label"] = db_field.verbose_name.capitalize()
        return field


class StudyModelInline(NamedSelects, DraftInline, TabularInline):
    model = StudyModel
    verbose_name_plural = "models (drag to order: the first is model A)"
    verbose_name = "model"
    ordering_field = "position"
    hide_ordering_field = True

    def get_extra(self, request: HttpRequest, obj: Study | None = None, **kwargs: Any) -> int:
        return 2 if obj is None else 0


class AxisInline(DraftInline, StackedInline):
    model = Axis
    form = AxisForm
    formset = AxisFormSet
    fields = (("key", "shows_prompt"), "question", "reason_lines", "position")
    verbose_name_plural = "axes: the questions that raters answer"
    ordering_field = "position"
    hide_ordering_field = True

    def get_extra(self, request: HttpRequest, obj: Study | None = None, **kwargs: Any) -> int:
        return len(axis_templates(_kind_asked(request))) if obj is None else 0


class StudyTextInline(DraftInline, TabularInline):
    model = StudyText
    form = StudyTextForm
    formset = StudyTextFormSet
    fields = ("language", "key", "text")
    verbose_name_plural = "translations of the texts that raters read"
    extra = 0


class ModelPairInline(NamedSelects, DraftInline, TabularInline):
    model = ModelPair
    verbose_name = "model pair"
    verbose_name_plural = "model pairs, if only listed ones are compared"
    extra = 0


class CheckPlanInline(DraftInline, StackedInline):
    model = CheckPlan
    verbose_name_plural = "checks among the comparisons, and what failing them does"
    extra = 0
    max_num = 1
    fields = (
        ("gold_per_rater", "identical_per_rater"),
        ("degraded_per_rater", "repeats_per_rater"),
        "on_failing",
        ("pass_percent", "judged_after"),
        ("qualification_percent", "qualification_tries"),
        ("exclude_gold_below", "exclude_consistency_below"),
        "exclude_fast_above",
    )


@admin.register(Study)
class StudyAdmin(ModelAdmin):
    formfield_overrides = READABLE_JSON
    form = StudyForm
    inlines = (StudyModelInline, AxisInline, ModelPairInline, CheckPlanInline, StudyTextInline)
    list_display = ("title", "slug", "state", "kind", "comparison_count", "created_at")
    list_filter = ("state", "kind")
    search_fields = ("title", "slug")
    actions = None
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> Any:
        studies: Any = super().get_queryset(request)
        return studies.with_counts()

    @admin.display(description="comparisons", ordering="comparison_count")
    def comparison_count(self, study: Any) -> int:
        return int(study.comparison_count)

    @admin.display(description="now")
    def current_prompts(self, study: Study) -> SafeString | str:
        prompts = [row.prompt for row in study.study_prompts.select_related("prompt")]
        if not prompts:
            return "none yet"
        shown = format_html_join(
            "", "<li>{}</li>", ((str(one),) for one in prompts[:PROMPTS_SHOWN])
        )
        more = len(prompts) - PROMPTS_SHOWN
        rest = format_html("<p>and {} more</p>", more) if more > 0 else ""
        return format_html("<p>{} prompts</p><ul>{}</ul>{}", len(prompts), shown, rest)

    @admin.display(description="still untranslated")
    def untranslated_texts(self, study: Study) -> SafeString | str:
        names = dict(settings.LANGUAGES)
        gaps = [(names[code], ", ".join(keys)) for code, keys in untranslated(study).items()]
        if not gaps:
            return "nothing"
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", gaps))

    def get_inlines(self, request: HttpRequest, obj: Study | None) -> Any:
        """Translations come after the texts."""
        inlines = super().get_inlines(request, obj)
        return [inline for inline in inlines if obj is not None or inline is not StudyTextInline]

    def get_fieldsets(self, request: HttpRequest, obj: Study | None = None) -> Any:
        hidden = set(READ_ONLY) if obj is None else set()
        if not _is_draft(obj):
            hidden |= PROMPT_INPUTS
        return [
            (
                title,
                {**options, "fields": [name for name in options["fields"] if name not in hidden]},
            )
            for title, options in SETUP
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> Any:
        if _is_draft(obj):
            return READ_ONLY
        names = {field.name for field in Study._meta.fields if field.editable}
        return (*READ_ONLY, *sorted(names - ALWAYS_EDITABLE))

    def get_prepopulated_fields(self, request: HttpRequest, obj: Study | None = None) -> Any:
        return {"slug": ("title",)} if obj is None else {}

    def get_formset_kwargs(self, request: HttpRequest, obj: Any, inline: Any, prefix: str) -> Any:
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        if isinstance(inline, AxisInline) and obj.pk is None:
            kwargs["initial"] = template_values(axis_templates(_kind_asked(request)))
        return kwargs

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"kind": _kind_asked(request), **super().get_changeform_initial_data(request)}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        prompts = form.cleaned_data.get("prompts")
        if prompts is not None:
            found = [get_or_create_prompt(prompt) for prompt in prompts]
            set_prompts(study=form.instance, prompts=found)
            for note in form.prompt_notes:
                messages.info(request, note)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        study = Study.objects.filter(pk=object_id).first() if is_id(object_id) else None
        if request.method == "GET" and study is not None and not _is_draft(study):
            messages.info(request, _why_closed(study))
        page: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return page

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        """Votes are never deleted from here."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not is_frozen(obj))

    def response_post_save_add(self, request: HttpRequest, obj: Study) -> HttpResponseRedirect:
        return _to_progress(obj)

    def response_post_save_change(self, request: HttpRequest, obj: Study) -> HttpResponseRedirect:
        return _to_progress(obj)


def _is_draft(study: Study | None) -> bool:
    return study is None or study.state == StudyState.DRAFT


def _kind_asked(request: HttpRequest) -> str:
    """The kind of the new study, from the form sent or the link followed."""
    default = str(Study._meta.get_field("kind").default)
    return request.GET.get("kind", default)


def _why_closed(study: Study) -> str:
    if is_frozen(study):
        return (
            "This study has judgments: what raters are asked is frozen. Make a new study instead."
        )
    state = study.get_state_display().lower()
    return (
        f"The study is {state}. Put it back to draft on its page to change what raters are asked."
    )


def _to_progress(study: Study) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("owner-study", args=[study.slug]))
