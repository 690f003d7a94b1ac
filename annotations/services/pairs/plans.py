"""From rows to what plans depend on."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from annotations.enums import AudioPolicy, PresentationProfile
from annotations.media.profiles import NATIVE, PROFILES, MaskArea, MediaSpec, Profile
from annotations.models import Stimulus, Study


def spec_of(stimulus: Stimulus) -> MediaSpec:
    """What planning needs to know of a stimulus."""
    return MediaSpec(
        kind=stimulus.kind,
        width=stimulus.width,
        height=stimulus.height,
        fps=Fraction(stimulus.fps_numerator, stimulus.fps_denominator),
        frames=stimulus.frames,
        seconds=stimulus.seconds,
        has_audio=stimulus.has_audio,
    )


def profile_of(study: Study) -> Profile:
    """The study's presentation profile with its choices; see `annotations.media.profiles`."""
    base = PROFILES[study.presentation_profile]
    choices: dict[str, Any] = {
        "keeps_audio": study.audio == AudioPolicy.NORMALISED,
        "masks": tuple(MaskArea(*area) for area in study.masks),
        "max_bytes": study.clip_megabytes * 1_000_000,
    }
    if base is not NATIVE:
        choices["trim"] = study.trim
    if study.presentation_profile in (
        PresentationProfile.PAIRWISE_MIN,
        PresentationProfile.FIXED,
    ):
        choices["fit"] = study.fit
    if study.presentation_profile == PresentationProfile.PAIRWISE_MIN:
        choices["rate"] = study.frame_rate
    if study.presentation_profile == PresentationProfile.FIXED:
        choices |= {
            "width": study.fixed_width,
            "height": study.fixed_height,
            "fps": Fraction(study.fixed_fps or 0).limit_denominator(1001),
            "seconds": Fraction(study.fixed_seconds or 0).limit_denominator(1000),
        }
    return replace(base, **choices)
