"""Habits that keep the house in order, held by reading the source."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hypothesis import settings as hypothesis_settings

ROOT = Path(__file__).resolve().parents[2]
APPS = ("annotations", "generation", "analysis", "owner", "operation", "juice")
# What Django finds by its name.
SAME_EVERYWHERE = {"Command", "Migration"}
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
BLOCK = re.compile(r"([^{}]+)\{([^{}]*)\}")


def modules(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def stylesheets() -> dict[str, str]:
    """The text of each of our stylesheets, by path."""
    return {
        str(path.relative_to(ROOT)): path.read_text()
        for folder in ("static", *APPS)
        for path in sorted((ROOT / folder).rglob("*.css"))
    }


def blocks(style: str) -> set[str]:
    """Selectors with what they declare, whatever the white space and the query around them."""
    found = BLOCK.findall(COMMENT.sub("", style))
    return {" ".join(f"{selectors} {{ {declared} }}".split()) for selectors, declared in found}


def test_no_test_module_imports_another():
    found = [
        (path, node.module)
        for path, tree in modules("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("tests.")
        and any(part.startswith("test_") for part in (node.module or "").split("."))
    ]
    assert found == []


def test_no_two_classes_have_one_name():
    places = defaultdict(list)
    for path, tree in modules(*APPS):
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name not in SAME_EVERYWHERE:
                places[node.name].append(path)
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_nothing_but_the_guard_decides_who_may_open_an_owners_page():
    guards = {
        path
        for path, tree in modules("owner")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("is_staff", "has_perm")
    }
    assert guards == {"owner/guard.py"}


def test_a_stylesheet_is_of_one_component_and_short():
    lengths = {path: len(style.splitlines()) for path, style in stylesheets().items()}
    assert lengths
    assert {path: lines for path, lines in lengths.items() if lines >= 200} == {}


def test_no_block_of_style_stands_in_two_files():
    places = defaultdict(list)
    for path, style in stylesheets().items():
        for block in blocks(style):
            places[block].append(path)
    assert {block: paths for block, paths in places.items() if len(paths) > 1} == {}


def test_no_test_fails_because_one_of_its_examples_took_long():
    assert hypothesis_settings.default.deadline is None
