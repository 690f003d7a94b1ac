"""Where each clip of a study came from: what was sent, what was answered, when, at what cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from annotations.models import Prompt, Stimulus, Study
from generation.enums import JobState
from generation.models import Attempt, Endpoint, Job

CHUNK = 500
# What services call a prompt that they rewrote.
REVISED = (
    "revised_prompt",
    "actual_prompt",
    "expanded_prompt",
    "enhanced_prompt",
    "rewritten_prompt",
    "optimized_prompt",
)
GENERATION_COLUMNS = (
    "model",
    "prompt_id",
    "category",
    "prompt",
    "prompt_sent",
    "revised_prompt",
    "source_sha256",
    "seed",
    "seed_sent",
    "outcome",
    "error",
    "provider",
    "adapter",
    "endpoint",
    "route",
    "remote_model",
    "parameters",
    "remote_id",
    "attempts",
    "asked_at",
    "sent_at",
    "answered_at",
    "finished_at",
    "cost_recorded",
    "cost_estimated",
    "currency",
    "clip_source",
    "clip_sha256",
)
OUTCOMES = {
    JobState.DONE: "made",
    JobState.FAILED: "failed",
    JobState.FIRST_FAILED: "first frame failed",
    JobState.REJECTED: "refused",
    JobState.CANCELLED: "given up",
}
IMPORTED = "imported"
UNDER_WAY = "under way"
IN_A_PRIVATE_NETWORK = "private network"


def generation_rows(study: Study) -> Iterator[dict[str, Any]]:
    """One row for each clip that was asked for or imported, with GENERATION_COLUMNS.

    What a job could not make has a row, too: it is missing for a reason.
    """
    for job, attempts in _jobs_with_attempts(study):
        yield _row_of_job(job, attempts)
    for stimulus in _without_job(study):
        yield _row_of_import(stimulus)


def generation_records(study: Study) -> Iterator[dict[str, Any]]:
    """The same with every attempt, and what was answered word by word."""
    for job, attempts in _jobs_with_attempts(study):
        tries = [_record_of(attempt) for attempt in attempts]
        yield {**_row_of_job(job, attempts), "tries": tries}
    for stimulus in _without_job(study):
        yield {**_row_of_import(stimulus), "provenance": stimulus.provenance, "tries": []}


def revised_prompt_in(answer: object) -> str:
    """The prompt as the service rewrote it, wherever in its answer that stands; else empty."""
    if isinstance(answer, Mapping):
        own = next((answer[name] for name in REVISED if isinstance(answer.get(name), str)), "")
        return own or next(filter(None, map(revised_prompt_in, answer.values())), "")
    if isinstance(answer, list):
        return next(filter(None, map(revised_prompt_in, answer)), "")
    return ""


def answers_in(attempt: Attempt) -> dict[str, Any]:
    """What was answered when the job was sent, and when it was made."""
    return {name: attempt.raw[name] for name in ("answer", "made") if attempt.raw.get(name)}


def _jobs_with_attempts(study: Study) -> Iterator[tuple[Job, list[Attempt]]]:
    jobs = Job.objects.behind_clips_of(study.pk).order_by(
        "prompt__key", "endpoint__model", "seed", "pk"
    )
    related = jobs.select_related("endpoint__model", "prompt", "stimulus")
    for job in related.prefetch_related("attempts").iterator(chunk_size=CHUNK):
        yield job, sorted(job.attempts.all(), key=lambda attempt: attempt.pk)


def _without_job(study: Study) -> Iterator[Stimulus]:
    """Clips that no job of ours made."""
    clips = Stimulus.objects.for_study(study.pk).filter(jobs=None)
    ordered = clips.order_by("prompt__key", "model", "seed").select_related("model", "prompt")
    return ordered.iterator(chunk_size=CHUNK)


def _row_of_job(job: Job, attempts: list[Attempt]) -> dict[str, Any]:
    """As it was sent the last time; where it never was, most of it is empty."""
    last = attempts[-1] if attempts else None
    sent: Mapping[str, Any] = last.raw.get("sent", {}) if last else {}
    return {
        **_row_of_prompt(job.endpoint.model.name, job.prompt, job.seed),
        **_row_of_clip(job.stimulus),
        "prompt_sent": sent.get("prompt"),
        "revised_prompt": revised_prompt_in(answers_in(last)) if last else "",
        "seed_sent": sent.get("seed_sent"),
        "outcome": OUTCOMES.get(JobState(job.state), UNDER_WAY),
        "error": job.error,
        "provider": job.endpoint.get_adapter_display(),
        "adapter": sent.get("adapter"),
        "endpoint": sent.get("endpoint", job.endpoint.name),
        "route": _route(job.endpoint, str(sent.get("route", ""))),
        "remote_model": sent.get("remote_model"),
        "parameters": json.dumps(sent.get("parameters", {}), sort_keys=True),
        "remote_id": job.remote_id,
        "attempts": len(attempts),
        "asked_at": job.created_at,
        "sent_at": last.sent_at if last else None,
        "answered_at": last.answered_at if last else None,
        "finished_at": job.finished_at,
        "cost_recorded": _sum(attempts, is_told=True),
        "cost_estimated": _sum(attempts, is_told=False),
        "currency": job.endpoint.currency,
    }


def _row_of_import(stimulus: Stimulus) -> dict[str, Any]:
    return {
        **dict.fromkeys(GENERATION_COLUMNS),
        **_row_of_prompt(stimulus.model.name, stimulus.prompt, stimulus.seed),
        **_row_of_clip(stimulus),
        "outcome": IMPORTED,
    }


def _row_of_prompt(model: str, prompt: Prompt, seed: int) -> dict[str, Any]:
    return {
        "model": model,
        "prompt_id": prompt.key,
        "category": prompt.category,
        "prompt": prompt.text,
        "source_sha256": prompt.source_sha256,
        "seed": seed,
    }


def _row_of_clip(stimulus: Stimulus | None) -> dict[str, Any]:
    return {
        "clip_source": stimulus.source if stimulus else None,
        "clip_sha256": stimulus.sha256 if stimulus else None,
    }


def _record_of(attempt: Attempt) -> dict[str, Any]:
    return {
        "state": attempt.state,
        "sent_at": attempt.sent_at,
        "answered_at": attempt.answered_at,
        "remote_id": attempt.remote_id,
        "cost": attempt.cost,
        "is_cost_recorded": attempt.is_cost_told,
        "error": attempt.error,
        **attempt.raw,
    }


def _route(endpoint: Endpoint, sent_to: str) -> str:
    """Whom it was sent to: the service itself or one that resells it. Own networks stay unnamed."""
    if endpoint.is_internal:
        return IN_A_PRIVATE_NETWORK
    return urlsplit(sent_to or endpoint.base_url).hostname or ""


def _sum(attempts: list[Attempt], *, is_told: bool) -> Decimal | None:
    """None where there is no such cost, which is not the same as none at all."""
    costs = [one.cost for one in attempts if one.is_charged and one.is_cost_told == is_told]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known else None
