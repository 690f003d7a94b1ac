"""Scripts of a page, fetched all at once instead of one import after the other."""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

IMPORT = re.compile(r"""^(?:import|export)\s[^"';]*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)


@register.simple_tag
def module(name: str) -> SafeString:
    """`{% module 'rater/rate.js' %}`: the script, and a hint for each module that it imports."""
    hints = format_html_join(
        "", '<link rel="modulepreload" href="{}">\n', ((static(one),) for one in imports_of(name))
    )
    return format_html('{}<script type="module" src="{}"></script>', hints, static(name))


@cache
def imports_of(name: str) -> tuple[str, ...]:
    """What a module imports, and what that imports, each once, in the order of the imports.

    Raises
    ------
    FileNotFoundError
        One of them is not among the static files.
    """
    found: dict[str, None] = {}
    to_read = [name]
    while to_read:
        current = to_read.pop(0)
        path = finders.find(current)
        if path is None:
            raise FileNotFoundError(f"{name} imports {current}, which is no static file.")
        folder = posixpath.dirname(current)
        for address in IMPORT.findall(Path(path).read_text(encoding="utf-8")):
            imported = posixpath.normpath(posixpath.join(folder, address))
            if imported != name and imported not in found:
                found[imported] = None
                to_read.append(imported)
    return tuple(found)
