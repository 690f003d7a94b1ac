"""Simulated raters of known accuracy who walk the real pages over HTTP."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

from annotations.enums import Choice, Side
from annotations.models import Assignment, Study
from annotations.services.raters.joining import sign_simulation

MAX_PAGES = 100_000


class SimulationFailed(Exception):
    """A page did not answer as a rater's page does."""


@dataclass(frozen=True)
class Truth:
    """Which model is really better: `better` on `share` of the comparisons of each axis.

    Attributes
    ----------
    better
        Slug of the better model.
    share
        Share of comparisons that it deserves to win, by axis key; `default_share` for others.
    """

    better: str
    share: dict[str, float] = field(default_factory=dict)
    default_share: float = 0.8

    def winner_is_a(self, assignment: Assignment, axis: str) -> bool:
        """The same for every rater: drawn from the comparison and the axis."""
        comparison = assignment.comparison
        text = f"{comparison.prompt.digest}/{comparison.pk}/{axis}"
        draw = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7]) / 256**7
        better_wins = draw < self.share.get(axis, self.default_share)
        better_is_a = comparison.stimulus_a.model.slug == self.better
        return better_wins == better_is_a


@dataclass
class PageForm:
    """The form of a rater page: its hidden fields, and what can be picked.

    An empty `action` means the page's own address, as in a browser. `go_on` is the link of a page
    that is only to be read, such as the answer to a practice pair.
    """

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    media: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    go_on: str = ""


class _FormReader(HTMLParser):
    """Reads the first form that is posted, and the clips' addresses, off a page."""

    def __init__(self) -> None:
        super().__init__()
        self.form = PageForm()
        self.forms_seen = 0
        self.is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and values.get("method", "").lower() == "post":
            self.forms_seen += 1
            self.is_inside = self.forms_seen == 1
            if self.is_inside:
                self.form.action = values.get("action", "")
        if tag == "input" and self.is_inside:
            self._add_input(values)
        address = values.get("src") or values.get("data-src") or ""
        if tag in ("video", "img", "source") and "/m/" in address:
            self.form.media.append(address)
        elif tag in ("video", "img") and "/source/" in address:
            self.form.sources.append(address)
        if tag == "a" and "data-go-on" in values:
            self.form.go_on = values.get("href", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.is_inside = False

    def _add_input(self, values: dict[str, str]) -> None:
        name, value = values.get("name", ""), values.get("value", "")
        if name.startswith("choice-"):
            self.form.choices.setdefault(name.removeprefix("choice-"), []).append(value)
        elif name.startswith("reason-"):
            self.form.reasons.setdefault(name.removeprefix("reason-"), []).append(value)
        elif name and values.get("type") == "hidden":
            self.form.fields[name] = value


def read_form(page: str) -> PageForm:
    reader = _FormReader()
    reader.feed(page)
    return reader.form


@dataclass
class SimulatedRater:
    """One rater with a browser's cookies and a coin.

    Parameters
    ----------
    accuracy
        Probability of choosing what `truth` says, per axis.
    """

    study: Study
    site_url: str
    name: str
    accuracy: float
    truth: Truth
    rng: random.Random
    client: httpx.Client

    def rate_everything(self, on_judged: Callable[[], None]) -> int:
        """Join, judge until the completion page comes, and count the comparisons judged."""
        page = self._join()
        judged = 0
        for _ in range(MAX_PAGES):
            form = read_form(page.text)
            if form.go_on:
                page = self.client.get(urljoin(self.site_url, form.go_on))
                continue
            if "assignment" not in form.fields:
                break
            self._watch(form)
            is_last = form.fields.get("stage") == "open"
            page = self._send(page, form, self._answers(form))
            if is_last:
                judged += 1
                on_judged()
        if "/done/" not in str(page.url):
            raise SimulationFailed(f"{self.name} was left at {page.url} (HTTP {page.status_code}).")
        return judged

    def _join(self) -> httpx.Response:
        page = self.client.get(
            f"{self.site_url}/s/{self.study.slug}/",
            params={"PROLIFIC_PID": self.name, "simulation": sign_simulation(self.study)},
        )
        return self._send(page, read_form(page.text), {"consent": "on"})

    def _watch(self, form: PageForm) -> None:
        for address in form.media:
            clip = self.client.get(urljoin(self.site_url, address), headers={"Range": "bytes=0-"})
            if clip.status_code != 206:
                raise SimulationFailed(f"A clip was not served: HTTP {clip.status_code}.")

    def _send(
        self, page: httpx.Response, form: PageForm, answers: dict[str, str | list[str]]
    ) -> httpx.Response:
        target = urljoin(str(page.url), form.action)
        answer = self.client.post(target, data={**form.fields, **answers})
        if answer.status_code != 200:
            raise SimulationFailed(
                f"{self.name} was refused at {target}: HTTP {answer.status_code}."
            )
        return answer

    def _answers(self, form: PageForm) -> dict[str, str | list[str]]:
        assignment = Assignment.objects.select_related(
            "comparison__prompt", "comparison__stimulus_a__model", "comparison__of_check"
        ).get(public_id=form.fields["assignment"])
        answers: dict[str, str | list[str]] = {}
        for axis in form.choices:
            answers[f"choice-{axis}"] = self._choose(assignment, axis)
            reasons = form.reasons.get(axis, [])
            answers[f"reason-{axis}"] = self._pick_reasons(reasons)
        return answers

    def _choose(self, assignment: Assignment, axis: str) -> str:
        right = self.rng.random() < self.accuracy
        picks_a = self._winner_is_a(assignment, axis) == right
        side_a = Side(assignment.side_a)
        return str(side_a.value if picks_a else side_a.other.value)

    def _winner_is_a(self, assignment: Assignment, axis: str) -> bool:
        """By the known answer of a check, where it has one."""
        check = assignment.comparison.of_check
        if check is not None and axis in check.expected:
            return bool(check.expected[axis] == Choice.A)
        return self.truth.winner_is_a(assignment, axis)

    def _pick_reasons(self, reasons: list[str]) -> list[str]:
        """One to three, some more often than others wherever they stand."""
        if not reasons:
            return []
        reasons = sorted(reasons)
        weights = [1 / (place + 1) for place in range(len(reasons))]
        count = self.rng.choices([1, 2, 3], [5, 3, 1])[0]
        return list(dict.fromkeys(self.rng.choices(reasons, weights, k=count)))


def simulate_raters(
    *,
    study: Study,
    site_url: str,
    accuracies: list[float],
    truth: Truth,
    seed: int,
    on_judged: Callable[[], None] = lambda: None,
) -> int:
    """Let one simulated rater per accuracy judge the whole study; count the comparisons judged."""
    judged = 0
    for number, accuracy in enumerate(accuracies, start=1):
        with httpx.Client(follow_redirects=True, timeout=60) as client:
            rater = SimulatedRater(
                study=study,
                site_url=site_url.rstrip("/"),
                name=f"simulated-{number:03d}",
                accuracy=accuracy,
                truth=truth,
                rng=random.Random(f"{seed}/{number}"),  # noqa: S311
                client=client,
            )
            judged += rater.rate_everything(on_judged)
    return judged
