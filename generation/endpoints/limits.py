"""What an endpoint takes now: its places, its rate, its budgets, its pauses.

Everything is counted from rows. Under the lock of the endpoint's row the counts are exact for any
number of workers, and what a dead worker took is given back by the rows alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from generation.adapters.base import (
    Adapter,
    AdapterError,
    AuthOrQuotaError,
    RateLimitedError,
    RetryableError,
    UnknownOutcomeError,
)
from generation.adapters.registry import is_blocking
from generation.costs import estimated_cost
from generation.enums import AttemptState
from generation.models import Endpoint

AUTH_PAUSE = timedelta(hours=1)
LONGEST_FAILURE_PAUSE = timedelta(minutes=15)
# A pause that an endpoint asks for when it is sent a job holds other calls no longer than this:
# clips that are made must be fetched before they are deleted there.
LONGEST_OTHER_PAUSE = timedelta(minutes=1)
MINUTE = timedelta(minutes=1)
PROBING = "One call tries whether it works again."
SWITCH_ON = "Switch it on in its settings, or give its clips up."
END_PAUSE = "It goes on by itself; when the cause is mended, you can have it called again at once."
RAISE_BUDGET = "Raise the budget in its settings, or give up the clips that wait."
LOOK_AT_LOST = "Look at the clips that wait for you, and try them again or give them up."
FAILED_CALLS = (RetryableError, UnknownOutcomeError)


@dataclass(frozen=True)
class Room:
    """How many more jobs an endpoint takes now, what the limit is, and what widens it."""

    jobs: int
    why: str
    remedy: str = ""
    is_pause: bool = False


def room_at(endpoint: Endpoint, now: datetime, adapter: Adapter | None = None) -> Room:
    """The narrowest of the endpoint's limits.

    Parameters
    ----------
    adapter
        The endpoint's adapter, if it was built already.
    """
    return min(_limits(endpoint, now, adapter), key=lambda room: room.jobs)


def why_held(endpoint: Endpoint, now: datetime) -> str:
    """Why no job is sent to it for some time; empty when it takes jobs, or is merely busy."""
    held = held_by(endpoint, now)
    return held.why if held else ""


def held_by(endpoint: Endpoint, now: datetime) -> Room | None:
    """The limit that keeps jobs from it for some time; None when it takes some, or is busy."""
    rooms = [*_pauses(endpoint, now), *_budgets(endpoint, now), _left_by_the_lost(endpoint, now)]
    return next((room for room in rooms if room.jobs <= 0), None)


def budget_room(endpoint: Endpoint, now: datetime) -> Room | None:
    """The narrowest of its budgets; None where it has none."""
    return min(_budgets(endpoint, now), key=lambda room: room.jobs, default=None)


def _limits(endpoint: Endpoint, now: datetime, adapter: Adapter | None) -> Iterator[Room]:
    yield from _pauses(endpoint, now)
    taken = endpoint.jobs.at_endpoint(now=now).count() + _abandoned(endpoint, now)
    yield Room(endpoint.max_concurrency - taken, "All its places are taken.")
    if endpoint.jobs_per_minute:
        sent = endpoint.attempts.sent_since(now - MINUTE).count()
        yield Room(endpoint.jobs_per_minute - sent, "It was sent its jobs of this minute.")
    yield from _budgets(endpoint, now, adapter)


def _pauses(endpoint: Endpoint, now: datetime) -> Iterator[Room]:
    if not endpoint.is_active:
        yield Room(0, "It is switched off.", SWITCH_ON)
    elif until := endpoint.resumes_at(now):
        shown = f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        why = f"It rests until {shown}. {endpoint.paused_why}".rstrip()
        yield Room(0, why, END_PAUSE, is_pause=True)
    elif endpoint.is_failing:
        yield Room(1, PROBING)


def _abandoned(endpoint: Endpoint, now: datetime) -> int:
    """Attempts that nobody waits for and that may still be made: they take places, too."""
    given_up = endpoint.attempts.filter(state=AttemptState.ABANDONED)
    return given_up.filter(sent_at__gt=now - longest_run(endpoint)).count()


def _left_by_the_lost(endpoint: Endpoint, now: datetime) -> Room:
    parked = endpoint.jobs.at_endpoint(now=now).filter(wake_at=None).count()
    left = endpoint.max_concurrency - parked - _abandoned(endpoint, now)
    why = "Jobs whose answer was lost may still be made there and hold all places."
    return Room(left, why, LOOK_AT_LOST)


def longest_run(endpoint: Endpoint) -> timedelta:
    """After which time a job is surely over at the endpoint."""
    if is_blocking(endpoint):
        # It works as long as the call lasts.
        return timedelta(seconds=2 * settings.GENERATION_SUBMIT_LEASE_SECONDS)
    return timedelta(seconds=settings.GENERATION_DEADLINE_SECONDS)


def _budgets(endpoint: Endpoint, now: datetime, adapter: Adapter | None = None) -> Iterator[Room]:
    charged = endpoint.attempts.charged()
    spans = {
        "day's": (charged.filter(sent_at__gte=_midnight(now)), endpoint.daily_jobs),
        "whole": (charged, endpoint.total_jobs),
    }
    for span, (attempts, most) in spans.items():
        if most is not None:
            why = f"Its {span} budget of {most} jobs is used up."
            yield Room(most - attempts.count(), why, RAISE_BUDGET)
    costs = {"day's": endpoint.daily_cost, "whole": endpoint.total_cost}
    limited = {span: most_cost for span, most_cost in costs.items() if most_cost is not None}
    if limited:
        estimate = estimated_cost(endpoint, adapter=adapter)
        for span, most_cost in limited.items():
            left = most_cost - spans[span][0].spent()
            amount = f"{most_cost.normalize():f} {endpoint.currency}".rstrip()
            why = f"Its {span} budget of {amount} is used up."
            yield Room(_affordable(left, estimate), why, RAISE_BUDGET)


def _affordable(left: Decimal, cost: Decimal | None) -> int:
    """How many jobs the money that is left pays for."""
    if not cost:
        return 1 if left > 0 else 0
    return max(int(left // cost), 0)


def _midnight(now: datetime) -> datetime:
    """The beginning of the day, in the site's time zone."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


