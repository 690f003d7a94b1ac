"""Hostile values through every door: nothing breaks, and what is refused leaves nothing behind.

The doors come from the URL configuration and the OpenAPI schema, so a new one is tried by itself.
"""

from __future__ import annotations

import io
import itertools
import json
import logging
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import hypothesis
import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client, RequestFactory
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from rest_framework.authtoken.models import Token

from analysis.services.requesting import current_report
from annotations.enums import CheckRole
from annotations.models import ClipImport
from annotations.rater_session import cookie_name
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.invites import make_invites
from annotations.services.raters.joining import sign_rater
from juice.wsgi import application
from tests.annotations.factories import claim, judge, make_check, make_rater, make_study
from tests.annotations.panel_standins import SECRET, Prolific
from tests.doors import Door, FormReader, all_doors, parameter_names, quoted
from tests.generation.factories import make_endpoint, make_job

pytestmark = pytest.mark.django_db

NUL, HALF = "a\0b", "a\ud800b"
# Texts that a door lets in; whoever reads a number, JSON or an address from them must cope.
LET_IN = [
    "9" * 30,
    "-1",
    "9" * 5000,
    "1e400",
    "NaN",
    "٣",
    "_00",
    "../../etc/passwd",
    "x" * 5000,
    "'\"><script>{{ 7 }}{% x %}",
    '{"a": NaN}',
    '{"a": 1e400}',
    '{"a": "\\u0000"}',
    '{"a": "\\ud800"}',
    '{"a": ' + "9" * 4000 + "}",
    "[" * 1500 + "]" * 1500,
]
NUMBERS = LET_IN[:3]
JSON_VALUES = [
    *("NaN", "1e400", "-Infinity", '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', "9" * 4000),
    *("9" * 30, "[" * 1500 + "]" * 1500, '{"a":' * 1500 + "1" + "}" * 1500, '{"\\u0000": 1}'),
    *("null", "-1", "true", "[]", "{}", '[{"a": [[]]}]', json.dumps("x" * 20_000)),
]
BODIES = [b"", b"{", b"null", b"[]", b"7", b"\xff\xfe", b"[" * 100_000, b'{"a"' * 9, b"\0" * 20]
# It tells whether the parts of the site are there, by 503.
MAY_BE_UNAVAILABLE = "/readyz"
PROLIFIC = Prolific()
TURNS = 5


