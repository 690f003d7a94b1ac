"""`manage.py check_books`: do seats, leases, votes and outcomes agree?"""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.models import Study
from annotations.services.pairs.books import Discrepancy, check_books, repair_books, size_of

# Of one kind; a damaged table should not scroll the rest away.
MOST_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Count seats, leases, votes and outcomes of studies against each other, and name what does "
        "not agree; the exit status is 1 while something does not. Safe while raters work."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("studies", metavar="SLUG", nargs="*", help="default: all studies")
        parser.add_argument(
            "--repair",
            action="store_true",
            help="put right what can be without touching an answer, and count again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        studies = chosen_studies(options["studies"])
        wrong = [study for study in studies if not self.agrees(study, repair=options["repair"])]
        if wrong:
            hint = "" if options["repair"] else " Give --repair to mend what can be."
            raise CommandError(f"The books of {len(wrong)} of {len(studies)} do not agree.{hint}")

    def agrees(self, study: Study, *, repair: bool) -> bool:
        """Whether the study's books agree, in the end."""
        found = check_books(study)
        if found and repair:
            for sentence in repair_books(study):
                self.stdout.write(f"{study.slug}: mended: {sentence}")
            found = check_books(study)
        self.tell(study, found)
        return not found

    def tell(self, study: Study, found: Sequence[Discrepancy]) -> None:
        size = size_of(study)
        counts = f"{size.comparisons} comparisons, {size.assignments} assignments, "
        counts += f"{size.judgments} judgments"
        if not found:
            self.stdout.write(f"{study.slug}: books agree: {counts}")
            return
        self.stdout.write(f"{study.slug}: {len(found)} things do not agree in {counts}")
        shown: Counter[str] = Counter()
        for one in found:
            shown[one.kind] += 1
            if shown[one.kind] <= MOST_SHOWN:
                self.stdout.write(f"  {one.text}{' (can be mended)' if one.is_mendable else ''}")
        for kind, count in shown.items():
            if count > MOST_SHOWN:
                self.stdout.write(f"  ... and {count - MOST_SHOWN} more of this kind: {kind}")


def chosen_studies(slugs: Sequence[str]) -> list[Study]:
    if not slugs:
        return list(Study.objects.order_by("pk"))
    found = {study.slug: study for study in Study.objects.filter(slug__in=slugs)}
    unknown = [slug for slug in slugs if slug not in found]
    if unknown:
        raise CommandError(f"There is no study “{unknown[0]}”.")
    return [found[slug] for slug in slugs]
