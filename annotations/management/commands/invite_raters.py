"""`manage.py invite_raters`: personal links in bulk, as CSV."""

from __future__ import annotations

import csv
from argparse import ArgumentParser, FileType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from annotations.errors import InvitesNotMade
from annotations.models import Study
from annotations.services.raters.invites import invite_link, make_invites


class Command(BaseCommand):
    help = (
        "Make personal links to a study and print them as CSV (name, link). Names that have a link "
        "in force already are left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG")
        parser.add_argument(
            "--names", type=FileType(encoding="utf-8"), help="a file with one name per line"
        )
        parser.add_argument("--unnamed", type=int, default=0, help="so many links without a name")
        parser.add_argument("--reusable", action="store_true", help="they open more than once")
        parser.add_argument("--base-url", default=settings.PUBLIC_URL)

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study “{options['study']}”.")
        names = options["names"].read().splitlines() if options["names"] else []
        try:
            invites = make_invites(
                study=study,
                labels=names,
                unnamed=options["unnamed"],
                is_reusable=options["reusable"],
            )
        except InvitesNotMade as error:
            raise CommandError(str(error)) from error
        rows = csv.writer(self.stdout)
        rows.writerow(["name", "link"])
        rows.writerows(
            [invite.label, invite_link(invite, base_url=options["base_url"])] for invite in invites
        )
