"""Where the `type` of a problem leads."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations.api.problems import known_problems, title_of


class ProblemKindSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()


class ProblemKindsView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses=ProblemKindSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every kind of problem that the API answers with."""
        kinds = [
            {"code": code, "title": title_of(code), "status": status}
            for code, status in sorted(known_problems().items())
        ]
        return Response(kinds)
