"""How the OpenAPI schema describes what every operation may answer."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

from annotations.api.problems import PROBLEM_JSON, ProblemSerializer

ANY_FAILURE = OpenApiResponse(ProblemSerializer, "Any failure, as problem details (RFC 9457).")


class SchemaWithProblems(AutoSchema):
    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        found: dict[str, Any] = super()._get_response_bodies(direction)
        describe: Any = self._get_response_for_code
        failure = describe(ANY_FAILURE, "default", [PROBLEM_JSON], direction)
        return {**found, "default": failure}
