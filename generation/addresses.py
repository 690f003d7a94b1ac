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
    host, port = _host_and_port(url)
    if is_internal:
        return
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise PermanentError(f"{host} is not the name of a machine.") from error
    except OSError as error:
        raise RetryableError(f"The name {host} cannot be resolved: {error}") from error
    for *_, address in found:
        if not _is_public(str(address[0])):
            raise PermanentError(
                f"{host} is an address of a private network. Mark the endpoint as internal if it "
                "is yours."
            )


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError as error:
        raise PermanentError(f"{url} is not an address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PermanentError(f"{url} is not an http or https address.")
    return parts.hostname, port


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    # An IPv4 address in IPv6 clothes leads to the same machine.
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_global and not address.is_multicast
