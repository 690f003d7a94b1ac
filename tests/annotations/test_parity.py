"""Page and API offer the same and store the same, in every kind of study, from join to end.

Each study is walked twice by the same rater, once by either door: the first walk is undone, and
ids, clock and coin start anew. What differs by nature (tokens, ids that are random) is replaced by
what it stands for.
"""

from __future__ import annotations

import dataclasses
import json
import random
import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from annotations.api import serializers
from annotations.enums import CheckAction, CheckRole, StudyKind
from annotations.models import Assignment, Judgment, Rater, Rendition, Revision, Study
from annotations.services.rating import asking, explaining, standing, welcoming
from annotations.services.rating.qualifying import Score
from annotations.services.rating.stages import Answer
from annotations.simulation import read_form
from annotations.templatetags import keeping
from annotations.views import lessons, rate_page
from tests.annotations.factories import (
    NOW,
    make_check,
    make_comparison,
    make_model,
    make_prompt,
    make_stimulus,
    make_study,
    plan_quality,
)
from tests.annotations.sources import make_prompt_from

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_media")]

SETTINGS: dict[str, dict[str, Any]] = {
    StudyKind.TEXT_TO_VIDEO: {"tie_policy": "allowed", "content_warning": "Some are loud."},
    StudyKind.TEXT_TO_IMAGE: {"protocol": "plain", "viewing": "toggle", "must_watch": False},
    StudyKind.IMAGE_TO_VIDEO: {"reason_order": "fixed", "instructions": "Look closely."},
    StudyKind.VIDEO_EXTENSION: {"viewing": "sequential", "audio": "normalised", "consent": "Yes?"},
    StudyKind.IMAGE_EDITING: {"tie_policy": "allowed", "revise_minutes": 0},
}
PAIRS = 6
PLAYBACK = {"left": {"watched_seconds": 4, "seconds": 4}, "visible_seconds": 9}


def full_study(folder: Path, kind: str) -> Study:
    """Six pairs and one or two of every check, with clips that can all be told apart."""
    study = make_study(comparisons=0, kind=kind, order_seed=11, **SETTINGS[kind])
    moving = kind == StudyKind.VIDEO_EXTENSION
    for number in range(PAIRS):
        prompt = make_prompt_from(folder, number, needed=study.needs_source, moving=moving)
        make_comparison(study, prompt)
    axes = list(study.axes.values_list("key", flat=True))
    expected = dict.fromkeys(axes, "a")
    roles = CheckRole
    for role in (roles.EXAMPLE, roles.PRACTICE, *[roles.QUALIFICATION] * 2, roles.GOLD):
        make_check(study, role, expected=expected, explanation=f"Of {role}")
    for role, known in ((roles.IDENTICAL, {}), (roles.DEGRADED, expected)):
        one = make_stimulus(make_model(), make_prompt())
        make_check(study, role, expected=known, stimulus_a=one, stimulus_b=one)
    kinds = dict.fromkeys(("gold", "identical", "degraded", "repeats"), 1)
    wanted = {f"{name}_per_rater": count for name, count in kinds.items()}
    plan_quality(study, on_failing=CheckAction.WARN, judged_after=1, **wanted)
    tell_clips_apart(has_audio=study.audio != "none")
    return study


def tell_clips_apart(*, has_audio: bool) -> None:
    for rendition in Rendition.objects.all():
        content = ContentFile(f"clip {rendition.pk}".encode())
        rendition.file = default_storage.save(f"renditions/apart-{rendition.pk}.mp4", content)
        rendition.plan["has_audio"] = has_audio
        rendition.save()


class Clock:
    now = NOW


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


