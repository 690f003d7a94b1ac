"""What workers and sweeps leave in Redis."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from annotations.one_at_a_time import one_at_a_time
from juice.tasks import heartbeat
from operation import noting, signs
from operation.signs import (
    HEARTBEAT,
    WORKERS_KEY,
    note_failed_sweep,
    note_sweep,
    note_worker,
    read_signs,
)

SWEEP = "generation.tasks.sweep"


def seen(task: str) -> signs.SweepSeen:
    [found] = [one for one in read_signs().sweeps if one.task == task]
    return found


def finish(task: str, *, state: str = "SUCCESS", retval: object = None) -> None:
    """As Celery says it to who listens."""
    noting.begin(task=SimpleNamespace(name=task))
    noting.end(task=SimpleNamespace(name=task), state=state, retval=retval)


def test_nothing_was_seen_of_a_redis_that_was_wiped(redis):
    found = read_signs()
    assert found.lengths == dict.fromkeys(("blocking", "control", "media", "transfer"), 0)
    assert (found.workers, found.heartbeat_at) == ((), None)
    assert {one.ended_at for one in found.sweeps} == {None}


def test_the_length_of_a_queue_is_that_of_the_brokers_list(redis):
    redis.rpush("media", "a task", "another")
    assert read_signs().lengths["media"] == 2


def test_a_worker_says_its_queues(redis, now):
    note_worker("media@host", ["media"])
    [worker] = read_signs().workers
    assert (worker.name, worker.queues) == ("media@host", ("media",))
    assert worker.is_alive(now)
    assert not worker.is_alive(now + timedelta(minutes=2))


def test_a_worker_that_has_been_silent_for_long_is_forgotten(redis, now):
    long_ago = (now - timedelta(hours=2)).isoformat()
    redis.hset(WORKERS_KEY, "old@host", json.dumps({"queues": ["media"], "seen_at": long_ago}))
    note_worker("new@host", ["media"])
    assert [worker.name for worker in read_signs().workers] == ["new@host"]


def test_heartbeats_of_a_worker_are_noted_now_and_then(redis, monkeypatch):
    monkeypatch.setitem(noting._last_noted, "worker", 0.0)
    consumed = SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from={"a": 1})))
    heart = SimpleNamespace(eventer=SimpleNamespace(hostname="w@host", app=consumed))
    noting.note_life(sender=heart)
    redis.delete(WORKERS_KEY)
    noting.note_life(sender=heart)
    assert read_signs().workers == ()


def test_the_end_of_a_periodic_task_is_noted(redis):
    finish(SWEEP)
    assert seen(SWEEP).ended_at is not None
    assert seen(SWEEP).seconds < 60
    assert seen(HEARTBEAT).ended_at is None


def test_other_tasks_are_not_noted(redis):
    finish("annotations.tasks.render")
    assert redis.hgetall(signs.SWEEPS_KEY) == {}


def test_a_failure_is_told_by_its_kind_until_the_next_success(redis):
    note_sweep(SWEEP, seconds=1)
    finish(SWEEP, state="FAILURE", retval=ValueError("of Ada Lovelace"))
    failed = seen(SWEEP)
    assert (failed.has_failed, failed.error, failed.seconds) == (True, "ValueError", 1)
    assert "Ada" not in str(redis.hgetall(signs.SWEEPS_KEY))
    finish(SWEEP)
    assert not seen(SWEEP).has_failed


def test_a_call_that_was_passed_over_is_no_end_of_a_sweep(redis):
    finish(SWEEP, retval=False)
    assert seen(SWEEP).ended_at is None


def test_a_sweep_says_whether_it_ran():
    ran = []

    @one_at_a_time
    def sweep() -> None:
        ran.append(sweep() if not ran else None)

    assert sweep() is True
    # Reversed: what is called within the first call is passed over.
    assert ran == [False]


def test_a_task_that_is_run_by_celery_is_noted(redis):
    heartbeat.apply()
    assert seen(HEARTBEAT).ended_at is not None


@pytest.mark.usefixtures("no_redis")
def test_workers_go_on_while_redis_is_away():
    finish(SWEEP)


def test_what_failed_first_and_never_ended_has_failed(redis):
    note_failed_sweep(SWEEP, error="OSError")
    assert seen(SWEEP).has_failed


@pytest.mark.django_db
def test_readiness_asks_for_the_last_heartbeat(client, redis, now):
    def said() -> str:
        return client.get("/readyz").json()["checks"]["worker"]

    assert said() == "no worker seen yet"
    note_sweep(HEARTBEAT, seconds=0.1)
    assert said() == "ok"
    long_ago = {"ended_at": (now - timedelta(minutes=5)).isoformat(), "seconds": 0.1}
    redis.hset(signs.SWEEPS_KEY, HEARTBEAT, json.dumps(long_ago))
    assert said().startswith("last seen 30")


@pytest.mark.django_db
@pytest.mark.usefixtures("no_redis")
def test_readiness_says_that_redis_is_away_and_no_address(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["worker"]) == (
        503,
        "failed: ConnectionError",
    )
