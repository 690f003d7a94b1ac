"""The workers, by what they wait for: each kind of work has a queue, so that none holds up another.

| Queue | Work | Pool |
|---|---|---|
| `control` | sweeps, sending, asking: short calls | threads |
| `transfer` | downloads | threads |
| `blocking` | calls that end when the clip is made | threads |
| `media` | checks, renditions, reports: CPU | processes |
"""

from __future__ import annotations

QUEUES = ("control", "transfer", "blocking", "media")
PLAIN = ("--without-gossip", "--without-mingle", "--loglevel", "INFO")


def one_for_all(processes: int = 2) -> list[str]:
    """Arguments of a single worker for a single machine."""
    return ["worker", "-Q", ",".join(QUEUES), "--concurrency", str(processes), *PLAIN]


def waiting(threads: int = 12) -> list[str]:
    """Arguments of a worker for all that waits for others."""
    queues = ",".join(QUEUES[:3])
    return ["worker", "-Q", queues, "--pool", "threads", "--concurrency", str(threads), *PLAIN]


def computing(processes: int = 2) -> list[str]:
    """Arguments of a worker for all that computes."""
    return ["worker", "-Q", "media", "--concurrency", str(processes), *PLAIN]
