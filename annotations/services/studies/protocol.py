"""What raters are asked: the JUICE axes, and the protocol's hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext_noop as _

from annotations.enums import ReasonOrder, SamplePairing, StudyKind
from annotations.errors import ProtocolFrozen
from annotations.models import Axis, CheckPlan, Judgment, Reason, Study


@dataclass(frozen=True)
class AxisTemplate:
    key: str
    question: str
    shows_prompt: bool
    reasons: tuple[str, ...]


# Emu Video (arXiv 2311.10709v2), section 3.2 and appendix 3, figure 3.
VIDEO_AXES = (
    AxisTemplate(
        key="quality",
        question=_("Which video do you prefer?"),
        shows_prompt=False,
        reasons=(
            _("Motion smoothness"),
            _("Object/scene consistency"),
            _("Pixel sharpness"),
            _("Recognizable objects/scenes"),
            _("Amount of motion"),
        ),
    ),
    AxisTemplate(
        key="faithfulness",
        question=_("Which video aligns better with the text prompt?"),
        shows_prompt=True,
        reasons=(_("Spatial text alignment"), _("Temporal text alignment")),
    ),
)
# The same protocol for stills: what a still cannot show is left out.
IMAGE_AXES = (
    AxisTemplate(
        key="quality",
        question=_("Which image do you prefer?"),
        shows_prompt=False,
        reasons=(
            _("Object/scene consistency"),
            _("Pixel sharpness"),
            _("Recognizable objects/scenes"),
        ),
    ),
    AxisTemplate(
        key="faithfulness",
        question=_("Which image aligns better with the text prompt?"),
        shows_prompt=True,
        reasons=(_("Objects and attributes in the text"), _("Spatial text alignment")),
    ),
)
# What Emu Video asks of image-to-video is the same; the starting image is one more thing to keep.
IMAGE_TO_VIDEO_AXES = (
    VIDEO_AXES[0],
    AxisTemplate(
        key="faithfulness",
        question=_("Which video follows the text and the starting image better?"),
        shows_prompt=True,
        reasons=(
            _("Spatial text alignment"),
            _("Temporal text alignment"),
            _("Likeness to the starting image"),
        ),
    ),
)
VIDEO_EXTENSION_AXES = (
    VIDEO_AXES[0],
    AxisTemplate(
        key="faithfulness",
        question=_("Which video goes on from the first part as the text says?"),
        shows_prompt=True,
        reasons=(
            _("Spatial text alignment"),
            _("Temporal text alignment"),
            _("Smooth passage from the first part"),
        ),
    ),
)
# Emu Edit (arXiv 2311.10089) has edits judged for the instruction and for what is to be kept.
IMAGE_EDITING_AXES = (
    AxisTemplate(
        key="instruction",
        question=_("Which image follows the instruction better?"),
        shows_prompt=True,
        reasons=(
            _("The right thing was changed"),
            _("The change is complete"),
            _("The change looks natural"),
        ),
    ),
    AxisTemplate(
        key="preservation",
        question=_("Which image keeps better what should stay as it was?"),
        shows_prompt=True,
        reasons=(
            _("Objects that were not named"),
            _("Identity of people and things"),
            _("Colours and style"),
        ),
    ),
)
AXES = {
    StudyKind.TEXT_TO_VIDEO: VIDEO_AXES,
    StudyKind.TEXT_TO_IMAGE: IMAGE_AXES,
    StudyKind.IMAGE_TO_VIDEO: IMAGE_TO_VIDEO_AXES,
    StudyKind.VIDEO_EXTENSION: VIDEO_EXTENSION_AXES,
    StudyKind.IMAGE_EDITING: IMAGE_EDITING_AXES,
}
DEFAULT_TEXTS = frozenset(
    text for axes in AXES.values() for axis in axes for text in (axis.question, *axis.reasons)
)
"""In the catalogues, so that a study that keeps them need not translate them."""


def axis_templates(kind: str) -> tuple[AxisTemplate, ...]:
    """The axes that a new study of this kind starts with."""
    return AXES[StudyKind(kind)] if kind in StudyKind.values else VIDEO_AXES


def add_default_axes(study: Study) -> None:
    """Give a study the JUICE axes with their reasons."""
    for position, template in enumerate(axis_templates(study.kind)):
        axis = Axis.objects.create(
            study=study,
            key=template.key,
            question=template.question,
            shows_prompt=template.shows_prompt,
            position=position,
        )
        replace_reasons(axis, template.reasons)


def replace_reasons(axis: Axis, labels: tuple[str, ...] | list[str]) -> None:
    """Make the axis have exactly these reasons, in this order."""
    wanted = {slugify(label.replace("/", " "))[:60]: label for label in labels}
    axis.reasons.exclude(key__in=wanted).delete()
    for position, (key, label) in enumerate(wanted.items()):
        Reason.objects.update_or_create(
            axis=axis, key=key, defaults={"label": label, "position": position}
        )


def is_frozen(study: Study) -> bool:
    """Whether anything was judged, were it a practice pair."""
    return Judgment.objects.filter(assignment__comparison__study=study).exists()


def ensure_not_frozen(study: Study) -> None:
    """Raise ProtocolFrozen when the study has judgments."""
    if is_frozen(study):
        raise ProtocolFrozen


def describe_protocol(study: Study) -> dict[str, Any]:
    """All that shapes a judgment: the content of the protocol's hash."""
    return {
        "kind": study.kind,
        "protocol": study.protocol,
        "tie_policy": study.tie_policy,
        "raters_per_comparison": study.raters_per_comparison,
        "presentation": describe_presentation(study),
        "pairing": study.pairing,
        "viewing": study.viewing,
        "must_watch": study.must_watch,
        "quality_control": describe_checks(study),
        "plan": describe_plan(study),
        "instructions": study.instructions,
        "content_warning": study.content_warning,
        "consent": study.consent,
        "models": [row.model.slug for row in study.study_models.select_related("model")],
        "prompts": [
            [row.prompt.key, row.prompt.digest]
            for row in study.study_prompts.select_related("prompt")
        ],
        "axes": [
            {
                "key": axis.key,
                "question": axis.question,
                "shows_prompt": axis.shows_prompt,
                "reasons": [[reason.key, reason.label] for reason in axis.reasons.all()],
            }
            for axis in study.axes.prefetch_related("reasons")
        ],
        **_describe_languages(study),
        **_describe_reason_order(study),
        **_describe_samples(study),
    }


