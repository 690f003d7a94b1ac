"""`manage.py invite_raters`: personal links in bulk, as CSV."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from annotations.errors import BadInput, InvitesNotMade
from annotations.models import Study
from annotations.services.raters.invites import invite_link, make_invites
from annotations.tables.reading import read_table
from annotations.tables.table import ensure_columns, texts_of


class Command(BaseCommand):
    help = (
        "Make personal links to a study and print them as CSV (name, link). Names that have a link "
        "in force already are left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument(
            "--names",
            type=Path,
            help="a .txt with one name per line, or a table with the column name",
        )
        parser.add_argument("--unnamed", type=int, default=0, help="so many links without a name")
        parser.add_argument("--reusable", action="store_true", help="they open more than once")
        parser.add_argument("--base-url", default=settings.PUBLIC_URL)

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study “{options['study']}”.")
        try:
            names = _names_in(options["names"]) if options["names"] else []
            invites = make_invites(
                study=study,
                labels=names,
                unnamed=options["unnamed"],
                is_reusable=options["reusable"],
            )
        except (BadInput, InvitesNotMade) as error:
            raise CommandError(str(error)) from error
        rows = csv.writer(self.stdout)
        rows.writerow(["name", "link"])
        rows.writerows(
            [invite.label, invite_link(invite, base_url=options["base_url"])] for invite in invites
        )


def _names_in(path: Path) -> list[str]:
    """The names of a file.

    Raises
    ------
    BadInput
    """
    if not path.is_file():
        raise CommandError(f"There is no file {path}.")
    table = read_table(path.read_bytes(), name=path.name, known=["name"], line_column="name")
    ensure_columns(table, ["name"], ["name"])
    names = []
    for row in table.rows:
        try:
            names.append(texts_of(row).get("name", ""))
        except BadInput as error:
            raise BadInput(f"{path.name}, {row.where.lower()}: {error}") from error
    return names
