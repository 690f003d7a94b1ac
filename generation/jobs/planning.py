"""Plan the clips that a study lacks."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q

from annotations.models import Study
from annotations.services.studies.states import prompts_as_corrected
from generation.adapters.registry import UPLOAD
from generation.endpoints.suitability import asked_by, ensure_can_make
from generation.enums import JobState, Priority
from generation.jobs.chains import chain, settle_chains
from generation.models import Endpoint, Job


def plan_jobs(*, study: Study, now: datetime, priority: Priority = Priority.USUAL) -> int:
    """Make a job for each missing clip of the study's models that have an endpoint.

    Returns
    -------
    int
        How many clips are to be made, not counting pictures that they start from. Jobs of this
        study that failed before are left for `retry_job`; what another study has asked for is
        asked for anew, with another seed, unless its clips are shared.

    Raises
    ------
    EndpointUnsuited
        A model cannot take what the study asks.
    """
    ensure_can_make(study)
    prompts = [row.prompt for row in study.study_prompts.select_related("prompt")]
    given = {"study": study, "kind": study.kind, "asked": asked_by(study), "priority": priority}
    with transaction.atomic():
        endpoints = _locked_endpoints(study)
        have = set(study.roster.order_by().values_list("model", "prompt"))
        # What was made and is not there any more was taken out, and may be made anew.
        asked = Job.objects.for_study(study.pk).exclude(state=JobState.DONE)
        corrected = prompts_as_corrected(study)
        known = {
            (endpoint, corrected.get(prompt, prompt))
            for endpoint, prompt in asked.values_list("endpoint", "prompt")
        }
        missing = [
            Job(endpoint=endpoint, prompt=prompt, wake_at=now, **given)
            for prompt in prompts
            for endpoint in endpoints
            if (endpoint.model_id, prompt.pk) not in have and (endpoint.pk, prompt.pk) not in known
        ]
        _give_seeds(missing, study)
        chain(missing, study=study, now=now)
        Job.objects.bulk_create(missing)
        settle_chains(now=now)
    return len(missing)


def _locked_endpoints(study: Study) -> list[Endpoint]:
    """Those that make the study's clips; one plan at a time, so that each job has its own seed.

    Those of first steps are locked with them: another study may want their pictures as clips.
    """
    involved = Q(model__studies=study) | Q(second_steps__model__studies=study)
    ids = set(Endpoint.objects.filter(involved).values_list("pk", flat=True))
    locked = Endpoint.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",))
    list(locked.values_list("pk", flat=True))
    own = Endpoint.objects.filter(model__studies=study, is_active=True)
    return list(own.exclude(adapter=UPLOAD).select_related("first_step").order_by("pk"))


def _give_seeds(jobs: list[Job], study: Study) -> None:
    """The lowest seed above those that the endpoint was given for the prompt by other studies."""
    asked = Job.objects.filter(endpoint__model__studies=study, prompt__studies=study).order_by()
    last = {
        (endpoint, prompt): seed
        for endpoint, prompt, seed in asked.values_list("endpoint", "prompt").annotate(Max("seed"))
    }
    for job in jobs:
        job.seed = last.get((job.endpoint_id, job.prompt_id), -1) + 1
