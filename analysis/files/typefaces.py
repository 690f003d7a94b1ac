"""Typefaces of figures: one for Latin, Greek, Cyrillic, Arabic and Hebrew, one for what it lacks.

Both come with the project or with matplotlib, so that figures are the same bytes everywhere. For
characters that neither has, such as Thai and Devanagari, a font of the machine is taken if it has
one that does; else a box stands for each.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LATIN = "DejaVu Sans"
LAST_RESORT = "Last Resort"
"""It has a box for every character, and matplotlib takes it when no family has one."""
FALLBACK = Path(__file__).parent / "fonts" / "DroidSansFallback.ttf"


@cache
def usual_families() -> tuple[str, ...]:
    """The two that are always there, in the order in which a character is looked for."""
    from matplotlib.font_manager import FontProperties, fontManager

    fontManager.addfont(FALLBACK)
    return LATIN, FontProperties(fname=str(FALLBACK)).get_name()


def families_for(figure: Figure) -> tuple[str, ...]:
    """The usual families, and those of the machine that have what the usual ones lack."""
    from matplotlib.font_manager import fontManager

    families = usual_families()
    lacking = characters_of(figure) - covered_by(families)
    for entry in sorted(fontManager.ttflist, key=lambda one: (one.name, one.fname)):
        if not lacking:
            break
        if entry.style != "normal" or entry.name.startswith(LAST_RESORT):
            continue
        found = lacking & characters_in(entry.fname)
        if found:
            families, lacking = (*families, entry.name), lacking - found
    return families


def characters_of(figure: Figure) -> set[int]:
    from matplotlib.text import Text

    texts = figure.findobj(Text)
    return {ord(letter) for text in texts for letter in text.get_text() if not letter.isspace()}


def covered_by(families: tuple[str, ...]) -> set[int]:
    from matplotlib.font_manager import findfont

    return set[int]().union(*(characters_in(findfont(name)) for name in families))


@cache
def characters_in(path: str) -> frozenset[int]:
    """What a font file has a glyph for; of one that cannot be read, nothing."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


def columns_of(text: str) -> int:
    """The width of a text in Latin letters: those of East Asia are as wide as two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
