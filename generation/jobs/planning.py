"""Plan the clips that a study lacks."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from annotations.models import Stimulus, Study
from generation.adapters.registry import UPLOAD
from generation.endpoints.suitability import asked_by, ensure_can_make
from generation.enums import Priority
from generation.jobs.chains import chain, settle_chains
from generation.models import Endpoint, Job


def plan_jobs(*, study: Study, now: datetime, priority: Priority = Priority.USUAL) -> int:
    """Make a job for each missing clip of the study's models that have an endpoint.

    Returns
    -------
    int
        How many clips are to be made, not counting pictures that they start from. Jobs that
        failed before are left for `retry_job`.

    Raises
    ------
    EndpointUnsuited
        A model cannot take what the study asks.
    """
    ensure_can_make(study)
    endpoints = Endpoint.objects.filter(model__studies=study, is_active=True)
    endpoints = endpoints.exclude(adapter=UPLOAD).select_related("first_step")
    prompts = [row.prompt for row in study.study_prompts.select_related("prompt")]
    have = set(Stimulus.objects.for_study(study.pk).values_list("model", "prompt"))
    known = set(Job.objects.for_study(study.pk).values_list("endpoint", "prompt"))
    given = {"study": study, "kind": study.kind, "asked": asked_by(study), "priority": priority}
    missing = [
        Job(endpoint=endpoint, prompt=prompt, wake_at=now, **given)
        for prompt in prompts
        for endpoint in endpoints
        if (endpoint.model_id, prompt.pk) not in have and (endpoint.pk, prompt.pk) not in known
    ]
    with transaction.atomic():
        chain(missing, study=study, now=now)
        Job.objects.bulk_create(missing, ignore_conflicts=True)
        settle_chains(now=now)
    return len(missing)