class Walker:
    """A superuser who is also a rater, and whose every step is undone after it was looked at."""

    def __init__(self, site: SimpleNamespace) -> None:
        self.site = site
        self.client = Client(raise_request_exception=False)
        self.client.force_login(site.owner)
        self.client.cookies[cookie_name(site.study.pk)] = sign_rater(site.rater)
        self.cookies = self.client.cookies.output(header="", sep=";")
        self.rows = row_counts()

    def try_door(self, method: str, address: str, **options: Any) -> Any:
        """Send it; what the site answered must not be a fault, nor be half done."""
        self.client.cookies = SimpleCookie(self.cookies)
        with undone():
            answer = self.client.generic(method, address, **options)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            fault = repr((getattr(answer, "exc_info", None) or ["", ""])[1])
            tried = f"{method} {address[:200]} {str(options)[:300]}: {fault}"
            assert answer.status_code < 500 or address.startswith(MAY_BE_UNAVAILABLE), tried
            if method != "GET" and answer.status_code >= 400:
                assert row_counts() == self.rows, tried
        if address.startswith(("/api/", "/hooks/")) and body:
            assert is_json(answer, body), tried
        return answer

    def post(self, address: str, fields: dict[str, Any]) -> Any:
        encoded = urlencode(fields, encoding="utf-8", errors="surrogatepass")
        form = "application/x-www-form-urlencoded"
        return self.try_door("POST", address, data=encoded, content_type=form)

    def post_file(self, address: str, fields: dict[str, Any]) -> Any:
        request = self.client._encode_data(fields, "multipart/form-data; boundary=BoUnDaRyStRiNg")
        form = "multipart/form-data; boundary=BoUnDaRyStRiNg"
        return self.try_door("POST", address, data=request, content_type=form)

    def address(self, door: Door, **instead: str) -> str:
        return door.address({**self.values(door), **instead})

    def addresses(self, door: Door) -> list[str]:
        """Of the study that is open; of a draft, too, where its owner has other forms."""
        is_owners = door.route.startswith("studies/<slug")
        slugs = [self.site.study.slug, *([self.site.draft.slug] if is_owners else [])]
        return [self.address(door, slug=slug) for slug in slugs]

    def values(self, door: Door) -> dict[str, str]:
        """The variable parts of a real page."""
        model = getattr(getattr(door.view, "model_admin", None), "model", None)
        known = {**self.site.values}
        if model is not None:
            first = model._default_manager.order_by("pk").first()
            known["object_id"] = str(first.pk) if first else "1"
        if door.route.startswith("r/"):
            known["token"] = self.site.study.report_token
        return {name: known.get(name, "1") for _, name in door.places}

    def form_of(self, address: str) -> FormReader:
        self.client.cookies = SimpleCookie(self.cookies)
        with undone():
            answer = self.client.get(address)
            is_page = answer.headers.get("Content-Type", "").startswith("text/html")
            return FormReader(answer.content.decode() if is_page and not answer.streaming else "")


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def row_counts() -> dict[str, int]:
    """Of every model but sessions, in which messages wait."""
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)})
    tables.remove(Session._meta.db_table)
    counts = " UNION ALL ".join(f"SELECT '{name}', COUNT(*) FROM \"{name}\"" for name in tables)
    with connection.cursor() as cursor:
        cursor.execute(counts)
        return dict(cursor.fetchall())


def is_json(answer: Any, body: bytes) -> bool:
    if answer.status_code < 400:
        return answer.headers["Content-Type"].startswith(("application/json", "application/vnd"))
    problem = json.loads(body)
    shape = {"type", "title", "status", "detail", "code"}
    is_whole = shape <= set(problem) and problem["status"] == answer.status_code
    return is_whole and answer.headers["Content-Type"] == "application/problem+json"


@pytest.fixture
def site(monkeypatch, settings) -> SimpleNamespace:
    """A study with a bit of everything, and its owner. Refusals in thousands go into no log."""
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setenv("PROLIFIC_SECRET_OF_TEST", SECRET)
    study = make_study(comparisons=3)
    recruitment = recruitment_of(study)
    recruitment.webhook_secret_env = "PROLIFIC_SECRET_OF_TEST"
    recruitment.save()
    rater = make_rater(study)
    judged = judge(rater)
    assignment = claim(rater, now=judged.submitted_at)
    assert assignment is not None
    check = make_check(study, CheckRole.EXAMPLE)
    [invite] = make_invites(study=study, labels=["Anna"])
    endpoint = make_endpoint(study.study_models.first().model)
    job = make_job(endpoint=endpoint, prompt=assignment.comparison.prompt, is_trial=True)
    clip_import = ClipImport.objects.create(study=study, source="clips.zip", digest="0" * 64)
    current_report(study=study, now=judged.submitted_at)
    stimulus = assignment.comparison.stimulus_a
    stimulus.file.name = default_storage.save("originals/clip.mp4", ContentFile(b"a clip"))
    stimulus.save()
    draft = make_study(state="draft")
    recruitment_of(draft)
    owner = User.objects.create_superuser("owner", password="a long password")
    Token.objects.create(user=owner)
    values = {
        "slug": study.slug,
        "public_id": str(assignment.public_id),
        "token": assignment.left_token,
        "comparison_id": str(assignment.comparison_id),
        "stimulus_id": str(assignment.comparison.stimulus_a_id),
        "model_id": str(endpoint.model_id),
        "prompt_id": str(assignment.comparison.prompt_id),
        "endpoint_id": str(endpoint.pk),
        "job_id": str(job.pk),
        "rater_id": str(rater.pk),
        "check_id": str(check.pk),
        "invite_id": str(invite.pk),
        "import_id": str(clip_import.pk),
        "which": "a",
        "what": "retry",
        "name": "win_rates.csv",
        "app_label": "annotations",
    }
    return SimpleNamespace(
        owner=owner, study=study, draft=draft, rater=rater, assignment=assignment, values=values
    )


