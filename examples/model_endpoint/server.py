"""The `/v1/videos` and `/v1/images` protocols over `http.server`."""

from __future__ import annotations

import base64
import hmac
import json
import shutil
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from examples.model_endpoint.jobs import JobStore, Refused, refuse_forbidden
from examples.model_endpoint.models import MODELS
from examples.model_endpoint.pictures import IMAGE_MODELS, edit, paint
from examples.model_endpoint.references import Reference
from examples.model_endpoint.requests import (
    ApiError,
    ImageRequest,
    read_fields,
    read_file,
    read_image_request,
    read_request,
)

MAX_BODY_BYTES = 20_000_000
MAX_PAGE = 100


class DemoServer(ThreadingHTTPServer):
    """One store of jobs behind many connections."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], store: JobStore, *, api_key: str, verbose: bool
    ) -> None:
        super().__init__(address, Handler)
        self.store = store
        self.api_key = api_key
        self.verbose = verbose


class Handler(BaseHTTPRequestHandler):
    """Find the route, answer in JSON or with a clip, turn errors into OpenAI's shape."""

    server: DemoServer
    protocol_version = "HTTP/1.1"
    server_version = "demo-model-endpoint"
    # Head and body are two small packets: the second would wait for the first to be acknowledged.
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        self.answer("GET")

    def do_POST(self) -> None:
        self.answer("POST")

    def do_DELETE(self) -> None:
        self.answer("DELETE")

    def answer(self, method: str) -> None:
        try:
            body = self.read_body()
            self.route(method, urlsplit(self.path).path.rstrip("/").split("/")[1:], body)
        except ApiError as error:
            self.send_json(error.body, error.status)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def route(self, method: str, path: list[str], body: bytes) -> None:
        if path == ["health"]:
            return self.send_json({"status": "ok"})
        self.check_key()
        match [method, *path]:
            case ["GET", "v1", "models"]:
                return self.list_models()
            case ["POST", "v1", "videos"]:
                return self.create(body)
            case ["POST", "v1", "images", "generations"]:
                return self.draw(body)
            case ["POST", "v1", "images", "edits"]:
                return self.edit(body)
            case ["GET", "v1", "videos"]:
                return self.list_jobs()
            case ["GET", "v1", "videos", job_id]:
                return self.send_json(self.job(job_id))
            case ["DELETE", "v1", "videos", job_id]:
                return self.delete(job_id)
            case ["GET", "v1", "videos", job_id, "content"]:
                return self.send_clip(job_id)
        raise ApiError(404, f"There is no {method} {self.path}.", code="not_found")

    def read_body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            raise ApiError(413, "The body is too large.", code="body_too_large")
        return self.rfile.read(length)

    def check_key(self) -> None:
        given = self.headers.get("Authorization", "")
        if self.server.api_key and not hmac.compare_digest(
            given.encode(), f"Bearer {self.server.api_key}".encode()
        ):
            raise ApiError(401, "The API key is missing or wrong.", code="invalid_api_key")

    def list_models(self) -> None:
        models = [
            {"id": name, "object": "model", "owned_by": "demo"} for name in (*MODELS, *IMAGE_MODELS)
        ]
        self.send_json({"object": "list", "data": models})

    def create(self, body: bytes) -> None:
        asked = read_request(self.fields(body), self.file(body, "input_reference"))
        store = self.server.store
        self.send_json(store.create(asked.model, asked.prompt, asked.seed, asked.reference))

    def draw(self, body: bytes) -> None:
        asked = read_image_request(self.fields(body))
        self.send_picture(asked, lambda: paint(asked.model, asked.prompt, asked.seed))

    def edit(self, body: bytes) -> None:
        given = self.file(body, "image")
        if given is None:
            raise ApiError(400, "The image is missing.", code="missing_image", param="image")
        asked = read_image_request(self.fields(body), given.last)
        self.send_picture(asked, lambda: edit(asked.model, asked.prompt, given.last, asked.seed))

    def send_picture(self, asked: ImageRequest, make: Callable[[], bytes]) -> None:
        """The picture is made while the client waits, and comes with the answer."""
        try:
            refuse_forbidden(asked.prompt)
        except Refused as refusal:
            raise ApiError(400, str(refusal), code="moderation_blocked") from refusal
        time.sleep(self.server.store.delay_seconds)
        picture = {"b64_json": base64.b64encode(make()).decode()}
        self.send_json({"created": int(time.time()), "data": [picture]})

    def fields(self, body: bytes) -> dict[str, object]:
        return read_fields(self.headers.get("Content-Type", ""), body)

    def file(self, body: bytes, name: str) -> Reference | None:
        return read_file(self.headers.get("Content-Type", ""), body, name)

    def list_jobs(self) -> None:
        """Newest first; `after` is the last id of the page before."""
        query = parse_qs(urlsplit(self.path).query)
        jobs = self.server.store.newest_first()
        after = query.get("after", [""])[0]
        if after:
            ids = [job["id"] for job in jobs]
            jobs = jobs[ids.index(self.job(after)["id"]) + 1 :]
        limit = page_size(query.get("limit", ["20"])[0])
        page = jobs[:limit]
        self.send_json(
            {
                "object": "list",
                "data": page,
                "has_more": len(jobs) > limit,
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
            }
        )

    def job(self, job_id: str) -> dict[str, object]:
        job = self.server.store.get(job_id)
        if job is None:
            raise ApiError(404, f"There is no video job '{job_id}'.", code="video_not_found")
        return job

    def delete(self, job_id: str) -> None:
        self.job(job_id)
        self.server.store.delete(job_id)
        self.send_json({"id": job_id, "object": "video.deleted", "deleted": True})

    def send_clip(self, job_id: str) -> None:
        status = self.job(job_id)["status"]
        if status != "completed":
            raise ApiError(409, f"The video is not ready: it is {status}.", code="video_not_ready")
        path = self.server.store.clip(job_id)
        with path.open("rb") as clip:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            shutil.copyfileobj(clip, self.wfile)

    def send_json(self, content: object, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        if self.server.verbose:
            super().log_message(format, *args)


def page_size(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= MAX_PAGE:
        raise ApiError(
            400,
            f"The limit '{value}' is not from 1 to {MAX_PAGE}.",
            code="invalid_limit",
            param="limit",
        )
    return int(value)
