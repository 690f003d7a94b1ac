"""Walks through a whole session as a rater, by the pages and by the API, that keep every answer.

Both go everywhere that a rater can go: examples, lessons and their answers, every stage of every
comparison with its clips and source, the clips loaded ahead, a mistake, and one step back.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from annotations.enums import Side
from annotations.models import Assignment, Check, Rendition, Stimulus, Study
from annotations.simulation import PageForm, read_form

NOT_SENT_ON = {"x-accel-redirect"}
"""Headers that the web server in front takes off."""
MAX_STEPS = 500
"""So that a study that refuses an answer ends the walk."""


@dataclass(frozen=True)
class Received:
    """One answer: what it was, head and body, and whose clip it was if it was a clip."""

    what: str
    head: bytes
    body: bytes
    stimulus: Stimulus | None = None
    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Walk:
    """What a rater's browser or front end receives."""

    def __init__(self, study: Study, received: list[Received]) -> None:
        self.study, self.received = study, received
        host = next((name for name in settings.ALLOWED_HOSTS if name[:1] not in "*."), "localhost")
        self.client = Client(SERVER_NAME=host)
        self.headers: dict[str, str] = {}
        self.has_gone_back = False
        self.fetched: set[str] = set()

    def fetch_clip(self, address: str) -> None:
        """In three ways; once in a walk, as a browser keeps what it has."""
        if address in self.fetched:
            return
        self.fetched.add(address)
        stimulus, rendition = clip_at(address)
        for method, headers in (("get", {}), ("head", {}), ("get", {"Range": "bytes=0-99"})):
            answer = getattr(self.client, method)(address, headers={**self.headers, **headers})
            self.keep("clip", answer, stimulus, rendition, address)

    def fetch_source(self, address: str) -> None:
        self.keep("source", self.client.get(address, headers=self.headers))

    def keep(
        self,
        what: str,
        answer: Any,
        stimulus: Stimulus | None = None,
        rendition: Rendition | None = None,
        address: str = "",
    ) -> Any:
        headers = {
            name: value for name, value in answer.headers.items() if name.lower() not in NOT_SENT_ON
        }
        head = "".join(f"{name}: {value}\n" for name, value in headers.items()).encode()
        cookies = answer.cookies.output().encode()
        body = body_of(answer)
        if rendition is not None and not body:
            # nginx or a bucket sends it: the file as it is.
            with rendition.file.open("rb") as file:
                body = file.read()
        self.received.append(Received(what, head + cookies, body, stimulus, address, headers))
        return answer


class PageWalk(Walk):
    """By plain forms, from the first page to the last."""

    def walk(self) -> None:
        page = self._join()
        for _ in range(MAX_STEPS):
            form = read_form(_text(page))
            if "assignment" in form.fields:
                page = self._judge(page, form)
            elif form.go_on:
                self._fetch(form)
                page = self._get(form.go_on)
            else:
                break
        self.keep("refusal", self.client.get("/m/nothing/"))

    def _join(self) -> Any:
        address = reverse("rater-welcome", args=[self.study.slug])
        for language in self.study.offered_languages():
            self.keep("page", self.client.get(address, headers={"Accept-Language": language}))
        page = self.keep("page", self.client.get(address))
        fields = {**read_form(_text(page)).fields, "consent": "on"}
        return self.keep("page", self.client.post(address, fields, follow=True))

    def _judge(self, page: Any, form: PageForm) -> Any:
        self._fetch(form)
        self._load_ahead()
        answers = _form_answers(form)
        action = form.action or page.request["PATH_INFO"]
        wrong = {**form.fields, **dict.fromkeys(answers, "?")}
        self.keep("refusal", self.client.post(action, wrong))
        sent = {**form.fields, **answers}
        return self._go_back(self.keep("page", self.client.post(action, sent, follow=True)))

    def _go_back(self, page: Any) -> Any:
        """Once, as soon as there is something to go back to."""
        back = reverse("rater-back", args=[self.study.slug])
        if self.has_gone_back:
            return page
        form = read_form(_text(self._get(back)))
        if form.action != back:
            return page
        self.has_gone_back = True
        self._fetch(form)
        sent = {**form.fields, **_form_answers(form)}
        return self.keep("page", self.client.post(back, sent, follow=True))

    def _load_ahead(self) -> None:
        address = reverse("rater-ahead", args=[self.study.slug])
        answer = self.keep("page", self.client.post(address))
        for clip in (_json(answer).get("clips") or {}).values():
            self.fetch_clip(clip)

    def _fetch(self, form: PageForm) -> None:
        for clip in form.media:
            self.fetch_clip(clip)
        for source in form.sources:
            self.fetch_source(source)

    def _get(self, address: str) -> Any:
        return self.keep("page", self.client.get(address, follow=True))


