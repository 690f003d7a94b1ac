"""One word per thing: names in the code are held to the glossary in docs/concepts.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("annotations", "generation", "analysis", "owner", "operation", "juice")
GLOSSARY = ROOT / "docs" / "concepts.md"
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

# A word, what may stand before it, and names and rooms that keep it.
NOT_USED: dict[str, tuple[set[str], set[str]]] = {
    "pair": ({"model", "fair"}, {"PAIR", "annotations/services/pairs"}),
    "item": (set(), {"analysis/core"}),
    "quality": (set(), set()),
    "signal": (set(), set()),
}
PLANS = {"study", "check", "stopping", "generation", "rendition"}


def words_of(name: str) -> list[str]:
    return [word.lower().removesuffix("s") for word in WORD.findall(name)]


def names_in(tree: ast.Module) -> Iterator[str]:
    """Of classes, functions, arguments and fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
            yield from fields_of(node)
        elif isinstance(node, ast.FunctionDef):
            yield node.name
            given = node.args
            yield from (one.arg for one in [*given.posonlyargs, *given.args, *given.kwonlyargs])


def fields_of(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        targets = line.targets if isinstance(line, ast.Assign) else []
        targets = [line.target] if isinstance(line, ast.AnnAssign) else targets
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def every_name() -> Iterator[tuple[str, str]]:
    """Each with the module in which it stands; modules and rooms are names as well."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            where = str(path.relative_to(ROOT))
            yield where, where if path.stem == "__init__" else path.stem
            yield from ((where, name) for name in names_in(ast.parse(path.read_text())))


def is_misused(name: str, word: str, where: str = "") -> bool:
    may_stand_before, keeps = NOT_USED[word]
    if name in keeps or any(
        f"{path}/".startswith(f"{room}/") for path in (where, name) for room in keeps
    ):
        return False
    words = words_of(name)
    return any(
        one == word and not {*words[max(0, place - 1) : place]} & may_stand_before
        for place, one in enumerate(words)
    )


@pytest.mark.parametrize("word", NOT_USED)
def test_a_word_that_the_glossary_replaces_is_in_no_name(word):
    assert [(where, name) for where, name in every_name() if is_misused(name, word, where)] == []


def test_every_plan_says_of_what():
    def is_bare(name: str) -> bool:
        words = words_of(name)
        return "plan" in words and not {*words[: words.index("plan")]} & PLANS

    trees = [
        (path, ast.parse(path.read_text())) for app in APPS for path in (ROOT / app).rglob("*.py")
    ]
    found = [
        (str(path.relative_to(ROOT)), node.name)
        for path, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and is_bare(node.name)
    ]
    assert found == []


def test_the_glossary_says_what_is_said_instead():
    table = GLOSSARY.read_text().split("## Words for other things")[1].split("\n## ")[0]
    first = {row.split("|")[1].strip() for row in table.splitlines() if row.startswith("|")}
    assert first >= {*NOT_USED, "plan"}


def test_a_misused_word_is_noticed():
    assert is_misused("_count_pairs", "pair") and is_misused("PairTiles", "pair")
    assert not is_misused("ModelPairTiles", "pair") and not is_misused("pairwise_agreement", "pair")
    assert is_misused("annotations/models/quality", "quality")
