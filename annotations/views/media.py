"""Hand out renditions under random URLs, with HTTP ranges."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Q
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from annotations.enums import CheckRole, Side, StudyState
from annotations.models import Assignment, Check, Rendition, Study
from annotations.models.prepared import Prepared, given_text
from annotations.rater_session import rater_id_in, rater_in
from annotations.services.rating.stages import may_see_clips, may_see_source

logger = logging.getLogger(__name__)

CHUNK_BYTES = 64 * 1024
CACHE_CONTROL = "private, max-age=3600"
ADDRESS_SECONDS = 60
# With as many digits as a file can have bytes; any other range is passed over (RFC 9110, 14.2).
ONE_RANGE = re.compile(r"^bytes=([0-9]{0,18})-([0-9]{0,18})$")
CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".webp": "image/webp",
    # Renditions are of the kinds above; originals, which only owners see, of these, too.
    ".webm": "video/webm",
    ".matroska": "video/x-matroska",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
}


@require_safe
def stimulus_media(request: HttpRequest, token: str) -> HttpResponseBase:
    """One side of a comparison, for the rater who holds it, while the lease lasts."""
    rendition = _rendition_for(request, token)
    return serve_file(request, str(rendition.file.name), etag=token)


@require_safe
def source_media(request: HttpRequest, slug: str, public_id: UUID) -> HttpResponseBase:
    """What the models started from, for the rater who may see it with the prompt by now."""
    study = get_object_or_404(Study, slug=slug)
    rater = rater_in(request, study)
    own = Assignment.objects.with_stimuli().filter(public_id=public_id)
    assignment = own.filter(rater=rater).first() if rater is not None else None
    if assignment is None or not may_see_source(assignment, now=timezone.now()):
        raise Http404
    shown = assignment.comparison.prompt.shown_source
    if not shown:
        raise Http404
    return serve_file(request, str(shown.name), etag=str(public_id))


def serve_file(request: HttpRequest, name: str, *, etag: str) -> HttpResponseBase:
    """A stored file by the way that the settings name; who may have it is decided before."""
    content_type = CONTENT_TYPES[PurePosixPath(name).suffix]
    if settings.MEDIA_SENDFILE == "s3":
        return redirect_to_bucket(request, name, content_type=content_type)
    if settings.MEDIA_SENDFILE == "nginx":
        response: HttpResponseBase = HttpResponse(content_type=content_type)
        response.headers["X-Accel-Redirect"] = f"{settings.MEDIA_INTERNAL_URL}{name}"
    else:
        response = ranged_response(request, name, etag=f'"{etag}"', content_type=content_type)
    response.headers["Cache-Control"] = CACHE_CONTROL
    return response


def redirect_to_bucket(request: HttpRequest, name: str, *, content_type: str) -> HttpResponse:
    """Send the browser to an address of the bucket that is good for a minute.

    Pages name our own address, which stays good while the lease lasts; this one is made anew for
    each request and kept nowhere.
    """
    bucket: Any = default_storage
    address = bucket.url(
        name,
        parameters={"ResponseContentType": content_type, "ResponseCacheControl": CACHE_CONTROL},
        expire=ADDRESS_SECONDS,
        http_method=request.method,
    )
    return HttpResponseRedirect(address, headers={"Cache-Control": "no-store"})


def ranged_response(
    request: HttpRequest, name: str, *, etag: str, content_type: str
) -> HttpResponseBase:
    """A stored file, whole or the one range that was asked for (RFC 9110, section 14)."""
    size = _size_of(name)
    headers = {"Accept-Ranges": "bytes", "ETag": etag}
    wanted = request.headers.get("Range", "")
    if request.headers.get("If-Range", etag) != etag:
        wanted = ""
    match = ONE_RANGE.match(wanted)
    if match is None or match.group(0) == "bytes=-":
        return _stream(request, name, 0, size, content_type, headers, status=200)
    start, stop = _bounds(match.group(1), match.group(2), size)
    if start >= stop:
        headers["Content-Range"] = f"bytes */{size}"
        return HttpResponse(status=416, headers=headers, content_type=content_type)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return _stream(request, name, start, stop, content_type, headers, status=206)


def _size_of(name: str) -> int:
    """404 and a line in the log for a file that the database names and the storage has not."""
    try:
        return default_storage.size(name)
    except FileNotFoundError as error:
        logger.error("%s is not in the storage; was it restored with the database?", name)
        raise Http404("The file is not in the storage.") from error


def _rendition_for(request: HttpRequest, token: str) -> Rendition:
    """The rendition behind a token, or 404 for everybody but its rater."""
    rendition = _of_assignment(request, token) or _of_example(request, token)
    if rendition is None:
        raise Http404
    return rendition


SHOWING = Prepared(
    lambda: (
        Assignment.objects.showing(given_text("token"))
        .exclude(comparison__study__state=StudyState.CLOSED)
        .order_by()[:1]
    )
)


def _of_assignment(request: HttpRequest, token: str) -> Rendition | None:
    """For the rater who holds the comparison, or may still look at the answer given to it."""
    assignment = SHOWING.first(token=token)
    if assignment is None or not may_see_clips(assignment, now=timezone.now()):
        return None
    comparison = assignment.comparison
    if rater_id_in(request, comparison.study_id) != assignment.rater_id:
        return None
    is_a = assignment.side_of_token(token) == assignment.side_a
    return comparison.rendition_a if is_a else comparison.rendition_b


def _of_example(request: HttpRequest, token: str) -> Rendition | None:
    """For every rater of the study: examples are shown to all alike."""
    check = (
        Check.objects.ready()
        .filter(Q(left_token=token) | Q(right_token=token), role=CheckRole.EXAMPLE)
        .select_related("study", "comparison__rendition_a", "comparison__rendition_b")
        .first()
    )
    if check is None or rater_in(request, check.study) is None:
        return None
    side = Side.LEFT if token == check.left_token else Side.RIGHT
    comparison = check.comparison
    return comparison.rendition_a if side == check.side_a else comparison.rendition_b


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """Half-open byte range; empty when it cannot be satisfied."""
    if not first:
        return max(size - int(last), 0), size if int(last) else 0
    return int(first), min(int(last) + 1, size) if last else size


def _stream(
    request: HttpRequest,
    name: str,
    start: int,
    stop: int,
    content_type: str,
    headers: dict[str, str],
    *,
    status: int,
) -> HttpResponseBase:
    headers = {**headers, "Content-Length": str(stop - start)}
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers, content_type=content_type)
    chunks = _read(default_storage.open(name), start, stop)
    return StreamingHttpResponse(chunks, status=status, headers=headers, content_type=content_type)


def _read(file: IO[bytes], start: int, stop: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while start < stop:
            chunk = file.read(min(CHUNK_BYTES, stop - start))
            if not chunk:
                return
            start += len(chunk)
            yield chunk
