"""The raters' texts in other languages: find them, keep the `.po` files, make the `.mo` files.

In Python alone, because a machine that runs this project need not have GNU gettext. The files are
gettext's own, so its tools and every translation editor read them:
https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
TEMPLATES = ("templates/base.html", "templates/rater/**/*.html")
MODULES = ("annotations/**/*.py",)
PLURAL_FORMS = {
    "es": "nplurals=3; plural=n == 1 ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2;",
    "zh_Hans": "nplurals=1; plural=0;",
    "ar": (
        "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : "
        "n%100>=11 && n%100<=99 ? 4 : 5;"
    ),
}
"""The rules of Django's own catalogues, so that both merge into one."""
NAMES = {"es": "Spanish", "zh_Hans": "Simplified Chinese", "ar": "Arabic"}

LITERAL = r"""(u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*")"""
CALL = re.compile(
    rf"\b(_|n?p?gettext)\(\s*{LITERAL}(?:\s*,\s*{LITERAL})?(?:\s*,\s*{LITERAL})?", re.DOTALL
)
PLACEHOLDER = re.compile(r"%\((\w+)\)s|(?<!\{)\{(\w+)\}(?!\})")


@dataclass(frozen=True, order=True)
class Message:
    """What stands in the source; `context` tells apart equal words of two meanings."""

    text: str
    plural: str = ""
    context: str = ""

    @property
    def key(self) -> str:
        """The message's name in a `.mo` file."""
        name = f"{self.context}\x04{self.text}" if self.context else self.text
        return f"{name}\0{self.plural}" if self.plural else name


@dataclass
class Catalogue:
    """One language's forms of each message: one, or as many as its plural has; empty if missing."""

    locale: str
    forms: dict[Message, list[str]] = field(default_factory=dict)
    sources: dict[Message, list[str]] = field(default_factory=dict)

    @property
    def plural_count(self) -> int:
        return int(PLURAL_FORMS[self.locale].split(";")[0].partition("=")[2])

    def is_translated(self, message: Message) -> bool:
        forms = self.forms.get(message, [])
        return len(forms) == self.forms_wanted(message) and all(forms)

    def forms_wanted(self, message: Message) -> int:
        return self.plural_count if message.plural else 1

    def missing(self) -> list[Message]:
        return [message for message in sorted(self.forms) if not self.is_translated(message)]

    @property
    def folder(self) -> Path:
        return LOCALE / self.locale / "LC_MESSAGES"


def find_messages() -> dict[Message, list[str]]:
    """Every text that raters may see in another language, with the files it stands in."""
    found: dict[Message, set[str]] = {}
    for patterns, read in ((TEMPLATES, messages_in_template), (MODULES, messages_in_module)):
        for pattern in patterns:
            for path in sorted(ROOT.glob(pattern)):
                name = path.relative_to(ROOT).as_posix()
                for message in read(path.read_text(encoding="utf-8")):
                    found.setdefault(message, set()).add(name)
    return {message: sorted(names) for message, names in sorted(found.items())}


def messages_in_template(source: str) -> Iterator[Message]:
    for name, *literals in CALL.findall(templatize(source)):
        texts = [ast.literal_eval(literal) for literal in literals if literal]
        yield _message("gettext" if name == "_" else name, texts)


