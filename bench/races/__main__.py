"""Every pair of operations at once, in every variant; prints a Markdown table.

python -m bench.races                     every pair and variant, 20 tries each
python -m bench.races --once-lost         those that were once lost, and through the real doors
python -m bench.races --only submit       only pairs with this operation
python -m bench.races --keep FILE         an interrupted run goes on where FILE ends

In a database of its own, which is made beside the one that DATABASE_URL names and dropped at the
end: SQLite without it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from bench.races.pairs import Race
    from bench.races.scenario import Cast

MOST_TEXTS = 2
PATIENCE_SECONDS = 120


@dataclass
class Result:
    """What came of a pair: tries, those after which something did not hold, and what."""

    tries: int = 0
    failed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    texts: dict[str, None] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.failed} of {self.tries}" if self.failed else str(self.tries)


@contextmanager
def own_database() -> Iterator[None]:
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment(debug=False)
    # What views say of a 4xx or 5xx is counted here and need not be read.
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    if connection.vendor == "sqlite":
        connection.settings_dict["OPTIONS"]["timeout"] = PATIENCE_SECONDS
    else:
        # Locks are what they are; only the disk is not waited for.
        connection.settings_dict["OPTIONS"]["options"] = "-c synchronous_commit=off"
    made = setup_databases(verbosity=0, interactive=False)
    try:
        yield
    finally:
        connection.close()
        if connection.vendor == "postgresql":
            connection.close_pool()
        teardown_databases(made, verbosity=0)


def run(races: Iterable[Race], tries: int, cast: Cast) -> Result:
    from bench.races.pairs import run_tries

    result = Result()
    for place, race in enumerate(races):
        numbers = range(place, place + tries)
        for problems in run_tries(cast, [(race, number) for number in numbers]):
            result.tries += 1
            result.failed += bool(problems)
            result.kinds.update({problem.kind for problem in problems})
            for problem in problems:
                result.texts.setdefault(f"{race}: {problem.text}")
    return result


def matrix(results: dict[tuple[str, str], Result], names: list[str]) -> str:
    """A row and a column for each operation; a cell has the tries, or how many of them failed."""
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row, second in enumerate(names):
        cells = [str(results.get((first, second), "")) for first in names[: row + 1]]
        lines.append(f"| **{second}** | " + " | ".join(cells) + " |" * (len(names) - row))
    return "\n".join(lines)


def rows(results: dict[str, Result]) -> str:
    lines = ["| Race | tries | failed | what did not hold |", "|---|---|---|---|"]
    for name, result in results.items():
        kinds = ", ".join(f"{kind} {count}" for kind, count in result.kinds.most_common())
        lines.append(f"| {name} | {result.tries} | {result.failed} | {kinds} |")
    return "\n".join(lines)


def tell_failures(results: Iterable[Result]) -> None:
    for result in results:
        for text in list(result.texts)[:MOST_TEXTS]:
            print(f"- {text}")


def every_pair(options: argparse.Namespace, cast: Cast) -> dict[tuple[str, str], Result]:
    from bench.races import pairs
    from bench.races.scenario import forget_tries

    chosen = [pair for pair in pairs.every_pair() if not options.only or options.only in pair]
    results = kept(options.keep, options.tries)
    for pair in chosen:
        if pair in results:
            continue
        began = time.monotonic()
        results[pair] = run(pairs.races_of(*pair), options.tries, cast)
        forget_tries()
        keep(options.keep, options.tries, pair, results[pair])
        seconds = time.monotonic() - began
        print(
            f"{' / '.join(pair)}: {results[pair]} in {seconds:.0f} s", file=sys.stderr, flush=True
        )
    return {pair: results[pair] for pair in chosen}


def kept(file: Path | None, tries: int) -> dict[tuple[str, str], Result]:
    """The results of an earlier run with as many tries, a line of JSON for each pair."""
    if file is None or not file.exists():
        return {}
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return {
        (line["pair"][0], line["pair"][1]): Result(
            **{**line["result"], "kinds": Counter(line["result"]["kinds"])}
        )
        for line in lines
        if line["tries_each"] == tries
    }


def keep(file: Path | None, tries: int, pair: tuple[str, str], result: Result) -> None:
    if file is not None:
        line = {"pair": pair, "tries_each": tries, "result": asdict(result)}
        with file.open("a") as lines:
            lines.write(f"{json.dumps(line)}\n")


def once_lost(options: argparse.Namespace, cast: Cast) -> dict[str, Result]:
    from bench.races import pairs

    results: defaultdict[str, Result] = defaultdict(Result)
    for race in pairs.ONCE_LOST:
        results[str(race)] = run([race], options.tries, cast)
        print(f"{race}: {results[str(race)]}", file=sys.stderr, flush=True)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--once-lost", action="store_true")
    parser.add_argument("--only", default="", metavar="OPERATION")
    parser.add_argument("--keep", type=Path, metavar="FILE")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "juice.settings")
    with tempfile.TemporaryDirectory(prefix="races-") as folder:
        os.environ |= {"DEBUG": "1", "VAR_DIR": folder}
        django.setup()
        with own_database():
            return report(options)


def report(options: argparse.Namespace) -> int:
    from django.db import connection

    from bench.races.operations import OPERATIONS
    from bench.races.scenario import make_cast

    cast = make_cast()
    began = time.monotonic()
    if options.once_lost:
        results = once_lost(options, cast)
        print(rows(results))
        found = list(results.values())
    else:
        of_pairs = every_pair(options, cast)
        print(matrix(of_pairs, list(OPERATIONS)))
        found = list(of_pairs.values())
    tries, failed = sum(one.tries for one in found), sum(one.failed for one in found)
    minutes = (time.monotonic() - began) / 60
    print(f"\n{connection.vendor}: {failed} of {tries} tries failed, in {minutes:.0f} minutes.\n")
    tell_failures(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
