"""The owner's pages of a study's clips: all of them, and one with all that is known of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import conditional_page, require_POST, require_safe

from annotations.inputs import read_whole_number
from annotations.models import Stimulus, Study
from annotations.views.media import serve_file
from generation.enums import ENDED_BADLY, MOVING, JobState
from generation.jobs.decisions import give_up_jobs, resume_endpoint, retry_jobs, spare_awaited
from generation.jobs.mending import how_to_mend
from generation.jobs.provenance import answers_in, generation_records, revised_prompt_in
from generation.models import Endpoint, Job, JobQuerySet
from generation.tasks import queue_stops
from juice.owner.clip_matrix import FILTERS, SIGNS, matrix_rows, prompts_to_show
from juice.owner.clips import clips_of

PER_PAGE = 100


@require_safe
@staff_member_required
def clip_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Every model x prompt, a page at a time."""
    return render(request, "owner/clips.html", _list_context(request, slug))


@require_safe
@staff_member_required
@conditional_page
def clip_list_part(request: HttpRequest, slug: str) -> HttpResponse:
    """The part of that page that changes by itself; not sent again while it is the same."""
    answer = render(request, "owner/_clips.html", _list_context(request, slug))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@require_safe
@staff_member_required
def clip_page(request: HttpRequest, slug: str, model_id: int, prompt_id: int) -> HttpResponse:
    """One model's clips for one prompt: what was sent and answered, and what can be done."""
    study = get_object_or_404(Study, slug=slug)
    model = get_object_or_404(study.generative_models, pk=model_id)
    prompt = get_object_or_404(study.prompts, pk=prompt_id)
    stimuli = Stimulus.objects.filter(model=model, prompt=prompt).order_by("seed")
    jobs = Job.objects.filter(endpoint__model=model, prompt=prompt).order_by("seed", "pk")
    context = {
        "study": study,
        "model": model,
        "prompt": prompt,
        "jobs": [told(job) for job in with_all(jobs)],
        "imported": stimuli.filter(jobs=None),
        "endpoint": Endpoint.objects.filter(model=model).first(),
    }
    return render(request, "owner/clip.html", context)


@require_safe
@staff_member_required
def original(request: HttpRequest, stimulus_id: int) -> HttpResponseBase:
    """A clip as its model made it."""
    stimulus = get_object_or_404(Stimulus, pk=stimulus_id)
    return serve_file(request, str(stimulus.file.name), etag=stimulus.sha256)


@require_POST
@staff_member_required
def clip_action(request: HttpRequest, slug: str, what: str) -> HttpResponse:
    """Do something with one clip's job, with those of one model, or with all."""
    study = get_object_or_404(Study, slug=slug)
    if what not in ACTIONS:
        return HttpResponseBadRequest("There is no such action.")
    jobs = Job.objects.for_study(study.pk)
    for name, field in (("job", "pk"), ("model", "endpoint__model")):
        if chosen := request.POST.get(name):
            jobs = jobs.filter(**{field: read_whole_number(chosen, what=name)})
    messages.success(request, ACTIONS[what](jobs, is_one="job" in request.POST))
    return HttpResponseRedirect(_way_back(request, reverse("owner-clips", args=[study.slug])))


@require_safe
@staff_member_required
def generation_jsonl(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """All that was sent and answered, one clip a line; for owners, since answers may tell much."""
    study = get_object_or_404(Study, slug=slug)
    lines = (json.dumps(record, default=str) + "\n" for record in generation_records(study))
    answer = StreamingHttpResponse(lines, content_type="application/x-ndjson; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{study.slug}-generation.jsonl"'
    return answer


def retry(jobs: JobQuerySet, *, is_one: bool) -> str:
    """Among many, those that failed: a refusal is a result, and what is lost may be paid for."""
    failed = Q(state=JobState.FAILED)
    by_first_step = Q(state=JobState.FIRST_FAILED, first_step__state=JobState.FAILED)
    chosen = jobs if is_one else jobs.filter(failed | by_first_step)
    return f"{_clips(retry_jobs(jobs=chosen, now=timezone.now()))} tried again."


def send_again(jobs: JobQuerySet, *, is_one: bool) -> str:
    lost = jobs.filter(state=JobState.UNKNOWN_OUTCOME)
    return f"{_clips(retry_jobs(jobs=lost, now=timezone.now()))} sent once more."


def take_up(jobs: JobQuerySet, *, is_one: bool) -> str:
    given_up = jobs.filter(state=JobState.CANCELLED)
    return f"{_clips(retry_jobs(jobs=given_up, now=timezone.now()))} taken up again."


def give_up(jobs: JobQuerySet, *, is_one: bool) -> str:
    """Of many, a picture that another study waits for goes on."""
    chosen = jobs if is_one else spare_awaited(jobs)
    given_up, running = give_up_jobs(jobs=chosen, now=timezone.now())
    queue_stops(running)
    return f"{_clips(given_up)} given up."


def resume(jobs: JobQuerySet, *, is_one: bool) -> str:
    """Have the endpoints of these jobs called again."""
    paused = Endpoint.objects.filter(pk__in=jobs.values("endpoint"))
    for endpoint in paused:
        resume_endpoint(endpoint=endpoint)
    return f"Called again: {', '.join(endpoint.name for endpoint in paused)}."


ACTIONS: dict[str, Callable[..., str]] = {
    "retry": retry,
    "send-again": send_again,
    "take-up": take_up,
    "give-up": give_up,
    "resume": resume,
}


def with_all(jobs: JobQuerySet) -> JobQuerySet:
    return jobs.select_related("endpoint__model", "prompt", "stimulus").prefetch_related("attempts")


def told(job: Job) -> dict[str, Any]:
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


def _list_context(request: HttpRequest, slug: str) -> dict[str, Any]:
    study = get_object_or_404(Study, slug=slug)
    which = request.GET.get("show", "")
    page = Paginator(prompts_to_show(study, which), PER_PAGE).get_page(request.GET.get("page"))
    rows = matrix_rows(study, [row.prompt for row in page])
    return {
        "study": study,
        "clips": clips_of(study, now=timezone.now()),
        "page": page,
        "rows": rows,
        "filters": FILTERS,
        "which": which,
        "signs": [(state, sign, words) for state, (sign, words) in SIGNS.items()],
    }


def _clips(count: int) -> str:
    return f"{count} clip is" if count == 1 else f"{count} clips are"


def _way_back(request: HttpRequest, otherwise: str) -> str:
    asked = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()})
    return asked if is_ours else otherwise
