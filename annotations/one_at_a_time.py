"""Sweeps that do not pile up."""

from collections.abc import Callable
from functools import wraps
from threading import Lock


def one_at_a_time(work: Callable[[], None]) -> Callable[[], bool]:
    """Skip a call while another one runs in this process; the next tick finds what is left.

    Says whether the work was done: a sweep that hangs must not look like one that ends.

    Ticks come whether or not a sweep is over. On a database that takes longer than a tick, they
    would take every thread that sends and asks.
    """
    busy = Lock()

    @wraps(work)
    def call() -> bool:
        if not busy.acquire(blocking=False):
            return False
        try:
            work()
            return True
        finally:
            busy.release()

    return call
