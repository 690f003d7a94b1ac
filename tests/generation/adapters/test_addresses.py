"""Which addresses are called at all."""

import socket

import pytest

from annotations.services.clips import downloads
from generation.adapters.addresses import ensure_allowed
from generation.adapters.base import PermanentError, RetryableError


@pytest.fixture
def resolves(monkeypatch):
    """Let every name stand for these addresses."""

    def set_addresses(*found: str) -> None:
        def answer(host, port, **kwargs):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

        monkeypatch.setattr(downloads.socket, "getaddrinfo", answer)

    return set_addresses


@pytest.mark.parametrize("url", ["ftp://lab.example/v1", "file:///etc/passwd", "lab.example", ""])
def test_only_web_addresses_are_called(url):
    with pytest.raises(PermanentError, match="not an http or https address"):
        ensure_allowed(url, is_internal=True)


# RFC 1918, 6598, 3927, 4193, 4291, 6052, 3056; and where clouds hand out credentials.
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "172.16.3.4",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "fd00::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a00:1::",
        "224.0.0.1",
        "ff02::1",
    ],
)
def test_private_addresses_want_the_mark_internal(resolves, address):
    resolves(address)
    with pytest.raises(PermanentError, match="private network"):
        ensure_allowed("https://lab.example/v1", is_internal=False)
    ensure_allowed("https://lab.example/v1", is_internal=True)


@pytest.mark.parametrize("url", ["https://[::1/v1", "https://lab.example:port/v1"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(PermanentError, match="not an address"):
        ensure_allowed(url, is_internal=False)


def test_one_private_address_among_public_ones_is_enough(resolves):
    resolves("93.184.215.14", "10.0.0.8")
    with pytest.raises(PermanentError):
        ensure_allowed("https://lab.example/v1", is_internal=False)


def test_public_addresses_are_called(resolves):
    resolves("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
    ensure_allowed("https://lab.example/v1", is_internal=False)


def test_a_name_that_cannot_be_resolved_now_is_tried_again(monkeypatch):
    def fail(*args, **kwargs):
        raise socket.gaierror("Temporary failure in name resolution")

    monkeypatch.setattr(downloads.socket, "getaddrinfo", fail)
    with pytest.raises(RetryableError, match="cannot be resolved"):
        ensure_allowed("https://lab.example/v1", is_internal=False)
