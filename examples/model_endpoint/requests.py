"""Read and check what a client asks for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.parser import BytesParser
from email.policy import HTTP

from examples.model_endpoint.models import MODELS, Model

SIDES = range(64, 1281)
SECONDS = range(1, 11)


class ApiError(Exception):
    """An answer in OpenAI's error shape."""

    def __init__(self, status: int, message: str, *, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        kind = "server_error" if status >= 500 else "invalid_request_error"
        self.body = {"error": {"message": message, "type": kind, "code": code, "param": param}}


@dataclass(frozen=True)
class VideoRequest:
    """A checked request; `model` carries the size and length asked for."""

    model: Model
    prompt: str
    seed: int


def read_fields(content_type: str, body: bytes) -> dict[str, object]:
    """The fields of a JSON or multipart body; files in it are ignored."""
    if content_type.startswith("multipart/form-data"):
        head = f"Content-Type: {content_type}\r\n\r\n".encode()
        parts = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()
        return {
            str(part.get_param("name", header="content-disposition")): text_of(
                part.get_payload(decode=True)
            )
            for part in parts
            if part.get_filename() is None
        }
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise ApiError(400, f"The body is not JSON: {error}", code="invalid_json") from error
    if not isinstance(fields, dict):
        raise ApiError(400, "The body is not a JSON object.", code="invalid_json")
    return fields


def text_of(payload: object) -> str:
    return payload.decode(errors="replace") if isinstance(payload, bytes) else ""


def read_request(fields: Mapping[str, object]) -> VideoRequest:
    """Check the fields of a create call.

    Raises
    ------
    ApiError
        404 for a model that is not here, 400 for anything else wrong.
    """
    prompt = str(fields.get("prompt") or "").strip()
    if not prompt:
        raise ApiError(400, "The prompt is empty.", code="empty_prompt", param="prompt")
    model = known_model(str(fields.get("model") or ""))
    width, height = read_size(fields.get("size"), model)
    seconds = read_seconds(fields.get("seconds"), model)
    seed = read_seed(fields.get("seed"), prompt)
    return VideoRequest(replace(model, width=width, height=height, seconds=seconds), prompt, seed)


def known_model(name: str) -> Model:
    if name not in MODELS:
        raise ApiError(
            404,
            f"The model '{name}' is not here. Available: {', '.join(MODELS)}.",
            code="model_not_found",
            param="model",
        )
    return MODELS[name]


def read_size(value: object, model: Model) -> tuple[int, int]:
    """Width and height in pixels; the model's own when not asked."""
    if value in (None, ""):
        return model.width, model.height
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", str(value))
    sides = [int(side) for side in match.groups()] if match else []
    if not sides or any(side % 2 or side not in SIDES for side in sides):
        raise ApiError(
            400,
            f"The size '{value}' is not WIDTHxHEIGHT with even sides from 64 to 1280.",
            code="invalid_size",
            param="size",
        )
    return sides[0], sides[1]


def read_seconds(value: object, model: Model) -> int:
    if value in (None, ""):
        return model.seconds
    if not re.fullmatch(r"\d{1,2}", str(value)) or int(str(value)) not in SECONDS:
        raise ApiError(
            400,
            f"The seconds '{value}' are not a whole number from 1 to 10.",
            code="invalid_seconds",
            param="seconds",
        )
    return int(str(value))


def read_seed(value: object, prompt: str) -> int:
    """The seed asked for; one from the prompt when none is, so that a demo repeats."""
    if value in (None, ""):
        return int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4])
    try:
        return int(str(value))
    except ValueError as error:
        raise ApiError(
            400, f"The seed '{value}' is not a whole number.", code="invalid_seed", param="seed"
        ) from error
