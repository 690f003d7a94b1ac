"""What an owner may want to look at before a clip is judged; no reason to refuse it."""

from __future__ import annotations

STATIC, BLACK, SHORT = "static", "black", "short"
WORDS = {
    STATIC: "Nothing moves in it.",
    BLACK: "It has black frames.",
    SHORT: "It is shorter than a second.",
}
