"""Calls to checked addresses still prove whom they reach: over TLS, by the name of the URL."""

from __future__ import annotations

import http.server
import ssl
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from annotations.services import downloads
from annotations.services.downloads import PublicOnly


@pytest.fixture
def certificate(tmp_path):
    """A file with a key and a certificate for `clips.example`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "clips.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("clips.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def port(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def client(certificate, monkeypatch):
    monkeypatch.setattr(downloads, "public_addresses", lambda host, port: ["127.0.0.1"])
    trusted = ssl.create_default_context(cafile=str(certificate))
    with httpx.Client(transport=PublicOnly(verify=trusted)) as client:
        yield client


def test_the_certificate_is_that_of_the_name(client, port):
    assert client.get(f"https://clips.example:{port}/").status_code == 204


def test_a_certificate_of_another_name_is_refused(client, port):
    with pytest.raises(httpx.ConnectError, match="certificate"):
        client.get(f"https://other.example:{port}/")