class Door:
    """What a rater does and gets, by one of the two doors."""

    def __init__(self, study: Study) -> None:
        self.slug = study.slug
        self.client = Client()
        self.headers: dict[str, str] = {}

    def fetch(self, address: str) -> bytes:
        answer = self.client.get(address, headers=self.headers)
        assert answer.status_code == 200, address
        return bytes(answer.getvalue())

    def told(self, shown: Any) -> Any:
        """As it is, but for what lies behind its addresses, and without random ids."""
        if isinstance(shown, list | tuple):
            return [self.told(part) for part in shown]
        if not isinstance(shown, dict):
            return shown
        kept = {name: value for name, value in shown.items() if name != "id"}
        return {
            name: self.fetch(value)
            if name in ("left_url", "right_url", "url")
            else self.told(value)
            for name, value in kept.items()
        }


def told_by(serializer: Any, described: Any) -> Any:
    """What the page was given to render, in the words of the API."""
    given = described._told if isinstance(described, Spy) else described
    return json.loads(JSONRenderer().render(serializer(given).data))


class PageDoor(Door):
    """As a browser with scripts."""

    def welcome(self) -> Any:
        page = self.client.get(reverse("rater-welcome", args=[self.slug]))
        return told_by(serializers.WelcomeSerializer, page.context["welcome"])

    def join(self) -> None:
        sent = {"consent": "on", "PROLIFIC_PID": "r1"}
        assert self.client.post(reverse("rater-welcome", args=[self.slug]), sent).status_code == 302

    def examples(self) -> Any:
        page = self.client.get(reverse("rater-examples", args=[self.slug]))
        groups = [group for group, _ in page.context["groups"]]
        return [told_by(serializers.ExampleGroupSerializer, group) for group in groups]

    def ask(self) -> Any:
        return self._offer(self.client.get(reverse("rater-rate", args=[self.slug])))

    def ahead(self, asked: Any) -> Any:
        answer = self.client.post(reverse("rater-ahead", args=[self.slug]))
        if answer.status_code == 204:
            return None
        return {f"{side}_url": address for side, address in answer.json()["clips"].items()}

    def draft(self, asked: Any, answers: list[Answer]) -> Any:
        return self._offer(self._send("rater-rate", asked, answers))

    def submit(self, asked: Any, answers: list[Answer]) -> Any:
        following = self._send("rater-rate", asked, answers).json()["next"]
        if "/feedback/" not in following:
            return None
        page = self.client.get(following)
        return told_by(serializers.FeedbackSerializer, page.context["feedback"])

    def back(self) -> Any:
        return self._offer(self.client.get(reverse("rater-back", args=[self.slug])))

    def revise(self, asked: Any, answers: list[Answer]) -> None:
        assert self._send("rater-back", asked, answers).json()["saved"] is True

    def skip(self, asked: Any, reason: str, note: str) -> None:
        sent = {"assignment": asked["id"], "reason": reason, "note": note}
        answer = self.client.post(reverse("rater-skip", args=[self.slug]), sent)
        assert answer.status_code == 302

    def _send(self, name: str, asked: Any, answers: list[Answer]) -> Any:
        sent: dict[str, Any] = {
            "assignment": asked["id"],
            "submission_id": str(uuid.uuid4()),
            "stage": asked["stage"],
            "playback": json.dumps(PLAYBACK),
        }
        for answer in answers:
            sent[f"choice-{answer.axis}"] = answer.choice
            sent[f"reason-{answer.axis}"] = list(answer.reasons)
            sent[f"note-{answer.axis}"] = answer.note
        headers = {"X-Requested-With": "fetch"}
        answer = self.client.post(reverse(name, args=[self.slug]), sent, headers=headers)
        assert answer.status_code == 200, answer.content
        return answer

    def _offer(self, page: Any) -> Any:
        """What the page was given, and the form that it made of it."""
        if page.status_code == 302:
            return None
        text = page.content.decode()
        asked = told_by(serializers.AssignmentSerializer, page.context["asked"])
        form = read_form(text if "<form" in text else f'<form method="post">{text}</form>')
        digits = re.findall(r'value="([^"]+)"(?: checked)? data-digit="(\d)"', text)
        shown = {
            "choices": form.choices,
            "reasons": form.reasons,
            "digits": [(key, int(digit)) for key, digit in digits],
        }
        return {**asked, "form": shown}


