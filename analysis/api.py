"""The report over the JSON API, for owners."""

from __future__ import annotations

import json

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analysis.services import current_report
from annotations.models import Study


class ReportView(APIView):
    @extend_schema(
        responses={
            200: OpenApiTypes.OBJECT,
            202: OpenApiResponse(description="The report is being made; ask again."),
        }
    )
    def get(self, request: Request, slug: str) -> Response:
        """The report to read now and its state; a newer one is asked for when votes came in."""
        study = get_object_or_404(Study, slug=slug)
        ready, asked = current_report(study=study, now=timezone.now())
        body = {"state": asked.state, "error": asked.error, "page": f"/r/{study.report_token}/"}
        if ready is None:
            return Response(body, status=status.HTTP_202_ACCEPTED)
        return Response({**body, "votes": ready.votes, "report": json.loads(ready.content)})
