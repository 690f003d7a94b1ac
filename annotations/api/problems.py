"""Every failure of the API as problem details (RFC 9457), for front ends and for their people.

`detail` is a sentence for people, `code` the kind of problem for programs: it stays when words
change. `fields` holds sentences by the name of the field that they are about; "" is the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.views import exception_handler, set_rollback

from annotations.errors import (
    AnswersRefused,
    AssignmentNotFound,
    BadInput,
    ConsentMissing,
    EntryRefused,
    JuiceError,
    WebhookRefused,
)

PROBLEM_JSON = "application/problem+json"
# What a rule refuses is a conflict with the state of things unless it stands here.
STATUS_OF_ERROR: dict[type[JuiceError], HTTPStatus] = {
    JuiceError: HTTPStatus.CONFLICT,
    BadInput: HTTPStatus.BAD_REQUEST,
    AnswersRefused: HTTPStatus.BAD_REQUEST,
    ConsentMissing: HTTPStatus.BAD_REQUEST,
    EntryRefused: HTTPStatus.FORBIDDEN,
    WebhookRefused: HTTPStatus.FORBIDDEN,
    AssignmentNotFound: HTTPStatus.NOT_FOUND,
}
CODE_OF_STATUS = {
    HTTPStatus.BAD_REQUEST: BadInput.code,
    HTTPStatus.UNAUTHORIZED: "not-authenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
    HTTPStatus.NOT_ACCEPTABLE: "not-acceptable",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type",
    HTTPStatus.TOO_MANY_REQUESTS: "too-many-requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server-error",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details, RFC 9457."""

    type = serializers.CharField(help_text="An address for the kind of problem.")
    title = serializers.CharField(help_text="The kind of problem in words.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, why, and what to do.")
    code = serializers.CharField(help_text="The kind of problem for programs.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Sentences by the name of a field or axis; `` is the whole.",
    )


def _refusal(words: str) -> OpenApiResponse:
    return OpenApiResponse(ProblemSerializer, words)


REFUSALS: dict[tuple[int, str], OpenApiResponse] = {
    (400, PROBLEM_JSON): _refusal("Something is missing or impossible."),
    (401, PROBLEM_JSON): _refusal("No valid rater credential."),
    (404, PROBLEM_JSON): _refusal("Not an assignment of this rater."),
    (409, PROBLEM_JSON): _refusal("Answered before, too late, or not open."),
}


def refusals(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """These of the usual refusals, for the schema of a view."""
    return {key: words for key, words in REFUSALS.items() if key[0] in statuses}


def answer_error(error: Exception, context: Mapping[str, Any]) -> JsonResponse | None:
    """The answer of the API to an error; None for a fault of ours, which `handler500` answers.

    It is JSON whatever the view renders else.
    """
    if isinstance(error, JuiceError):
        set_rollback()
        fields = error.by_axis if isinstance(error, AnswersRefused) else None
        return problem_answer(status_of(error), str(error), code=error.code, fields=fields)
    usual = exception_handler(error, dict(context))
    if usual is None:
        return None
    fields = dict(_by_field(usual.data)) if isinstance(error, ValidationError) else None
    detail = _about(fields) if fields else str(usual.data["detail"])
    answer = problem_answer(usual.status_code, detail, fields=fields)
    for name, value in usual.headers.items():
        answer.headers.setdefault(name, value)
    return answer


def problem_answer(
    status: int,
    detail: str,
    *,
    code: str = "",
    fields: Mapping[str, Sequence[str]] | None = None,
) -> JsonResponse:
    code = code or CODE_OF_STATUS.get(HTTPStatus(status), JuiceError.code)
    body = {
        "type": f"/api/v1/problems/#{code}",
        "title": title_of(code),
        "status": int(status),
        "detail": detail,
        "code": code,
    }
    if fields is not None:
        body["fields"] = fields
    return JsonResponse(body, status=status, content_type=PROBLEM_JSON)


def status_of(error: JuiceError) -> HTTPStatus:
    return _status_of_kind(type(error))


def title_of(code: str) -> str:
    return code.replace("-", " ").capitalize()


def known_problems() -> dict[str, int]:
    """The status of every code."""
    of_statuses = {code: int(status) for status, code in CODE_OF_STATUS.items()}
    return of_statuses | {kind.code: int(_status_of_kind(kind)) for kind in _kinds(JuiceError)}


def _kinds(kind: type[JuiceError]) -> Iterator[type[JuiceError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _status_of_kind(kind: type[JuiceError]) -> HTTPStatus:
    return next(STATUS_OF_ERROR[one] for one in kind.__mro__ if one in STATUS_OF_ERROR)


def _by_field(errors: Any, name: str = "") -> Iterator[tuple[str, list[str]]]:
    """Sentences by field; one within a list or another field is named as in `answers.0.note`."""
    if isinstance(errors, list) and not any(isinstance(one, dict | list) for one in errors):
        yield ("" if name == "non_field_errors" else name), [str(one) for one in errors]
        return
    inner = errors.items() if isinstance(errors, dict) else enumerate(errors)
    for key, one in inner:
        if one:
            yield from _by_field(one, f"{name}.{key}" if name else str(key))


def _about(fields: Mapping[str, Sequence[str]]) -> str:
    """All that is wrong, in one text."""
    return " ".join(
        f"{name}: {text}" if name else text for name, texts in fields.items() for text in texts
    )
