"""Real rows for tests, in one call each."""

from __future__ import annotations

import itertools
import random
import uuid
from datetime import UTC, datetime
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from annotations.enums import ComparisonState, RenditionState, StudyState
from annotations.models import (
    Assignment,
    Check,
    CheckPlan,
    Comparison,
    GenerativeModel,
    Prompt,
    Rater,
    Rendition,
    RosterEntry,
    Stimulus,
    Study,
)
from annotations.models.study import new_token
from annotations.services.raters.joining import PanelIdentity, join_study
from annotations.services.rating.claiming import claim_assignment
from annotations.services.rating.submitting import Answer, save_draft, submit_answers
from annotations.services.studies.states import create_study, set_prompts

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CLIP_BYTES = bytes(range(256)) * 4

_numbers = itertools.count(1)


def make_model(name: str | None = None) -> GenerativeModel:
    number = next(_numbers)
    name = name or f"Model {number}"
    return GenerativeModel.objects.create(name=name, slug=f"model-{number}")


def make_prompt(text: str | None = None) -> Prompt:
    number = next(_numbers)
    text = text or f"A fox number {number} in the snow"
    return Prompt.objects.create(key=f"p{number:04d}", text=text, digest=Prompt.digest_of(text))


def make_stimulus(
    model: GenerativeModel, prompt: Prompt, *, study: Study | None = None, **values: Any
) -> Stimulus:
    """A clip, put into a study if one is given; the file is not there."""
    stimulus = _stimulus(model, prompt, **values)
    if study is not None:
        put_on_roster(study, stimulus)
    return stimulus


def put_on_roster(study: Study, *clips: Stimulus) -> None:
    """As the next samples, whatever state the study is in."""
    entries = []
    for clip in clips:
        there = study.roster.filter(model=clip.model_id, prompt=clip.prompt_id).count()
        place = {"model_id": clip.model_id, "prompt_id": clip.prompt_id, "sample": there + 1}
        entries.append(RosterEntry(study=study, stimulus=clip, origin="imported", **place))
    RosterEntry.objects.bulk_create(entries)


def _stimulus(model: GenerativeModel, prompt: Prompt, **values: Any) -> Stimulus:
    number = next(_numbers)
    return Stimulus.objects.create(
        **{
            "model": model,
            "prompt": prompt,
            "kind": "video",
            "file": f"originals/{number}.mp4",
            "sha256": f"{number:064d}",
            "frames_sha256": f"{number:064d}",
            "container": "mp4",
            "codec": "h264",
            "width": 512,
            "height": 512,
            "fps_numerator": 16,
            "fps_denominator": 1,
            "frames": 64,
            "seconds": 4.0,
            "bytes": 1000,
            "source": "test",
            **values,
        }
    )


def make_rendition(
    stimulus: Stimulus, content: bytes = CLIP_BYTES, suffix: str = ".mp4"
) -> Rendition:
    number = next(_numbers)
    name = default_storage.save(f"renditions/{number}{suffix}", ContentFile(content))
    return Rendition.objects.create(
        key=f"{number:064d}",
        stimulus=stimulus,
        profile="pairwise-min/1",
        plan={"frames": 64, "height": 512, "width": 512, "fps": "16", "filters": "none"},
        state=RenditionState.READY,
        file=name,
    )


def make_comparison(study: Study, prompt: Prompt | None = None, **values: Any) -> Comparison:
    """A ready comparison of the study's first two models, with clips that can be fetched."""
    prompt = prompt or make_prompt()
    first, second = [row.model for row in study.study_models.all()[:2]]
    stimulus_a, stimulus_b = make_stimulus(first, prompt), make_stimulus(second, prompt)
    put_on_roster(study, stimulus_a, stimulus_b)
    return Comparison.objects.create(
        **{
            "study": study,
            "prompt": prompt,
            "stimulus_a": stimulus_a,
            "stimulus_b": stimulus_b,
            "rendition_a": make_rendition(stimulus_a),
            "rendition_b": make_rendition(stimulus_b),
            "state": ComparisonState.READY,
            "position": next(_numbers),
            "open_seats": study.raters_per_comparison,
            **values,
        }
    )


def make_study(*, comparisons: int = 1, state: str = StudyState.OPEN, **settings: Any) -> Study:
    """A study of two models with so many ready comparisons."""
    number = next(_numbers)
    study = create_study(
        title="Which clip is better?",
        slug=f"study-{number}",
        models=[make_model(), make_model()],
        **settings,
    )
    for _ in range(comparisons):
        make_comparison(study)
    stamp = "" if state == StudyState.DRAFT else new_token()
    Study.objects.filter(pk=study.pk).update(state=state, frozen_as=stamp)
    study.refresh_from_db()
    return study


