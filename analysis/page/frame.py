"""What stands around a report's content: its scripts and style, its policy, and a notice."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from analysis.models import Report

PLOTLY = "vendor/plotly-basic-4.1.1.min.js"
DRAW = "analysis/report.js"
STYLES = tuple(f"analysis/{part}.css" for part in ("report", "charts", "examples", "tables"))


def with_notice(page: str, report: Report) -> str:
    """A stored page that says when it was made, and that no newer one could be made."""
    notice = render_to_string("analysis/older.html", {"report": report})
    return page.replace("<main>", f"<main>\n{notice}", 1)


@cache
def content_security_policy() -> str:
    """What the page may do: run its own two scripts, known by their hash, and load nothing."""
    scripts = " ".join(f"'sha256-{_sha256(asset(name))}'" for name in (PLOTLY, DRAW))
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


@cache
def asset(name: str) -> str:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(f"static file {name}")
    return Path(found).read_text(encoding="utf-8").strip()


def safe_asset(name: str) -> str:
    """Our own script or style, to stand inside its element as it is."""
    text = asset(name)
    if "</script" in text or "</style" in text:
        raise ValueError("the text would end its own element")
    return mark_safe(text)  # noqa: S308 - a file of this project, not a text from a user


def style() -> str:
    """The page's style, its parts one after the other."""
    return format_html_join("\n", "{}", ((safe_asset(part),) for part in STYLES))


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