@pytest.fixture
def walker(site) -> Walker:
    return Walker(site)


DOORS = all_doors()
API_DOORS = [door for door in DOORS if door.route.startswith(("api/", "hooks/"))]
PAGE_DOORS = [door for door in DOORS if door not in API_DOORS]


def test_the_walk_knows_doors_of_every_kind():
    routes = {door.route for door in DOORS}
    assert {"m/<str:token>/", "s/<slug:slug>/rate/", "hooks/prolific/<slug:slug>/"} <= routes
    assert {"studies/<slug:slug>/invites/", "admin/annotations/study/add/"} <= routes
    assert {"invite", "prompts", "PROLIFIC_PID", "note"} <= set(parameter_names())


@pytest.mark.parametrize("bad", [NUL, HALF], ids=["NUL", "half"])
def test_what_cannot_be_stored_is_a_400_at_every_door(walker, bad):
    """In the address, its query, a field, a header and a cookie, wherever it comes through."""
    for door in DOORS:
        address = walker.address(door)
        for kind, name in door.places:
            if kind in ("str", "path") and bad == NUL:
                answer = walker.try_door("GET", walker.address(door, **{name: bad}))
                assert answer.status_code == 400, door
        if bad == NUL:
            assert walker.try_door("GET", f"{address}?invite={quoted(bad)}").status_code == 400
            assert walker.try_door("GET", address, HTTP_X_EVENT_ID=bad).status_code == 400
            cookies = {"HTTP_COOKIE": f"{walker.cookies}; other={bad}"}
            walker.try_door("GET", address, **cookies)
        answer = walker.post(address, {"note": bad})
        is_form = not getattr(door.view, "csrf_exempt", False)
        assert not (is_form and bad == NUL) or answer.status_code == 400, door


def test_numbers_and_texts_that_make_no_sense_break_no_address(walker):
    tried = itertools.cycle(LET_IN)
    for door in DOORS:
        for kind, name in door.places:
            for value in {"int": NUMBERS}.get(kind, [next(tried), "9" * 30]):
                walker.try_door("GET", walker.address(door, **{name: value}))
        for value in ("9" * 30, next(tried), next(tried)):
            query = urlencode(dict.fromkeys(parameter_names(), value))
            walker.try_door("GET", f"{walker.address(door)}?{query}")


def is_worth_it(name: str) -> bool:
    """Django itself bounds the rows of a form, but makes two thousand for a large number."""
    return not name.endswith(("-TOTAL_FORMS", "-INITIAL_FORMS")) and name != "csrfmiddlewaretoken"


@pytest.mark.parametrize("app", ["admin", "others"])
def test_every_field_of_every_form_bears_every_kind_of_value(walker, app):
    """Several at a time, so that whatever one of them breaks is met among good ones."""
    tried = itertools.cycle(LET_IN)
    for door in (
        door for door in PAGE_DOORS if door.route.startswith("admin/") == (app == "admin")
    ):
        for address in walker.addresses(door):
            form = walker.form_of(address)
            names = [name for name in form.values or parameter_names() if is_worth_it(name)]
            for turn in range(min(TURNS, len(names))):
                bad = {name: next(tried) for name in names[turn::TURNS]}
                walker.post(address, {**form.values, **bad})
            walker.post(address, dict.fromkeys(names, "9" * 30))


def test_json_in_a_field_is_read_by_the_same_rules(walker):
    """The playback of a rater, and settings in the admin."""
    found = set()
    for door in PAGE_DOORS:
        if door.route.endswith(("rate/", "/change/", "/add/")):
            form = walker.form_of(walker.address(door))
            for name, value in itertools.product(json_fields(form.values), LET_IN[-6:]):
                found.add(name)
                walker.post(walker.address(door), {**form.values, name: value})
    assert {"playback", "parameters", "options"} <= found


