"""Endpoints whose answer to a submit is the clip itself: it is held until it is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from annotations.scratch import scratch_folder
from generation.adapters.base import Done, Pending, UnknownOutcomeError
from generation.adapters.calls import HttpAdapter
from generation.adapters.held import forget, take
from generation.adapters.traits import Traits

# Time to hold the file in, before the lease of the submit ends.
SPARE_SECONDS = 15


class BlockingAdapter(HttpAdapter):
    """Its jobs are done when they are accepted."""

    traits = Traits(is_blocking=True)

    def patience(self) -> float:
        """How long the one call may take, in seconds: the lease of a submit, less some."""
        lease: float = settings.GENERATION_SUBMIT_LEASE_SECONDS
        return max(lease - SPARE_SECONDS, 1.0)

    def poll(self, remote_id: str) -> Pending | Done:
        return Done()

    def fetch(self, remote_id: str, target: Path) -> None:
        take(remote_id, target)

    def cancel(self, remote_id: str) -> None:
        """Nothing is made any more; the file is not wanted."""
        forget(remote_id)


@contextmanager
def coming_file() -> Iterator[Path]:
    """A place for a file; a full disk is no reason to have it made, and paid for, again."""
    with scratch_folder("answer") as folder:
        try:
            yield folder / "clip"
        except OSError as error:
            raise UnknownOutcomeError(f"The clip was made and cannot be kept: {error}") from error
