"""What stopped a report, in words for the study's owner, and when it is tried again."""

from __future__ import annotations

import errno
from datetime import timedelta

from celery.exceptions import SoftTimeLimitExceeded

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
_DOUBLINGS = 6

_FULL = "There is no room left on the disk that holds the files. Make room on it."
_READ_ONLY = "The disk that holds the files is read-only. Look at it, and mount it for writing."
_FORBIDDEN = "The workers may not write to the folder of the files. Let their user write there."
_DISK_WORDS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
}
_TOO_LONG = (
    "It took longer than a worker may take for one report. "
    "`manage.py report` makes it without that limit."
)
_TOO_LARGE = "The worker ran out of memory. Give the workers more of it."
WORKER_DIED = (
    "The worker stopped while it made the report, several times: "
    "perhaps it has too little memory. Its log tells more."
)


def pause_after(tries: int) -> timedelta:
    """A minute after the first failure, twice as long after each further one, up to an hour."""
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(max(tries - 1, 0), _DOUBLINGS), LONGEST_PAUSE)
    return pause


def why_failed(error: Exception) -> str:
    """The cause, and what to do about it."""
    if isinstance(error, OSError) and error.errno in _DISK_WORDS:
        place = f" ({error.filename})" if error.filename else ""
        return f"{_DISK_WORDS[error.errno]}{place}"
    if isinstance(error, SoftTimeLimitExceeded):
        return _TOO_LONG
    if isinstance(error, MemoryError):
        return _TOO_LARGE
    return f"{type(error).__name__}: {error}. The workers' log tells where."