def freeze_anew(study: Study) -> None:
    """As a study leaves the draft after its questions were changed there."""
    Study.objects.filter(pk=study.pk).update(frozen_as=new_token())


def running_study(comparisons: int) -> Study:
    """An open study whose prompts are those of its comparisons."""
    study = make_study(comparisons=comparisons, state=StudyState.DRAFT)
    set_prompts(study=study, prompts=[one.prompt for one in study.comparisons.all()])
    Study.objects.filter(pk=study.pk).update(state=StudyState.OPEN, frozen_as=new_token())
    study.refresh_from_db()
    return study


def make_check(study: Study, role: str, *, wins: str = "a", **values: Any) -> Check:
    """A ready check of the study's first two models, won by `a` or `b` on both axes."""
    prompt = make_prompt()
    first, second = [row.model for row in study.study_models.all()[:2]]
    stimulus_a, stimulus_b = make_stimulus(first, prompt), make_stimulus(second, prompt)
    check = Check.objects.create(
        **{
            "study": study,
            "role": role,
            "stimulus_a": stimulus_a,
            "stimulus_b": stimulus_b,
            "expected": {"quality": wins, "faithfulness": wins},
            "position": next(_numbers),
            **values,
        }
    )
    make_check_comparison(check)
    return check


def make_check_comparison(check: Check) -> Comparison:
    return Comparison.objects.create(
        study=check.study,
        of_check=check,
        prompt=check.stimulus_a.prompt,
        stimulus_a=check.stimulus_a,
        stimulus_b=check.stimulus_b,
        rendition_a=make_rendition(check.stimulus_a),
        rendition_b=make_rendition(check.stimulus_b),
        state=ComparisonState.READY,
        position=next(_numbers),
        open_seats=0,
    )


def plan_quality(study: Study, **values: Any) -> CheckPlan:
    return CheckPlan.objects.create(study=study, **values)


def make_rater(study: Study, external_id: str = "") -> Rater:
    return join_study(study=study, identity=PanelIdentity(external_id=external_id))


def claim(rater: Rater, *, now: datetime = NOW, seed: int = 0) -> Assignment | None:
    """With a seed, the rater's claims draw the same numbers each time, but not all the same."""
    rng = random.Random(f"{seed}/{rater.assignments.count()}")
    return claim_assignment(rater=rater, now=now, rng=rng)


def quality(choice: str = "left", reasons: tuple[str, ...] = ("motion-smoothness",)) -> Answer:
    return Answer(axis="quality", choice=choice, reasons=reasons)


def faithfulness(
    choice: str = "left", reasons: tuple[str, ...] = ("spatial-text-alignment",)
) -> Answer:
    return Answer(axis="faithfulness", choice=choice, reasons=reasons)


def draft(assignment: Assignment, *answers: Answer, now: datetime = NOW) -> Assignment:
    return save_draft(
        rater=assignment.rater,
        public_id=assignment.public_id,
        answers=answers or [quality()],
        now=now,
    )


def submit(
    assignment: Assignment,
    *answers: Answer,
    submission_id: uuid.UUID | None = None,
    now: datetime = NOW,
) -> Assignment:
    return submit_answers(
        rater=assignment.rater,
        public_id=assignment.public_id,
        submission_id=submission_id or uuid.uuid4(),
        answers=answers or [faithfulness()],
        now=now,
    )


def judge(rater: Rater, choice: str = "left", *, now: datetime = NOW) -> Assignment:
    """Claim and answer one comparison, the same side on both axes."""
    assignment = claim(rater, now=now, seed=rater.pk)
    assert assignment is not None
    return answer_both(assignment, choice, now=now)


def judge_for(rater: Rater, winner: str = "a", *, now: datetime = NOW) -> Assignment:
    """Claim and answer one comparison, for stimulus a or b on both axes."""
    assignment = claim(rater, now=now, seed=rater.pk)
    assert assignment is not None
    return answer_both(assignment, assignment.side_of_choice(winner), now=now)


def answer_both(assignment: Assignment, choice: str, *, now: datetime = NOW) -> Assignment:
    draft(assignment, quality(choice), now=now)
    return submit(assignment, faithfulness(choice), now=now)
