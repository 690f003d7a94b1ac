"""Staff type an endpoint's address: it must not lead into the network that we stand in."""

from __future__ import annotations

import socket

import pytest

from generation.adapters.base import PermanentError, RetryableError
from generation.addresses import ensure_allowed

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "::",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
]
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]


@pytest.fixture
def resolve(monkeypatch):
    """Let every name lead to these addresses, or to an error."""

    def to(*found: str, error: Exception | None = None) -> None:
        def getaddrinfo(host, port, **options):
            if error:
                raise error
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return to


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_of_the_private_network_is_refused(resolve, address):
    resolve(address)
    with pytest.raises(PermanentError, match="private network"):
        ensure_allowed("https://models.example.org/v1", is_internal=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_one_private_address_among_public_ones_is_enough(resolve, address):
    resolve(*PUBLIC, address)
    with pytest.raises(PermanentError, match="private network"):
        ensure_allowed("https://models.example.org/v1", is_internal=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_the_owner_may_allow_it(resolve, address):
    resolve(address)
    ensure_allowed("http://gpu-1:8000/v1", is_internal=True)


def test_public_addresses_are_allowed(resolve):
    resolve(*PUBLIC)
    ensure_allowed("https://models.example.org:8443/v1", is_internal=False)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/v1", "http://[::1]:8000/v1", "http://2130706433/"]
)
def test_a_number_is_looked_at_as_a_name_is(url):
    with pytest.raises(PermanentError, match="private network"):
        ensure_allowed(url, is_internal=False)


@pytest.mark.parametrize("is_internal", [True, False])
@pytest.mark.parametrize(
    "url",
    [
        "",
        "models.example.org",
        "ftp://models.example.org",
        "file:///etc/passwd",
        "http://",
        "http:///v1",
        "http://[::1",
        "http://models.example.org:99999/v1",
    ],
)
def test_only_http_addresses_are_called(url, is_internal):
    with pytest.raises(PermanentError, match="address"):
        ensure_allowed(url, is_internal=is_internal)


def test_a_name_that_cannot_be_resolved_now_is_tried_again(resolve):
    resolve(error=socket.gaierror(socket.EAI_AGAIN, "Temporary failure"))
    with pytest.raises(RetryableError, match=r"models\.example\.org cannot be resolved"):
        ensure_allowed("https://models.example.org/v1", is_internal=False)


def test_what_cannot_be_a_name_is_refused():
    with pytest.raises(PermanentError, match="not the name of a machine"):
        ensure_allowed(f"https://{'x' * 70}.example.org/v1", is_internal=False)
