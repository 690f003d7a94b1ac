"""A name that is checked and then stands for another address leads nowhere else."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import Counter

import httpx
import pytest

from annotations.net.pinning import PinnedTransport, transport_to
from annotations.services.clips.downloads import download
from generation.adapters.registry import adapter_for
from tests.generation.factories import make_endpoint
from tests.generation.stand_in import Answer, running_stand_in

PUBLIC, OTHER_PUBLIC = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
URL = "https://clips.example/a.mp4"


class Dialled(list[str]):
    """Addresses that were connected to, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.unreachable: set[str] = set()


@pytest.fixture
def rebound(monkeypatch):
    """A server on this machine, where every `.example` leads at the second look."""
    look_up, looks = socket.getaddrinfo, Counter()

    def answer(host, port, *args, **kwargs):
        if not str(host).endswith(".example"):
            return look_up(host, port, *args, **kwargs)
        looks[host] += 1
        found = PUBLIC if looks[host] == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    with running_stand_in() as stand_in:
        monkeypatch.setattr(socket, "getaddrinfo", answer)
        yield stand_in


@pytest.fixture
def dialled(monkeypatch):
    """Whatever address is connected to, the server on this machine answers."""
    connect, dialled = socket.create_connection, Dialled()

    def dial(address, *args, **kwargs):
        host, port = address
        dialled.append(host if host[-1].isdigit() or ":" in host else resolved(host, port))
        if dialled[-1] in dialled.unreachable:
            raise OSError("No route to host")
        return connect(("127.0.0.1", port), *args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", dial)
    return dialled


def resolved(host: str, port: int) -> str:
    return str(socket.getaddrinfo(host, port)[0][4][0])


def test_a_download_goes_to_the_address_that_was_checked(rebound, dialled, tmp_path):
    rebound.will(Answer(200, b"clip"))
    download(f"http://clips.example:{rebound.server_port}/a.mp4", tmp_path / "clip")
    assert dialled == [PUBLIC]
    assert rebound.received[0].headers["host"] == f"clips.example:{rebound.server_port}"
    assert (tmp_path / "clip").read_bytes() == b"clip"


def test_so_it_does_after_a_redirect(rebound, dialled, tmp_path):
    on = {"Location": f"http://other.example:{rebound.server_port}/b.mp4"}
    rebound.will(Answer(302, "", on), Answer(200, b"clip"))
    download(f"http://clips.example:{rebound.server_port}/a.mp4", tmp_path / "clip")
    assert dialled == [PUBLIC, PUBLIC]
    assert rebound.received[1].headers["host"] == f"other.example:{rebound.server_port}"


def test_the_next_address_is_tried_where_one_cannot_be_reached(rebound, dialled):
    dialled.unreachable.add(OTHER_PUBLIC)
    rebound.will(Answer(200, b"clip"))
    with httpx.Client(transport=PinnedTransport([OTHER_PUBLIC, PUBLIC])) as client:
        client.get(f"http://clips.example:{rebound.server_port}/")
    assert dialled == [OTHER_PUBLIC, PUBLIC]


def test_the_certificate_is_asked_for_by_name():
    """The handshake fails, since the server has none; it has heard the name by then."""
    heard: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda connection, name, context: heard.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=shake_hands, args=(listening, context))
        thread.start()
        port = listening.getsockname()[1]
        with (
            httpx.Client(transport=PinnedTransport(["127.0.0.1"])) as client,
            pytest.raises(httpx.ConnectError),
        ):
            client.get(f"https://clips.example:{port}/")
        thread.join()
    assert heard == ["clips.example"]


def shake_hands(listening: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listening.accept()
    with connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_side=True)


def test_any_address_of_our_own_hosts_will_do():
    assert transport_to(URL, []) is None


def test_a_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert transport_to(URL, [PUBLIC]) is None
    monkeypatch.setenv("NO_PROXY", "clips.example")
    assert isinstance(transport_to(URL, [PUBLIC]), PinnedTransport)


@pytest.mark.django_db
def test_an_endpoint_is_called_at_the_address_that_was_checked(rebound, dialled):
    rebound.will(Answer(200, {"id": "v1", "status": "in_progress"}))
    adapter_at(rebound.server_port).poll("v1")
    assert dialled == [PUBLIC]
    assert rebound.received[0].headers["host"] == f"lab.example:{rebound.server_port}"


@pytest.mark.django_db
def test_so_is_a_clips_address_after_each_redirect(rebound, dialled, tmp_path):
    on = {"Location": f"http://b.example:{rebound.server_port}/clip"}
    rebound.will(Answer(302, "", on), Answer(200, b"clip"))
    url = f"http://a.example:{rebound.server_port}/clip"
    adapter_at(rebound.server_port).fetch_result(url, tmp_path / "clip")
    assert dialled == [PUBLIC, PUBLIC]
    assert (tmp_path / "clip").read_bytes() == b"clip"


def adapter_at(port: int):
    url = f"http://lab.example:{port}/v1"
    return adapter_for(make_endpoint(base_url=url, is_internal=False))