class ApiDoor(Door):
    """As another front end."""

    def welcome(self) -> Any:
        return self.client.get(reverse("api-welcome", args=[self.slug])).json()

    def join(self) -> None:
        sent = {"consent": True, "external_id": "r1"}
        joined = self._post(reverse("api-join", args=[self.slug]), sent)
        self.headers = {"Authorization": f"Rater {joined['credential']}"}

    def examples(self) -> Any:
        return self._get(reverse("api-examples", args=[self.slug]))

    def ask(self) -> Any:
        return self._offer(self._post(reverse("api-claim", args=[self.slug]))["assignment"])

    def ahead(self, asked: Any) -> Any:
        return self._post(reverse("api-ahead", args=[self.slug]))

    def draft(self, asked: Any, answers: list[Answer]) -> Any:
        sent = {"answers": [dataclasses.asdict(answer) for answer in answers]}
        return self._offer(self._post(reverse("api-draft", args=[asked["id"]]), sent))

    def submit(self, asked: Any, answers: list[Answer]) -> Any:
        feedback = self._send("api-submit", asked, answers)["feedback_url"]
        return self._get(feedback) if feedback else None

    def back(self) -> Any:
        return self._offer(self._get(reverse("api-back", args=[self.slug])))

    def revise(self, asked: Any, answers: list[Answer]) -> None:
        assert self._send("api-revise", asked, answers)["saved"] is True

    def skip(self, asked: Any, reason: str, note: str) -> None:
        sent = {"reason": reason, "note": note}
        self._post(reverse("api-skip", args=[asked["id"]]), sent)

    def _send(self, name: str, asked: Any, answers: list[Answer]) -> Any:
        sent = {
            "submission_id": str(uuid.uuid4()),
            "answers": [dataclasses.asdict(answer) for answer in answers],
            "playback": PLAYBACK,
        }
        return self._post(reverse(name, args=[asked["id"]]), sent)

    def _get(self, address: str) -> Any:
        return self._read(self.client.get(address, headers=self.headers))

    def _post(self, address: str, body: Any = None) -> Any:
        sent = self.client.post(address, body or {}, "application/json", headers=self.headers)
        return self._read(sent)

    def _read(self, answer: Any) -> Any:
        assert answer.status_code in (200, 201, 204), answer.content
        return answer.json() if answer.content else None

    def _offer(self, asked: Any) -> Any:
        """What was answered, and the form that a front end makes of it."""
        if asked is None:
            return None
        questions = asked["questions"]
        reasons = [(q["key"], [reason["key"] for reason in q["reasons"]]) for q in questions]
        shown = {
            "choices": {question["key"]: question["choices"] for question in questions},
            "reasons": {axis: keys for axis, keys in reasons if keys},
            "digits": [
                (reason["key"], reason["number"])
                for question in questions
                for reason in question["reasons"]
                if reason["number"] <= 9
            ],
        }
        return {**asked, "form": shown}


def answers_to(asked: Any) -> list[Answer]:
    """Lessons wrong at first, and gold: for feedback and warnings to come. Ties now and then."""
    assignment = Assignment.objects.get(public_id=asked["id"])
    check = assignment.comparison.of_check
    role = check.role if check else ""
    is_wrong = role in (CheckRole.PRACTICE, CheckRole.GOLD) or (
        role == CheckRole.QUALIFICATION and assignment.occasion == 1
    )
    choice = assignment.side_of_choice("b" if is_wrong else "a")
    if not role and "tie" in asked["questions"][0]["choices"] and assignment.pk % 2:
        choice = "tie"
    return [
        Answer(
            axis=question["key"],
            choice=choice,
            reasons=tuple(reason["key"] for reason in question["reasons"][-2:]),
            note="A note" if assignment.pk % 3 == 0 else "",
        )
        for question in asked["questions"]
    ]


