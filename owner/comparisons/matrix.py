"""Every comparison of a study as a small tile: what there is, and how far it is judged."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count

from annotations.enums import ComparisonState
from annotations.models import Assignment, GenerativeModel, Prompt, Study
from annotations.services.studies.states import model_pairs

MOST_TILES = 2000
FEWEST_PROMPTS = 50
MODEL_PAIRS_SHOWN = MOST_TILES // FEWEST_PROMPTS
QUARTERS = 4
WORDS = {
    "none": "no comparison yet, a clip is missing",
    ComparisonState.PREPARING: "being prepared",
    ComparisonState.FAILED: "cannot be made",
    ComparisonState.WITHDRAWN: "withdrawn",
}
Found = tuple[int, str]


@dataclass(frozen=True)
class Tile:
    """One comparison: `level` is a state of WORDS, or how many quarters are judged, 0 to 4."""

    level: str
    words: str
    comparison_id: int | None = None


@dataclass(frozen=True)
class ModelPairTiles:
    model_a: GenerativeModel
    model_b: GenerativeModel
    tiles: list[Tile]


@dataclass(frozen=True)
class ComparisonMatrix:
    """Model pairs x a page of prompts; `hidden` ones are left out."""

    model_pairs: list[ModelPairTiles]
    page: Page[Any]
    hidden: int


def matrix_of(study: Study, page_number: str | None = None) -> ComparisonMatrix:
    """In a fixed number of queries, and never more than MOST_TILES tiles or so."""
    every = model_pairs(study)
    shown = every[:MODEL_PAIRS_SHOWN]
    rows = study.study_prompts.select_related("prompt")
    per_page = max(FEWEST_PROMPTS, MOST_TILES // max(len(shown), 1))
    page = Paginator(rows, per_page).get_page(page_number)
    prompts = [row.prompt for row in page]
    found = _comparisons(study, prompts)
    judged = _judged(study, prompts)
    wanted = study.raters_per_comparison
    return ComparisonMatrix(
        model_pairs=[
            ModelPairTiles(
                first,
                second,
                [
                    tile
                    for prompt in prompts
                    for tile in _tiles(
                        prompt, found[prompt.pk, frozenset((first.pk, second.pk))], judged, wanted
                    )
                ],
            )
            for first, second in shown
        ],
        page=page,
        hidden=len(every) - len(shown),
    )


def _comparisons(
    study: Study, prompts: list[Prompt]
) -> defaultdict[tuple[int, frozenset[int]], list[Found]]:
    """Comparisons with their states, by prompt and model pair."""
    own = study.comparisons.counted().filter(prompt__in=prompts).order_by("pk")
    found: defaultdict[tuple[int, frozenset[int]], list[Found]] = defaultdict(list)
    for pk, prompt, first, second, state in own.values_list(
        "pk", "prompt", "stimulus_a__model", "stimulus_b__model", "state"
    ):
        found[prompt, frozenset((first, second))].append((pk, state))
    return found


def _judged(study: Study, prompts: list[Prompt]) -> dict[int, int]:
    """How many raters have judged each comparison."""
    done = Assignment.objects.submitted().counted()
    own = done.filter(comparison__study=study, comparison__prompt__in=prompts).order_by()
    return dict(own.values_list("comparison").annotate(n=Count("pk")))


def _tiles(prompt: Prompt, found: list[Found], judged: dict[int, int], wanted: int) -> list[Tile]:
    name = f"{prompt.key}, {prompt.text[:40]}"
    if not found:
        return [Tile("none", f"{name}: {WORDS['none']}")]
    return [_tile(name, pk, state, judged.get(pk, 0), wanted) for pk, state in found]


def _tile(name: str, pk: int, state: str, judged: int, wanted: int) -> Tile:
    if state == ComparisonState.WITHDRAWN or (state in WORDS and not judged):
        return Tile(state, f"{name}: {WORDS[state]}", pk)
    quarters = min(QUARTERS, QUARTERS * judged // wanted) or min(judged, 1)
    return Tile(str(quarters), f"{name}: {judged} of {wanted} judged", pk)
