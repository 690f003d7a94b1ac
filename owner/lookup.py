"""The study that an address names."""

from __future__ import annotations

from django.shortcuts import get_object_or_404

from annotations.models import Study


def get_study(slug: str) -> Study:
    """Or 404."""
    return get_object_or_404(Study, slug=slug)
