"""The owner's page of examples, practice, tests and checks."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from annotations.enums import CheckRole
from annotations.errors import ImportRefused, JuiceError
from annotations.models import Study
from annotations.services.checks.defining import check_plan_of, example_coverage, remove_check
from annotations.services.checks.files import create_check, import_checks
from annotations.services.studies.protocol import is_frozen
from owner.checks.forms import CheckForm
from owner.lookup import get_study

CHECKS_SHOWN = 500
WINNERS = [("", "either, or not asked"), ("a", "model A's"), ("b", "model B's")]


@require_http_methods(["GET", "POST"])
def study_checks(request: HttpRequest, slug: str) -> HttpResponse:
    """The checks there are, how well the examples teach, and a form for one more."""
    study = get_study(slug)
    form = CheckForm(request.POST or None, study=study)
    if request.method == "POST" and form.is_valid():
        try:
            create_check(study=study, row=form.row())
            messages.success(request, "The check is there; its clips are prepared with the others.")
            return redirect("owner-checks", slug=study.slug)
        except JuiceError as error:
            form.add_error(None, str(error))
    return _show(request, study, form=form, status=400 if form.errors else 200)


@require_POST
def import_study_checks(request: HttpRequest, slug: str) -> HttpResponse:
    """Add the checks of a table."""
    study = get_study(slug)
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, "Choose a file first.")
        return redirect("owner-checks", slug=study.slug)
    try:
        added = import_checks(
            study=study,
            content=file.read(),
            name=file.name or "",
            on_note=lambda note: messages.info(request, note),
        )
        messages.success(request, f"{added} checks are there.")
    except ImportRefused as error:
        return _show(request, study, problems=error.problems, status=400)
    except JuiceError as error:
        messages.error(request, str(error))
    return redirect("owner-checks", slug=study.slug)


@require_POST
def remove_study_check(request: HttpRequest, slug: str, check_id: int) -> HttpResponse:
    """Take one out."""
    study = get_study(slug)
    check = get_object_or_404(study.checks, pk=check_id)
    try:
        remove_check(check=check)
        messages.success(request, "The check is taken out.")
    except JuiceError as error:
        messages.error(request, str(error))
    return redirect("owner-checks", slug=study.slug)


def _show(
    request: HttpRequest,
    study: Study,
    *,
    form: CheckForm | None = None,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    checks = study.checks.select_related(
        "stimulus_a__model", "stimulus_b__model", "stimulus_a__prompt", "reason", "comparison"
    )
    context = {
        "study": study,
        "plan": check_plan_of(study),
        "checks": checks[:CHECKS_SHOWN],
        "check_count": checks.count(),
        "coverage": example_coverage(study),
        "has_examples": checks.filter(role=CheckRole.EXAMPLE).exists(),
        "is_frozen": is_frozen(study),
        "form": form or CheckForm(study=study),
        "problems": problems or [],
        "winner_columns": [f"winner_{key}" for key in study.axes.values_list("key", flat=True)],
    }
    return render(request, "owner/checks.html", context, status=status)
