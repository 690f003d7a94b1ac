"""Who is rating: the rater's credential in a cookie per study, or in a header for API clients."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from annotations.models import Rater, Study
from annotations.panels import SUBMIT_PARAMETER, allowed_submit_host
from annotations.services.raters.entry import PanelIdentity, recruitment_of
from annotations.services.raters.joining import find_rater, rater_id_of, sign_rater

HEADER_SCHEME = "Rater "


def cookie_name(study_id: int) -> str:
    return f"rater_{study_id}"


def rater_in(request: HttpRequest, study: Study) -> Rater | None:
    """The rater of this study that the request comes from."""
    return find_rater(_credential_for(request, study.pk), study)


def rater_id_in(request: HttpRequest, study_id: int) -> int | None:
    """Whose credential the request has, without looking for the rater's row."""
    return rater_id_of(_credential_for(request, study_id))


def _credential_for(request: HttpRequest, study_id: int) -> str:
    # Who sends the header means it, whatever cookie a browser adds.
    return rater_credential(request) or request.COOKIES.get(cookie_name(study_id), "")


def rater_credential(request: HttpRequest) -> str:
    """The credential of an `Authorization: Rater <credential>` header, or an empty text."""
    header = request.headers.get("Authorization", "")
    return header.removeprefix(HEADER_SCHEME) if header.startswith(HEADER_SCHEME) else ""


def remember_rater(response: HttpResponse, rater: Rater) -> None:
    response.set_cookie(
        cookie_name(rater.study_id),
        sign_rater(rater),
        max_age=settings.RATER_COOKIE_AGE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.HTTPS,
    )


def panel_identity(study: Study, values: dict[str, str]) -> PanelIdentity:
    """The panel's ids from query or form parameters, in either case of letters."""
    unfilled = recruitment_of(study).spec.unfilled
    lowered = {
        name.lower(): value.strip()[:120] for name, value in values.items() if value not in unfilled
    }
    ids = {
        field: lowered.get(name.lower(), "") if name else ""
        for field, name in panel_parameters(study).items()
    }
    return PanelIdentity(**{**ids, "submit_to": allowed_submit_host(ids["submit_to"])})


def panel_parameters(study: Study) -> dict[str, str]:
    """The parameters of the link that hold an identity's fields; empty where there is none."""
    recruitment = recruitment_of(study)
    return {
        "external_id": recruitment.rater_parameter,
        "external_study_id": recruitment.spec.study_parameter,
        "external_session_id": recruitment.spec.session_parameter,
        "submit_to": SUBMIT_PARAMETER if recruitment.is_framed else "",
    }
