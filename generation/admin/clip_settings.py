"""The part of a study's set-up form that says what its models are asked beside the prompt."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from unfold.admin import StackedInline
from unfold.widgets import UnfoldAdminTextareaWidget

from annotations.admin.study import DraftInline
from annotations.enums import StudyKind
from annotations.inputs import is_id
from generation.adapters.registry import UPLOAD
from generation.endpoints.suitability import unsupported_settings
from generation.models import SETTINGS, ClipSettings, Endpoint


class ClipSettingsForm(forms.ModelForm):
    """Settings that every model of the study can take, or the field says which cannot."""

    kind = StudyKind.TEXT_TO_VIDEO.value
    models: tuple[int, ...] = ()

    class Meta:
        model = ClipSettings
        fields = SETTINGS
        widgets = {"negative_prompt": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        asked = {name: cleaned[name] for name in SETTINGS if cleaned.get(name)}
        if asked.get("size") and asked.get("ratio"):
            self.add_error("ratio", "Give a size or a shape, not both.")
        endpoints = Endpoint.objects.filter(model__in=self.models, is_active=True)
        for endpoint in endpoints.exclude(adapter=UPLOAD).select_related("first_step"):
            for name, words in unsupported_settings(endpoint, self.kind, asked).items():
                self.add_error(name, ValidationError(f"{endpoint} cannot take {words[0]}."))
        return cleaned


MODEL_OF_ROW = re.compile(r"study_models-[0-9]+-model")


class ClipSettingsFormSet(BaseInlineFormSet):
    """Looks at the kind and the models as the whole form has them, saved or not."""

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)  # type: ignore[misc]
        kind = str(self.data.get("kind", "") or self.instance.kind)
        form.kind = kind if kind in StudyKind.values else StudyKind.TEXT_TO_VIDEO.value
        form.models = models_in(self.data)
        return form


def models_in(data: Any) -> tuple[int, ...]:
    """The models that a sent set-up form names and does not remove."""
    rows = [name.removesuffix("-model") for name in data if MODEL_OF_ROW.fullmatch(name)]
    kept = [str(data[f"{row}-model"]) for row in rows if not data.get(f"{row}-DELETE")]
    return tuple(int(model) for model in kept if is_id(model))


class ClipSettingsInline(DraftInline, StackedInline):
    model = ClipSettings
    form = ClipSettingsForm
    formset = ClipSettingsFormSet
    fields = ("negative_prompt", ("seconds", "size", "ratio"))
    verbose_name = "what every model is asked beside the prompt"
    extra = 1
    max_num = 1
