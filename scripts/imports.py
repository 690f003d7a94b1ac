"""`make imports`: draw which room imports which, from the code, into docs/images/imports.svg.

A row imports what stands in its columns: the darker, the more modules do. Each app stands above
those that may import it. What lies in an app by itself is in two rows: words, which need no room of
the app, and doors, which do; only from and to doors do squares stand above the diagonal.

python -m scripts.imports --check      fail if the picture is not that of the code
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import escape

import grimp

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "imports.svg"
APPS = ("annotations", "generation", "analysis", "owner", "operation", "juice")
# Packages whose own packages are rooms.
OPENED = ("annotations.services",)
CELL, LABEL, TOP = 22, 210, 30
LEAST_SHADE, FULL = 0.25, 12
Counts = Counter[tuple[str, str]]


def package_of(module: str) -> str:
    """The package in an app that holds a module; empty for what lies in the app by itself."""
    parts = module.split(".")
    depth = 3 if ".".join(parts[:2]) in OPENED else 2
    room = ".".join(parts[:depth])
    return room if (ROOT / room.replace(".", "/")).is_dir() else ""


def rooms_of(graph: grimp.ImportGraph) -> dict[str, str]:
    """Every module's room: its package; else the words or the doors of its app.

    Words are modules that need no room of their app; doors are those that do.
    """
    found = {}
    for module in graph.modules:
        app = module.split(".")[0]
        needs = (one for one in graph.find_upstream_modules(module) if one.split(".")[0] == app)
        kind = "doors" if any(map(package_of, needs)) else "words"
        found[module] = package_of(module) or f"{app} ({kind})"
    return found


def count_imports() -> Counts:
    """How many imports of modules there are from one room to another."""
    graph = grimp.build_graph(*APPS, cache_dir=None)
    rooms = rooms_of(graph)
    counts: Counts = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = rooms[module], rooms[imported]
            if "migrations" not in module and pair[0] != pair[1]:
                counts[pair] += 1
    return counts


def in_order(counts: Counts) -> list[str]:
    """Rooms by app, those that import least of the app first."""
    rooms = sorted({room for pair in counts for room in pair})
    found: list[str] = []
    for app in APPS:
        left = [room for room in rooms if room.split(".")[0].split(" ")[0] == app]
        while left:
            free = min(left, key=lambda room: (sum(counts[room, one] > 0 for one in left), room))
            left.remove(free)
            found.append(free)
    return found


def picture(counts: Counts) -> str:
    rooms = in_order(counts)
    side = len(rooms) * CELL
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LABEL + side + 90} '
        f'{TOP + side + 10}" font-family="sans-serif" font-size="12" role="img">',
        "<title>Which room imports which</title>",
        "<style>text{fill:#333}rect.c{fill:#2f6fdb}rect.s{fill:#8881}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>",
    ]
    for place, room in enumerate(rooms):
        y = TOP + place * CELL
        if place % 2 == 0:
            parts.append(f'<rect class="s" x="0" y="{y}" width="{LABEL + side}" height="{CELL}"/>')
        text = f'<text x="{LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(room)}</text>'
        parts.append(text)
        number = f'<text x="{LABEL + place * CELL + 11}" y="{y + 15}" text-anchor="middle"'
        parts.append(f'{number} opacity=".6">{place + 1}</text>')
        parts.append(
            f'<text x="{LABEL + place * CELL + 11}" y="{TOP - 8}" text-anchor="middle" '
            f'opacity=".6">{place + 1}</text>'
        )
    for (first, second), count in sorted(counts.items()):
        x, y = LABEL + rooms.index(second) * CELL + 2, TOP + rooms.index(first) * CELL + 2
        shade = min(1, LEAST_SHADE + (1 - LEAST_SHADE) * count / FULL)
        parts.append(
            f'<rect class="c" x="{x}" y="{y}" width="{CELL - 4}" height="{CELL - 4}" rx="3" '
            f'opacity="{shade:.2f}"><title>{escape(first)} imports {escape(second)}: '
            f"{count}</title></rect>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it changed")
    drawn = picture(count_imports())
    if not parser.parse_args().check:
        PICTURE.write_text(drawn)
        return 0
    if PICTURE.exists() and PICTURE.read_text() == drawn:
        return 0
    print(f"{PICTURE.relative_to(ROOT)} is not that of the code: run `make imports`.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
