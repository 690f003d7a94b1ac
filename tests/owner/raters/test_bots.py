"""Bots walk whole sessions through the real pages; each is caught or passed as it should be."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotations.enums import CheckAction, CheckRole
from annotations.models import Assignment, Judgment, Rater, Study
from annotations.simulation import PageForm, read_form
from owner.raters.flags import flagged_raters
from tests.annotations.factories import NOW, make_check, make_study, plan_quality

# Long, and about what judged answers tell: the same on any database.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PAIRS = 30
CLIP_SECONDS = 4.0


@pytest.fixture
def study() -> Study:
    """Thirty pairs with checks of every kind that needs no clips made, and a test before them."""
    study = make_study(comparisons=PAIRS, raters_per_comparison=9)
    plan_quality(study, gold_per_rater=6, repeats_per_rater=6, on_failing=CheckAction.NOTHING)
    for role, count in (
        (CheckRole.EXAMPLE, 1),
        (CheckRole.PRACTICE, 1),
        (CheckRole.QUALIFICATION, 6),
        (CheckRole.GOLD, 6),
    ):
        for number in range(count):
            make_check(study, role, wins="ab"[number % 2])
    return study


@dataclass
class Clock:
    now: datetime = NOW

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The time that the server sees; and sides drawn the same at each run."""
    clock = Clock()
    monkeypatch.setattr("annotations.views.rater.RNG", random.Random(1))
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@dataclass
class Bot:
    """Somebody at the pages. Honest: sees what is better in nine of ten pairs, and looks first."""

    study: Study
    clock: Clock
    name: str = "honest"
    seconds: float = 12.0
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    client: Client = field(default_factory=Client)
    pages: list[str] = field(default_factory=list)

    def walk(self) -> str:
        """From the link to the last page, whose address is returned."""
        page = self._get(f"/s/{self.study.slug}/?PROLIFIC_PID={self.name}")
        page = self._post(page, read_form(page.content.decode()), {})
        for _ in range(500):
            form = read_form(page.content.decode())
            if "assignment" in form.fields:
                page = self._judge(page, form)
            elif "/done/" in self.pages[-1]:
                return self.pages[-1]
            else:
                page = self._get(f"/s/{self.study.slug}/rate/")
        raise AssertionError(f"{self.name} never came to the end: {self.pages[-3:]}")

    def _judge(self, page, form: PageForm):
        if form.fields["stage"] == "blind":
            self.clock.pass_seconds(self.seconds)
        answers = {}
        assignment = Assignment.objects.select_related(
            "comparison__of_check", "comparison__prompt"
        ).get(public_id=form.fields["assignment"])
        for axis, reasons in form.reasons.items():
            answers[f"choice-{axis}"] = self.choose(assignment, axis)
            answers[f"reason-{axis}"] = self.tick(reasons)
        answers["playback"] = json.dumps(self.facts())
        return self._post(page, form, answers)

    def choose(self, assignment: Assignment, axis: str) -> str:
        return str(assignment.side_of_choice(self.better(assignment)))

    def better(self, assignment: Assignment) -> str:
        """What a good eye sees: the known answer, else a fixed truth of the pair."""
        check = assignment.comparison.of_check
        if check is not None:
            return str(check.expected["quality"])
        place = assignment.comparison.prompt.key
        truth = "ab"[int(place[1:]) % 2]
        slips = random.Random(f"{self.name}/{place}").random() < 0.1
        return {"a": "b", "b": "a"}[truth] if slips else truth

    def tick(self, reasons: list[str]) -> list[str]:
        return self.rng.sample(reasons, k=self.rng.choice([1, 2]))

    def facts(self) -> dict[str, object]:
        side = {"seconds": CLIP_SECONDS, "watched_seconds": CLIP_SECONDS}
        return {"left": side, "right": side, "visible_seconds": self.seconds, "touch": False}

    def _get(self, address: str):
        return self._keep(self.client.get(address, follow=True))

    def _post(self, page, form: PageForm, answers: dict):
        target = form.action or page.request["PATH_INFO"]
        return self._keep(self.client.post(target, {**form.fields, **answers}, follow=True))

    def _keep(self, page):
        assert page.status_code == 200, page.content.decode()[:2000]
        self.pages.append(page.request["PATH_INFO"])
        return page


class Lazy(Bot):
    """Always the left clip, always the first reason; takes the time all the same."""

    def choose(self, assignment: Assignment, axis: str) -> str:
        return "left"

    def tick(self, reasons: list[str]) -> list[str]:
        return reasons[:1]


