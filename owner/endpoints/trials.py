"""Try an endpoint with one clip before a study relies on it; workers do the work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from annotations.errors import JuiceError
from annotations.models import Study
from generation.costs import as_money, estimated_cost
from generation.endpoints.limits import budget_room, held_by
from generation.endpoints.trial import USUAL_PROMPT, plan_trial
from generation.enums import MOVING, JobState
from generation.jobs.mending import advice_on
from generation.models import Endpoint, Job
from owner.clips.actions import give_up, resume, retry
from owner.clips.jobs import job_context, with_all
from owner.parts import live_part

PROMPTS_SHOWN = 200
TRIALS_SHOWN = 10
# After that somebody should look whether a worker runs.
WORKER_PATIENCE = timedelta(seconds=30)
ACTIONS = {"retry": retry, "give-up": give_up, "resume": resume}


class TrialForm(forms.Form):
    """One prompt: a study's own, or any text."""

    prompt = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), max_length=5000, label="Prompt"
    )


@require_http_methods(["GET", "POST"])
def endpoint_trial(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """What a trial would send and cost; a POST sends it."""
    endpoint = get_object_or_404(Endpoint.objects.select_related("model"), pk=endpoint_id)
    study = _study_of(request, endpoint)
    form = _form_for(request, study)
    if request.method == "POST" and form.is_valid():
        try:
            job = _plan(endpoint, study, form)
            return redirect("owner-endpoint-trial-job", endpoint_id=endpoint.pk, job_id=job.pk)
        except JuiceError as error:
            form.add_error(None, str(error))
    now = timezone.now()
    cost = estimated_cost(endpoint)
    context = {
        "endpoint": endpoint,
        "study": study,
        "form": form,
        "cost": "" if cost is None else as_money(cost, endpoint.currency),
        "budget": budget_room(endpoint, now),
        "held": held_by(endpoint, now),
        "earlier": endpoint.jobs.filter(is_trial=True).order_by("-pk")[:TRIALS_SHOWN],
    }
    status = 400 if form.errors else 200
    return render(request, "owner/endpoint_trial.html", context, status=status)


@require_safe
def trial_job(request: HttpRequest, endpoint_id: int, job_id: int) -> HttpResponse:
    """How a trial goes, and then the clip, or what went wrong."""
    return render(request, "owner/endpoint_trial_job.html", _context(endpoint_id, job_id))


@live_part
def trial_job_part(request: HttpRequest, endpoint_id: int, job_id: int) -> HttpResponse:
    """The part of that page that changes by itself."""
    return render(request, "owner/_endpoint_trial_job.html", _context(endpoint_id, job_id))


@require_POST
def trial_job_action(
    request: HttpRequest, endpoint_id: int, job_id: int, what: str
) -> HttpResponse:
    """Try again, give it up, or have its endpoint called again."""
    job = _trial(endpoint_id, job_id)
    if what not in ACTIONS:
        return HttpResponseBadRequest("There is no such action.")
    messages.success(request, ACTIONS[what](Job.objects.filter(pk=job.pk), is_one=True))
    return redirect("owner-endpoint-trial-job", endpoint_id=endpoint_id, job_id=job_id)


def _study_of(request: HttpRequest, endpoint: Endpoint) -> Study | None:
    """The study that the trial is for, if one of the model's is named."""
    slug = request.POST.get("study") or request.GET.get("study", "")
    return Study.objects.filter(study_models__model=endpoint.model_id, slug=slug).first()


def _form_for(request: HttpRequest, study: Study | None) -> forms.Form:
    """A choice among the study's prompts; without them, a text."""
    form = TrialForm(request.POST or None, initial={"prompt": USUAL_PROMPT})
    prompts = list(study.prompts.order_by("key")[:PROMPTS_SHOWN]) if study else []
    if prompts:
        choices = [(prompt.pk, f"{prompt.key}: {prompt.text[:100]}") for prompt in prompts]
        form.fields["prompt"] = forms.ChoiceField(choices=choices, label="Prompt of the study")
    return form


def _plan(endpoint: Endpoint, study: Study | None, form: forms.Form) -> Job:
    given, now = form.cleaned_data["prompt"], timezone.now()
    like = study.prompts.get(pk=given) if study and study.prompts.exists() else None
    text = like.text if like else given
    return plan_trial(endpoint=endpoint, text=text, now=now, study=study, like=like)


def _trial(endpoint_id: int, job_id: int) -> Job:
    trials = with_all(Job.objects.filter(endpoint=endpoint_id, is_trial=True))
    found: Job = get_object_or_404(trials, pk=job_id)
    return found


def _context(endpoint_id: int, job_id: int) -> dict[str, Any]:
    job, now = _trial(endpoint_id, job_id), timezone.now()
    is_waiting = job.state == JobState.READY
    held = held_by(job.endpoint, now) if is_waiting else None
    return {
        "endpoint": job.endpoint,
        "details": job_context(job),
        "held": held,
        "advice": advice_on(held.why) if held else "",
        "is_over": job.state not in MOVING or (job.wake_at is None),
        "lacks_a_worker": is_waiting
        and not held
        and not job.submits
        and now - job.created_at > WORKER_PATIENCE,
    }
