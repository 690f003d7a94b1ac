"""What became of a study's jobs, for whoever reports on its clips."""

from __future__ import annotations

from collections import Counter, defaultdict

from django.db.models import Count

from annotations.enums import ClipOutcome
from annotations.models import Study
from generation.enums import JobState
from generation.models import Job

OUTCOMES = {
    JobState.REJECTED: ClipOutcome.REFUSED,
    JobState.FAILED: ClipOutcome.FAILED,
    JobState.FIRST_FAILED: ClipOutcome.FAILED,
    JobState.CANCELLED: ClipOutcome.GIVEN_UP,
}


def job_outcomes(study: Study) -> dict[int, Counter[ClipOutcome]]:
    """Prompts by model and outcome; a job counts as failed only if no clip is there after all."""
    found: defaultdict[int, Counter[ClipOutcome]] = defaultdict(Counter)
    made = study.roster.wanted().filter(stimulus__jobs__isnull=False).order_by()
    for model, clips in made.values_list("model").annotate(n=Count("prompt", distinct=True)):
        found[model][ClipOutcome.MADE] = clips
    jobs = Job.objects.for_study(study.pk).filter(endpoint__model__studies=study).order_by()
    ended = jobs.without_clip().filter(state__in=OUTCOMES).values_list("endpoint__model", "state")
    for model, state, clips in ended.annotate(n=Count("prompt", distinct=True)):
        found[model][OUTCOMES[JobState(state)]] += clips
    return dict(found)
