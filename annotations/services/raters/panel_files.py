"""The files that set a study up at a panel, and the links that go into them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import yaml
from django.urls import reverse

from annotations.enums import AudioPolicy, RaterOutcome
from annotations.errors import StudyFileRefused
from annotations.models import Recruitment, Study
from annotations.panels import Panel
from annotations.services.raters.entry import most_by_one_rater, recruitment_of

QUESTION_SCHEMA = (
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/"
    "ExternalQuestion.xsd"
)
DEFAULT_FRAME_HEIGHT = 900
CODE_TYPES = {
    RaterOutcome.DONE: "COMPLETED",
    RaterOutcome.SCREENED_OUT: "SCREENED_OUT",
    RaterOutcome.FAILED_CHECK: "FAILED_ATTENTION_CHECK",
    RaterOutcome.NO_CONSENT: "NO_CONSENT",
    RaterOutcome.OVER_QUOTA: "OTHER",
    RaterOutcome.NOTHING_JUDGED: "OTHER",
    RaterOutcome.SKIP_LIMIT: "OTHER",
    RaterOutcome.EXCLUDED: "OTHER",
}


def panel_link(study: Study, *, base_url: str) -> str:
    """The study's link as the panel wants it, with the places that it fills in."""
    recruitment = recruitment_of(study)
    query = recruitment.spec.link_query
    if recruitment.panel == Panel.OTHER:
        query = f"{recruitment.rater_parameter}=ID"
    address = base_url.rstrip("/") + reverse("rater-welcome", args=[study.slug])
    return f"{address}?{query}" if query else address


def prolific_study(study: Study, *, base_url: str) -> dict[str, Any]:
    """The study as the `prolific` command line tool creates it.

    Fields and types: github.com/prolific-oss/cli, model/study.go, `CreateStudy`.

    Raises
    ------
    StudyFileRefused
        The panel is another one, something is missing, or the address is not https.
    """
    recruitment = _recruitment_at(study, Panel.PROLIFIC)
    _ensure_https(base_url)
    _ensure_set(recruitment, ["estimated_minutes", "reward"])
    plain: dict[str, Any] = {
        "name": study.title,
        "internal_name": study.slug,
        "description": recruitment.description or _plain_description(study),
        "external_study_url": panel_link(study, base_url=base_url),
        "prolific_id_option": "url_parameters",
        "completion_codes": [_code(recruitment, outcome) for outcome in CODE_TYPES],
        "total_available_places": recruitment.places or _places_needed(study),
        "estimated_completion_time": recruitment.estimated_minutes,
        "maximum_allowed_time": recruitment.maximum_minutes,
        "reward": recruitment.reward,
        "device_compatibility": ["desktop", "tablet", "mobile"],
        "peripheral_requirements": [] if study.audio == AudioPolicy.NONE else ["audio"],
        "submissions_config": {"max_submissions_per_participant": 1},
    }
    return {name: value for name, value in plain.items() if value is not None}


def prolific_study_yaml(study: Study, *, base_url: str) -> str:
    """`prolific_study` as the YAML that `prolific study create -t` reads."""
    values = prolific_study(study, base_url=base_url)
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)


def mturk_question(study: Study, *, base_url: str, frame_height: int = DEFAULT_FRAME_HEIGHT) -> str:
    """The ExternalQuestion (schema 2006-07-14) that `CreateHIT` takes as its question.

    Raises
    ------
    StudyFileRefused
        The panel is another one, or the address is not https.
    """
    _recruitment_at(study, Panel.MTURK)
    _ensure_https(base_url)
    question = ElementTree.Element("ExternalQuestion", xmlns=QUESTION_SCHEMA)
    ElementTree.SubElement(question, "ExternalURL").text = panel_link(study, base_url=base_url)
    ElementTree.SubElement(question, "FrameHeight").text = str(frame_height)
    ElementTree.indent(question)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + ElementTree.tostring(question, encoding="unicode") + "\n"


def _code(recruitment: Recruitment, outcome: RaterOutcome) -> dict[str, Any]:
    """Every code is reviewed by hand: nobody is paid or refused by a program."""
    return {
        "code": recruitment.code(outcome),
        "code_type": CODE_TYPES[outcome],
        "actor": "participant",
        "actions": [{"action": "MANUALLY_REVIEW"}],
    }


def _places_needed(study: Study) -> int:
    """So many people that every comparison can be judged, if each judges all that they may."""
    comparisons = study.comparisons.counted().ready().count()
    judgments = comparisons * study.raters_per_comparison
    each = min(most_by_one_rater(study) or comparisons, comparisons)
    people = -(-judgments // each) if each else 0
    return max(people, study.raters_per_comparison)


def _plain_description(study: Study) -> str:
    shown = "pictures" if study.is_image_study else "short clips"
    return f"You see two {shown} side by side, say which one is better, and why."


def _recruitment_at(study: Study, panel: Panel) -> Recruitment:
    recruitment = recruitment_of(study)
    if recruitment.panel != panel:
        raise StudyFileRefused(
            f"The raters of this study come from {recruitment.get_panel_display()}, not from "
            f"{panel.label}. Choose the panel in the study's recruitment first."
        )
    return recruitment


def _ensure_https(base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme != "https" or not parts.hostname:
        raise StudyFileRefused(
            f"The panel opens addresses that begin with https:// only; this site's is {base_url}. "
            "Set PUBLIC_URL, or give another base address."
        )


def _ensure_set(recruitment: Recruitment, names: list[str]) -> None:
    missing = [
        str(Recruitment._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        for name in names
        if getattr(recruitment, name) is None
    ]
    if missing:
        raise StudyFileRefused(f"Set in the study's recruitment first: {', '.join(missing)}.")
