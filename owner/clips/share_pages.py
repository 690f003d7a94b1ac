"""The owner's page of using clips that are there already: of another study, or of an import."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from annotations.enums import StudyState
from annotations.errors import JuiceError
from annotations.inputs import read_whole_number
from annotations.models import ClipImport, Stimulus, Study
from annotations.services.clips.sharing import (
    Offer,
    clips_of_import,
    clips_of_study,
    imports_to_share_from,
    offer_of,
    share_clips,
    studies_to_share_from,
)
from owner.lookup import get_study


@dataclass(frozen=True)
class ClipSource:
    """Where clips can be taken from; `field` and `value` are what its buttons send."""

    field: str
    value: int
    name: str
    address: str
    offer: Offer


@require_http_methods(["GET", "POST"])
def share(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose a study or an import, and see by number what it would bring."""
    study = get_study(slug)
    if request.method == "POST":
        try:
            clips = _chosen(request)
            widen = request.POST.get("widen") == "yes"
            added = share_clips(study=study, clips=clips, widen=widen)
        except JuiceError as error:
            messages.error(request, str(error))
        else:
            words = "1 clip is" if added == 1 else f"{added} clips are"
            messages.success(request, f"{words} now in this study, too.")
        return redirect("owner-share", slug=study.slug)
    context = {
        "study": study,
        "sources": _sources(study),
        "can_widen": study.state == StudyState.DRAFT,
        "is_closed": study.state == StudyState.CLOSED,
    }
    return render(request, "owner/share.html", context)


def _chosen(request: HttpRequest) -> QuerySet[Stimulus]:
    if asked := request.POST.get("study"):
        other = get_object_or_404(Study, pk=read_whole_number(asked, what="study"))
        return clips_of_study(other)
    number = read_whole_number(request.POST.get("import", ""), what="import")
    return clips_of_import(get_object_or_404(ClipImport, pk=number, study=None))


def _sources(study: Study) -> list[ClipSource]:
    studies = [
        ClipSource(
            "study",
            other.pk,
            other.title,
            reverse("owner-study", args=[other.slug]),
            offer_of(study, clips_of_study(other)),
        )
        for other in studies_to_share_from(study)
    ]
    imports = [
        ClipSource(
            "import", one.pk, f"Import of {one.source}", "", offer_of(study, clips_of_import(one))
        )
        for one in imports_to_share_from()
    ]
    return [source for source in (*studies, *imports) if source.offer.clips]
