"""The report over the JSON API, for owners."""

from __future__ import annotations

import json
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analysis.models import Report
from analysis.services.requesting import current_report, retry_report
from annotations.models import Study

MAKING = OpenApiResponse(description="The report is being made; ask again.")
FAILED = OpenApiResponse(
    description="The report could not be made; `error` says why, `next_try_at` when it is tried "
    "again by itself. POST tries at once."
)


class ReportView(APIView):
    @extend_schema(responses={200: OpenApiTypes.OBJECT, 202: MAKING, 503: FAILED})
    def get(self, request: Request, slug: str) -> Response:
        """The report to read now and its state; a newer one is asked for when votes came in.

        `made_at` and `votes` are those of `report`. While a study is open that may be an earlier
        one than `state` is about; a closed study's is always of all its votes.
        """
        study = get_object_or_404(Study, slug=slug)
        ready, asked = current_report(study=study, now=timezone.now())
        body = _standing(study, asked)
        if ready is None:
            return Response(body, status=_status_of(asked))
        made = {"made_at": ready.finished_at, "votes": ready.votes}
        return Response({**body, **made, "report": json.loads(ready.content)})

    @extend_schema(request=None, responses={200: OpenApiTypes.OBJECT, 202: MAKING})
    def post(self, request: Request, slug: str) -> Response:
        """Try a report that failed again now, without waiting for its next try."""
        study = get_object_or_404(Study, slug=slug)
        asked = retry_report(study=study, now=timezone.now())
        making = status.HTTP_202_ACCEPTED if asked.is_under_way else status.HTTP_200_OK
        return Response(_standing(study, asked), status=making)


def _standing(study: Study, asked: Report) -> dict[str, Any]:
    return {
        "state": asked.state,
        "error": asked.error,
        "tries": asked.tries,
        "next_try_at": asked.next_try_at if asked.has_failed else None,
        "page": f"/r/{study.report_token}/",
    }


def _status_of(asked: Report) -> int:
    failed = asked.has_failed
    return status.HTTP_503_SERVICE_UNAVAILABLE if failed else status.HTTP_202_ACCEPTED