def json_fields(fields: dict[str, str]) -> list[str]:
    return [name for name in fields if name == "playback" or fields[name][:1] in ("{", "[")]


def test_no_filter_of_a_list_in_the_admin_breaks_it(walker):
    for model, listed in admin.site._registry.items():
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        named = [name for name in (*listed.list_filter, "pk") if isinstance(name, str)]
        for name, ending in itertools.product(named, ("exact", "id__exact", "in", "isnull")):
            walker.try_door("GET", f"{address}?{name}__{ending}={'9' * 30}")


def zipped(name: str, content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, content)
    return archive.getvalue()


CSV = b"prompt_id,prompt,model,path,seed,role,model_a,model_b\n"
HOSTILE_FILES = {
    "nul.csv": CSV + b"a\0,A fox,M,http://x.test/a.mp4,1,gold,A,B\n",
    "long.csv": CSV + b"a," + b"x" * 200_000 + b",M,p,1,gold,A,B\n",
    "id.csv": CSV + b"a" * 500 + b",A fox,M,http://x.test/a.mp4," + b"9" * 30 + b",gold,A,B\n",
    "name.csv": CSV + b"a,A fox,M," + b"n" * 5000 + b",1,gold,A,B\n",
    "latin.csv": CSV + b"a,\xff,M,p,1,gold,A,B\n",
    "half.jsonl": b'{"prompt_id": "a\\ud800", "prompt": "\\u0000", "model": "M", "path": "p"}\n',
    "deep.jsonl": b"[" * 100_000 + b"\n",
    "number.jsonl": b'{"prompt": NaN, "seed": ' + b"9" * 4000 + b"}\n",
    "nul.txt": b"A fox\0\n",
    "short.zip": zipped("manifest.csv", CSV * 99)[:-60],
    "garbled.zip": zipped("manifest.csv", CSV * 99).replace(CSV[:4], b"\xff" * 4)[:40]
    + b"PK\x05\x06",
    "nul.zip": zipped("manifest.csv", CSV + b"a\0,A fox,M,a.mp4,1,gold,A,B\n"),
    "long.zip": zipped("manifest.csv", CSV + b"a,A fox,M," + b"n" * 5000 + b".mp4,1,gold,A,B\n"),
    "name.zip": zipped(f"{'m' * 200}/{'p' * 200}.mp4", b"no clip"),
}


def test_no_file_breaks_a_form_that_takes_one(walker):
    found = set()
    for address in itertools.chain.from_iterable(map(walker.addresses, PAGE_DOORS)):
        form = walker.form_of(address)
        for field, (name, content) in itertools.product(form.files, HOSTILE_FILES.items()):
            found.add(field)
            # A form may send its file to the address below.
            for target in (address, f"{address}import/"):
                file = SimpleUploadedFile(name, content)
                walker.post_file(target, {**form.values, field: file})
    assert found == {"upload", "file", "prompt_file"}


