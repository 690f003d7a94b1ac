"""Try an endpoint out with one clip, made by the workers."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotations.errors import JuiceError
from generation.costs import as_money, estimated_cost
from generation.endpoints.limits import why_held
from generation.endpoints.trial import USUAL_PROMPT, plan_trial
from generation.enums import MOVING, JobState
from generation.jobs.decisions import give_up_jobs
from generation.jobs.mending import advice_on, how_to_mend
from generation.models import Endpoint, Job
from generation.tasks import queue_stops

LOOK_EVERY_SECONDS = 1.0


class Command(BaseCommand):
    help = (
        "Ask the endpoint of a model for one clip, and say what becomes of it. The workers must be "
        "running. It belongs to no study, and counts by the endpoint's limits and budgets."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", help="the model's slug, as in its address in the admin")
        parser.add_argument("--prompt", default=USUAL_PROMPT)
        parser.add_argument("--timeout", type=float, default=900, help="seconds (default: 900)")

    def handle(self, *args: Any, **options: Any) -> None:
        endpoint = Endpoint.objects.filter(model__slug=options["model"]).first()
        if endpoint is None:
            raise CommandError(f"No model {options['model']} has an endpoint.")
        cost = estimated_cost(endpoint)
        known = f"about {as_money(cost, endpoint.currency)}" if cost is not None else "unknown"
        self.stdout.write(f"{endpoint}; estimated cost: {known}")
        try:
            job = plan_trial(endpoint=endpoint, text=options["prompt"], now=timezone.now())
        except JuiceError as error:
            raise CommandError(str(error)) from error
        self._follow(job, options["timeout"])
        if job.stimulus is None:
            raise CommandError(f"{job.get_state_display()}: {job.error} {how_to_mend(job)}".strip())
        attempt = job.attempts.last()
        if attempt is not None and attempt.cost is not None:
            basis = "recorded" if attempt.is_cost_told else "estimated"
            self.stdout.write(f"cost: {attempt.cost_in_words} ({basis})")
        made = job.stimulus
        self.stdout.write(f"It works: {made.width} x {made.height}, {made.seconds:.2f} s")

    def _follow(self, job: Job, seconds: float) -> None:
        """Print each change until the job is over.

        Raises
        ------
        CommandError
            It is not over in time: it is given up, lest it cost something later.
        """
        give_up_at, said = time.monotonic() + seconds, ""
        while job.state in MOVING and not _waits_for_a_person(job):
            words = _standing(job)
            if words != said:
                self.stdout.write(words)
                said = words
            if time.monotonic() > give_up_at:
                _, running = give_up_jobs(jobs=Job.objects.filter(pk=job.pk), now=timezone.now())
                queue_stops(running)
                raise CommandError(f"Given up after {seconds:g} s. {said}")
            time.sleep(LOOK_EVERY_SECONDS)
            job.refresh_from_db()


def _waits_for_a_person(job: Job) -> bool:
    return job.state == JobState.UNKNOWN_OUTCOME and job.wake_at is None


def _standing(job: Job) -> str:
    held = why_held(job.endpoint, timezone.now()) if job.state == JobState.READY else ""
    if held:
        return f"{job.get_state_display()}: {held} {advice_on(held)}".rstrip()
    done = f", {job.progress} %" if job.progress is not None else ""
    return f"{job.get_state_display()}{done}{': ' + job.error if job.error else ''}"
