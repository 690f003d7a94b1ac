"""Which addresses an endpoint may have: staff type them, so they could point inwards."""

from __future__ import annotations

from annotations.services.clips.downloads import (
    DownloadFailed,
    DownloadRefused,
    PrivateAddress,
    ensure_public,
)
from generation.adapters.base import PermanentError, RetryableError


def ensure_allowed(url: str, *, is_internal: bool) -> list[str]:
    """Refuse what is not HTTP, and addresses that are not public unless marked internal.

    Returns
    -------
    list of str
        What the name stands for, to connect to nothing else; empty if any address will do.

    Raises
    ------
    PermanentError
        The address is not allowed.
    RetryableError
        The name cannot be resolved now.
    """
    try:
        return ensure_public(url, is_internal=is_internal)
    except PrivateAddress as error:
        raise PermanentError(f"{error} Mark the endpoint as internal if it is yours.") from error
    except DownloadRefused as error:
        raise PermanentError(str(error)) from error
    except DownloadFailed as error:
        raise RetryableError(str(error)) from error
