"""A study's report, for whoever has its link."""

from __future__ import annotations

from zipfile import ZipFile

from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from analysis.core.votes import COLUMNS
from analysis.exchange import VOTE_FILES
from analysis.export import judgment_lines, rendition_lines
from analysis.html import content_security_policy
from analysis.models import Report, ReportState
from analysis.parquet import parquet_chunks
from analysis.queries import judgment_rows
from analysis.services import current_report, request_extras
from annotations.models import Study
from annotations.services.pairs.provenance import rendition_rows

CONTENT_TYPES = {
    "csv": "text/csv",
    "tex": "application/x-tex",
    "jsonl": "application/x-ndjson",
}


EXTRA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
}
ALL = "report.zip"


@require_safe
def report(request: HttpRequest, token: str) -> HttpResponseBase:
    """The report to read now; a newer one is asked for when votes came in."""
    study = _study(token)
    ready, asked = current_report(study=study, now=timezone.now())
    if ready is None:
        failed = asked.state == ReportState.FAILED
        context = {"study": study, "report": asked, "failed": failed}
        status = 200 if failed else 202
        return _private(render(request, "analysis/waiting.html", context, status=status))
    page = FileResponse(ready.page.open("rb"), content_type="text/html; charset=utf-8")
    policy = f"{content_security_policy()}; frame-ancestors 'none'"
    page.headers["Content-Security-Policy"] = policy
    return _private(page)


@require_safe
def judgments_csv(request: HttpRequest, token: str) -> HttpResponseBase:
    """Every judgment up to now, line by line."""
    study = _study(token)
    lines = judgment_lines(judgment_rows(study))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    return _private(_as_file(response, f"{study.slug}-judgments.csv"))


@require_safe
def renditions_csv(request: HttpRequest, token: str) -> HttpResponseBase:
    """What raters saw of each clip, and what it was made from."""
    study = _study(token)
    lines = rendition_lines(rendition_rows(study))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    return _private(_as_file(response, f"{study.slug}-renditions.csv"))


@require_safe
def report_file(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """One of the report's tables, such as win_rates.csv."""
    study = _study(token)
    if name in VOTE_FILES:
        lines = VOTE_FILES[name](judgment_rows(study))
        streamed = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        return _private(_as_file(streamed, f"{study.slug}-{name.replace('_', '-')}"))
    ready = _ready_report(study)
    if name == ALL or name.rpartition(".")[2] in EXTRA_TYPES:
        return _private(_extra(request, ready, name))
    files = ready.files
    if name not in files:
        raise Http404("This report has no such file.")
    content_type = CONTENT_TYPES[name.rpartition(".")[2]]
    response = HttpResponse(files[name], content_type=f"{content_type}; charset=utf-8")
    return _private(_as_file(response, f"{study.slug}-{name.replace('_', '-')}"))


def _extra(request: HttpRequest, ready: Report, name: str) -> HttpResponseBase:
    """A file of the report's zip, or the zip; a page that waits for it where it is not made yet."""
    if not ready.extras:
        request_extras(report=ready, now=timezone.now())
        context = {"study": ready.study, "report": ready, "file": name}
        return render(request, "analysis/waiting.html", context, status=202)
    archive = ready.extras.open("rb")
    file_name = f"{ready.study.slug}-{name.replace('_', '-')}"
    if name == ALL:
        return _as_file(FileResponse(archive, content_type="application/zip"), file_name)
    with archive, ZipFile(archive) as files:
        if name not in files.namelist():
            raise Http404("This report has no such file.")
        content = files.read(name)
    content_type = EXTRA_TYPES[name.rpartition(".")[2]]
    return _as_file(HttpResponse(content, content_type=content_type), file_name)


@require_safe
def judgments_parquet(request: HttpRequest, token: str) -> HttpResponseBase:
    """Every judgment up to now, piece by piece."""
    study = _study(token)
    pieces = parquet_chunks(COLUMNS, judgment_rows(study))
    response = StreamingHttpResponse(pieces, content_type=EXTRA_TYPES["parquet"])
    return _private(_as_file(response, f"{study.slug}-judgments.parquet"))


@require_safe
def report_json(request: HttpRequest, token: str) -> HttpResponseBase:
    content = _ready_report(_study(token)).content
    return _private(HttpResponse(content, content_type="application/json"))


def _study(token: str) -> Study:
    return get_object_or_404(Study, report_token=token)


def _ready_report(study: Study) -> Report:
    ready, _ = current_report(study=study, now=timezone.now())
    if ready is None:
        raise Http404("The report is not ready yet. Ask again in a few seconds.")
    return ready


def _as_file(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _private(response: HttpResponseBase) -> HttpResponseBase:
    """Whoever has the link may read; caches and search engines may not keep it."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
