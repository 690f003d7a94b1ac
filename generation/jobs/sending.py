"""Write an attempt down before anything is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from generation.adapters.base import Adapter
from generation.costs import estimated_cost
from generation.endpoints.limits import longest_run, may_call, room_at
from generation.enums import JobState
from generation.jobs.calling import JobContext
from generation.jobs.timing import FULL_PAUSE, submit_lease
from generation.jobs.transitions import move
from generation.models import Attempt, Endpoint, Job


def begin_attempt(job_id: int, now: datetime) -> tuple[Attempt, JobContext] | None:
    """Take a place at the endpoint and write the attempt down before anything is sent."""
    with transaction.atomic():
        job = Job.objects.select_related("prompt").filter(pk=job_id, state=JobState.READY).first()
        if job is None:
            return None
        endpoint = Endpoint.objects.select_for_update().get(pk=job.endpoint_id)
        job.endpoint = endpoint
        context = JobContext(job)
        adapter = context.adapter_or_none()
        if room_at(endpoint, now, adapter).jobs <= 0 or not may_call(endpoint, now):
            move(job, JobState.READY, wake_at=now + FULL_PAUSE)
            return None
        if not move(
            job,
            JobState.SUBMITTING,
            wake_at=now + submit_lease(),
            deadline_at=now + longest_run(endpoint),
            submits=F("submits") + 1,
            remote_id="",
            error="",
        ):
            return None
        attempt = Attempt.objects.create(
            job=job,
            endpoint=endpoint,
            sent_at=now,
            raw={"sent": sent_values(job, adapter)},
            cost=estimated_cost(endpoint, adapter=adapter),
        )
        return attempt, context


def sent_values(job: Job, adapter: Adapter | None) -> dict[str, Any]:
    """What is sent, kept beside the clip: the endpoint's row may change meanwhile."""
    endpoint = job.endpoint
    return {
        "adapter": f"{endpoint.adapter}/{adapter.traits.version}" if adapter else endpoint.adapter,
        # Some put a key into an address's query.
        "route": endpoint.base_url.partition("?")[0],
        "endpoint": endpoint.name,
        "remote_model": endpoint.remote_model,
        "prompt": job.prompt.text,
        "seed": job.seed,
        "seed_sent": adapter.capabilities.takes_seed if adapter else False,
        "parameters": endpoint.parameters,
        "options": endpoint.options,
        **({"asked": job.asked} if job.asked else {}),
    }