def describe_checks(study: Study) -> dict[str, Any]:
    """The checks, and what failing them does, as plain values."""
    plan = CheckPlan.objects.filter(study=study).first() or CheckPlan(study=study)
    numbers = {
        field.name: getattr(plan, field.name)
        for field in CheckPlan._meta.concrete_fields
        if field.name not in ("id", "study")
    }
    checks = study.checks.select_related("stimulus_a", "stimulus_b")
    return {
        **numbers,
        "checks": [
            [check.role, check.stimulus_a.sha256, check.stimulus_b.sha256, check.expected]
            for check in checks
        ],
    }


def _describe_languages(study: Study) -> dict[str, Any]:
    """Nothing for a study that leaves all to the catalogues, which keeps its earlier hash."""
    described = {
        "language": study.language if study.language != settings.LANGUAGE_CODE else "",
        "languages": study.languages,
        "texts": sorted([row.language, row.key, row.text] for row in study.texts.all()),
    }
    return {name: value for name, value in described.items() if value}


def _describe_reason_order(study: Study) -> dict[str, Any]:
    """Nothing for the one order that all studies had once, which keeps their earlier hash."""
    is_fixed = study.reason_order == ReasonOrder.FIXED
    return {} if is_fixed else {"reason_order": study.reason_order}


def _describe_samples(study: Study) -> dict[str, Any]:
    """Nothing for the one rule that all studies had once, which keeps their earlier hash."""
    is_equal = study.sample_pairing == SamplePairing.EQUAL
    return {} if is_equal else {"sample_pairing": study.sample_pairing}


def describe_plan(study: Study) -> dict[str, Any]:
    """How many comparisons were planned, and when the study may stop."""
    names = ("rule", "alpha", "minimum", "half_width")
    rule = {name: getattr(study, f"stopping_{name}") for name in names}
    return {"comparisons": study.planned_comparisons, **rule}


def describe_presentation(study: Study) -> dict[str, Any]:
    """The presentation profile and every choice in it, as plain values.

    The bytes of a clip only where they were chosen, so that earlier hashes stay.
    """
    usual = Study._meta.get_field("clip_megabytes").default
    chosen = study.clip_megabytes != usual
    return ({"clip_megabytes": study.clip_megabytes} if chosen else {}) | {
        name: getattr(study, name)
        for name in (
            "presentation_profile",
            "fit",
            "trim",
            "frame_rate",
            "audio",
            "masks",
            "fixed_width",
            "fixed_height",
            "fixed_fps",
            "fixed_seconds",
        )
    }


def hash_protocol(study: Study) -> str:
    """SHA-256 of the protocol's canonical JSON."""
    text = json.dumps(describe_protocol(study), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
