"""The owner's pages of a study's clips: all of them, and one with all that is known of it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
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
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from annotations.enums import StudyState
from annotations.errors import JuiceError
from annotations.inputs import read_whole_number
from annotations.models import Prompt, Stimulus
from annotations.services.clips.roster import take_out
from annotations.views.media import serve_file
from generation.jobs.provenance import generation_records
from generation.models import Endpoint, Job
from owner.clips.actions import ACTIONS
from owner.clips.jobs import job_context, with_all
from owner.clips.matrix import FILTERS, SIGNS, matrix_rows, prompts_to_show
from owner.clips.state import clips_of
from owner.lookup import get_study
from owner.parts import live_part

PER_PAGE = 100


@require_safe
def clip_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Every model x prompt, a page at a time."""
    return render(request, "owner/clips.html", _list_context(request, slug))


@live_part
def clip_list_part(request: HttpRequest, slug: str) -> HttpResponse:
    """The part of that page that changes by itself; not sent again while it is the same."""
    return render(request, "owner/_clips.html", _list_context(request, slug))


@require_safe
def clip_page(request: HttpRequest, slug: str, model_id: int, prompt_id: int) -> HttpResponse:
    """One model's clips for one prompt: what was sent and answered, and what can be done."""
    study = get_study(slug)
    model = get_object_or_404(study.generative_models, pk=model_id)
    prompt = get_object_or_404(study.prompts, pk=prompt_id)
    told = study.study_prompts.filter(prompt=prompt).values("told")
    of_prompt = Q(prompt=prompt) | Q(prompt__in=told)
    jobs = Job.objects.for_study(study.pk).filter(of_prompt, endpoint__model=model)
    entries = study.roster.filter(model=model, prompt=prompt).select_related("stimulus")
    context = {
        "study": study,
        "model": model,
        "prompt": prompt,
        "entries": entries.order_by("sample"),
        "jobs": [job_context(job) for job in with_all(jobs.order_by("seed", "pk"))],
        "can_take_out": study.state == StudyState.DRAFT,
        "endpoint": Endpoint.objects.filter(model=model).first(),
    }
    return render(request, "owner/clip.html", context)


@require_POST
def take_clip_out(request: HttpRequest, slug: str, entry_id: int) -> HttpResponse:
    """Remove a clip from a draft; it stays where it is for other studies."""
    study = get_study(slug)
    entry = get_object_or_404(study.roster.select_related("model", "prompt"), pk=entry_id)
    try:
        take_out(entry=entry)
    except JuiceError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{entry} is no longer in this study.")
    return redirect("owner-clip-of", study.slug, entry.model_id, entry.prompt_id)


@require_safe
def original(request: HttpRequest, stimulus_id: int) -> HttpResponseBase:
    """A clip as its model made it."""
    stimulus = get_object_or_404(Stimulus, pk=stimulus_id)
    return serve_file(request, str(stimulus.file.name), etag=stimulus.sha256)


@require_safe
def prompt_source(request: HttpRequest, prompt_id: int) -> HttpResponseBase:
    """What models start from for a prompt, as raters see it."""
    prompt = get_object_or_404(Prompt.objects.exclude(shown_source=""), pk=prompt_id)
    return serve_file(request, str(prompt.shown_source.name), etag=prompt.source_sha256)


@require_POST
def clip_action(request: HttpRequest, slug: str, what: str) -> HttpResponse:
    """Do something with one clip's job, with those of one model, or with all."""
    study = get_study(slug)
    if what not in ACTIONS:
        return HttpResponseBadRequest("There is no such action.")
    jobs = Job.objects.for_study(study.pk)
    for name, field in (("job", "pk"), ("model", "endpoint__model")):
        if chosen := request.POST.get(name):
            jobs = jobs.filter(**{field: read_whole_number(chosen, what=name)})
    messages.success(request, ACTIONS[what](jobs, is_one="job" in request.POST))
    return HttpResponseRedirect(_way_back(request, reverse("owner-clips", args=[study.slug])))


@require_safe
def generation_jsonl(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """All that was sent and answered, one clip a line; for owners, since answers may tell much."""
    study = get_study(slug)
    lines = (json.dumps(record, default=str) + "\n" for record in generation_records(study))
    answer = StreamingHttpResponse(lines, content_type="application/x-ndjson; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{study.slug}-generation.jsonl"'
    return answer


def _list_context(request: HttpRequest, slug: str) -> dict[str, Any]:
    study = get_study(slug)
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


def _way_back(request: HttpRequest, otherwise: str) -> str:
    asked = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()})
    return asked if is_ours else otherwise
