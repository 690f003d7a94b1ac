"""Liveness and readiness for operators and load balancers."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from operation.disks import ensure_disk_takes_files
from operation.signs import SEEN_WITHIN, read_signs


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is looked at."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database and Redis answer, the disk takes files, and a worker took a task in the
    last minute."""
    checks = {
        "database": _outcome(_check_database),
        "redis": _outcome(_check_redis),
        "disk": _outcome(_check_disk),
        "worker": _outcome(_check_worker),
    }
    ready = all(outcome == "ok" for outcome in checks.values())
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503)


def _outcome(check: Callable[[], str]) -> str:
    """Run one check; a probe names the failing part and never shows a secret or an address."""
    try:
        return check()
    except Exception as error:
        return f"failed: {type(error).__name__}"


def _check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _check_redis() -> str:
    cache.get("readyz")
    return "ok"


def _check_disk() -> str:
    ensure_disk_takes_files()
    return "ok"


def _check_worker() -> str:
    seen_at = read_signs().heartbeat_at
    if seen_at is None:
        return "no worker seen yet"
    age = timezone.now() - seen_at
    return "ok" if age <= SEEN_WITHIN else f"last seen {age.total_seconds():.0f} s ago"
