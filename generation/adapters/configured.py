"""What an endpoint's row says of its model: what it can be asked for, and in which words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from generation.adapters.base import Done, UnsupportedError
from generation.adapters.requests import (
    FROM_A_VIDEO,
    FROM_AN_IMAGE,
    Capabilities,
    GenerationRequest,
    Kind,
    MediaFile,
    Rewriting,
)
from generation.adapters.traits import Traits
from generation.adapters.values import MOST_COST, amount, found_at, without_files

# What models call their own rewriting of prompts, where they have one.
REWRITING_SWITCHES = (
    "enable_prompt_expansion",
    "enhance_prompt",
    "enhancePrompt",
    "expand_prompt",
    "prompt_enhancer",
    "prompt_extend",
    "prompt_optimizer",
    "prompt_upsampling",
)
COMMON_OPTIONS = frozenset(
    {
        "fields",
        "forgets_jobs",
        "key_header",
        "kinds",
        "lengths",
        "prices",
        "ratios",
        "result_hosts",
        "seconds_as",
        "sizes",
    }
)
LISTS = ("kinds", "lengths", "ratios", "result_hosts", "sizes")
SECONDS_AS = ("number", "text", "text with s")
# What models call the length of a clip, where the endpoint's row does not say.
LENGTH_NAMES = ("seconds", "duration")
is_length = re.compile(r"(\d+(?:\.\d+)?) ?s?")


class ConfiguredAdapter:
    """One model at one endpoint.

    Parameters
    ----------
    base_url
        What all paths begin with.
    parameters
        Further fields of every request, in the endpoint's words; None leaves a field out.
    is_multipart
        Send a form instead of JSON, where the endpoint takes both.
    is_internal
        Allow the endpoint to be in a private network.
    options
        How this adapter talks to it: `fields` names what the model takes, from our words
        (`seed`, `negative_prompt`, `seconds`, `size`, `ratio`, `image`, `video`) to its own.
    """

    traits: ClassVar[Traits] = Traits()

    def __init__(
        self,
        *,
        base_url: str,
        remote_model: str,
        parameters: Mapping[str, Any],
        api_key: str = "",
        is_multipart: bool = False,
        is_internal: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.remote_model = remote_model
        self.parameters = {name: value for name, value in parameters.items() if value is not None}
        self.api_key = api_key
        self.is_multipart = is_multipart
        self.is_internal = is_internal
        self.options = dict(options or {})

    @property
    def fields(self) -> dict[str, str]:
        """From our words to the model's; a word that is not there cannot be said to it."""
        own = self.options.get("fields")
        named = {**self.usual_names(), **(own if isinstance(own, Mapping) else {})}
        return {word: str(name) for word, name in named.items() if name}

    def usual_names(self) -> Mapping[str, str]:
        """The model's names where the endpoint's row does not say."""
        return self.traits.usual_fields

    @property
    def capabilities(self) -> Capabilities:
        fields = self.fields
        has_size = "size" in fields or {"width", "height"} <= fields.keys()
        return Capabilities(
            kinds=self._kinds(),
            takes_seed="seed" in fields,
            takes_negative_prompt="negative_prompt" in fields,
            lengths=self._choices("lengths") if "seconds" in fields else (),
            sizes=self._choices("sizes") if has_size else (),
            ratios=self._choices("ratios") if "ratio" in fields else (),
            can_list=self.traits.can_list,
            can_cancel=self.traits.can_cancel,
            rewrites_prompt=self.rewriting(),
            knows_repeats=bool(self.options.get("key_header")),
            longest_prompt=self.traits.longest_prompt,
            largest_input=self.traits.largest_input,
        )

    def _kinds(self) -> frozenset[Kind]:
        names = self.options.get("kinds") or self.traits.usual_kinds
        return frozenset(kind for kind in self.traits.possible_kinds if kind in names)

    def _choices(self, option: str) -> tuple[Any, ...] | None:
        given = self.options.get(option)
        return tuple(given) if isinstance(given, list) else self.usual_choices(option)

    def usual_choices(self, option: str) -> tuple[Any, ...] | None:
        """What may be chosen of lengths, sizes or ratios where the endpoint's row does not say."""
        return None

    def rewriting(self) -> Rewriting:
        """Told by the model's own switch, if the endpoint's parameters hold one."""
        for switch in REWRITING_SWITCHES:
            if switch in self.parameters:
                is_on = bool(self.parameters[switch])
                return Rewriting.ALWAYS if is_on else Rewriting.SWITCHED_OFF
        return Rewriting.UNKNOWN

    def done(self, answer: dict[str, Any]) -> Done:
        """What is kept of an answer that says that the clip is made."""
        return Done(raw=without_files(answer), cost=self.cost_in(answer))

    def cost_in(self, answer: Mapping[str, Any]) -> Decimal | None:
        """What the clip cost: what the endpoint metered, at the prices of its row.

        None where the answer lacks one of the numbers that have a price.
        """
        prices = self.options.get("prices", self.traits.usual_prices)
        if not isinstance(prices, Mapping) or not prices:
            return None
        parts = [
            (amount(found_at(answer, place)), amount(price)) for place, price in prices.items()
        ]
        known = [units * price for units, price in parts if units is not None and price is not None]
        cost = sum(known, Decimal(0))
        return round(cost, 6) if len(known) == len(parts) and cost < MOST_COST else None

    def seconds_asked(self) -> float | None:
        """The length of the clips that the endpoint's parameters ask for, if they do."""
        names = (self.fields.get("seconds"), *LENGTH_NAMES)
        given = (self.parameters[name] for name in names if name in self.parameters)
        length = is_length.fullmatch(str(next(given, "")))
        return float(length[1]) if length else None

    def problems(self) -> list[str]:
        """What is wrong with the endpoint's row, for the form that edits it."""
        known = COMMON_OPTIONS | self.traits.own_options
        found = [f"It has no option {name}." for name in sorted(self.options.keys() - known)]
        lists = {name: self.options[name] for name in LISTS if self.options.get(name) is not None}
        wrong = [name for name, given in lists.items() if not isinstance(given, list)]
        found += [f"The option {name} is a list." for name in wrong]
        if "kinds" not in wrong:
            possible = list(self.traits.possible_kinds)
            impossible = (kind for kind in lists.get("kinds", []) if kind not in possible)
            found += [f"It cannot do {kind}." for kind in impossible]
        if not isinstance(self.options.get("fields", {}), Mapping):
            found.append("The option fields is an object of names.")
        prices = self.options.get("prices", {})
        if not isinstance(prices, Mapping):
            found.append("The option prices is an object, from a place in the answer to a price.")
        elif wrong_prices := [place for place, price in prices.items() if amount(price) is None]:
            found.append(f"The price of {', '.join(map(str, wrong_prices))} is no amount.")
        if self.options.get("seconds_as", SECONDS_AS[0]) not in SECONDS_AS:
            found.append(f"The option seconds_as is one of: {', '.join(SECONDS_AS)}.")
        return found

    def refuse_unsupported(self, request: GenerationRequest) -> None:
        """Nothing that is asked for is left out in silence.

        Raises
        ------
        UnsupportedError
        """
        found = self.capabilities.unsupported(request)
        if request.kind in FROM_AN_IMAGE and not request.image:
            found.append(f"{request.kind} without an image")
        if request.kind in FROM_A_VIDEO and not request.video:
            found.append(f"{request.kind} without a clip")
        if found:
            raise UnsupportedError(f"{self.remote_model} cannot take {'; '.join(found)}.")

    def words_for(self, request: GenerationRequest) -> dict[str, Any]:
        """What the request says, under the model's own names."""
        width, _, height = request.size.partition("x")
        said = {
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "seed": request.seed,
            "seconds": self.as_length(request.seconds),
            "size": request.size,
            "width": int(width) if width.isdecimal() else None,
            "height": int(height) if height.isdecimal() else None,
            "ratio": request.ratio,
        }
        fields = self.fields
        return {
            fields[word]: value
            for word, value in said.items()
            if word in fields and value is not None and value != ""
        }

    def files_for(self, request: GenerationRequest) -> dict[str, MediaFile]:
        """The request's files, under the model's own names."""
        given = {"image": request.image, "video": request.video}
        return {self.fields.get(word, word): file for word, file in given.items() if file}

    def data_uris_for(self, request: GenerationRequest) -> dict[str, str]:
        """The request's files as data URIs, under the model's own names."""
        return {name: file.as_data_uri() for name, file in self.files_for(request).items()}

    def as_length(self, seconds: float | None) -> object:
        if seconds is None:
            return None
        number = int(seconds) if float(seconds).is_integer() else seconds
        form = self.options.get("seconds_as", self.traits.usual_seconds)
        return number if form == "number" else f"{number}{'s' if form == 'text with s' else ''}"
