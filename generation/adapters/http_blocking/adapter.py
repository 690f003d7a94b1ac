"""A server with one address: a POST that returns the clip when it is made."""

from __future__ import annotations

import time
from typing import Any

from generation.adapters.answers import raise_for_submit
from generation.adapters.base import Submitted
from generation.adapters.blocking import BlockingAdapter, coming_file
from generation.adapters.bodies import as_form, write_clip
from generation.adapters.held import hold
from generation.adapters.requests import GenerationRequest
from generation.adapters.traits import Traits


class HttpBlockingAdapter(BlockingAdapter):
    """`base_url` is the whole address; `fields` says what its model takes."""

    traits = Traits(
        is_blocking=True,
        own_options=frozenset({"model_field"}),
        largest_input=50 * 1024**2,
    )

    def submit(self, request: GenerationRequest) -> Submitted:
        """Ask for a clip, wait for it and hold it.

        Raises
        ------
        RetryableError, RateLimitedError, RejectedError, PermanentError, AuthOrQuotaError
            It was surely not made, or it cannot be used.
        UnknownOutcomeError
            It may have been made.
        """
        self.refuse_unsupported(request)
        headers, content = self.with_key(request.key), self._content(request)
        give_up_at = time.monotonic() + self.patience()
        with coming_file() as file:
            with (
                self.submitting(),
                self.client(self.patience()) as client,
                client.stream("POST", self.base_url, headers=headers, **content) as answer,
            ):
                if not answer.is_success:
                    raise_for_submit(
                        self.read(answer, give_up_at), pause=self.traits.pause_when_limited
                    )
                write_clip(answer, file, give_up_at)
            raw = {"content_type": answer.headers.get("Content-Type", "")}
            return Submitted(hold(file, request.key), raw)

    def _content(self, request: GenerationRequest) -> dict[str, Any]:
        model_field = self.options.get("model_field", "model")
        model = {str(model_field): self.remote_model} if model_field else {}
        body = {**self.parameters, **model, **self.words_for(request)}
        if self.is_multipart:
            return as_form(body, self.files_for(request))
        return {"json": {**body, **self.data_uris_for(request)}}
