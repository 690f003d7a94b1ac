"""The rows of one try. Made by hand and without files: a try takes a few hundredths of a second."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotations.enums import (
    AssignmentState,
    ComparisonState,
    RenditionState,
    RosterOrigin,
    StudyState,
)
from annotations.models import (
    Assignment,
    Axis,
    Check,
    CheckPlan,
    Comparison,
    GenerativeModel,
    Judgment,
    PanelEvent,
    Prompt,
    Rater,
    Reason,
    Recruitment,
    Rendition,
    Revision,
    Stimulus,
    Study,
    StudyModel,
    StudyPrompt,
)
from bench.races.instrument import Answer, put_in, sync_comparisons

SECRET_NAME, SECRET = "RACES_WEBHOOK_SECRET", "a secret of the panel's"
LEASE = timedelta(minutes=15)
LEFT = {"quality": "left", "faithfulness": "left"}

LEASED, EXPIRED = AssignmentState.LEASED, AssignmentState.EXPIRED
SUBMITTED = AssignmentState.SUBMITTED


@dataclass(frozen=True)
class Variant:
    """Who acts, on what, and how late.

    Attributes
    ----------
    subject
        "two tabs" of one rater, or "two raters" on one comparison.
    hand
        What is in hand: "nothing", an "ordinary" pair, "two" (the next one is loaded already), a
        swapped "repeat", or a "gold" pair.
    lease
        "running"; "run out" and not taken back yet; "given back", the seat free; "taken" by another
        rater, who judged.
    """

    subject: str = "two tabs"
    hand: str = "ordinary"
    lease: str = "running"

    def __str__(self) -> str:
        return f"{self.subject}, {self.hand} in hand, lease {self.lease}"


@dataclass
class Person:
    """A rater, and the assignments that operations are about."""

    rater: Rater
    hand: Assignment | None = None
    previous: Assignment | None = None


@dataclass
class Scenario:
    study: Study
    people: list[Person]
    now: datetime
    names: tuple[str, str]

    @property
    def raters(self) -> list[Rater]:
        """Each once."""
        return list({person.rater.pk: person.rater for person in self.people}.values())


@dataclass(frozen=True)
class Wanted:
    """What a try needs: the operations by name, and the rest of the variant."""

    names: tuple[str, str]
    variant: Variant
    are_of_raters: tuple[bool, bool]
    # Who acts on something in hand, or is ended while they hold it.
    hold: tuple[bool, bool]

    def __post_init__(self) -> None:
        assert self.variant.lease != "taken" or self.variant.hand == "ordinary"


@dataclass
class Cast:
    """Models, prompts and clips: made once, shared by all tries."""

    models: list[GenerativeModel]
    prompts: dict[str, Prompt]
    clips: dict[str, tuple[Stimulus, Stimulus]]
    renditions: dict[str, tuple[Rendition, Rendition]] = field(default_factory=dict)


# In hand, the next one, the one judged before, the one added; two pairs with a known answer.
OWN, PAIRS = ["hand", "next", "before", "added"], ["gold", "failed"]


def make_cast() -> Cast:
    os.environ[SECRET_NAME] = SECRET
    models = [GenerativeModel.objects.create(name=f"Race {n}", slug=f"race-{n}") for n in "ab"]
    prompts = {name: _make_prompt(name) for name in [*OWN, *PAIRS]}
    clips = {
        name: (_make_clip(models[0], prompt), _make_clip(models[1], prompt))
        for name, prompt in prompts.items()
    }
    cast = Cast(models, prompts, clips)
    study = Study.objects.create(title="Renditions", slug="race-renditions")
    _add_clips(study, cast, [*OWN, *PAIRS])
    sync_comparisons(study=study)
    Rendition.objects.update(state=RenditionState.READY, file="renditions/race.mp4")
    of_prompt = {prompt.pk: name for name, prompt in prompts.items()}
    for made in study.comparisons.select_related("rendition_a", "rendition_b"):
        assert made.rendition_a and made.rendition_b
        cast.renditions[of_prompt[made.prompt_id]] = (made.rendition_a, made.rendition_b)
    forget_tries()
    return cast


def forget_tries() -> None:
    """Delete all studies and what hangs on them, but for the cast."""
    through: Any = Judgment.reasons.through
    for model in (through, Judgment, Revision, PanelEvent, Assignment, Rater, Comparison, Check):
        model.objects.all()._raw_delete(using="default")
    for model in (Reason, Axis, CheckPlan, Recruitment, StudyModel, StudyPrompt):
        model.objects.all()._raw_delete(using="default")
    Study.objects.all().delete()


def make_scenario(cast: Cast, wanted: Wanted) -> Scenario:
    with transaction.atomic():
        return _Maker(cast, wanted).make()


class _Maker:
    def __init__(self, cast: Cast, wanted: Wanted) -> None:
        self.cast, self.wanted, self.variant = cast, wanted, wanted.variant
        self.now = timezone.now()
        self.is_one = self.variant.subject == "two tabs" or not all(wanted.are_of_raters)
        self.rows: list[Assignment] = []

    def make(self) -> Scenario:
        self.study = self.make_study()
        count = 1 if self.is_one else 2
        raters = self.make_raters(["first", "second"][:count])
        people = [Person(rater) for rater in raters]
        people = people * 2 if self.is_one else people
        self.comparisons = self.make_comparisons()
        for rater in self.holders(raters):
            self.give_hand(rater)
        self.fill_seats()
        self.give_what_came_before(people)
        self.write()
        self.point_to_rows(people)
        return Scenario(self.study, people, self.now, self.wanted.names)

    def holders(self, raters: list[Rater]) -> list[Rater]:
        if self.variant.hand == "nothing":
            return []
        holds = [any(self.wanted.hold)] if self.is_one else self.wanted.hold
        is_rater_s = any(self.wanted.are_of_raters)
        return [rater for rater, one in zip(raters, holds, strict=True) if one or not is_rater_s]

    @property
    def seats(self) -> int:
        """Exactly so many as there are holders, so that nothing is free by chance."""
        if self.is_one:
            return 1
        holders = 0 if self.variant.hand == "nothing" else sum(self.wanted.hold)
        return max(1, holders, self.wanted.names.count("revise"))

    @property
    def revises(self) -> str:
        """The comparison that a revision is about."""
        return "hand" if self.is_one and self.variant.hand == "repeat" else "before"

    def make_study(self) -> Study:
        study = Study.objects.create(
            title="Which clip is better?",
            slug=f"race-{uuid.uuid4().hex}",
            state=StudyState.OPEN,
            opened_at=self.now,
            raters_per_comparison=self.seats,
        )
        axes = Axis.objects.bulk_create(
            Axis(study=study, key=key, question=f"{key}?", shows_prompt=place == 1, position=place)
            for place, key in enumerate(LEFT)
        )
        self.axes = {axis.key: axis for axis in axes}
        reasons = Reason.objects.bulk_create(
            Reason(axis=axis, key=f"{axis.key}-reason", label="Reason") for axis in axes
        )
        self.reasons = {reason.axis_id: reason for reason in reasons}
        Recruitment.objects.create(study=study, webhook_secret_env=SECRET_NAME)
        golds = ["gold"] * (self.variant.hand == "gold") + ["failed"] * self.has_rule
        CheckPlan.objects.create(
            study=study,
            gold_per_rater=len(golds),
            repeats_per_rater=int(self.variant.hand == "repeat"),
            judged_after=1,
            exclude_gold_below=100 if self.has_rule else None,
        )
        if "extend" in self.wanted.names:
            own = [name for name in OWN if name in [*self.own_names(), "added"]]
            _add_clips(study, self.cast, own)
        return study

    @property
    def has_rule(self) -> bool:
        return "rule" in self.wanted.names

    def own_names(self) -> list[str]:
        has_next = self.is_one or "ahead" in self.wanted.names or self.variant.hand == "two"
        has_before = "revise" in self.wanted.names and self.revises == "before"
        return ["hand", *["next"] * has_next, *["before"] * has_before]

    def make_raters(self, names: list[str]) -> list[Rater]:
        return Rater.objects.bulk_create(
            Rater(study=self.study, external_id=name, external_session_id=f"session-{name}")
            for name in names
        )

    def make_comparisons(self) -> dict[str, Comparison]:
        names = self.own_names()
        checks = ["gold"] * (self.variant.hand == "gold") + ["failed"] * self.has_rule
        expected = dict.fromkeys(LEFT, "a")
        made = Check.objects.bulk_create(
            Check(
                study=self.study,
                role="gold",
                stimulus_a=self.cast.clips[name][0],
                stimulus_b=self.cast.clips[name][1],
                expected=expected,
                position=place,
            )
            for place, name in enumerate(checks)
        )
        of_check = dict(zip(checks, made, strict=True))
        rows = [
            Comparison(
                study=self.study,
                of_check=of_check.get(name),
                prompt=self.cast.prompts[name],
                stimulus_a=self.cast.clips[name][0],
                stimulus_b=self.cast.clips[name][1],
                rendition_a=self.cast.renditions[name][0],
                rendition_b=self.cast.renditions[name][1],
                state=ComparisonState.READY,
                position=place,
                open_seats=0,
            )
            for place, name in enumerate([*names, *checks])
        ]
        return dict(zip([*names, *checks], rows, strict=True))

    def give_hand(self, rater: Rater) -> None:
        """What the rater has before them, by the variant."""
        if self.variant.hand == "gold":
            self.give(rater, "gold")
        elif self.variant.hand == "repeat":
            self.give(rater, "hand", state=SUBMITTED)
            self.give(rater, "hand", occasion=2, side_a="right")
        else:
            self.give(rater, "hand")
            if self.variant.hand == "two":
                self.give(rater, "next")

    def give_what_came_before(self, people: list[Person]) -> None:
        for person, name in zip(people, self.wanted.names, strict=True):
            if name == "revise":
                self.give_once(person.rater, self.revises)
            if name == "rule":
                earlier = self.now - timedelta(minutes=2)
                self.give_once(person.rater, "failed", side_a="right", submitted_at=earlier)

    def give_once(self, rater: Rater, name: str, **values: Any) -> None:
        comparison = self.comparisons[name]
        if not any(row.rater is rater and row.comparison is comparison for row in self.rows):
            self.give(rater, name, state=SUBMITTED, **values)

    def give(self, rater: Rater, name: str, *, state: str = "", **values: Any) -> None:
        lease = self.variant.lease
        state = state or (LEASED if lease in ("running", "run out") else EXPIRED)
        ends = self.now + (LEASE if lease == "running" else -timedelta(minutes=1))
        row = Assignment(
            rater=rater,
            comparison=self.comparisons[name],
            state=state,
            leased_at=ends - LEASE,
            shown_at=ends - LEASE,
            lease_expires_at=ends,
            **{"side_a": "left", **values},
        )
        if state == SUBMITTED:
            row.submission_id = uuid.uuid4()
            row.submitted_at = row.submitted_at or self.now - timedelta(minutes=1)
        if state == SUBMITTED or "draft" not in self.wanted.names:
            row.draft = [asdict(answer("quality"))]
        self.rows.append(row)

    def fill_seats(self) -> None:
        """Other raters' votes where the variant wants a seat taken, or one left to fight for."""
        if self.variant.lease == "taken":
            self.fill("hand", self.seats)
        if not self.is_one and "ahead" in self.wanted.names and self.variant.hand != "two":
            self.fill("next", self.seats - 1)

    def fill(self, name: str, count: int) -> None:
        for rater in self.make_raters([f"{name} {number}" for number in range(count)]):
            self.give(rater, name, state=SUBMITTED)

    def write(self) -> None:
        held: Counter[int] = Counter(
            id(row.comparison)
            for row in self.rows
            if row.state in (LEASED, SUBMITTED) and row.occasion == 1
        )
        for comparison in self.comparisons.values():
            if comparison.of_check is None:
                comparison.open_seats = self.study.raters_per_comparison - held[id(comparison)]
        Comparison.objects.bulk_create(self.comparisons.values())
        for row in self.rows:
            # Set again now that it has a key.
            row.comparison = row.comparison
        Assignment.objects.bulk_create(self.rows)
        self.write_judgments([row for row in self.rows if row.state == SUBMITTED])

    def write_judgments(self, rows: list[Assignment]) -> None:
        """All for the left side."""
        judgments = Judgment.objects.bulk_create(
            Judgment(
                assignment=row, axis=axis, choice=row.choice_of_side("left"), created_at=self.now
            )
            for row in rows
            for axis in self.axes.values()
        )
        through: Any = Judgment.reasons.through
        through.objects.bulk_create(
            through(judgment=judgment, reason=self.reasons[judgment.axis_id])
            for judgment in judgments
        )

    def point_to_rows(self, people: list[Person]) -> None:
        for person in people:
            own = [row for row in self.rows if row.rater is person.rater]
            waiting = [row for row in own if row.state != SUBMITTED]
            person.hand = waiting[0] if waiting else None
            revisable = self.comparisons.get(self.revises)
            judged = [row for row in own if row.state == SUBMITTED and row.comparison is revisable]
            person.previous = judged[0] if judged else None


