"""What is asked of a model, and what it can be asked for."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Kind(StrEnum):
    """What is made of what."""

    TEXT_TO_VIDEO = "text-to-video"
    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_TO_VIDEO = "image-to-video"
    IMAGE_EDITING = "image-editing"
    VIDEO_EXTENSION = "video-extension"


FROM_AN_IMAGE = (Kind.IMAGE_TO_VIDEO, Kind.IMAGE_EDITING)
FROM_A_VIDEO = (Kind.VIDEO_EXTENSION,)


class Rewriting(StrEnum):
    """Whether somebody else rewrites a prompt before the model sees it."""

    NONE = "none"
    SWITCHED_OFF = "switched off"
    UNKNOWN = "depends on the model"
    ALWAYS = "always"


@dataclass(frozen=True)
class MediaFile:
    """A picture or clip that a model starts from."""

    path: Path
    media_type: str

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def name(self) -> str:
        """Of its content, so that it tells nothing and two files never share one."""
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return f"{digest[:32]}{self.path.suffix}"

    def as_base64(self) -> str:
        return base64.b64encode(self.path.read_bytes()).decode()

    def as_data_uri(self) -> str:
        return f"data:{self.media_type};base64,{self.as_base64()}"


@dataclass(frozen=True)
class GenerationRequest:
    """What is asked of a model; what is None or empty is left to the endpoint.

    Parameters
    ----------
    size
        In pixels, such as `1280x720`.
    ratio
        Width to height, such as `16:9`.
    key
        Of this attempt and no other, for endpoints that recognise a repeated call by it.
    """

    prompt: str
    seed: int | None = None
    kind: Kind = Kind.TEXT_TO_VIDEO
    negative_prompt: str = ""
    seconds: float | None = None
    size: str = ""
    ratio: str = ""
    image: MediaFile | None = None
    video: MediaFile | None = None
    key: str = ""


@dataclass(frozen=True)
class Capabilities:
    """What an endpoint's model can be asked for.

    `lengths`, `sizes` and `ratios` are what may be chosen: None is anything, empty is nothing.
    `longest_prompt` is in UTF-16 units, `largest_input` in bytes.
    """

    kinds: frozenset[Kind]
    takes_seed: bool = False
    takes_negative_prompt: bool = False
    lengths: tuple[float, ...] | None = ()
    sizes: tuple[str, ...] | None = ()
    ratios: tuple[str, ...] | None = ()
    can_list: bool = False
    can_cancel: bool = False
    rewrites_prompt: Rewriting = Rewriting.UNKNOWN
    knows_repeats: bool = False
    longest_prompt: int | None = None
    largest_input: int | None = None

    def in_words(self) -> str:
        """What the model makes and takes, in a line for people."""
        makes = ", ".join(sorted(self.kinds)) or "Nothing is called"
        takes = [
            "a seed" if self.takes_seed else "no seed",
            "a negative prompt" if self.takes_negative_prompt else "no negative prompt",
        ]
        choices = {"lengths": self.lengths, "sizes": self.sizes, "shapes": self.ratios}
        offered = [f"{name}: {choices_in_words(given)}" for name, given in choices.items()]
        rewriting = f"Rewriting of prompts: {self.rewrites_prompt}."
        return f"{makes}. Takes {', '.join(takes)}; {'; '.join(offered)}. {rewriting}"

    def unsupported(self, request: GenerationRequest) -> list[str]:
        """What of a request the model cannot take, in words; empty when it can take all of it."""
        return [*self._unknown_options(request), *self._wrong_inputs(request)]

    def _unknown_options(self, request: GenerationRequest) -> Iterator[str]:
        if request.kind not in self.kinds:
            yield f"{request.kind} (it does {', '.join(sorted(self.kinds)) or 'nothing'})"
        if request.seed is not None and not self.takes_seed:
            yield "a seed"
        if request.negative_prompt and not self.takes_negative_prompt:
            yield "a negative prompt"
        if request.seconds is not None and not_among(request.seconds, self.lengths):
            yield f"a length of {request.seconds:g} s{instead(self.lengths)}"
        if request.size and not_among(request.size, self.sizes):
            yield f"a size of {request.size}{instead(self.sizes)}"
        if request.ratio and not_among(request.ratio, self.ratios):
            yield f"a shape of {request.ratio}{instead(self.ratios)}"
        units = len(request.prompt.encode("utf-16-le", errors="replace")) // 2
        if self.longest_prompt is not None and units > self.longest_prompt:
            yield f"a prompt of {units} characters (at most {self.longest_prompt})"

    def _wrong_inputs(self, request: GenerationRequest) -> Iterator[str]:
        if request.image and request.kind not in FROM_AN_IMAGE:
            yield f"an image for {request.kind}"
        if request.video and request.kind not in FROM_A_VIDEO:
            yield f"a clip for {request.kind}"
        for given in (request.image, request.video):
            if given and self.largest_input is not None and given.size > self.largest_input:
                yield f"a file of {given.size} bytes (at most {self.largest_input})"


def not_among(value: object, choices: tuple[object, ...] | None) -> bool:
    return choices is not None and value not in choices


def instead(choices: tuple[Any, ...] | None) -> str:
    return f" (it takes {choices_in_words(choices)})" if choices else ""


def choices_in_words(choices: tuple[Any, ...] | None) -> str:
    if choices is None:
        return "any"
    shown = (f"{one:g}" if isinstance(one, int | float) else str(one) for one in choices)
    return ", ".join(shown) or "none"
