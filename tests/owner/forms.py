"""What a browser would send back of a page's form if nobody touched it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.urls import reverse


class _FieldReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._textarea = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        name = attributes.get("name") or ""
        if tag == "input" and name:
            self._read_input(name, attributes)
        elif tag == "textarea":
            self._textarea = name
            self.values[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in attributes or self._select not in self.values):
            self.values[self._select] = attributes.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.values[self._textarea] = self.values[self._textarea].removeprefix("\n")
            self._textarea = ""

    def _read_input(self, name: str, attributes: dict[str, str | None]) -> None:
        kind = attributes.get("type", "text")
        if kind in ("checkbox", "radio") and "checked" not in attributes:
            return
        if kind not in ("submit", "button", "file"):
            self.values[name] = attributes.get("value") or ("on" if kind == "checkbox" else "")


def form_values(page: str) -> dict[str, str]:
    reader = _FieldReader()
    reader.feed(page)
    return {name: value for name, value in reader.values.items() if "__prefix__" not in name}


def send(owner, url: str | None = None, **changes: Any):
    """Open the form, change these fields, and save."""
    url = url or reverse("admin:annotations_study_add")
    values = form_values(owner.get(url).content.decode())
    return owner.post(url, {**values, "_save": "Save", **changes})
