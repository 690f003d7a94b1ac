"""What a study cannot compare because clips are missing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from annotations.models import GenerativeModel, Study
from annotations.services.pairs.preparing import missing_clips
from annotations.services.studies.states import model_pairs

PROMPTS_NAMED = 8


@dataclass(frozen=True)
class Gap:
    """A model's missing clips: the first few prompts by id, and how many there are."""

    model: GenerativeModel
    prompts: list[str]
    count: int

    @property
    def more(self) -> int:
        return self.count - len(self.prompts)


@dataclass(frozen=True)
class Reach:
    """How many comparisons a study wants, how many of them its clips allow, and why not all."""

    wanted: int
    possible: int
    gaps: list[Gap]

    @property
    def missing(self) -> int:
        """Clips."""
        return sum(gap.count for gap in self.gaps)

    @property
    def note(self) -> str:
        if self.possible >= self.wanted:
            return ""
        clips = "a clip is" if self.missing == 1 else f"{self.missing} clips are"
        return f"{self.wanted} when all clips are there; {clips} missing"


def reach_of(study: Study) -> Reach:
    """Counted in a fixed number of queries."""
    models: dict[int, GenerativeModel] = {}
    lacking: defaultdict[int, list[str]] = defaultdict(list)
    for clip in missing_clips(study):
        models[clip.model.pk] = clip.model
        lacking[clip.model.pk].append(clip.prompt_key)
    prompts = study.study_prompts.count()
    met = model_pairs(study)
    possible = sum(prompts - len({*lacking[a.pk], *lacking[b.pk]}) for a, b in met)
    gaps = [
        Gap(model, lacking[pk][:PROMPTS_NAMED], len(lacking[pk])) for pk, model in models.items()
    ]
    return Reach(wanted=len(met) * prompts, possible=possible, gaps=gaps)
