"""Read and check what a client asks for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import TypeVar

from PIL import Image

from examples.model_endpoint.models import MODELS, Model
from examples.model_endpoint.pictures import IMAGE_MODELS, ImageModel
from examples.model_endpoint.references import Reference, Unreadable, read_reference

AnyModel = TypeVar("AnyModel", Model, ImageModel)
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
    reference: Reference | None = None


@dataclass(frozen=True)
class ImageRequest:
    """A checked request for a picture; `model` carries the size asked for."""

    model: ImageModel
    prompt: str
    seed: int
    picture: Image.Image | None = None


def read_fields(content_type: str, body: bytes) -> dict[str, object]:
    """The fields of a JSON or multipart body, without its files."""
    if is_form(content_type):
        return {
            name_of(part): text_of(part.get_payload(decode=True))
            for part in parts_of(content_type, body)
            if part.get_filename() is None
        }
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise ApiError(400, f"The body is not JSON: {error}", code="invalid_json") from error
    if not isinstance(fields, dict):
        raise ApiError(400, "The body is not a JSON object.", code="invalid_json")
    return fields


def read_file(content_type: str, body: bytes, name: str) -> Reference | None:
    """The picture or clip of that name in a form, if there is one.

    Raises
    ------
    ApiError
        It is there and cannot be read.
    """
    parts = parts_of(content_type, body) if is_form(content_type) else []
    for part in parts:
        if part.get_filename() is not None and name_of(part) == name:
            content = part.get_payload(decode=True)
            try:
                return read_reference(bytes(content or b""), part.get_content_type())
            except Unreadable as error:
                raise ApiError(400, str(error), code="invalid_file", param=name) from error
    return None


def is_form(content_type: str) -> bool:
    return content_type.startswith("multipart/form-data")


def parts_of(content_type: str, body: bytes) -> list[EmailMessage]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    return list(BytesParser(policy=HTTP).parsebytes(head + body).iter_parts())


def name_of(part: EmailMessage) -> str:
    return str(part.get_param("name", header="content-disposition"))


def text_of(payload: object) -> str:
    return payload.decode(errors="replace") if isinstance(payload, bytes) else ""


def read_request(fields: Mapping[str, object], reference: Reference | None = None) -> VideoRequest:
    """Check the fields of a create call.

    Raises
    ------
    ApiError
        404 for a model that is not here, 400 for anything else wrong.
    """
    prompt = read_prompt(fields)
    model = known_model(str(fields.get("model") or ""), MODELS)
    width, height = read_size(fields.get("size"), model)
    seconds = read_seconds(fields.get("seconds"), model)
    seed = read_seed(fields.get("seed"), prompt)
    asked = replace(model, width=width, height=height, seconds=seconds)
    return VideoRequest(asked, prompt, seed, reference)


def read_image_request(
    fields: Mapping[str, object], picture: Image.Image | None = None
) -> ImageRequest:
    """Check the fields of a call for a picture, drawn anew or edited; as `read_request` does."""
    prompt = read_prompt(fields)
    model = known_model(str(fields.get("model") or ""), IMAGE_MODELS)
    width, height = read_size(fields.get("size"), model)
    seed = read_seed(fields.get("seed"), prompt)
    return ImageRequest(replace(model, width=width, height=height), prompt, seed, picture)


def read_prompt(fields: Mapping[str, object]) -> str:
    prompt = str(fields.get("prompt") or "").strip()
    if not prompt:
        raise ApiError(400, "The prompt is empty.", code="empty_prompt", param="prompt")
    return prompt


def known_model(name: str, models: Mapping[str, AnyModel]) -> AnyModel:
    if name not in models:
        raise ApiError(
            404,
            f"The model '{name}' is not here. Available: {', '.join(models)}.",
            code="model_not_found",
            param="model",
        )
    return models[name]


def read_size(value: object, model: Model | ImageModel) -> tuple[int, int]:
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
