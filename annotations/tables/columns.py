"""Names of columns: found whatever their case, blanks and hyphens, and missed in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from annotations.errors import BadInput

# With the marks that some programs put before the first name.
BETWEEN_WORDS = re.compile("[\\s_\\-\u2010-\u2015\u200b\ufeff]+")
ALIKE = 0.6
MOST_SHOWN = 20


def folded(name: str) -> str:
    """What is left of a name without case, blanks, underscores and hyphens."""
    return BETWEEN_WORDS.sub("", unicodedata.normalize("NFKC", name)).casefold()


class KnownColumns:
    """The columns that a reader knows, by its own names."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(names))
        self._by_folded: dict[str, str] = {}
        for name in self.names:
            self._by_folded.setdefault(folded(name), name)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def named(self, found: str) -> str:
        """Our own name of a column that was found, or the found one."""
        stripped = found.strip().strip("\ufeff")
        return stripped if stripped in self.names else self._by_folded.get(folded(found), stripped)

    def of(self, found: Sequence[str]) -> list[str]:
        """Our own names of all columns that were found.

        Raises
        ------
        BadInput
            A name comes twice.
        """
        names = [self.named(name) for name in found]
        seen: dict[str, str] = {}
        for name, own in zip(names, found, strict=True):
            if name and name in seen:
                raise BadInput(
                    f"the column {name} is there twice (as “{seen[name].strip()}” and as "
                    f"“{own.strip()}”). Rename or take out one of them."
                )
            seen[name] = own
        return names

    def unknown(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name and name not in self.names]

    def likely(self, missing: str, found: Iterable[str]) -> str:
        """The unknown column among those found that is most like a missing one, or empty."""
        others = {folded(name): name for name in self.unknown(found)}
        wanted = folded(missing)
        alike = get_close_matches(wanted, others, n=1, cutoff=ALIKE)
        alike += [name for name in others if name and (name in wanted or wanted in name)]
        return others[alike[0]] if alike else ""


def missing_words(
    known: KnownColumns,
    missing: Sequence[str],
    found: Sequence[str],
    *,
    remedy: str = "Name the columns in the first line.",
) -> str:
    """That columns are missing, which were found, and which of these are likely meant."""
    named = [name for name in found if name]
    shown = ", ".join(named[:MOST_SHOWN]) + (", …" if len(named) > MOST_SHOWN else "")
    what = f"columns {', '.join(missing)} are" if missing[1:] else f"column {missing[0]} is"
    words = f"the {what} missing. "
    words += f"Found: {shown}. " if named else "No column has a name. "
    guesses = {known.likely(name, named): name for name in missing}
    if len(missing) == 1 and len(only := known.unknown(named)) == 1:
        guesses = {only[0]: missing[0]}
    for guess, name in guesses.items():
        words += f"Is “{guess}” meant as {name}? " if guess else ""
    return words + remedy
