"""Which addresses an endpoint may have: staff type them, so they could point inwards."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from generation.adapters.base import PermanentError, RetryableError


def ensure_allowed(url: str, *, is_internal: bool) -> None:
    """Refuse what is not HTTP, and addresses that are not public unless marked internal.

    Raises
    ------
    PermanentError
        The address is not allowed.
    RetryableError
        The name cannot be resolved now.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PermanentError(f"{url} is not an http or https address.")
    if is_internal:
        return
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise RetryableError(f"The name {parts.hostname} cannot be resolved: {error}") from error
    for *_, address in found:
        if not ipaddress.ip_address(address[0]).is_global:
            raise PermanentError(
                f"{parts.hostname} is an address of a private network. Mark the endpoint as "
                "internal if it is yours."
            )
