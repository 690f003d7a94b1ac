"""What a study cannot compare because clips are missing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from annotations.enums import SamplePairing
from annotations.models import GenerativeModel, Study
from annotations.services.pairs.meetings import possible_and_wanted
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
    prompts = dict(study.study_prompts.values_list("prompt", "prompt__key"))
    models = {row.model_id: row.model for row in study.study_models.select_related("model")}
    samples = _samples(study)
    numbers: dict[int, set[int]] = {
        prompt: set().union(*(samples[model, prompt] for model in models)) for prompt in prompts
    }
    counts = [
        possible_and_wanted(
            study.sample_pairing, samples[a.pk, prompt], samples[b.pk, prompt], numbers[prompt]
        )
        for a, b in model_pairs(study)
        for prompt in prompts
    ]
    gaps = []
    for pk, model in models.items():
        lacking = {
            prompt: _lacking(study, samples[pk, prompt], numbers[prompt]) for prompt in prompts
        }
        named = [prompts[prompt] for prompt, n in lacking.items() if n][:PROMPTS_NAMED]
        gaps.append(Gap(model, named, sum(lacking.values())))
    return Reach(
        wanted=sum(wanted for _, wanted in counts),
        possible=sum(possible for possible, _ in counts),
        gaps=[gap for gap in gaps if gap.count],
    )


def _samples(study: Study) -> defaultdict[tuple[int, int], set[int]]:
    """Numbers of the samples that there are, by model and prompt."""
    found: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for model, prompt, sample in study.roster.order_by().values_list("model", "prompt", "sample"):
        found[model, prompt].add(sample)
    return found


def _lacking(study: Study, own: set[int], numbers: set[int]) -> int:
    """How many clips of one model and prompt are missing: at least one is wanted."""
    if study.sample_pairing == SamplePairing.EQUAL:
        return len(numbers - own) or int(not own)
    return int(not own)
