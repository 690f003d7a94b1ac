"""Set up a live and a finished study, and a small one of each kind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from django.contrib.auth.models import User
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from analysis.services.making import compute_report_now
from annotations.enums import StudyState
from annotations.models import Comparison, GenerativeModel, Prompt, Study
from annotations.services.clips.sharing import clips_of_study, share_clips
from annotations.services.studies.states import (
    close_study,
    create_study,
    open_study,
    start_preparing,
)
from annotations.services.studies.texts import translate_study
from annotations.simulation import Truth, simulate_raters
from examples.demo.content import (
    CLIP_MODELS,
    KINDS,
    make_endpoints,
    make_prompts,
    make_study_of_kind,
)
from generation.jobs.planning import plan_jobs
from generation.models import Job
from owner.studies.gaps import reach_of

LIVE_SLUG, FINISHED_SLUG = "demo", "demo-finished"
TITLE = "Which clip is better?"
TITLES = {"es": "¿Qué clip es mejor?", "zh-hans": "哪个片段更好？", "ar": "أي مقطع أفضل؟"}
ACCURACIES = [0.95, 0.9, 0.85, 0.8, 0.75]
TRUTH = Truth(better="demo-aurora", share={"quality": 0.85, "faithfulness": 0.9})
PATIENCE_SECONDS = 600


class DemoFailed(Exception):
    """The demo's studies cannot be set up; the message says why."""


def set_up(*, endpoint_url: str, site_url: str) -> dict[str, str]:
    """The links that `make demo` prints; progress bars go to the terminal."""
    _make_admin()
    make_endpoints(endpoint_url)
    prompts = make_prompts()
    live = _study(LIVE_SLUG, TITLE, prompts)
    finished = _study(FINISHED_SLUG, f"{TITLE} (finished, simulated)", prompts)
    kinds = [make_study_of_kind(one) for one in KINDS]
    with _progress() as progress:
        _generate(progress, [live, *kinds])
        share_clips(study=finished, clips=clips_of_study(live))
        _prepare_and_open(progress, [live, finished, *kinds])
        _simulate(progress, finished, site_url)
    compute_report_now(study=finished)
    site = site_url.rstrip("/")
    return {
        "rater_url": f"{site}/s/{live.slug}/",
        "admin_url": f"{site}/studies/",
        "admin_user": "admin",
        "report_url": f"{site}/r/{finished.report_token}/",
        "kinds_urls": " ".join(f"{site}/s/{study.slug}/" for study in kinds),
    }


def _make_admin() -> None:
    """The owner's account; its password is new in every run."""
    password = os.environ.get("DEMO_ADMIN_PASSWORD")
    if not password:
        raise DemoFailed("DEMO_ADMIN_PASSWORD is not set; `make demo` sets it.")
    user, _ = User.objects.get_or_create(
        username="admin", defaults={"is_staff": True, "is_superuser": True}
    )
    user.set_password(password)
    user.save()


def _study(slug: str, title: str, prompts: list[Prompt]) -> Study:
    found = Study.objects.filter(slug=slug).first()
    if found is not None:
        return found
    models = [GenerativeModel.objects.get(slug=model) for model in CLIP_MODELS]
    study = create_study(title=title, slug=slug, models=models, prompts=prompts)
    for language, translated in TITLES.items():
        translate_study(study=study, language=language, texts={"title": translated})
    return study


def _generate(progress: Progress, studies: list[Study]) -> None:
    for study in studies:
        if reach_of(study).missing:
            plan_jobs(study=study, now=timezone.now())
    planned = sum(one.study_models.count() * one.study_prompts.count() for one in studies)
    _wait(
        progress,
        "Generating clips",
        total=planned,
        done=lambda: planned - sum(reach_of(study).missing for study in studies),
        problem=lambda: next(filter(None, map(_failed_job, studies)), ""),
    )


def _failed_job(study: Study) -> str:
    failed = Job.objects.for_study(study.pk).failed().first()
    return f"A clip could not be made: {failed.error}" if failed else ""


def _prepare_and_open(progress: Progress, studies: list[Study]) -> None:
    for study in studies:
        if study.state == StudyState.DRAFT:
            start_preparing(study=study)
    pairs = Comparison.objects.filter(study__in=studies).counted().ready()
    _wait(
        progress,
        "Preparing fair pairs",
        total=sum(study.study_prompts.count() for study in studies),
        done=pairs.count,
        problem=lambda: next(filter(None, map(_failed_pair, studies)), ""),
    )
    for study in studies:
        if study.state == StudyState.PREPARING:
            open_study(study=study, now=timezone.now())


def _failed_pair(study: Study) -> str:
    failed = study.comparisons.filter(state="failed").first()
    return f"A pair could not be prepared; see /studies/{study.slug}/." if failed else ""


def _simulate(progress: Progress, study: Study, site_url: str) -> None:
    if study.state != StudyState.OPEN:
        return
    total = study.comparisons.counted().ready().count() * len(ACCURACIES)
    task = progress.add_task("Simulated raters judging", total=total)
    simulate_raters(
        study=study,
        site_url=site_url,
        accuracies=ACCURACIES,
        truth=TRUTH,
        seed=1,
        on_judged=lambda: progress.advance(task),
    )
    close_study(study=study, now=timezone.now())


def _wait(
    progress: Progress,
    what: str,
    *,
    total: int,
    done: Callable[[], int],
    problem: Callable[[], str],
) -> None:
    """Show a bar until the workers have done it."""
    task = progress.add_task(what, total=total, completed=done())
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (completed := done()) < total:
        progress.update(task, completed=completed)
        if failure := problem():
            raise DemoFailed(failure)
        if time.monotonic() > give_up_at:
            raise DemoFailed(
                f"{what}: {completed} of {total} after {PATIENCE_SECONDS} s. Is a worker running?"
            )
        time.sleep(0.3)
    progress.update(task, completed=total)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:<26}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
