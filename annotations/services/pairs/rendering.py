"""One rendition in a worker: taken, made, and what became of it."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db.models import Q

from annotations.enums import RenditionState
from annotations.media.encoding import plan_from_json
from annotations.media.isolation import render
from annotations.media.patience import PASSES, WALL_SECONDS, seconds_for
from annotations.models import Rendition
from annotations.scratch import scratch_folder

MAX_TRIES = 3
LEASE_MARGIN = timedelta(minutes=1)
QUIETER_AFTER = (timedelta(minutes=5), timedelta(minutes=20))
"""After the first and the second try that the machine was too busy for."""


def start_rendering(rendition_id: int, now: datetime) -> bool:
    """Take the rendition for this worker; a lease that ran out counts as a failed try."""
    takeable = Rendition.objects.filter(pk=rendition_id).filter(
        Q(state=RenditionState.PENDING)
        | Q(state=RenditionState.RENDERING, lease_expires_at__lte=now)
    )
    rendition = takeable.select_related("stimulus").first()
    if rendition is None:
        return False
    if rendition.tries >= MAX_TRIES:
        fail(rendition, f"The clip could not be prepared in {MAX_TRIES} tries: worker lost.")
        return False
    return bool(
        takeable.filter(tries=rendition.tries).update(
            state=RenditionState.RENDERING,
            tries=rendition.tries + 1,
            lease_expires_at=now + render_lease(rendition),
        )
    )


def render_lease(rendition: Rendition) -> timedelta:
    """As long as the rendering may take at most, by the pixels that are gone through."""
    source = rendition.stimulus
    pixels = PASSES * source.width * source.height * source.frames
    return timedelta(seconds=WALL_SECONDS + seconds_for(pixels)) + LEASE_MARGIN


def render_to_store(rendition: Rendition) -> dict[str, Any]:
    """Render into the store under the rendition's key; what is now known of the file."""
    plan = plan_from_json(rendition.plan)
    with scratch_folder("rendition") as folder:
        source = folder / "source"
        with rendition.stimulus.file.open("rb") as original, source.open("wb") as copy:
            for chunk in original.chunks():
                copy.write(chunk)
        target = folder / f"rendition{plan.suffix}"
        crf = render(source, target, plan)
        content = target.read_bytes()
        name = f"renditions/{rendition.key[:2]}/{rendition.key}{plan.suffix}"
        if not default_storage.exists(name):
            with target.open("rb") as made:
                name = default_storage.save(name, File(made))
    sha256 = hashlib.sha256(content).hexdigest()
    return {"file": name, "sha256": sha256, "bytes": len(content), "crf": crf}


def finish(rendition: Rendition, made: dict[str, Any], *, now: datetime) -> None:
    Rendition.objects.filter(pk=rendition.pk, state=RenditionState.RENDERING).update(
        state=RenditionState.READY, ready_at=now, error="", lease_expires_at=None, **made
    )


def postpone(rendition: Rendition, why: str, now: datetime) -> None:
    """Try again when the machine may have less to do; in the end say that it never had."""
    if rendition.tries >= MAX_TRIES:
        fail(rendition, f"{why} It was tried {rendition.tries} times; retry when less is going on.")
        return
    Rendition.objects.filter(pk=rendition.pk, state=RenditionState.RENDERING).update(
        state=RenditionState.PENDING,
        error=why,
        lease_expires_at=now + QUIETER_AFTER[rendition.tries - 1],
    )


def fail(rendition: Rendition, why: str) -> None:
    Rendition.objects.filter(pk=rendition.pk).exclude(state=RenditionState.READY).update(
        state=RenditionState.FAILED, error=why, lease_expires_at=None
    )