def is_pair(asked: Any) -> bool:
    """Whether it is a pair of the study: no check, and not for the second time."""
    return Assignment.objects.counted().filter(public_id=asked["id"]).exists()


def walk(door: PageDoor | ApiDoor, clock: Clock) -> list[Any]:
    """Everything that a rater is offered, in the order in which it comes."""
    offered = [door.told(door.welcome())]
    door.join()
    offered.append(door.told(door.examples()))
    pairs = 0
    for _ in range(60):
        clock.now += timedelta(seconds=30)
        asked = door.ask()
        if asked is None:
            break
        offered += [door.told(asked), door.told(door.ahead(asked))]
        clock.now += timedelta(seconds=5)
        pairs += is_pair(asked)
        if is_pair(asked) and pairs == 3:
            door.skip(asked, "unsure", "Both black")
            continue
        if not asked["is_last_stage"]:
            asked = door.draft(asked, answers_to(asked))
            offered.append(door.told(asked))
        clock.now += timedelta(seconds=5)
        offered.append(door.told(door.submit(asked, answers_to(asked))))
        if is_pair(asked) and pairs == 1 and (earlier := door.back()):
            offered.append(door.told(earlier))
            door.revise(earlier, answers_to(earlier))
    return offered


ASSIGNMENT = ("comparison", "occasion", "side_a", "state", "draft", "leased_at", "lease_expires_at")
ANSWERED = ("shown_at", "submitted_at", "skip_reason", "skip_note", "playback", "doubts")
RATER = ("external_id", "outcome", "consented_at", "qualified_at", "warned_at", "finished_at")


def stored() -> dict[str, list[Any]]:
    """Every row that the walk left, but for random ids."""
    judgments = Judgment.objects.order_by("pk").select_related("axis", "assignment")
    return {
        "raters": list(Rater.objects.order_by("pk").values(*RATER)),
        "assignments": list(Assignment.objects.order_by("pk").values(*ASSIGNMENT, *ANSWERED)),
        "revisions": list(Revision.objects.order_by("pk").values("answers", "replaced_at")),
        "judgments": [
            {
                "comparison": judgment.assignment.comparison_id,
                "occasion": judgment.assignment.occasion,
                "axis": judgment.axis.key,
                "choice": judgment.choice,
                "reasons": sorted(judgment.reasons.values_list("key", flat=True)),
                "reason_order": judgment.reason_order,
                "note": judgment.note,
                "created_at": judgment.created_at,
            }
            for judgment in judgments
        ],
    }


def walk_and_undo(door_of: Any, study: Study, clock: Clock, monkeypatch) -> Any:
    """A walk from the same start: the same next ids, the same time, the same coin."""
    clock.now = NOW
    for module in ("annotations.views.rater", "annotations.api.views"):
        monkeypatch.setattr(f"{module}.RNG", random.Random(7))
    with connection.cursor() as cursor:
        models = [Rater, Assignment, Judgment, Revision]
        for sql in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(sql)
    with transaction.atomic():
        walked = walk(door_of(study), clock), stored()
        transaction.set_rollback(True)
    return walked


@pytest.mark.parametrize("kind", StudyKind.values)
def test_page_and_api_offer_and_store_the_same(tmp_path, clock, monkeypatch, kind):
    study = full_study(tmp_path, kind)
    by_page, kept_by_page = walk_and_undo(PageDoor, study, clock, monkeypatch)
    by_api, kept_by_api = walk_and_undo(ApiDoor, study, clock, monkeypatch)
    for page, api in zip(by_page, by_api, strict=True):
        assert page == api
    assert kept_by_page == kept_by_api
    # Nothing was left out: practice, a test in two tries, the pairs, and four checks among them.
    assert len(kept_by_page["assignments"]) == 1 + 4 + PAIRS + 4
    asked = [one for one in by_page if isinstance(one, dict) and "lesson" in one]
    lessons_met = [one["lesson"] for one in asked if one["lesson"]]
    assert {one["role"] for one in lessons_met} == {"practice", "qualification"}
    assert any(one["earlier"] for one in lessons_met)
    assert any(one["is_warned"] for one in asked)


