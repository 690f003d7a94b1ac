"""A job as its owner reads it: attempts, provenance in words, and what to do about it."""

from __future__ import annotations

import json
from typing import Any

from generation.enums import ENDED_BADLY, MOVING, JobState
from generation.jobs.mending import how_to_mend
from generation.jobs.provenance import answers_in, revised_prompt_in
from generation.models import Job, JobQuerySet


def with_all(jobs: JobQuerySet) -> JobQuerySet:
    return jobs.select_related("endpoint__model", "prompt", "stimulus").prefetch_related("attempts")


def job_context(job: Job) -> dict[str, Any]:
    """A job with its attempts, its provenance in words, and what to do about it."""
    attempts = sorted(job.attempts.all(), key=lambda attempt: attempt.pk)
    last = attempts[-1] if attempts else None
    answers = answers_in(last) if last else {}
    sent = last.raw.get("sent", {}) if last else {}
    return {
        "job": job,
        "attempts": attempts,
        "sent": sent,
        "parameters": json.dumps(sent.get("parameters", {}), ensure_ascii=False),
        "revised": revised_prompt_in(answers),
        "answers": json.dumps(answers, indent=2, ensure_ascii=False) if answers else "",
        "advice": how_to_mend(job),
        "has_failed": job.state in ENDED_BADLY,
        "is_moving": job.state in MOVING,
        "can_retry": job.state in ENDED_BADLY
        or (job.state == JobState.UNKNOWN_OUTCOME and job.wake_at is None),
    }
