"""Every way into the site, found from the URL configuration, the pages' forms and the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from annotations.panels import PANELS, SUBMIT_PARAMETER

READS_A_NAME = re.compile(
    r"\b(?:GET|POST|FILES|query_params)(?:\.get(?:list)?\(|\[)\s*\"([\w-]+)\"|(?<=sent\.get\()\"(\w+)\""
)
GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")
CONVERTER = re.compile(r"<(?:(\w+):)?(\w+)>")
# What Django's admin and REST framework read from an address.
OF_LIBRARIES = ("q", "p", "o", "e", "all", "next", "_popup", "_to_field", "_changelist_filters")
OF_LIBRARIES += ("limit", "offset", "format", "id__exact", "pk__in")


@dataclass(frozen=True)
class Door:
    """A route, such as `s/<slug:slug>/rate/`, and the view behind it."""

    route: str
    view: Callable[..., Any]

    def __str__(self) -> str:
        return f"/{self.route}"

    @property
    def places(self) -> list[tuple[str, str]]:
        """Converter and name of every variable part."""
        return [(kind or "str", name) for kind, name in CONVERTER.findall(self.route)]

    def address(self, values: Mapping[str, str]) -> str:
        """With the variable parts filled in, each quoted; surrogates as their three bytes."""
        return "/" + CONVERTER.sub(lambda part: quoted(values[part[2]]), self.route)


def quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="/")


def all_doors() -> list[Door]:
    return list(_walk("", get_resolver().url_patterns))


def _walk(prefix: str, patterns: list[URLPattern | URLResolver]) -> Iterator[Door]:
    for one in patterns:
        route = prefix + _route_of(one)
        if isinstance(one, URLResolver):
            yield from _walk(route, one.url_patterns)
        else:
            yield Door(route, one.callback)


def _route_of(one: URLPattern | URLResolver) -> str:
    """A regular expression, as the admin has some, with its groups as variable parts."""
    if isinstance(one.pattern, RoutePattern):
        return str(one.pattern)
    return GROUP.sub(r"<path:\1>", one.pattern.regex.pattern).strip("^$")


@cache
def parameter_names() -> tuple[str, ...]:
    """Every name that a view reads from an address or a form."""
    found = set(OF_LIBRARIES)
    ours = [Path(app.path) for app in apps.get_app_configs()]
    for folder in [folder for folder in ours if folder.parent == settings.BASE_DIR]:
        for path in folder.rglob("*.py"):
            for names in READS_A_NAME.findall(path.read_text()):
                found.update(filter(None, names))
    for panel in PANELS.values():
        found |= {panel.id_parameter, panel.study_parameter, panel.session_parameter}
    return tuple(sorted(found - {""} | {SUBMIT_PARAMETER, settings.RATER_LANGUAGE_COOKIE}))


class FormReader(HTMLParser):
    """What a page's forms would send if nobody touched them, and the names of their files."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.files: set[str] = set()
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name = found.get("name") or ""
        if tag == "option" and self._open and ("selected" in found or not self.values[self._open]):
            self.values[self._open] = found.get("value") or ""
        elif tag in ("textarea", "select"):
            self._open = name
            self.values.setdefault(name, "")
        elif tag == "input" and name and found.get("type") == "file":
            self.files.add(name)
        elif tag in ("input", "button") and name and "__prefix__" not in name:
            self.values.setdefault(name, found.get("value") or "on")

    def handle_data(self, data: str) -> None:
        if self._open and self.lasttag == "textarea":
            self.values[self._open] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self._open = ""