def schema_of_operation(operation: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return resolved(body.get("schema", {}), schema)


def resolved(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in part:
        return schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return part


def sample(part: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value that the schema allows."""
    part = resolved(part, schema)
    part = resolved(part["allOf"][0], schema) if "allOf" in part else part
    if "enum" in part:
        return part["enum"][0]
    if part.get("format") == "uuid":
        return str(uuid.uuid4())
    if part.get("type") == "object":
        return {name: sample(one, schema) for name, one in part.get("properties", {}).items()}
    if part.get("type") == "array":
        return [sample(part["items"], schema)]
    return {"boolean": True, "integer": 1}.get(part.get("type", ""), "a")


def with_one_bad(value: Any, bad: str) -> Iterator[str]:
    """JSON texts in which one part of the value, however deep, is the bad one."""
    if isinstance(value, dict):
        for name in value:
            for inner in with_one_bad(value[name], bad):
                others = [
                    f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items() if k != name
                ]
                yield "{" + ", ".join([*others, f"{json.dumps(name)}: {inner}"]) + "}"
    if isinstance(value, list):
        yield from (f"[{inner}]" for inner in with_one_bad(value[0], bad))
    yield bad


def test_every_property_of_every_body_of_the_api_bears_every_kind_of_value(walker, site):
    schema = SchemaGenerator().get_schema(public=True)
    rater = {"HTTP_AUTHORIZATION": f"Rater {sign_rater(site.rater)}"}
    for route, operations in schema["paths"].items():
        address = route
        for name, value in site.values.items():
            address = address.replace(f"{{{name}}}", value)
        for method, operation in operations.items():
            body = sample(schema_of_operation(operation, schema), schema)
            for bad in JSON_VALUES if method == "post" else ():
                for text in with_one_bad(body, bad):
                    walker.try_door(
                        "POST", address, data=text, content_type="application/json", **rater
                    )


def test_no_body_breaks_the_api_or_a_webhook(walker, site):
    for door, body in itertools.product(API_DOORS, BODIES):
        headers = {
            f"HTTP_{name.upper().replace('-', '_')}": value
            for name, value in PROLIFIC.headers(body).items()
        }
        if door.route.startswith("api/"):
            headers = {"HTTP_AUTHORIZATION": f"Rater {sign_rater(site.rater)}"}
        walker.try_door(
            "POST", walker.address(door), data=body, content_type="application/json", **headers
        )


def test_the_api_answers_every_method_and_kind_of_body_in_json(walker):
    for door in API_DOORS:
        address = walker.address(door)
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            walker.try_door(method, address, data=b"a=b", content_type="text/plain")
        walker.try_door("GET", address, HTTP_ACCEPT="text/html")
        walker.try_door("GET", f"{address}nowhere/")
        walker.post_file(address, {"a": "b"})


def test_no_header_breaks_a_door(walker):
    """Such as a server in front lets through; `Content-Type` names an encoding that is none."""
    hostile = {
        "HTTP_AUTHORIZATION": "Token é",
        "HTTP_RANGE": f"bytes={'9' * 5000}-",
        "HTTP_ACCEPT_LANGUAGE": "x-" * 600,
        "HTTP_IF_NONE_MATCH": '"' * 99,
        "HTTP_IF_MODIFIED_SINCE": "Thu, 99 Foo 9999999999 99:99:99 GMT",
        "HTTP_X_FORWARDED_PROTO": "é",
        "CONTENT_LENGTH": "abc",
        "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-7",
    }
    for door in DOORS:
        walker.try_door("GET", f"{walker.address(door)}?a=b", **hostile)
    for charset in ("hex", "utf-7", "utf-16", "idna"):
        for door in PAGE_DOORS[::9]:
            form = f"multipart/form-data; boundary=B; charset={charset}"
            data = b'--B\r\nContent-Disposition: form-data; name="note"\r\n\r\n+2AA-\r\n--B--\r\n'
            walker.try_door("POST", walker.address(door), data=data, content_type=form)


def test_an_encoding_that_is_none_breaks_nothing_before_there_is_a_page(site):
    environ = RequestFactory()._base_environ(
        PATH_INFO="/healthz", QUERY_STRING="a=b", CONTENT_TYPE="text/plain; charset=hex"
    )
    statuses = []
    b"".join(application(environ, lambda status, headers: statuses.append(status)))
    assert statuses == ["200 OK"]


@hypothesis.settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    door=st.sampled_from(DOORS),
    name=st.sampled_from(sorted({"note", "playback", "reason", *parameter_names()})),
    text=st.text(st.characters(codec=None), max_size=60),
    method=st.sampled_from(["GET", "POST"]),
)
def test_no_text_that_there_can_be_breaks_a_door(walker, door, name, text, method):
    instead = {place: text for kind, place in door.places if kind in ("str", "path")}
    walker.try_door("GET", walker.address(door, **instead))
    if method == "POST":
        walker.post(walker.address(door), {name: text})
    else:
        walker.try_door("GET", f"{walker.address(door)}?{quoted(name)}={quoted(text)}")
