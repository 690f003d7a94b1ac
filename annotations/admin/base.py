"""What the admin classes of every app share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from annotations.errors import BadInput
from annotations.inputs import read_json


class ReadableJSONField(forms.JSONField):
    """JSON by the rules of `annotations.inputs`."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value not in self.empty_values:
            try:
                read_json(value, what="It")
            except BadInput as error:
                raise ValidationError(str(error)) from error
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            self.to_python(data)
        except ValidationError:
            return InvalidJSONInput(data)
        return super().bound_data(data, initial)


READABLE_JSON: dict[Any, Any] = {models.JSONField: {"form_class": ReadableJSONField}}
"""For `formfield_overrides` of every admin with JSON to edit."""


class ReadOnlyAdmin(ModelAdmin):
    """Rows that the system makes: to look at and search, not to edit."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