def messages_in_module(source: str) -> Iterator[Message]:
    """The calls of gettext and its kin; under `_` it may be any that takes one text."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        name = "gettext" if node.func.id == "_" else re.sub("_(lazy|noop)$", "", node.func.id)
        if re.fullmatch("n?p?gettext", name):
            constants = [part for part in node.args if isinstance(part, ast.Constant)]
            texts = [part.value for part in constants if isinstance(part.value, str)]
            # `gettext(text)` looks up a text that is marked where it stands.
            if texts:
                yield _message(name, texts)


def _message(name: str, texts: list[str]) -> Message:
    context = texts[0] if "p" in name.removesuffix("gettext") else ""
    rest = texts[1:] if context else texts
    return Message(rest[0], rest[1] if name.startswith("n") else "", context)


def placeholders(text: str) -> list[str]:
    return sorted(first or second for first, second in PLACEHOLDER.findall(text))


def read_catalogue(locale: str) -> Catalogue:
    """The catalogue as its `.po` file stands; empty where there is none."""
    catalogue = Catalogue(locale)
    path = catalogue.folder / "django.po"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for block in re.split(r"\n\s*\n", text):
        sources, fields = _read_block(block)
        if not fields.get("msgid"):
            continue
        message = Message(
            fields["msgid"], fields.get("msgid_plural", ""), fields.get("msgctxt", "")
        )
        catalogue.forms[message] = [
            value for name, value in fields.items() if name.startswith("msgstr")
        ]
        catalogue.sources[message] = sources
    return catalogue


def _read_block(block: str) -> tuple[list[str], dict[str, str]]:
    sources: list[str] = []
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if line.startswith("#: "):
            sources += line[3:].split()
        elif line and not line.startswith("#"):
            if not line.startswith('"'):
                name, line = line.split(" ", 1)
            fields[name] = fields.get(name, "") + ast.literal_eval(line)
    return sources, fields


def update(catalogue: Catalogue, found: dict[Message, list[str]]) -> Catalogue:
    """The same translations for what is in the source now; what is new is empty."""
    forms = {
        message: catalogue.forms.get(message) or [""] * catalogue.forms_wanted(message)
        for message in found
    }
    return Catalogue(catalogue.locale, forms, dict(found))


def write_catalogue(catalogue: Catalogue) -> None:
    catalogue.folder.mkdir(parents=True, exist_ok=True)
    (catalogue.folder / "django.po").write_text(po_text(catalogue), encoding="utf-8")
    (catalogue.folder / "django.mo").write_bytes(mo_bytes(catalogue))


def _header(locale: str) -> str:
    lines = {
        "Project-Id-Version": "juice",
        "Language": locale,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURAL_FORMS[locale],
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def po_text(catalogue: Catalogue) -> str:
    lines = _header(catalogue.locale).splitlines(keepends=True)
    header = [f"# {NAMES[catalogue.locale]}. `make translations` keeps this file.", 'msgid ""']
    header += ['msgstr ""', *map(_quoted, lines)]
    blocks = ["\n".join(header)]
    blocks += [_block(catalogue, message) for message in sorted(catalogue.forms)]
    return "\n\n".join(blocks) + "\n"


def _block(catalogue: Catalogue, message: Message) -> str:
    lines = [f"#: {name}" for name in catalogue.sources[message]]
    if "%(" in message.text:
        lines.append("#, python-format")
    if message.context:
        lines.append(f"msgctxt {_quoted(message.context)}")
    lines.append(f"msgid {_quoted(message.text)}")
    forms = catalogue.forms[message]
    if message.plural:
        lines.append(f"msgid_plural {_quoted(message.plural)}")
        lines += [f"msgstr[{place}] {_quoted(form)}" for place, form in enumerate(forms)]
    else:
        lines.append(f"msgstr {_quoted(forms[0])}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def mo_bytes(catalogue: Catalogue) -> bytes:
    """The catalogue in gettext's binary form, without what is not translated.

    https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html
    """
    texts = {"": _header(catalogue.locale)}
    texts |= {
        message.key: "\0".join(forms)
        for message, forms in catalogue.forms.items()
        if catalogue.is_translated(message)
    }
    rows = sorted((key.encode(), value.encode()) for key, value in texts.items())
    keys_at, values_at = 28, 28 + 8 * len(rows)
    text_at = 28 + 16 * len(rows)
    head = struct.pack("<7I", 0x950412DE, 0, len(rows), keys_at, values_at, 0, text_at)
    body = [key for key, _ in rows] + [value for _, value in rows]
    return head + b"".join(_table(body, text_at)) + b"".join(part + b"\0" for part in body)


def _table(parts: Iterable[bytes], start: int) -> Iterator[bytes]:
    for part in parts:
        yield struct.pack("<2I", len(part), start)
        start += len(part) + 1