class SideBiased(Bot):
    """Takes the right clip in nearly nine of ten pairs, whatever it shows."""

    def choose(self, assignment: Assignment, axis: str) -> str:
        return "right" if self.rng.random() < 0.85 else super().choose(assignment, axis)


class Hasty(Bot):
    """Sees well enough, but answers before the clips can have ended."""

    def facts(self) -> dict[str, object]:
        return {}


class Adversarial(Bot):
    """Passes the test, then answers against what is plain, and forges the facts."""

    def better(self, assignment: Assignment) -> str:
        seen = super().better(assignment)
        check = assignment.comparison.of_check
        is_before_start = check is not None and check.role != CheckRole.GOLD
        return seen if is_before_start else {"a": "b", "b": "a"}[seen]

    def facts(self) -> dict[str, object]:
        return {**super().facts(), "visible_seconds": 3600.0}


@pytest.fixture
def flags(study, clock) -> dict[str, list[str]]:
    """What the owner is told of each bot, among honest raters, in a study without a test."""
    study.checks.filter(role=CheckRole.QUALIFICATION).delete()
    bots = [Bot(study, clock, f"honest-{number}", 10.0 + number) for number in range(3)]
    bots += [
        SideBiased(study, clock, "side-biased"),
        Hasty(study, clock, "hasty", seconds=0.7),
        Adversarial(study, clock, "adversarial"),
    ]
    ends = [bot.walk() for bot in bots]
    assert set(ends) == {f"/s/{study.slug}/done/"}
    return {str(one.rater): one.flags for one in flagged_raters(study)}


def test_honest_raters_pass_and_the_others_are_caught(flags):
    assert [flags[f"honest-{number}"] for number in range(3)] == [[]] * 3
    assert "leans to one side" in flags["side-biased"]
    assert "answers that cannot be true" in flags["hasty"]
    assert {"fails checks", "answers that cannot be true"} <= set(flags["adversarial"])


def test_a_lazy_rater_does_not_get_past_the_test(study, clock):
    lazy = Lazy(study, clock, "lazy")
    lazy.walk()
    rater = Rater.objects.get(external_id="lazy")
    assert rater.outcome == "screened-out"
    assert not Judgment.objects.for_study(study.pk).exists()


def test_a_lazy_rater_in_a_study_without_a_test_is_caught_by_checks_and_sides(study, clock):
    study.checks.filter(role=CheckRole.QUALIFICATION).delete()
    Lazy(study, clock, "lazy").walk()
    for name in ("first", "second"):
        Bot(study, clock, name).walk()
    found = {str(one.rater): set(one.flags) for one in flagged_raters(study)}
    assert found["first"] == found["second"] == set()
    assert {
        "leans to one side",
        "changes with the side",
        "always the same reasons",
    } <= found["lazy"]


def test_a_bot_is_shown_the_examples_and_the_answer_to_the_practice_pair(study, clock):
    bot = Bot(study, clock)
    bot.walk()
    kinds = [address.split("/")[3] for address in bot.pages]
    assert kinds.index("examples") < kinds.index("rate") < kinds.index("feedback")


def test_nothing_on_the_way_tells_a_check_from_a_pair(study, clock):
    """The pages of gold pairs and repeats have the same fields and words as all others."""
    bot = Bot(study, clock)
    forms: dict[bool, set[tuple[str, ...]]] = {True: set(), False: set()}
    judge = bot._judge

    def watch(page, form):
        assignment = Assignment.objects.get(public_id=form.fields["assignment"])
        check = assignment.comparison.of_check
        if check is None or check.role == CheckRole.GOLD:
            is_check = check is not None or assignment.occasion > 1
            forms[is_check].add((*sorted(form.fields), *sorted(form.choices)))
        return judge(page, form)

    bot._judge = watch  # type: ignore[method-assign]
    bot.walk()
    assert forms[True] == forms[False] != set()


@pytest.mark.parametrize(
    "change",
    [
        {"choice-quality": "banana"},
        {"choice-quality": ""},
        {"reason-quality": []},
        {"reason-quality": ["spatial-text-alignment"]},
        {"stage": "open"},
        {"submission_id": "no id", "stage": "open"},
    ],
)
def test_a_bot_that_sends_what_no_form_offers_is_refused(study, clock, change):
    study.checks.all().delete()
    bot = Bot(study, clock)
    page = bot._get(f"/s/{study.slug}/")
    page = bot._post(page, read_form(page.content.decode()), {})
    form = read_form(page.content.decode())
    answers = {"choice-quality": "left", "reason-quality": ["pixel-sharpness"]}
    answer = bot.client.post(form.action, {**form.fields, **answers, **change})
    assert answer.status_code == 422
    assert Assignment.objects.get(public_id=form.fields["assignment"]).draft is None
