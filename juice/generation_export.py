"""generation.csv: how each clip of a study came about, beside the report's other files."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from analysis.files.csv import mapping_lines
from annotations.models import Study
from generation.jobs.provenance import GENERATION_COLUMNS, generation_rows


@require_safe
def generation_csv(request: HttpRequest, token: str) -> StreamingHttpResponse:
    """One row for each clip that was asked for or imported, for whoever has the report's link."""
    study = get_object_or_404(Study, report_token=token)
    lines = mapping_lines(GENERATION_COLUMNS, generation_rows(study))
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{study.slug}-generation.csv"'
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
