"""What raters saw of each clip, and what it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db.models import Count, F

from annotations.models import Comparison, Stimulus, Study

CHUNK = 2000
RENDITION_COLUMNS = (
    "comparison_id",
    "prompt_id",
    "model",
    "seed",
    "source",
    "source_sha256",
    "source_frames",
    "source_height",
    "source_width",
    "source_fps",
    "source_seconds",
    "profile",
    "filters",
    "frames",
    "height",
    "width",
    "fps",
    "seconds",
    "rendition_sha256",
    "rendition_bytes",
)


@dataclass(frozen=True)
class Shape:
    """Frames x height x width, frames per second, seconds; as in Tables 8 and 9 of the paper."""

    frames: int
    height: int
    width: int
    fps: Fraction

    @property
    def seconds(self) -> float:
        return float(self.frames / self.fps) if self.fps else 0.0

    def __str__(self) -> str:
        if not self.fps:
            return f"{self.height} x {self.width}"
        size = f"{self.frames} x {self.height} x {self.width}"
        return f"{size}, {float(self.fps):.4g} fps, {self.seconds:.2f} s"


@dataclass(frozen=True)
class ShownClips:
    """So many of a model's clips were made in one shape and shown in another."""

    model: str
    clips: int
    made: Shape
    shown: Shape


def shown_clips(study: Study) -> list[ShownClips]:
    """How the study's clips were made and shown, by model, the most frequent first.

    Counted in the database: two queries whatever the size of the study.
    """
    found: dict[tuple[str, Shape, Shape], int] = {}
    for side in ("a", "b"):
        for model, *shapes, clips in _grouped(study, side):
            before = Shape(shapes[0], shapes[1], shapes[2], Fraction(shapes[3], shapes[4]))
            after = Shape(int(shapes[5]), int(shapes[6]), int(shapes[7]), Fraction(str(shapes[8])))
            found[model, before, after] = found.get((model, before, after), 0) + clips
    ordered = sorted(found.items(), key=lambda item: (item[0][0], -item[1]))
    return [ShownClips(model, clips, made, shown) for (model, made, shown), clips in ordered]


def rendition_rows(study: Study) -> Iterator[dict[str, Any]]:
    """One row per comparison and side, with the columns of RENDITION_COLUMNS."""
    ready = _ready(study).order_by("pk")
    related = ("prompt", *(f"{what}_{side}" for what in ("stimulus", "rendition") for side in "ab"))
    models = ("stimulus_a__model", "stimulus_b__model")
    for comparison in ready.select_related(*related, *models).iterator(chunk_size=CHUNK):
        yield _row(comparison, "a")
        yield _row(comparison, "b")


def _ready(study: Study) -> Any:
    return Comparison.objects.filter(study=study).counted().ready()


def _grouped(study: Study, side: str) -> Any:
    """(model, made frames, height, width, fps as two numbers, shown ..., number of clips)."""
    stimulus, plan = f"stimulus_{side}__", f"rendition_{side}__plan__"
    columns = (
        f"{stimulus}model__name",
        *(f"{stimulus}{name}" for name in ("frames", "height", "width")),
        *(f"{stimulus}fps_{part}" for part in ("numerator", "denominator")),
        *(f"{plan}{name}" for name in ("frames", "height", "width", "fps")),
    )
    rows = _ready(study).order_by().values_list(*columns)
    return rows.annotate(clips=Count(F(f"stimulus_{side}"), distinct=True))


def made_shape(stimulus: Stimulus) -> Shape:
    """As the model made it."""
    fps = Fraction(stimulus.fps_numerator, stimulus.fps_denominator)
    return Shape(stimulus.frames, stimulus.height, stimulus.width, fps)


def shown_shape(plan: Mapping[str, Any]) -> Shape:
    """As raters see it; `plan` is a rendition's."""
    return Shape(plan["frames"], plan["height"], plan["width"], Fraction(plan["fps"]))


def _row(comparison: Comparison, side: str) -> dict[str, Any]:
    stimulus = getattr(comparison, f"stimulus_{side}")
    rendition = getattr(comparison, f"rendition_{side}")
    made, shown = made_shape(stimulus), shown_shape(rendition.plan)
    return {
        "comparison_id": str(comparison.pk),
        "prompt_id": comparison.prompt.key,
        "model": stimulus.model.name,
        "seed": stimulus.seed,
        "source": stimulus.source,
        "source_sha256": stimulus.sha256,
        "source_frames": made.frames,
        "source_height": made.height,
        "source_width": made.width,
        "source_fps": float(made.fps),
        "source_seconds": stimulus.seconds,
        "profile": rendition.profile,
        "filters": rendition.plan["filters"],
        "frames": shown.frames,
        "height": shown.height,
        "width": shown.width,
        "fps": float(shown.fps),
        "seconds": shown.seconds,
        "rendition_sha256": rendition.sha256,
        "rendition_bytes": rendition.bytes,
    }