class ApiWalk(Walk):
    """As another front end would, from joining to the last comparison."""

    def walk(self) -> None:
        self._join()
        slug = self.study.slug
        for group in self._get(reverse("api-examples", args=[slug])) or []:
            for example in group["examples"]:
                self._fetch(example)
        for _ in range(MAX_STEPS):
            asked = self._post(reverse("api-claim", args=[slug])).get("assignment")
            if asked is None:
                break
            self._judge(asked)

    def _join(self) -> None:
        welcome = reverse("api-welcome", args=[self.study.slug])
        for language in self.study.offered_languages():
            in_it = {"Accept-Language": language}
            self.keep("API answer", self.client.get(welcome, headers=in_it))
        join = reverse("api-join", args=[self.study.slug])
        credential = self._post(join, {"consent": True}).get("credential", "")
        self.headers = {"Authorization": f"Rater {credential}"}

    def _judge(self, asked: dict[str, Any]) -> None:
        self._fetch(asked)
        self._fetch(self._post(reverse("api-ahead", args=[self.study.slug])))
        if not asked["is_last_stage"]:
            draft = reverse("api-draft", args=[asked["id"]])
            self._post(draft, {"answers": []})
            asked = self._post(draft, {"answers": _api_answers(asked)})
            self._fetch(asked)
        saved = self._send("api-submit", asked)
        if saved.get("feedback_url"):
            self._fetch(self._get(saved["feedback_url"]))
        self._go_back()

    def _go_back(self) -> None:
        """Once, as soon as there is something to go back to."""
        earlier = None
        if not self.has_gone_back:
            earlier = self._get(reverse("api-back", args=[self.study.slug]))
        if earlier:
            self.has_gone_back = True
            self._fetch(earlier)
            self._send("api-revise", earlier)

    def _send(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        answers = {"answers": _api_answers(asked), "submission_id": str(uuid.uuid4())}
        return self._post(reverse(name, args=[asked["id"]]), answers)

    def _fetch(self, shown: dict[str, Any]) -> None:
        for name in ("left_url", "right_url"):
            if name in shown:
                self.fetch_clip(shown[name])
        if shown.get("source"):
            self.fetch_source(shown["source"]["url"])

    def _get(self, address: str) -> Any:
        return _json(self.keep("API answer", self.client.get(address, headers=self.headers)))

    def _post(self, address: str, body: Any = None) -> dict[str, Any]:
        sent = self.client.post(address, body or {}, "application/json", headers=self.headers)
        answer: dict[str, Any] = _json(self.keep("API answer", sent))
        return answer


def clip_at(address: str) -> tuple[Stimulus, Rendition]:
    """The stimulus and rendition that a rater's address stands for."""
    token = address.strip("/").rpartition("/")[2]
    for rows in (Assignment.objects.all(), Check.objects.all()):
        for side in Side:
            given = rows.filter(**{f"{side}_token": token}).first()
            if given is not None:
                which = "a" if given.side_a == side else "b"
                comparison = given.comparison
                stimulus: Stimulus = getattr(comparison, f"stimulus_{which}")
                return stimulus, getattr(comparison, f"rendition_{which}")
    raise LookupError(address)


def body_of(answer: HttpResponseBase) -> bytes:
    if isinstance(answer, StreamingHttpResponse):
        return bytes(answer.getvalue())
    return bytes(getattr(answer, "content", b""))


def _form_answers(form: PageForm) -> dict[str, str]:
    """One choice and one reason for each question that is open."""
    public_id = form.fields["assignment"]
    answers = {f"choice-{axis}": _choice(public_id, axis) for axis in form.choices}
    return answers | {f"reason-{axis}": reasons[0] for axis, reasons in form.reasons.items()}


def _api_answers(asked: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "axis": question["key"],
            "choice": _choice(asked["id"], question["key"]),
            "reasons": [reason["key"] for reason in question["reasons"][:1]],
        }
        for question in asked["questions"]
    ]


def _choice(public_id: str, axis: str) -> str:
    """The known answer of a check, so that no test ends the walk; else the left."""
    assignment = Assignment.objects.select_related("comparison__of_check").get(public_id=public_id)
    check = assignment.comparison.of_check
    if check is None or axis not in check.expected:
        return str(Side.LEFT)
    return assignment.side_of_choice(check.expected[axis])


def _text(answer: HttpResponseBase) -> str:
    return body_of(answer).decode()


def _json(answer: HttpResponseBase) -> Any:
    """What the API answered; nothing for an answer without a body."""
    body = body_of(answer)
    return json.loads(body) if body else {}
