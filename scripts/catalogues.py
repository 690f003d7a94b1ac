"""The raters' texts in other languages: find them, and keep gettext's files by Babel.

In Python alone, because a machine that runs this project need not have GNU gettext.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import extract
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
TEMPLATES = ("templates/base.html", "templates/rater/**/*.html")
MODULES = ("annotations/**/*.py",)
LANGUAGES = ("es", "zh_Hans", "ar")
# With `gettext_lazy as _`, any text that is marked by it stands where it is used.
KEYWORDS = {
    **extract.DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "pgettext_lazy": ((1, "c"), 2),
}
LITERAL = r"""(u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*")"""
CALL = re.compile(
    rf"\b(_|n?p?gettext)\(\s*{LITERAL}(?:\s*,\s*{LITERAL})?(?:\s*,\s*{LITERAL})?", re.DOTALL
)
PLACEHOLDER = re.compile(r"%\((\w+)\)s|(?<!\{)\{(\w+)\}(?!\})")

# The text, or the two of a plural; and what tells apart equal words of two meanings.
Found = tuple[str | tuple[str, str], str | None]


def find_texts() -> Catalog:
    """Every text that raters may see in another language, with the files it stands in."""
    found = Catalog()
    for patterns, read in ((TEMPLATES, texts_in_template), (MODULES, texts_in_module)):
        for pattern in patterns:
            for path in sorted(ROOT.glob(pattern)):
                name = path.relative_to(ROOT).as_posix()
                for text, context in read(path.read_text(encoding="utf-8")):
                    found.add(text, locations=[(name, 0)], context=context)
    return found


def texts_in_template(source: str) -> Iterator[Found]:
    for name, *literals in CALL.findall(templatize(source)):
        texts = [ast.literal_eval(literal) for literal in literals if literal]
        context = texts.pop(0) if "p" in name.removesuffix("gettext") else None
        yield (texts[0], texts[1]) if name.startswith("n") else texts[0], context


def texts_in_module(source: str) -> Iterator[Found]:
    file = BytesIO(source.encode())
    for _, text, _, context in extract.extract("python", file, keywords=KEYWORDS):
        yield text if isinstance(text, str) else (text[0], text[1]), context


def placeholders(text: str) -> list[str]:
    return sorted(first or second for first, second in PLACEHOLDER.findall(text))


def forms_of(message: Message) -> list[str]:
    """The translations: one, or as many as the language's plural has; empty where missing."""
    forms = message.string or ""
    return [forms] if isinstance(forms, str) else list(forms)


def missing_in(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id and not all(forms_of(message))]


def folder_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES"


def read_catalogue(language: str) -> Catalog:
    with (folder_of(language) / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def update(catalogue: Catalog, found: Catalog) -> None:
    """The same translations for what is in the source now; what is new is empty."""
    catalogue.update(
        found, no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False
    )
    catalogue.obsolete.clear()


def po_bytes(catalogue: Catalog) -> bytes:
    file = BytesIO()
    write_po(file, catalogue, width=None, sort_output=True, include_lineno=False)
    return file.getvalue()


def mo_bytes(catalogue: Catalog) -> bytes:
    file = BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def write_catalogue(language: str, catalogue: Catalog) -> None:
    (folder_of(language) / "django.po").write_bytes(po_bytes(catalogue))
    (folder_of(language) / "django.mo").write_bytes(mo_bytes(catalogue))
