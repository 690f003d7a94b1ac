"""Which addresses an endpoint may have: staff type them, so they could point inwards."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

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


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or usual


def host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def join_url(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise PermanentError(f"The clip's address redirects to none: {error}") from error
