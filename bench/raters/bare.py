"""The least that a rating server must do, in bare Django: a correct lease, an idempotent vote.

No protocol, no checks, no texts: what no platform on this stack can be faster than.
"""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

import dj_database_url
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

TABLES = """
CREATE TABLE IF NOT EXISTS bare_comparison (
    id bigserial PRIMARY KEY, open_seats int NOT NULL, position bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS bare_free ON bare_comparison (open_seats DESC, position)
    WHERE open_seats > 0;
CREATE TABLE IF NOT EXISTS bare_lease (
    id uuid PRIMARY KEY, comparison_id bigint NOT NULL REFERENCES bare_comparison,
    rater bigint NOT NULL, state text NOT NULL, UNIQUE (comparison_id, rater)
);
CREATE INDEX IF NOT EXISTS bare_lease_of_rater ON bare_lease (rater, state);
CREATE TABLE IF NOT EXISTS bare_vote (
    lease_id uuid NOT NULL REFERENCES bare_lease, axis text NOT NULL, choice text NOT NULL,
    UNIQUE (lease_id, axis)
);
"""
FREE = """
SELECT id FROM bare_comparison c WHERE open_seats > 0
AND NOT EXISTS (SELECT 1 FROM bare_lease l WHERE l.comparison_id = c.id AND l.rater = %s)
ORDER BY open_seats DESC, position LIMIT 1 FOR UPDATE SKIP LOCKED
"""


def claim(request: HttpRequest, rater: int) -> HttpResponse:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM bare_lease WHERE rater = %s AND state = 'leased'", [rater])
        held = cursor.fetchone()
        if held is not None:
            return JsonResponse({"id": str(held[0])})
        cursor.execute(FREE, [rater])
        [comparison] = cursor.fetchone()
        lease = uuid.uuid4()
        cursor.execute(
            "UPDATE bare_comparison SET open_seats = open_seats - 1 WHERE id = %s", [comparison]
        )
        cursor.execute(
            "INSERT INTO bare_lease VALUES (%s, %s, %s, 'leased')", [lease, comparison, rater]
        )
    return JsonResponse({"id": str(lease)})


def answer(request: HttpRequest, lease: uuid.UUID) -> HttpResponse:
    answers: list[dict[str, Any]] = json.loads(request.body)["answers"]
    rows = [(lease, one["axis"], one["choice"]) for one in answers]
    places = ", ".join(["(%s, %s, %s)"] * len(rows))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE bare_lease SET state = 'submitted' WHERE id = %s", [lease])
        cursor.execute(
            f"INSERT INTO bare_vote VALUES {places} ON CONFLICT DO NOTHING",
            [value for row in rows for value in row],
        )
    return JsonResponse({"saved": True})


def fill(comparisons: int, seats: int) -> None:
    """The tables, in the database of the process that measures."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        cursor.execute(
            "INSERT INTO bare_comparison (open_seats, position) "
            "SELECT %s, (random() * 1e15)::bigint FROM generate_series(1, %s)",
            [seats, comparisons],
        )


urlpatterns = [path("claim/<int:rater>/", claim), path("answer/<uuid:lease>/", answer)]

if os.environ.get("BARE_SERVER"):
    database = dj_database_url.parse(os.environ["DATABASE_URL"])
    database["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 16, "timeout": 30}}
    settings.configure(
        DATABASES={"default": database},
        ROOT_URLCONF=__name__,
        SECRET_KEY="bare",
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=[],
        LOGGING={
            "version": 1,
            "handlers": {"console": {"class": "logging.StreamHandler"}},
            "loggers": {"django": {"handlers": ["console"], "level": "WARNING"}},
        },
    )
    django.setup()
    application = get_wsgi_application()
