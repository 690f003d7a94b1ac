"""What an owner should look at before raters do: clips and models that give themselves away."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import combinations
from statistics import median

from django.db.models import Count

from annotations.enums import Fit, FrameRate, PresentationProfile
from annotations.media.profiles import CRF
from annotations.media.warnings import WORDS
from annotations.models import Rendition, Stimulus, Study

NAMED = 5
"""Prompts that are named; of more, the number is enough."""

VISIBLE = 1.25
"""Factor between the medians of two models from which the eye tells them apart."""


def warnings_of(study: Study) -> list[str]:
    """Sentences, the most telling first."""
    stimuli = list(Stimulus.objects.for_study(study.pk).select_related("model"))
    return [
        *_identical(study),
        *_differences(study, stimuli),
        *_coarse(study),
        *_clip_warnings(stimuli),
    ]


def _identical(study: Study) -> list[str]:
    """Clips of one prompt with the same decoded frames: nobody can prefer one of them."""
    same = list(
        Stimulus.objects.for_study(study.pk)
        .values("prompt__key", "frames_sha256")
        .annotate(n=Count("pk"))
        .filter(n__gt=1)
        .order_by("prompt__key")
    )
    named = [
        f"{row['n']} clips for prompt {row['prompt__key']} are identical, frame by frame."
        for row in same[:NAMED]
    ]
    more = len(same) - NAMED
    return [*named, f"More prompts with identical clips: {more}."] if more > 0 else named


def _differences(study: Study, stimuli: list[Stimulus]) -> list[str]:
    """Differences between models that the presentation leaves for raters to see."""
    by_model: defaultdict[str, list[Stimulus]] = defaultdict(list)
    for stimulus in stimuli:
        by_model[stimulus.model.name].append(stimulus)
    left = {
        "length": (_keeps_length(study), lambda one: one.seconds),
        "shape": (_keeps_shape(study), lambda one: one.width / one.height),
        "frame rate": (_keeps_rate(study), lambda one: one.fps),
    }
    return [
        f"{one} and {other} differ visibly in {what}."
        for one, other in combinations(sorted(by_model), 2)
        for what, (is_left, measure) in left.items()
        if is_left and _differ(map(measure, by_model[one]), map(measure, by_model[other]))
    ]


def _keeps_length(study: Study) -> bool:
    return study.presentation_profile == PresentationProfile.NATIVE


def _keeps_rate(study: Study) -> bool:
    if study.presentation_profile == PresentationProfile.PAIRWISE_MIN:
        return study.frame_rate == FrameRate.OWN
    return study.presentation_profile != PresentationProfile.FIXED


def _keeps_shape(study: Study) -> bool:
    one_shape = (PresentationProfile.PAIRWISE_MIN, PresentationProfile.FIXED)
    return study.presentation_profile not in one_shape or study.fit != Fit.CROP


def _differ(one: Iterable[float], other: Iterable[float]) -> bool:
    low, high = sorted([median(one), median(other)])
    return low > 0 and high / low >= VISIBLE


def _coarse(study: Study) -> list[str]:
    """Clips that gave way in quality, and their partners may not have."""
    made = Rendition.objects.for_study(study.pk).filter(crf__gt=CRF)
    coarse = made.values_list("stimulus__model__name", flat=True)
    return [
        f"{_clips(n)} of {model}: coded more coarsely to keep within "
        f"{study.clip_megabytes} MB: raters may see it. Shorter or smaller clips, or more "
        "megabytes in the study's presentation, avoid it."
        for model, n in sorted(Counter(coarse).items())
    ]


def _clips(n: int) -> str:
    return "1 clip" if n == 1 else f"{n} clips"


def _clip_warnings(stimuli: list[Stimulus]) -> list[str]:
    counts = Counter(code for stimulus in stimuli for code in stimulus.warnings)
    return [f"{_clips(counts[code])}: “{words}”" for code, words in WORDS.items() if code in counts]
