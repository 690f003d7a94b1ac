"""The forms of changes to an open study."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms

from annotations.models import Study
from annotations.models.study import MOST_RATERS
from annotations.services.clips.correcting import correct_prompt
from annotations.services.clips.prompt_lists import read_prompts
from annotations.services.clips.registering import get_or_create_prompt
from annotations.services.pairs.extending import add_prompts, want_more_raters
from annotations.services.studies.amendments import LONGEST_REASON

OF_A_DRAFT = ("correct",)


class ReasonForm(forms.Form):
    """Whatever is changed, the reason stands in the report."""

    reason = forms.CharField(max_length=LONGEST_REASON, label="Why", required=False)

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.study = study


class MoreRatersForm(ReasonForm):
    raters = forms.IntegerField(min_value=1, max_value=MOST_RATERS, label="Raters per comparison")

    field_order = ("raters", "reason")

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        super().__init__(study, *args, **kwargs)
        self.fields["raters"].initial = study.raters_per_comparison + 1

    def make(self, now: datetime) -> str:
        """Make the change, and say so."""
        given = self.cleaned_data
        want_more_raters(study=self.study, raters=given["raters"], reason=given["reason"], now=now)
        return f"Each comparison is judged by {given['raters']} raters from now on."


class MorePromptsForm(ReasonForm):
    prompts = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        label="Prompts",
        help_text="One per line, or a table with the columns prompt_id and prompt.",
    )

    field_order = ("prompts", "reason")

    def make(self, now: datetime) -> str:
        """Make the change, and say so."""
        given = self.cleaned_data
        read = read_prompts(given["prompts"], name="pasted.txt")
        prompts = [get_or_create_prompt(prompt) for prompt in read]
        change = add_prompts(study=self.study, prompts=prompts, reason=given["reason"], now=now)
        added = len(change.facts["prompts"])
        words = "1 prompt is" if added == 1 else f"{added} prompts are"
        return f"{words} new. Now generate or import their clips."


class CorrectPromptForm(ReasonForm):
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), label="As it should read")

    field_order = ("prompt", "text", "reason")

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        super().__init__(study, *args, **kwargs)
        own = study.prompts.order_by("key")
        self.fields["prompt"] = forms.ModelChoiceField(own, label="Prompt")
        self.order_fields(self.field_order)

    def make(self, now: datetime) -> str:
        """Make the change, and say so."""
        given = self.cleaned_data
        new = correct_prompt(
            study=self.study,
            prompt=given["prompt"],
            text=given["text"],
            reason=given["reason"],
            now=now,
        )
        return f"Prompt {new.key} now reads: {new.text}"


FORMS: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "raters": (
        "More raters per comparison",
        "Comparisons that were complete open again for the raters that are missing.",
        MoreRatersForm,
    ),
    "prompts": (
        "More prompts",
        "Their comparisons are made as soon as their clips are in the study.",
        MorePromptsForm,
    ),
    "correct": (
        "Correct a prompt's text",
        "What raters read from now on. Clips stay: their models were told the earlier text. Other "
        "studies keep it.",
        CorrectPromptForm,
    ),
}
"""By the name that a form is sent under: its title, what it does, and the form."""
