"""How long a job's steps may take, and when they are tried again."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.conf import settings

from generation.models import Attempt, Job

BACKOFF_BASE_SECONDS, BACKOFF_CAP_SECONDS = 2.0, 300.0
POLL_SECONDS = (1, 2, 3, 5, 8, 13, 20, 30)
FIRST_POLL = timedelta(seconds=1)
FULL_PAUSE = timedelta(seconds=2)
RECONCILE_PAUSE = timedelta(seconds=5)

RNG = random.SystemRandom()


def can_be_sent_in_time(attempt: Attempt, now: datetime) -> bool:
    """Whether the longest call that begins now ends before the lease does.

    Who takes the job up after the lease relies on that. Calls leave more than a ninth of it.
    """
    return now <= attempt.sent_at + submit_lease() / 9


def may_still_appear(attempt: Attempt, now: datetime) -> bool:
    """Whether an endpoint that does not know the job may be about to register it.

    The call is surely over when the submit's lease ends; then the endpoint's list may lag.
    """
    lag = timedelta(seconds=settings.GENERATION_LIST_LAG_SECONDS)
    return now < attempt.sent_at + submit_lease() + lag


def is_late(job: Job, now: datetime) -> bool:
    return job.deadline_at is not None and now > job.deadline_at


def submit_lease() -> timedelta:
    return timedelta(seconds=settings.GENERATION_SUBMIT_LEASE_SECONDS)


def queue_patience() -> timedelta:
    return timedelta(seconds=settings.GENERATION_QUEUE_PATIENCE_SECONDS)


def poll_pause(polls: int) -> timedelta:
    """Ever longer, and never the same for many jobs at once."""
    seconds = POLL_SECONDS[min(polls, len(POLL_SECONDS) - 1)]
    return timedelta(seconds=seconds * RNG.uniform(0.8, 1.2))


def backoff(tries: int) -> timedelta:
    """Full jitter: anything up to base x 2^tries, capped."""
    most = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2**tries)
    return timedelta(seconds=RNG.uniform(0, most))
