"""Connect to the addresses that were checked: a name may stand for another one a moment later."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from annotations.net.patience import trusted


def transport_to(url: str, addresses: Sequence[str]) -> httpx.BaseTransport | None:
    """What leads a client's calls of `url` to these addresses and to no others.

    None, for httpx's own, where there is nothing to hold to: the host is ours, or a proxy of the
    environment connects, which has rules of its own.
    """
    if not addresses or _goes_through_proxy(url):
        return None
    return PinnedTransport(addresses)


class PinnedTransport(httpx.BaseTransport):
    """Calls keep the host's name for the server and for its certificate."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = addresses
        self.inner = httpx.HTTPTransport(verify=trusted())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        *others, last = self.addresses
        for address in others:
            try:
                return self._send(request, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                # Nothing was sent: the next address is worth a try.
                continue
        return self._send(request, last)

    def _send(self, request: httpx.Request, address: str) -> httpx.Response:
        name = request.url.raw_host.decode("ascii")
        led = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": name},
        )
        return self.inner.handle_request(led)

    def close(self) -> None:
        self.inner.close()


def _goes_through_proxy(url: str) -> bool:
    parts = urlsplit(url)
    proxies = getproxies()
    has_proxy = parts.scheme in proxies or "all" in proxies
    return has_proxy and not proxy_bypass(parts.hostname or "")
