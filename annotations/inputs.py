"""Turn what was sent or filled in into values, or say in words why it cannot be taken.

Forms, headers, addresses, JSON bodies and cells of files all come through here, so that one rule
holds for all of them and on both databases: PostgreSQL can store no NUL and no half of a character
pair, and neither can be read as meant. Knows no models, so that every layer can ask it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from annotations.errors import BadInput

LARGEST_JSON = 1024 * 1024
"""Characters of a body or field; a rater's whole answer has some thousand."""
DEEPEST_JSON = 32
LARGEST_FACTS = 10_000
"""Characters of what a browser tells by the way; see `read_facts`."""
FACTS = frozenset({"playback"})
"""Fields of forms that hold such facts."""
LEAST_NUMBER, MOST_NUMBER = -(2**63), 2**63 - 1
"""What a column of either database can hold."""
MOST_DIGITS = len(str(LEAST_NUMBER))
LONGEST_NUMBER = 40
"""Digits of a whole number in a file; a seed has twenty at most."""


def read_text(text: str, *, what: str, longest: int | None = None) -> str:
    """The text, if it can be stored and read. `what` names it at the beginning of a sentence.

    Raises
    ------
    BadInput
    """
    if "\0" in text:
        raise BadInput(
            _(
                "{what} holds a NUL, a character that cannot be stored. Take it out and send it "
                "again."
            ).format(what=what)
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(
            _("{what} holds half of a character. Take it out and send it again.").format(what=what)
        ) from error
    if longest is not None and len(text) > longest:
        raise BadInput(
            _("{what} has {length} characters; at most {longest} are taken. Shorten it.").format(
                what=what, length=len(text), longest=longest
            )
        )
    return text


def read_whole_number(
    text: str, *, what: str, least: int = LEAST_NUMBER, most: int = MOST_NUMBER
) -> int:
    """The whole number that a text says.

    Raises
    ------
    BadInput
    """
    digits = text.strip()
    is_number = digits.isascii() and digits.removeprefix("-").isdigit()
    number = int(digits) if is_number and len(digits) <= MOST_DIGITS else None
    if number is None or not least <= number <= most:
        raise BadInput(
            _("{what} is no whole number from {least} to {most}. Give one.").format(
                what=what, least=least, most=most
            )
        )
    return number


def is_id(text: str) -> bool:
    """Whether a row could have it."""
    try:
        return read_whole_number(text, what="It") > 0
    except BadInput:
        return False


def read_json(source: str | bytes, *, what: str, largest: int = LARGEST_JSON) -> Any:
    """What a JSON text says, in values that both databases can store.

    Raises
    ------
    BadInput
        No JSON, too large or too deep; a number that is not finite or has more than 64 bits; a
        text that `read_text` refuses.
    """
    if len(source) > largest:
        raise BadInput(
            _("{what} is larger than {largest} characters. Send less at once.").format(
                what=what, largest=largest
            )
        )
    text = _decoded(source, what) if isinstance(source, bytes) else source
    decoder = json.JSONDecoder(
        parse_int=partial(_whole, what),
        parse_float=partial(_finite, what),
        parse_constant=partial(_finite, what),
    )
    value = _decode(text, what, decoder)
    _ensure_storable(value, what)
    return value


def load_json(text: str, *, what: str) -> Any:
    """What a JSON text of a file says; its texts are for the reader of the file to look at.

    NaN, which Python and pandas write for what is not known, is None.

    Raises
    ------
    BadInput
        No JSON, or nested too deep; a name twice in one object; a number that is not finite or has
        more than `LONGEST_NUMBER` digits.
    """
    return _decode(text, what, _file_decoder(what))


@lru_cache(maxsize=8)
def _file_decoder(what: str) -> json.JSONDecoder:
    return json.JSONDecoder(
        parse_int=partial(_long_whole, what),
        parse_float=partial(_finite, what),
        parse_constant=lambda word: None if word == "NaN" else _finite(what, word),
        object_pairs_hook=partial(_each_once, what),
    )


def _decode(text: str, what: str, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise BadInput(
            _("{what} is not JSON: {why} (line {line}, column {column}). Mend it.").format(
                what=what, why=error.msg, line=error.lineno, column=error.colno
            )
        ) from error
    except RecursionError as error:
        raise _depth_refused(what) from error


def read_facts(text: str) -> dict[str, Any]:
    """What a browser tells of itself beside an answer. What cannot be kept is left out: nobody's
    answer is refused for it."""
    try:
        facts = read_json(text or "{}", what="It", largest=LARGEST_FACTS)
    except BadInput:
        return {}
    return facts if isinstance(facts, dict) else {}


def ensure_readable_address(request: HttpRequest) -> None:
    """Raise BadInput unless path, query, headers and cookies can be read."""
    read_text(request.path_info, what=_("The address"))
    for name, values in request.GET.lists():
        read_text(name, what=_("The address"))
        for value in values:
            read_text(value, what=_("“{name}” in the address").format(name=name))
    for name, value in request.headers.items():
        # Cookies come one by one below, with the advice that helps.
        if name != "Cookie":
            read_text(value, what=_("The header {name}").format(name=name))
    for name, value in request.COOKIES.items():
        read_text(
            name + value, what=_("A cookie of this site (delete them in your browser's settings)")
        )


def ensure_numbers_fit(parts: Mapping[str, Any]) -> None:
    """Raise BadInput for a number in a path that no row can have."""
    if any(isinstance(part, int) and part > MOST_NUMBER for part in parts.values()):
        raise BadInput(_("The address holds a number that is too large. Shorten it."))


def ensure_readable_form(request: HttpRequest) -> None:
    """Raise BadInput unless the fields of a sent form can be read; facts may be left out."""
    for name, values in _form_of(request):
        read_text(name, what=_("The name of a field"))
        for value in values if name not in FACTS else ():
            read_text(value, what=_("The field “{name}”").format(name=name))


def _form_of(request: HttpRequest) -> list[tuple[str, list[str]]]:
    try:
        return list(request.POST.lists())
    except (LookupError, UnicodeError) as error:
        raise BadInput(
            _("The characters are sent in an unknown encoding. Send them as UTF-8.")
        ) from error


def _decoded(content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            _("{what} is not UTF-8 text (byte {byte}). Save it as UTF-8.").format(
                what=what, byte=error.start
            )
        ) from error


def _ensure_storable(value: Any, what: str) -> None:
    """Look at every text of it, without recursion."""
    waiting = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, str):
            read_text(one, what=what)
        elif isinstance(one, dict | list):
            if depth > DEEPEST_JSON:
                raise _depth_refused(what)
            inside = [*one, *one.values()] if isinstance(one, dict) else one
            waiting += [(part, depth + 1) for part in inside]


def _whole(what: str, digits: str) -> int:
    if len(digits) > MOST_DIGITS or not LEAST_NUMBER <= int(digits) <= MOST_NUMBER:
        raise _number_refused(what)
    return int(digits)


def _long_whole(what: str, digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise _number_refused(what)
    return int(digits)


def _each_once(what: str, members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _value in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput(f"{what} has the name “{twice}” twice. Take one of them out.")
    return found


def _finite(what: str, digits: str) -> float:
    """`digits` may be one of the constants NaN and Infinity, which are no JSON."""
    if not math.isfinite(float(digits)):
        raise _number_refused(what)
    return float(digits)


def _number_refused(what: str) -> BadInput:
    return BadInput(
        _("{what} holds a number that is not finite, or too large. Give another.").format(what=what)
    )


def _depth_refused(what: str) -> BadInput:
    return BadInput(
        _("{what} is nested deeper than {deepest} levels. Send it flatter.").format(
            what=what, deepest=DEEPEST_JSON
        )
    )
