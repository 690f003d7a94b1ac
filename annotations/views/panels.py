"""Where panels and their people meet the study otherwise than by judging."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from annotations.enums import RaterOutcome
from annotations.errors import WebhookRefused
from annotations.framing import allow_panel_frame
from annotations.models import Study
from annotations.rater_session import panel_identity
from annotations.services.raters.panel_events import SignedMessage, receive_event
from annotations.services.raters.ways_out import end_of_visit
from annotations.views.endings import ending_page
from annotations.views.language import in_language_of_rater

LARGEST_MESSAGE = 64 * 1024


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def declined(request: HttpRequest, slug: str) -> HttpResponse:
    """Goodbye to somebody who does not agree to take part; nothing of them is kept."""
    study = get_object_or_404(Study.objects.select_related("recruitment"), slug=slug)
    if request.method != "POST":
        return redirect("rater-welcome", slug=slug)
    page = in_language_of_rater(request, study, lambda: _goodbye(request, study))
    return allow_panel_frame(page, study)


def _goodbye(request: HttpRequest, study: Study) -> HttpResponse:
    identity = panel_identity(study, request.POST.dict())
    return ending_page(request, study, end_of_visit(study, RaterOutcome.NO_CONSENT, identity))


@csrf_exempt
@require_POST
def prolific_webhook(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a message of Prolific about a submission. A repeat is answered like the first."""
    study = get_object_or_404(Study, slug=slug)
    if int(request.headers.get("Content-Length") or 0) > LARGEST_MESSAGE:
        return JsonResponse({"detail": "The message is too large."}, status=413)
    message = SignedMessage(
        body=request.body,
        signature=request.headers.get("X-Prolific-Request-Signature", ""),
        timestamp=request.headers.get("X-Prolific-Request-Timestamp", ""),
        event_id=request.headers.get("X-Event-Id", ""),
    )
    try:
        event = receive_event(study=study, message=message, now=timezone.now())
    except WebhookRefused as error:
        return JsonResponse({"detail": str(error)}, status=403)
    return JsonResponse({"taken": event is not None})