# Each field of the description is rendered by both doors, so that neither can fall behind.

DESCRIBED = {
    asking.Asked: serializers.AssignmentSerializer,
    asking.Question: serializers.QuestionSerializer,
    asking.Answered: serializers.AnsweredSerializer,
    asking.ReasonOption: serializers.ReasonSerializer,
    asking.Option: serializers.OptionSerializer,
    asking.ShownSource: serializers.SourceSerializer,
    asking.Ahead: serializers.ClipsSerializer,
    standing.Lesson: serializers.LessonSerializer,
    standing.Progress: serializers.ProgressSerializer,
    Score: serializers.ScoreSerializer,
    explaining.Feedback: serializers.FeedbackSerializer,
    explaining.Explained: serializers.ExplainedSerializer,
    explaining.ExampleGroup: serializers.ExampleGroupSerializer,
    explaining.ReasonExample: serializers.ExampleSerializer,
    explaining.Winner: serializers.WinnerSerializer,
    welcoming.Welcome: serializers.WelcomeSerializer,
    welcoming.Announced: serializers.AnnouncedSerializer,
    welcoming.Advice: serializers.AdviceSerializer,
}
FOR_MACHINES = {
    "Asked.lease_expires_at",
    "Answered.key",
    "Answered.note",
    "Lesson.occasion",
    "Progress.done",
    "Feedback.id",
    "Explained.key",
    "ExampleGroup.reason",
}
"""What a page need not show: its script renews the lease unasked, and people read no keys."""


@pytest.mark.parametrize("described", DESCRIBED, ids=lambda one: one.__name__)
def test_the_api_tells_every_field(described):
    fields = DESCRIBED[described]().fields.values()
    told = {(field.source if field.source != "*" else field.field_name) for field in fields}
    told = {name.partition(".")[0].replace("left_url", "clips") for name in told}
    assert {field.name for field in dataclasses.fields(described)} - told == set()


class Spy:
    """Stands for a description, and notes which of its fields are read."""

    def __init__(self, told: Any, read: set[str]) -> None:
        self._told, self._read = told, read

    def __getattr__(self, name: str) -> Any:
        self._read.add(f"{type(self._told).__name__}.{name}")
        return spied(getattr(self._told, name), self._read)

    def __bool__(self) -> bool:
        return True


def spied(told: Any, read: set[str]) -> Any:
    if isinstance(told, tuple):
        return tuple(spied(part, read) for part in told)
    return Spy(told, read) if dataclasses.is_dataclass(told) else told


def test_the_page_reads_every_field(tmp_path, clock, monkeypatch):
    read: set[str] = set()
    for module, names in ((rate_page, ("ask", "ask_again")), (lessons, ("feedback_on",))):
        for name in names:
            real = getattr(module, name)
            monkeypatch.setattr(
                module, name, lambda *args, real=real, **values: spied(real(*args, **values), read)
            )
    real_examples = lessons.examples_of
    monkeypatch.setattr(lessons, "examples_of", lambda study: spied(real_examples(study), read))
    monkeypatch.setattr(PageDoor, "told", lambda self, shown: None)
    # What is kept of a page made before is not read again.
    monkeypatch.setattr(keeping, "MOST_KEPT", 0)
    for kind in (StudyKind.VIDEO_EXTENSION, StudyKind.TEXT_TO_IMAGE):
        with transaction.atomic():
            walk(PageDoor(full_study(tmp_path, kind)), clock)
            transaction.set_rollback(True)
    wanted = {
        f"{described.__name__}.{field.name}"
        for described in DESCRIBED
        if described.__module__ != welcoming.__name__ and described is not asking.Ahead
        for field in dataclasses.fields(described)
    }
    assert wanted - read == FOR_MACHINES
