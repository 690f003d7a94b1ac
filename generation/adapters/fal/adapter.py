"""fal's queue: `base_url` is https://queue.fal.run, the model's name the path of its app."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx

from generation.adapters.answers import failure, json_object, raise_for_answer, submission, words_of
from generation.adapters.base import Done, Pending, PermanentError, Submitted, UnknownOutcomeError
from generation.adapters.calls import HttpAdapter
from generation.adapters.requests import GenerationRequest
from generation.adapters.traits import Traits
from generation.adapters.values import found_at

RESPONSE = "/response"
# How many of the units that the app's price is for; kept with the answer under its own name.
BILLED = "x-fal-billable-units"
OUTPUTS = ("video.url", "videos.0.url", "image.url", "images.0.url")


class FalAdapter(HttpAdapter):
    """One app; `fields` says what its model takes, since every app has its own words."""

    traits = Traits(
        forgets_jobs=False,
        usual_fields={"prompt": "prompt", "image": "image_url", "video": "video_url"},
        own_options=frozenset({"output"}),
        kept_headers=("content-type", "retry-after", "x-fal-retryable", BILLED),
    )

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Key {self.api_key}"} if self.api_key else {}

    def submit(self, request: GenerationRequest) -> Submitted:
        """Put a request into fal's queue; fal itself shall not repeat it."""
        self.refuse_unsupported(request)
        body = {**self.parameters, **self.words_for(request), **self.data_uris_for(request)}
        unrepeated = {"x-fal-no-retry": "1"}
        app = f"/{self.remote_model.strip('/')}"
        raw = self.send(app, key=request.key, headers=unrepeated, json=body)
        return submission(raw, self._place_of(raw))

    def poll(self, remote_id: str) -> Pending | Done:
        """How the request stands; the result is read too, for it may be an error."""
        raw = self.ask("GET", path_of(remote_id, "/status"))
        if raw.get("error") or raw.get("error_type"):
            raise failure(raw)
        if raw.get("status") == "COMPLETED":
            return self.done(self._result(remote_id))
        return Pending()

    def fetch(self, remote_id: str, target: Path) -> None:
        raw = self._result(remote_id)
        given = self.options.get("output")
        places = (str(given),) if given else OUTPUTS
        url = next(filter(None, (found_at(raw, place) for place in places)), None)
        self.fetch_result(url, target)

    def cancel(self, remote_id: str) -> None:
        """Works for a request that still waits in the queue."""
        self.stop("PUT", path_of(remote_id, "/cancel"))

    def _place_of(self, raw: Mapping[str, Any]) -> str:
        """Where fal says that the request lies: not always under the app's whole path."""
        address, status = str(raw.get("response_url") or ""), raw.get("status_url")
        place = address.removeprefix(f"{self.base_url}/")
        is_known = status == f"{address.removesuffix(RESPONSE)}/status"
        if place == address or not is_known:
            raise UnknownOutcomeError(f"fal gave no address to ask at that we know: {address}")
        return unquote(place)

    def _result(self, remote_id: str) -> dict[str, Any]:
        with self.answering():
            answer = self.call("GET", path_of(remote_id))
        if not answer.is_success and is_final(answer):
            raise PermanentError(words_of(answer))
        raise_for_answer(answer)
        billed = {BILLED: answer.headers[BILLED]} if BILLED in answer.headers else {}
        return {**json_object(answer), **billed}


def is_final(answer: httpx.Response) -> bool:
    """Whether fal says that the same question gets the same error."""
    retryable = answer.headers.get("x-fal-retryable", "").lower()
    return answer.is_server_error and retryable in ("0", "false")


def path_of(remote_id: str, question: str = "") -> str:
    """An id is the path of the result; the paths of questions lie beside it."""
    place = remote_id.removesuffix(RESPONSE) if question else remote_id
    return f"/{quote(place)}{question}"
