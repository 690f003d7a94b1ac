"""Get files from elsewhere: web addresses that may be called, within bounds, and buckets."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin, urlsplit

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import default_storage

from annotations.errors import JuiceError
from annotations.media.limits import DEFAULT_LIMITS
from annotations.net.patience import patient_client
from annotations.net.pinning import transport_to

TIMEOUT = httpx.Timeout(30, connect=10)
MAX_SECONDS = 240
MAX_REDIRECTS = 5
STORED = "stored:"
WEB_SCHEMES = ("http://", "https://")
BUCKET_SCHEME = "s3://"
# NAT64, RFC 6052: the last 32 bits are the IPv4 address.
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


class DownloadRefused(JuiceError):
    """It will not work however often it is tried."""

    code = "download-refused"


class PrivateAddress(DownloadRefused):
    """It lies in a private network."""

    code = "private-address"


class DownloadFailed(JuiceError):
    """It may work later."""

    code = "download-failed"


def is_remote(location: str) -> bool:
    return location.startswith((*WEB_SCHEMES, BUCKET_SCHEME))


@contextmanager
def local_copy(location: str) -> Iterator[Path]:
    """The file of a location on this disk, for as long as it is needed.

    Parameters
    ----------
    location
        A path; a web address; `s3://bucket/key`; or `stored:` and a name in the default storage.

    Raises
    ------
    DownloadRefused, DownloadFailed
    """
    if not is_remote(location) and not location.startswith(STORED):
        yield Path(location)
        return
    with TemporaryDirectory(prefix="download-") as folder:
        target = Path(folder) / "file"
        if location.startswith(STORED):
            _copy_stored(location.removeprefix(STORED), target)
        elif location.startswith(BUCKET_SCHEME):
            _download_key(location, target)
        else:
            download(location, target)
        yield target


def download(url: str, target: Path, *, max_bytes: int = DEFAULT_LIMITS.max_bytes) -> None:
    """Stream a web address into a file, within bounds of size and time.

    Every address on the way is checked, also after a redirect, and no other one connected to.

    Raises
    ------
    DownloadRefused, DownloadFailed
    """
    give_up_at = time.monotonic() + MAX_SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        is_internal = urlsplit(url).hostname in settings.IMPORT_INTERNAL_HOSTS
        transport = transport_to(url, ensure_public(url, is_internal=is_internal))
        try:
            with (
                patient_client(
                    max(give_up_at - time.monotonic(), 0), transport=transport, timeout=TIMEOUT
                ) as client,
                client.stream("GET", url, follow_redirects=False) as answer,
            ):
                if answer.is_redirect:
                    url = urljoin(url, answer.headers.get("Location", ""))
                    continue
                _raise_for_answer(answer)
                _write(answer, target, max_bytes, give_up_at)
                return
        except httpx.HTTPError as error:
            raise DownloadFailed(f"{_shown(url)} did not answer: {error!r}") from error
    raise DownloadRefused(f"{_shown(url)} is redirected more than {MAX_REDIRECTS} times.")


def ensure_public(url: str, *, is_internal: bool) -> list[str]:
    """Refuse what is not HTTP, and addresses of private networks unless they are ours.

    Returns
    -------
    list of str
        What the name stands for, to connect to nothing else; empty if any address will do.

    Raises
    ------
    DownloadRefused
        The address is not allowed.
    DownloadFailed
        The name cannot be resolved now.
    """
    host, port = _host_and_port(url)
    if is_internal:
        return []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise DownloadRefused(f"{host} is not the name of a machine.") from error
    except OSError as error:
        raise DownloadFailed(f"The name {host} cannot be resolved: {error}") from error
    addresses = [str(address[0]) for *_, address in found]
    if not all(map(_is_public, addresses)):
        raise PrivateAddress(f"{host} is an address of a private network.")
    return addresses


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError as error:
        raise DownloadRefused(f"This is not an address: {error}.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DownloadRefused(f"{_shown(url)} is not an http or https address.")
    return parts.hostname, port


def _is_public(text: str) -> bool:
    address = _plain(ipaddress.ip_address(text))
    return address.is_global and not address.is_multicast


def _plain(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address in IPv6 clothes leads to the same machine."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in TRANSLATED:
        return ipaddress.IPv4Address(int(address) % 2**32)
    return address.ipv4_mapped or address.sixtofour or address


def list_keys(prefix: str) -> list[str]:
    """Every `s3://bucket/key` under an `s3://bucket/prefix`, in order.

    Raises
    ------
    DownloadRefused
    """
    bucket, key = _bucket_and_key(prefix)
    try:
        pages = (
            boto3.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=bucket, Prefix=f"{key.rstrip('/')}/" if key else "")
        )
        return [
            f"{BUCKET_SCHEME}{bucket}/{found['Key']}"
            for page in pages
            for found in page.get("Contents", [])
        ]
    except (BotoCoreError, ClientError) as error:
        raise DownloadRefused(f"{prefix} cannot be listed: {error}") from error


def _download_key(location: str, target: Path) -> None:
    bucket, key = _bucket_and_key(location)
    try:
        client = boto3.client("s3")
        size = client.head_object(Bucket=bucket, Key=key)["ContentLength"]
        _ensure_size(size, DEFAULT_LIMITS.max_bytes)
        client.download_file(bucket, key, str(target))
    except ClientError as error:
        raise DownloadRefused(f"{location} cannot be read: {error}") from error
    except BotoCoreError as error:
        raise DownloadFailed(f"{location} cannot be read now: {error}") from error


def _bucket_and_key(location: str) -> tuple[str, str]:
    bucket, _, key = location.removeprefix(BUCKET_SCHEME).partition("/")
    return bucket, key


def _copy_stored(name: str, target: Path) -> None:
    with default_storage.open(name) as source, target.open("wb") as file:
        for chunk in source.chunks():
            file.write(chunk)


def _raise_for_answer(answer: httpx.Response) -> None:
    words = f"{_shown(str(answer.url))} answers with HTTP {answer.status_code}."
    if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
        raise DownloadFailed(words)
    if not answer.is_success:
        raise DownloadRefused(words)


def _write(answer: httpx.Response, target: Path, max_bytes: int, give_up_at: float) -> None:
    received = 0
    with target.open("wb") as file:
        for chunk in answer.iter_bytes():
            received += len(chunk)
            _ensure_size(received, max_bytes)
            if time.monotonic() > give_up_at:
                raise DownloadFailed(f"Not there after {MAX_SECONDS} s.")
            file.write(chunk)


def _ensure_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise DownloadRefused(f"It is larger than {max_bytes // 1_000_000} MB.")


def _shown(url: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
