"""`make translations`: bring the catalogues up to date with the source, and compile them.

New texts come in empty, texts that are gone go out, translations stay. What is still to be
translated is listed; fill it in under `locale/`, and run it again.
"""

from __future__ import annotations

import sys

from scripts.catalogues import (
    LANGUAGES,
    find_texts,
    folder_of,
    missing_in,
    read_catalogue,
    update,
    write_catalogue,
)


def main() -> int:
    found = find_texts()
    missing = 0
    for language in LANGUAGES:
        catalogue = read_catalogue(language)
        update(catalogue, found)
        write_catalogue(language, catalogue)
        for message in missing_in(catalogue):
            print(f"{folder_of(language) / 'django.po'}: {message.id}")
            missing += 1
    print(f"{len(found)} texts in {len(LANGUAGES)} languages; {missing} to be translated.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
