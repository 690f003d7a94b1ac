"""Seeds: whole numbers from 0 to 2^64 - 1, as torch and ComfyUI draw them."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

MOST_SEED = 2**64 - 1
SHIFT = 2**63
"""A column of either database holds -2^63 to 2^63 - 1; a seed less this is in it, in order."""


class SeedField(models.BigIntegerField):
    """A seed, kept as itself less 2^63: every seed has a place of its own, in the order of seeds.

    SQLite would keep a larger whole number as a rounded fraction.
    """

    validators = [MinValueValidator(0), MaxValueValidator(MOST_SEED)]

    def from_db_value(self, value: int | None, expression: Any, connection: Any) -> int | None:
        return None if value is None else value + SHIFT

    def get_prep_value(self, value: Any) -> Any:
        seed = super().get_prep_value(value)
        return seed if seed is None or hasattr(seed, "resolve_expression") else seed - SHIFT

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"min_value": 0, "max_value": MOST_SEED, **options})
