"""Forms of the study set-up: prompts as text or a file, reasons one per line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from annotations.errors import ImportRefused, TranslationRefused
from annotations.models import Axis, Study, StudyText
from annotations.services.clips.prompt_lists import PromptText, read_prompt_list
from annotations.services.studies.protocol import AxisTemplate, add_default_axes, replace_reasons
from annotations.services.studies.texts import ensure_translatable, texts_of
from annotations.tables.files import split_lines

MAX_PROMPT_FILE_BYTES = 20 * 1024**2
MAX_PROBLEMS_SHOWN = 20
MAX_LABEL_LENGTH = 60


class StudyForm(forms.ModelForm):
    """A study with its prompts; `cleaned_data["prompts"]` is None when they stay as they are.

    `prompt_notes` say how a file of prompts was read.
    """

    prompt_notes: Sequence[str] = ()

    pasted_prompts = forms.CharField(
        required=False,
        label="Prompts",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="One prompt per line.",
    )
    prompt_file = forms.FileField(
        required=False,
        label="Or a file of prompts",
        widget=UnfoldAdminFileFieldWidget,
        help_text="CSV, TSV, JSONL or JSON with prompt, and if wanted prompt_id and category; or "
        ".txt with a prompt per line.",
    )

    languages = forms.MultipleChoiceField(
        required=False,
        choices=settings.LANGUAGES,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label="Languages offered",
        help_text=Study._meta.get_field("languages").help_text,
    )

    class Meta:
        model = Study
        fields = "__all__"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        pasted, file = cleaned.get("pasted_prompts", ""), cleaned.get("prompt_file")
        if pasted and file:
            self.add_error("prompt_file", "Paste the prompts or choose a file, not both.")
        elif file:
            cleaned["prompts"] = self._read("prompt_file", file.read(), file.name)
        elif pasted:
            cleaned["prompts"] = self._read("pasted_prompts", pasted, "pasted.txt")
        return cleaned

    def _read(self, field: str, content: bytes | str, name: str) -> list[PromptText] | None:
        try:
            found = read_prompt_list(content, name=name, largest=MAX_PROMPT_FILE_BYTES)
        except ImportRefused as error:
            self.add_error(field, ValidationError(_shortened(error.problems)))
            return None
        self.prompt_notes = found.notes
        return found.prompts


class AxisForm(forms.ModelForm):
    """An axis with its reasons, one per line."""

    reason_lines = forms.CharField(
        required=False,
        label="Reasons",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="One per line: what a rater may tick for this question.",
    )
    # Filled in on a new study, and saved as shown even if nobody edits it.
    is_template = False

    class Meta:
        model = Axis
        fields = ("key", "question", "shows_prompt")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            labels = self.instance.reasons.values_list("label", flat=True)
            self.initial["reason_lines"] = "\n".join(labels)

    def has_changed(self) -> bool:
        return self.is_template or self.is_edited()

    def is_edited(self) -> bool:
        return super().has_changed()

    def save(self, commit: bool = True) -> Axis:
        axis: Axis = super().save(commit=commit)
        if commit:
            lines = split_lines(self.cleaned_data["reason_lines"])
            replace_reasons(axis, [line.strip() for line in lines if line.strip()])
        return axis


class AxisFormSet(BaseInlineFormSet):
    """The axes of a study. A new study shows JUICE's; untouched, it gets those of its kind."""

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)  # type: ignore[misc]
        if self.initial_extra and i < len(self.initial_extra):
            form.is_template, form.empty_permitted = True, False
        return form

    def save(self, commit: bool = True) -> list[Any]:
        if not self.initial_extra or any(form.is_edited() for form in self._axis_forms()):
            return super().save(commit)
        add_default_axes(self.instance)
        self.new_objects = list(self.instance.axes.all())
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []
        return self.new_objects

    def _axis_forms(self) -> list[AxisForm]:
        return [form for form in self.forms if isinstance(form, AxisForm)]


class StudyTextForm(forms.ModelForm):
    """A text of the study in another language; which text is chosen by how it reads."""

    key = forms.ChoiceField(label="Text", widget=UnfoldAdminSelectWidget)

    class Meta:
        model = StudyText
        fields = ("language", "key", "text")

    def __init__(self, *args: Any, study: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.study = study
        texts = texts_of(study) if study.pk else {}
        kept = self.instance.key
        if kept and kept not in texts:
            texts[kept] = "not in the study any more"
        self.fields["key"].choices = [  # type: ignore[attr-defined]
            (key, f"{key}: {text[:MAX_LABEL_LENGTH]}") for key, text in texts.items()
        ]

    def clean_language(self) -> str:
        language = str(self.cleaned_data["language"])
        try:
            ensure_translatable(self.study, language)
        except TranslationRefused as error:
            raise ValidationError(str(error)) from error
        return language


class StudyTextFormSet(BaseInlineFormSet):
    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "study": self.instance}


def template_values(templates: Sequence[AxisTemplate]) -> list[dict[str, Any]]:
    """What the axis forms of a new study start with."""
    return [
        {
            "key": template.key,
            "question": template.question,
            "shows_prompt": template.shows_prompt,
            "reason_lines": "\n".join(template.reasons),
            "position": position,
        }
        for position, template in enumerate(templates)
    ]


def _shortened(problems: Sequence[str]) -> list[str]:
    shown = list(problems[:MAX_PROBLEMS_SHOWN])
    more = len(problems) - len(shown)
    return [*shown, f"And {more} more."] if more else shown
