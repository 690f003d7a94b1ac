"""Habits that keep the house in order, held by reading the source."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("annotations", "generation", "analysis", "owner", "juice")
# What Django finds by its name.
SAME_EVERYWHERE = {"Command", "Migration"}


def modules(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


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
