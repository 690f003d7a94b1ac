"""Read a prompt as a scene: a thing of a colour, how many, how it moves, and where.

The vocabulary is small and unknown words are ignored, so any prompt gives a picture.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

COLOURS = {
    "red": (222, 60, 56),
    "orange": (243, 140, 46),
    "yellow": (250, 205, 60),
    "golden": (246, 190, 64),
    "green": (86, 172, 84),
    "turquoise": (48, 186, 186),
    "blue": (58, 112, 222),
    "purple": (142, 84, 208),
    "pink": (242, 118, 168),
    "white": (246, 246, 250),
    "silver": (190, 198, 210),
    "brown": (150, 98, 62),
    "black": (48, 50, 60),
}
SYNONYMS = {
    "gold": "golden",
    "violet": "purple",
    "cyan": "turquoise",
    "grey": "silver",
    "gray": "silver",
    "sphere": "ball",
    "leaves": "leaf",
    "butterflies": "butterfly",
    "ship": "boat",
    "sailboat": "boat",
    "tulip": "flower",
    "rose": "flower",
    "ocean": "sea",
    "beach": "sea",
    "lake": "sea",
    "grass": "meadow",
    "field": "meadow",
    "garden": "meadow",
    "dunes": "desert",
    "sand": "desert",
    "dusk": "sunset",
    "dawn": "sunset",
    "winter": "snow",
    "snowy": "snow",
    "stars": "star",
}
THINGS = {
    "ball": "red",
    "balloon": "red",
    "star": "golden",
    "fish": "orange",
    "kite": "turquoise",
    "boat": "white",
    "bird": "white",
    "butterfly": "purple",
    "flower": "pink",
    "heart": "red",
    "moon": "silver",
    "lantern": "orange",
    "leaf": "green",
    "rocket": "red",
}
"""Each thing and the colour it has when none is named."""

PLACES = ("night", "sea", "meadow", "desert", "snow", "sunset")
COUNTS = {"two": 2, "pair": 2, "three": 3, "four": 4, "five": 5}
MOTIONS = {
    r"right to left|leftwards?": "left",
    r"left to right|rightwards?|drift\w*|sail\w*|fly\w*|swim\w*|mov\w*": "right",
    r"ris(e|es|ing)|upwards?|launch\w*": "rise",
    r"fall\w*|drop\w*|downwards?": "fall",
    r"bounc\w*|jump\w*|hop\w*": "bounce",
    r"circl\w*|orbit\w*": "circle",
    r"sway\w*|swing\w*|wav\w*": "sway",
    r"grow\w*|bloom\w*|expand\w*": "grow",
    r"spin\w*|rotat\w*|turn\w*": "spin",
}
"""In order: the first that matches is the motion."""


@dataclass(frozen=True)
class Scene:
    """What a prompt asks for. `place` may be two: (``sea``, ``sunset``)."""

    thing: str
    colour: str
    count: int
    motion: str
    places: tuple[str, ...]


def read_scene(prompt: str) -> Scene:
    """What of the prompt is understood; a floating ball in a studio if nothing is."""
    text = prompt.lower()
    words = words_of(text)
    thing = next((word for word in words if word in THINGS), "ball")
    return Scene(
        thing=thing,
        colour=next((word for word in words if word in COLOURS), THINGS[thing]),
        count=next((COUNTS[word] for word in words if word in COUNTS), 1),
        motion=next((name for words, name in MOTIONS.items() if re.search(words, text)), "float"),
        places=tuple(place for place in PLACES if place in words),
    )


def words_of(prompt: str) -> list[str]:
    """Its words, as the vocabulary has them."""
    return [known(word) for word in re.findall(r"[a-z]+", prompt.lower())]


def known(word: str) -> str:
    """The vocabulary's word for it: synonyms and plain plurals."""
    word = SYNONYMS.get(word, word)
    return word[:-1] if word.endswith("s") and word[:-1] in THINGS else word
