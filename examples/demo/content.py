"""What the demo is made of: models at the bundled server, and a small study of each kind."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from annotations.enums import StudyKind
from annotations.models import GenerativeModel, Prompt, Study
from annotations.services.clips.manifests import PromptText
from annotations.services.clips.prompts import import_prompts
from annotations.services.clips.registering import get_or_create_prompt
from annotations.services.studies.states import create_study
from generation.models import ClipSettings, Endpoint

EXAMPLES = Path("examples")
PROMPTS_FILE = EXAMPLES / "model_endpoint" / "prompts.csv"
CLIP_KINDS = {"kinds": ["text-to-video", "image-to-video", "video-extension"]}
PICTURE_KINDS = {"kinds": ["text-to-image", "image-editing"], "fields": {"seed": "seed"}}
SHORT = {"seconds": "2", "size": "256x256"}
FEW = 2
NOTES = "Bundled with the demo; draws simple shapes."


@dataclass(frozen=True)
class DemoModel:
    """A model at the demo's server; `first_step` names the one whose pictures it starts from."""

    slug: str
    name: str
    remote_model: str
    parameters: dict[str, str]
    adapter: str = "openai_videos"
    options: dict[str, Any] = field(default_factory=lambda: CLIP_KINDS)
    first_step: str = ""


@dataclass(frozen=True)
class DemoStudy:
    """A small study; its prompts are the first of the demo's, or a table in examples/kinds."""

    slug: str
    title: str
    kind: str
    models: tuple[str, str]
    table: str = ""
    asked: dict[str, Any] = field(default_factory=dict)


PICTURES: dict[str, Any] = {"adapter": "openai_images", "options": PICTURE_KINDS}
SMALL = {"size": "256x256"}
MODELS = (
    DemoModel(
        "demo-aurora",
        "Demo model Aurora",
        "demo-aurora",
        {"seconds": "4", "size": "512x512"},
    ),
    DemoModel("demo-drift", "Demo model Drift", "demo-drift", {"seconds": "3", "size": "640x360"}),
    DemoModel("demo-pastel", "Demo model Pastel", "demo-pastel", SMALL, **PICTURES),
    DemoModel("demo-chalk", "Demo model Chalk", "demo-chalk", SMALL, **PICTURES),
    DemoModel(
        "demo-aurora-two-steps",
        "Demo model Aurora, from Pastel's pictures",
        "demo-aurora",
        SHORT,
        first_step="demo-pastel",
    ),
    DemoModel(
        "demo-drift-two-steps",
        "Demo model Drift, from Pastel's pictures",
        "demo-drift",
        SHORT,
        first_step="demo-pastel",
    ),
)
CLIP_MODELS = ("demo-aurora", "demo-drift")
PICTURE_MODELS = ("demo-pastel", "demo-chalk")
ONE_SECOND = {"seconds": 1.0, "size": "256x256"}
KINDS = (
    DemoStudy("demo-pictures", "Which picture is better?", "text-to-image", PICTURE_MODELS),
    DemoStudy(
        "demo-two-steps",
        "Which clip is better? (from a shared first frame)",
        "text-to-video",
        ("demo-aurora-two-steps", "demo-drift-two-steps"),
    ),
    DemoStudy(
        "demo-from-pictures",
        "Which clip goes on better from the picture?",
        "image-to-video",
        CLIP_MODELS,
        "image_to_video.csv",
        ONE_SECOND,
    ),
    DemoStudy(
        "demo-extensions",
        "Which clip goes on better?",
        "video-extension",
        CLIP_MODELS,
        "video_extension.csv",
        ONE_SECOND,
    ),
    DemoStudy(
        "demo-edits",
        "Which edit is better?",
        "image-editing",
        PICTURE_MODELS,
        "image_editing.csv",
    ),
)


def make_endpoints(url: str) -> None:
    """The demo's models, called at the demo's server; pictures before what starts from them."""
    for one in MODELS:
        model, _ = GenerativeModel.objects.get_or_create(
            slug=one.slug, defaults={"name": one.name, "notes": NOTES}
        )
        first_step = Endpoint.objects.filter(model__slug=one.first_step).first()
        Endpoint.objects.update_or_create(
            model=model,
            defaults={
                "name": f"{one.name} (local)",
                "adapter": one.adapter,
                "base_url": f"{url.rstrip('/')}/v1",
                "remote_model": one.remote_model,
                "parameters": one.parameters,
                "options": one.options,
                "first_step": first_step,
                "is_internal": True,
                "max_concurrency": 2,
            },
        )


def make_prompts() -> list[Prompt]:
    with (settings.BASE_DIR / PROMPTS_FILE).open(newline="") as file:
        return [
            get_or_create_prompt(PromptText(row["prompt_id"], row["prompt"], row["category"]))
            for row in csv.DictReader(file)
        ]


def make_study_of_kind(one: DemoStudy) -> Study:
    """A draft; the one that is there if the demo ran before."""
    found = Study.objects.filter(slug=one.slug).first()
    if found is not None:
        return found
    models = [GenerativeModel.objects.get(slug=slug) for slug in one.models]
    prompts = [] if one.table else make_prompts()[:FEW]
    study = create_study(
        title=one.title, slug=one.slug, models=models, prompts=prompts, kind=StudyKind(one.kind)
    )
    if one.table:
        import_prompts(study=study, path=settings.BASE_DIR / EXAMPLES / "kinds" / one.table)
    if one.asked:
        ClipSettings.objects.create(study=study, **one.asked)
    return study
