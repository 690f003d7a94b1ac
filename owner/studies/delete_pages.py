"""The owner's page of putting a study away, or deleting it for good."""

from __future__ import annotations

from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from analysis.services.states import files_of_reports
from annotations.errors import JuiceError, TransitionRefused
from annotations.models import Stimulus, Study
from annotations.services.clips.deleting import (
    AT_WORK,
    archive_study,
    bring_back_study,
    delete_study,
    losses_of,
)
from generation.jobs.decisions import give_up_jobs, spare_awaited
from generation.models import Job
from generation.tasks import queue_stops
from owner.lookup import get_study


@require_http_methods(["GET", "POST"])
def put_away(request: HttpRequest, slug: str) -> HttpResponse:
    """What would go, and the two buttons; deleting asks for the study's short name."""
    study = get_study(slug)
    if request.method == "POST":
        what = request.POST.get("what", "")
        if what not in ACTIONS:
            return HttpResponseBadRequest("There is no such action.")
        try:
            messages.success(request, ACTIONS[what](study, request.POST.get("name", "")))
        except JuiceError as error:
            messages.error(request, str(error))
            return redirect("owner-put-away", slug=slug)
        return redirect("owner-studies")
    context = {"study": study, "losses": losses_of(study), "is_at_work": study.state in AT_WORK}
    return render(request, "owner/put_away.html", context)


def _archive(study: Study, _: str) -> str:
    archive_study(study=study, now=timezone.now())
    return f"“{study.title}” is archived. It is found under “Archived studies”."


def _bring_back(study: Study, _: str) -> str:
    bring_back_study(study=study)
    return f"“{study.title}” is among the studies again."


def _delete(study: Study, name: str) -> str:
    if name.strip() != study.slug:
        raise TransitionRefused(
            f"Nothing was deleted: type the short name, {study.slug}, to do so."
        )
    files = files_of_reports(study)
    own = Job.objects.filter(study=study, is_trial=False)
    jobs = list(spare_awaited(own.moving()).values_list("pk", flat=True))
    title, now = study.title, timezone.now()
    # Pictures that clips of other studies start from.
    awaited = Stimulus.objects.filter(jobs__followers__isnull=False)
    delete_study(study=study, keep=awaited, now=now)
    _, running = give_up_jobs(jobs=Job.objects.filter(pk__in=jobs), now=now)
    queue_stops(running)
    for file in files:
        default_storage.delete(file)
    return f"“{title}” is deleted."


ACTIONS = {"archive": _archive, "bring-back": _bring_back, "delete": _delete}
