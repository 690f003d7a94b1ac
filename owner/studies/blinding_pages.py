"""The owner's page that searches what raters receive for what tells a model."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from annotations.blinding import check_blinding
from annotations.errors import JuiceError
from annotations.models import Study
from generation.models import Endpoint
from owner.lookup import get_study


@require_http_methods(["GET", "POST"])
def blinding_check(request: HttpRequest, slug: str) -> HttpResponse:
    """Walk the study as raters do and search what they receive for what tells a model."""
    study = get_study(slug)
    check = None
    if request.method == "POST":
        try:
            check = check_blinding(study=study, secrets=_endpoint_secrets(study))
        except JuiceError as error:
            messages.error(request, str(error))
    return render(request, "owner/blinding.html", {"study": study, "check": check})


def _endpoint_secrets(study: Study) -> dict[str, list[str]]:
    endpoints = Endpoint.objects.filter(model__studies=study)
    return {
        "hosts of endpoints": [urlsplit(one.base_url).hostname or "" for one in endpoints],
        "names at endpoints": [one.remote_model for one in endpoints],
    }
