"""What panels report by calling us; a failure is answered as by the rest of the API."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations.models import Study
from annotations.services.raters.panel_events import SignedMessage, receive_event


class ProlificWebhook(APIView):
    """Signed by the panel, so that nobody needs to log in."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str) -> Response:
        """Take a message of Prolific about a submission. A repeat is answered like the first."""
        study = get_object_or_404(Study, slug=slug)
        message = SignedMessage(
            # The bytes as they came: they are what was signed.
            body=request.body,
            signature=request.headers.get("X-Prolific-Request-Signature", ""),
            timestamp=request.headers.get("X-Prolific-Request-Timestamp", ""),
            event_id=request.headers.get("X-Event-Id", ""),
        )
        event = receive_event(study=study, message=message, now=timezone.now())
        return Response({"taken": event is not None})
