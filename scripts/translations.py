"""`make translations`: bring the catalogues up to date with the source, and compile them.

New texts come in empty, texts that are gone go out, translations stay. What is still to be
translated is listed; fill it in under `locale/`, and run it again.
"""

from __future__ import annotations

import sys

from scripts.catalogues import (
    PLURAL_FORMS,
    ROOT,
    find_messages,
    read_catalogue,
    update,
    write_catalogue,
)


def main() -> int:
    found = find_messages()
    missing = 0
    for locale in PLURAL_FORMS:
        catalogue = update(read_catalogue(locale), found)
        write_catalogue(catalogue)
        path = (catalogue.folder / "django.po").relative_to(ROOT)
        for message in catalogue.missing():
            print(f"{path}: {message.text}")
        missing += len(catalogue.missing())
    print(f"{len(found)} texts in {len(PLURAL_FORMS)} languages; {missing} to be translated.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
