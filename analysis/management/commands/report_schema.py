"""`manage.py report_schema`: the JSON Schema of report.json, as docs/report.schema.json has it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from analysis.files.schema import report_schema


class Command(BaseCommand):
    help = "Print the JSON Schema of report.json."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(report_schema(), indent=1, ensure_ascii=False))