# The circuit breaker


def may_call(endpoint: Endpoint, now: datetime) -> bool:
    """Whether to call an endpoint; when it failed before, one call at a time tries it out."""
    if not endpoint.is_failing:
        return True
    lease = timedelta(seconds=settings.GENERATION_SUBMIT_LEASE_SECONDS)
    resting = Endpoint.objects.filter(pk=endpoint.pk, failures__gte=F("pause_after"))
    free = resting.filter(Q(paused_until=None) | Q(paused_until__lte=now))
    if free.update(paused_until=now + lease, paused_why=PROBING):
        return True
    # Somebody else's call may have shown meanwhile that it works.
    return not resting.exists()


def note_answer(endpoint: Endpoint) -> None:
    """It answers: failures in a row begin anew."""
    if not endpoint.failures:
        return
    failing = Endpoint.objects.filter(pk=endpoint.pk, failures__gt=0)
    failing.filter(paused_why=PROBING).update(paused_until=None, paused_why="")
    failing.update(failures=0)


def note_error(
    endpoint: Endpoint, error: AdapterError, now: datetime, *, sending: bool = False
) -> datetime:
    """Leave the endpoint alone if an error asks for it.

    Parameters
    ----------
    sending
        Whether the error is an answer to a job; its pause then holds jobs above all.

    Returns
    -------
    datetime
        When the call may be made again.
    """
    if isinstance(error, FAILED_CALLS):
        return _note_failure(endpoint, error, now)
    note_answer(endpoint)
    if isinstance(error, RateLimitedError):
        until = now + timedelta(seconds=error.retry_after)
    elif isinstance(error, AuthOrQuotaError):
        until = now + AUTH_PAUSE
    else:
        return now
    held = min(until, now + LONGEST_OTHER_PAUSE) if sending else until
    _pause(endpoint, str(error), sends_paused_until=until, paused_until=held)
    return until


def _note_failure(endpoint: Endpoint, error: AdapterError, now: datetime) -> datetime:
    """Count a failure, and pause after so many: ever longer, while the tries between fail."""
    # Calls that were under way when the pause began say nothing new.
    awake = Q(paused_until=None) | Q(paused_until__lte=now) | Q(paused_why=PROBING)
    Endpoint.objects.filter(awake, pk=endpoint.pk).update(failures=F("failures") + 1)
    failures, most = Endpoint.objects.values_list("failures", "pause_after").get(pk=endpoint.pk)
    if failures < most:
        return now
    first = timedelta(seconds=settings.GENERATION_FAILURE_PAUSE_SECONDS)
    until: datetime = now + min(first * 2 ** min(failures - most, 10), LONGEST_FAILURE_PAUSE)
    _pause(endpoint, f"{failures} calls in a row failed: {error}", paused_until=until)
    return until


def _pause(endpoint: Endpoint, why: str, **pauses: datetime) -> None:
    """Rest until then; a pause is never shortened, and the longest one says why."""
    rows = Endpoint.objects.filter(pk=endpoint.pk)
    with transaction.atomic():
        rows.filter(paused_why=PROBING).update(paused_until=None, paused_why="")
        longest = max(pauses.values())
        shorter = rows.exclude(Q(paused_until__gt=longest) | Q(sends_paused_until__gt=longest))
        shorter.update(paused_why=why)
        for field, until in pauses.items():
            rows.exclude(**{f"{field}__gt": until}).update(**{field: until})