def answer(axis: str, side: str = "left") -> Answer:
    return Answer(axis=axis, choice=side, reasons=(f"{axis}-reason",))


def _make_prompt(name: str) -> Prompt:
    text = f"Race: {name}"
    return Prompt.objects.create(key=f"race-{name}", text=text, digest=Prompt.digest_of(text))


def _make_clip(model: GenerativeModel, prompt: Prompt) -> Stimulus:
    return Stimulus.objects.create(
        model=model,
        prompt=prompt,
        kind="video",
        file=f"originals/{model.slug}-{prompt.key}.mp4",
        sha256=f"{model.slug}-{prompt.key}",
        frames_sha256=f"{model.slug}-{prompt.key}",
        container="mp4",
        codec="h264",
        width=64,
        height=64,
        fps_numerator=16,
        fps_denominator=1,
        frames=32,
        seconds=2.0,
        bytes=1000,
        source="race",
    )


def _add_clips(study: Study, cast: Cast, names: list[str]) -> None:
    StudyModel.objects.bulk_create(
        StudyModel(study=study, model=model, position=place)
        for place, model in enumerate(cast.models)
    )
    StudyPrompt.objects.bulk_create(
        StudyPrompt(study=study, prompt=cast.prompts[name], position=place)
        for place, name in enumerate(names)
    )
    clips = [clip for name in names for clip in cast.clips[name]]
    put_in(study=study, clips=clips, origin=RosterOrigin.IMPORTED)
