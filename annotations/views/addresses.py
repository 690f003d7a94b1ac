"""Where a rater's front end gets what an `Asked` names by tokens and ids."""

from __future__ import annotations

from django.urls import reverse

from annotations.services.rating.asking import Asked, Clips


def clip_addresses(clips: Clips) -> dict[str, str]:
    """Of the two clips, by side."""
    return {
        "left": reverse("stimulus-media", args=[clips.left]),
        "right": reverse("stimulus-media", args=[clips.right]),
    }


def source_address(asked: Asked) -> str:
    """Of what the models started from; it answers nobody before the prompt's stage."""
    return reverse("rater-source", args=[asked.study, asked.id])
