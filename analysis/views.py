"""A study's report, for whoever has its link."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from zipfile import ZipFile

from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from analysis.files.csv import judgment_lines, rendition_lines
from analysis.files.exchange import VOTE_FILES
from analysis.files.parquet import judgment_chunks
from analysis.models import Report
from analysis.page.frame import content_security_policy, with_notice
from analysis.services.requesting import current_report, request_extras
from analysis.votes.parts import judgment_parts
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
SOONEST_SECONDS = 10
MAKING_WORDS = "The report is being made. Ask again in a few seconds."
FAILED_WORDS = (
    "The report could not be made yet. The votes are safe. It is tried again by itself at "
    "`next_try_at`; its owner sees what stopped it."
)


@require_safe
def report(request: HttpRequest, token: str) -> HttpResponseBase:
    """The report to read now; a newer one is asked for when votes came in."""
    study = _study(token)
    ready, asked = current_report(study=study, now=timezone.now())
    if ready is None:
        return _not_there(request, asked)
    page = _dated(_page(ready, asked), ready, asked)
    policy = f"{content_security_policy()}; frame-ancestors 'none'"
    page.headers["Content-Security-Policy"] = policy
    return _private(page)


def _page(ready: Report, asked: Report) -> HttpResponseBase:
    content_type = "text/html; charset=utf-8"
    file = ready.page.open("rb")
    if not asked.error:
        return FileResponse(file, content_type=content_type)
    with file:
        return HttpResponse(with_notice(file.read().decode(), ready), content_type=content_type)


@require_safe
def judgments_csv(request: HttpRequest, token: str) -> HttpResponseBase:
    """Every judgment up to now, some thousand lines at a time."""
    study = _study(token)
    lines = judgment_lines(judgment_parts(study))
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
        lines = VOTE_FILES[name](judgment_parts(study))
        streamed = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        return _private(_as_file(streamed, f"{study.slug}-{name.replace('_', '-')}"))
    is_extra = name == ALL or name.rpartition(".")[2] in EXTRA_TYPES
    if not is_extra and name.rpartition(".")[2] not in CONTENT_TYPES:
        raise Http404("A report has no such file.")
    ready, asked = current_report(study=study, now=timezone.now())
    if ready is None:
        return _not_there(request, asked, file=name)
    if is_extra and not ready.extras:
        return _extras_not_there(request, ready, asked, name)
    response = _extra(ready, name) if is_extra else _table(ready, name)
    file_name = f"{study.slug}-{name.replace('_', '-')}"
    return _private(_dated(_as_file(response, _dated_name(file_name, ready, asked)), ready, asked))


def _table(ready: Report, name: str) -> HttpResponseBase:
    if name not in ready.files:
        raise Http404("This report has no such file.")
    content_type = CONTENT_TYPES[name.rpartition(".")[2]]
    return HttpResponse(ready.files[name], content_type=f"{content_type}; charset=utf-8")


def _extra(ready: Report, name: str) -> HttpResponseBase:
    """A file of the report's zip, or the zip."""
    archive = ready.extras.open("rb")
    if name == ALL:
        return FileResponse(archive, content_type="application/zip")
    with archive, ZipFile(archive) as files:
        if name not in files.namelist():
            raise Http404("This report has no such file.")
        content = files.read(name)
    return HttpResponse(content, content_type=EXTRA_TYPES[name.rpartition(".")[2]])


def _extras_not_there(
    request: HttpRequest, ready: Report, asked: Report, name: str
) -> HttpResponseBase:
    """They are made with the report of the present votes only, so they wait for that one."""
    if ready != asked:
        return _not_there(request, asked, file=name)
    now = timezone.now()
    request_extras(report=ready, now=now)
    next_try_at = ready.extras_next_try_at
    rests = next_try_at is not None and next_try_at > now
    return _waiting(request, ready, next_try_at if rests else None, file=name)


@require_safe
def judgments_parquet(request: HttpRequest, token: str) -> HttpResponseBase:
    """Every judgment up to now, piece by piece."""
    study = _study(token)
    pieces = judgment_chunks(judgment_parts(study))
    response = StreamingHttpResponse(pieces, content_type=EXTRA_TYPES["parquet"])
    return _private(_as_file(response, f"{study.slug}-judgments.parquet"))


@require_safe
def report_json(request: HttpRequest, token: str) -> HttpResponseBase:
    """Every number, or what became of the report, as JSON."""
    ready, asked = current_report(study=_study(token), now=timezone.now())
    if ready is None:
        standing = JsonResponse(standing_of(asked), status=503 if asked.has_failed else 202)
        return _private(_with_pause(standing, asked.next_try_at if asked.has_failed else None))
    answer = HttpResponse(ready.content, content_type="application/json")
    return _private(_dated(answer, ready, asked))


def standing_of(asked: Report) -> dict[str, Any]:
    """What becomes of a report, for programs; why it failed is for its owner."""
    return {
        "state": asked.state,
        "detail": FAILED_WORDS if asked.has_failed else MAKING_WORDS,
        "percent": asked.percent,
        "next_try_at": asked.next_try_at if asked.has_failed else None,
    }


def _study(token: str) -> Study:
    return get_object_or_404(Study, report_token=token)


def _not_there(request: HttpRequest, asked: Report, file: str = "") -> HttpResponseBase:
    """A page that waits for the report, or for a file of it, and shows it when it is there."""
    return _waiting(request, asked, asked.next_try_at if asked.has_failed else None, file=file)


def _waiting(
    request: HttpRequest, asked: Report, next_try_at: datetime | None, file: str
) -> HttpResponseBase:
    """`next_try_at`: it could not be made, and is tried again then."""
    context = {
        "study": asked.study,
        "report": asked,
        "file": file,
        "failed": next_try_at is not None,
        "minutes": _seconds_until(next_try_at) // 60,
    }
    status = 202 if next_try_at is None else 503
    page = render(request, "analysis/waiting.html", context, status=status)
    return _private(_with_pause(page, next_try_at))


def _with_pause(answer: HttpResponse, next_try_at: datetime | None) -> HttpResponse:
    if next_try_at is not None:
        answer.headers["Retry-After"] = str(max(_seconds_until(next_try_at), SOONEST_SECONDS))
    return answer


def _seconds_until(moment: datetime | None) -> int:
    return 0 if moment is None else max(math.ceil((moment - timezone.now()).total_seconds()), 0)


def _dated(answer: HttpResponseBase, ready: Report, asked: Report) -> HttpResponseBase:
    """When what is sent was made, and whether something newer could not be."""
    if ready.finished_at is not None:
        answer.headers["Last-Modified"] = http_date(ready.finished_at.timestamp())
    if asked.error:
        answer.headers["X-Newest-Report"] = "failed"
    return answer


def _dated_name(name: str, ready: Report, asked: Report) -> str:
    """A file that is not of the newest votes because those failed carries its time in its name."""
    if not asked.error or ready.finished_at is None:
        return name
    stem, _, suffix = name.rpartition(".")
    return f"{stem}-as-of-{ready.finished_at:%Y-%m-%d-%H%M}.{suffix}"


def _as_file(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _private(response: HttpResponseBase) -> HttpResponseBase:
    """Whoever has the link may read; caches and search engines may not keep it."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
