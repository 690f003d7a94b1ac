from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from annotations.enums import ComparisonState, RenditionState, StudyState
from annotations.errors import ProtocolFrozen, TransitionRefused
from annotations.media.errors import TooSlow
from annotations.media.inspection import inspect_media
from annotations.models import Comparison, Prompt, Rendition, Stimulus, Study
from annotations.services.clips.importing import import_clips
from annotations.services.clips.manifests import read_clips
from annotations.services.clips.registering import import_into_study
from annotations.services.clips.sharing import clips_of_study, share_clips
from annotations.services.pairs import rendering
from annotations.services.pairs.preparing import (
    lease_due_renditions,
    make_rendition,
    retry_failed_renditions,
    sync_comparisons,
)
from annotations.services.pairs.warning_signs import warnings_of
from annotations.services.studies.states import (
    close_study,
    create_study,
    open_study,
    pause_study,
    return_to_draft,
    set_prompts,
    start_preparing,
)
from tests.annotations.factories import (
    judge,
    make_model,
    make_prompt,
    make_rater,
    make_stimulus,
    make_study,
)
from tests.media.clips import make_clip, moving_box

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def study(tmp_path):
    """A study of two models with clips of different sizes, lengths and rates."""
    for model, width, fps, frames in [("aurora", 96, 12, 24), ("drift", 64, 8, 12)]:
        (tmp_path / model).mkdir()
        make_clip(tmp_path / model / "fox.mp4", width=width, height=64, fps=fps, frames=frames)
    (tmp_path / "prompts.csv").write_text("prompt_id,prompt\nfox,A fox\n")
    result = import_clips(manifest=read_clips(tmp_path))
    return import_into_study(result=result, slug="foxes")


@contextmanager
def spoilt(rendition: Rendition, how: Callable[[bytes], bytes]) -> Iterator[None]:
    """Another content in the original; it is kept by its hash, and other tests have the same."""
    original = Path(rendition.stimulus.file.path)
    good = original.read_bytes()
    original.write_bytes(how(good))
    try:
        yield
    finally:
        original.write_bytes(good)


def prepare(study: Study) -> Comparison:
    start_preparing(study=study)
    sync_comparisons(study=study)
    for rendition_id in lease_due_renditions(now=NOW):
        make_rendition(rendition_id=rendition_id, now=NOW)
    return study.comparisons.get()


def test_a_comparison_is_ready_when_both_renditions_are(study):
    start_preparing(study=study)
    sync_comparisons(study=study)
    states = [study.comparisons.get().state]
    for rendition_id in lease_due_renditions(now=NOW):
        make_rendition(rendition_id=rendition_id, now=NOW)
        states.append(study.comparisons.get().state)
    assert states == ["preparing", "preparing", "ready"]


def test_the_two_renditions_are_alike_in_all_but_content(study):
    comparison = prepare(study)
    pair = [
        inspect_media(rendition.file.storage.path(rendition.file.name))
        for rendition in (comparison.rendition_a, comparison.rendition_b)
    ]
    # The smaller of each: 96x64 and 64x64, 12 and 8 fps, 2 s and 1.5 s.
    assert [(clip.width, clip.height, clip.fps, clip.frames) for clip in pair] == [
        (64, 64, 8, 12)
    ] * 2


def test_renditions_are_shared_between_studies(study):
    prepare(study)
    models = [row.model for row in study.study_models.all()]
    other = create_study(
        title="Again", slug="again", models=models, prompts=list(study.prompts.all())
    )
    share_clips(study=other, clips=clips_of_study(study))
    prepare(other)
    assert (Rendition.objects.count(), other.comparisons.get().state) == (2, "ready")


def test_making_a_rendition_twice_changes_nothing(study):
    rendition = prepare(study).rendition_a
    make_rendition(rendition_id=rendition.pk, now=NOW + timedelta(hours=1))
    rendition.refresh_from_db()
    assert (rendition.ready_at, rendition.tries) == (NOW, 1)


def test_a_rendition_is_queued_once_until_its_lease_ends(study):
    start_preparing(study=study)
    sync_comparisons(study=study)
    handed_out = [len(lease_due_renditions(now=NOW + timedelta(minutes=m))) for m in (0, 1, 3)]
    assert handed_out == [2, 0, 2]


def test_a_rendition_whose_worker_died_is_made_by_another(study):
    start_preparing(study=study)
    sync_comparisons(study=study)
    Rendition.objects.update(
        state=RenditionState.RENDERING, tries=1, lease_expires_at=NOW - timedelta(seconds=1)
    )
    for rendition_id in lease_due_renditions(now=NOW):
        make_rendition(rendition_id=rendition_id, now=NOW + timedelta(minutes=3))
    assert study.comparisons.get().state == ComparisonState.READY


def test_a_rendition_that_kills_its_workers_fails_visibly(study):
    start_preparing(study=study)
    sync_comparisons(study=study)
    Rendition.objects.update(state=RenditionState.RENDERING, tries=3, lease_expires_at=NOW)
    make_rendition(rendition_id=Rendition.objects.first().pk, now=NOW)
    assert "3 tries" in Rendition.objects.first().error
    assert study.comparisons.get().state == ComparisonState.FAILED


def test_a_source_that_went_bad_fails_with_its_reason_and_can_be_retried(study):
    start_preparing(study=study)
    sync_comparisons(study=study)
    rendition = Rendition.objects.first()
    with spoilt(rendition, lambda good: good[: len(good) // 2]):
        make_rendition(rendition_id=rendition.pk, now=NOW)
    rendition.refresh_from_db()
    assert (rendition.state, bool(rendition.error)) == (RenditionState.FAILED, True)
    retry_failed_renditions(study=study)
    for rendition_id in lease_due_renditions(now=NOW):
        make_rendition(rendition_id=rendition_id, now=NOW)
    assert study.comparisons.get().state == ComparisonState.READY


def pairs_made(study: Study) -> list[tuple[str, str]]:
    start_preparing(study=study)
    sync_comparisons(study=study)
    return sorted(
        study.comparisons.values_list("stimulus_a__model__slug", "stimulus_b__model__slug")
    )


@pytest.fixture
def three_models():
    """A draft of three models with a clip each for one prompt."""
    study = make_study(comparisons=0, state=StudyState.DRAFT)
    third = make_model()
    study.study_models.create(model=third, position=2)
    prompt = make_prompt()
    study.study_prompts.create(prompt=prompt)
    for row in study.study_models.all():
        make_stimulus(row.model, prompt, study=study)
    return study


def slugs(study: Study) -> list[str]:
    return [row.model.slug for row in study.study_models.all()]


def test_against_first_pairs_the_first_model_with_each_other_one(three_models):
    a, b, c = slugs(three_models)
    assert pairs_made(three_models) == sorted([(a, b), (a, c)])


def test_round_robin_pairs_every_two_models(three_models):
    Study.objects.update(pairing="round-robin")
    a, b, c = slugs(three_models)
    assert pairs_made(three_models) == sorted([(a, b), (a, c), (b, c)])


def test_listed_pairs_are_the_only_ones_compared(three_models):
    Study.objects.update(pairing="listed")
    a, _, c = three_models.generative_models.order_by("pk")
    three_models.listed_pairs.create(model_a=c, model_b=a)
    assert pairs_made(three_models) == [(c.slug, a.slug)]


def test_an_unfinished_set_up_is_refused_with_what_is_missing():
    study = make_study(comparisons=0, state=StudyState.DRAFT)
    study.axes.get(key="quality").reasons.all().delete()
    with pytest.raises(TransitionRefused) as refusal:
        start_preparing(study=study)
    assert str(refusal.value) == ("Before preparing, add prompts; give the axis “quality” reasons.")


def test_two_prompts_of_one_id_are_refused():
    study = make_study(comparisons=0, state=StudyState.DRAFT)
    prompts = [make_prompt("A fox"), make_prompt("A boat")]
    Prompt.objects.update(key="same")
    with pytest.raises(TransitionRefused):
        set_prompts(study=study, prompts=Prompt.objects.filter(pk__in=[p.pk for p in prompts]))


def test_a_study_without_a_ready_comparison_cannot_open():
    study = make_study(comparisons=0, state=StudyState.PREPARING)
    with pytest.raises(TransitionRefused):
        open_study(study=study, now=NOW)


def test_a_study_goes_from_open_to_paused_to_open_to_closed():
    study = make_study(state=StudyState.PREPARING)
    states = []
    for step in (open_study, pause_study, open_study, close_study):
        step(study=study) if step is pause_study else step(study=study, now=NOW)
        states.append(study.state)
    assert (states, study.opened_at, study.closed_at) == (
        ["open", "paused", "open", "closed"],
        NOW,
        NOW,
    )


def test_a_closed_study_stays_closed():
    study = make_study(state=StudyState.CLOSED)
    with pytest.raises(TransitionRefused):
        open_study(study=study, now=NOW)


def test_a_study_nobody_rated_goes_back_to_draft():
    study = make_study(comparisons=2)
    return_to_draft(study=study)
    assert (study.state, study.comparisons.count()) == (StudyState.DRAFT, 0)


def test_a_study_with_judgments_is_frozen():
    study = make_study()
    judge(make_rater(study))
    with pytest.raises(ProtocolFrozen):
        return_to_draft(study=study)


def test_a_busy_machine_is_no_failure_of_the_clip(study, monkeypatch):
    start_preparing(study=study)
    sync_comparisons(study=study)
    rendition = Rendition.objects.first()
    with monkeypatch.context() as busy:
        busy.setattr(rendering, "render", too_slow)
        make_rendition(rendition_id=rendition.pk, now=NOW)
    rendition.refresh_from_db()
    assert (rendition.state, rendition.error) == (RenditionState.PENDING, "too busy.")
    assert rendition.pk not in lease_due_renditions(now=NOW + timedelta(minutes=4))
    for rendition_id in lease_due_renditions(now=NOW + timedelta(minutes=6)):
        make_rendition(rendition_id=rendition_id, now=NOW)
    assert study.comparisons.get().state == ComparisonState.READY


def test_a_machine_that_is_always_busy_is_told_with_the_clip(study, monkeypatch):
    start_preparing(study=study)
    sync_comparisons(study=study)
    rendition = Rendition.objects.first()
    monkeypatch.setattr(rendering, "render", too_slow)
    for _ in range(3):
        make_rendition(rendition_id=rendition.pk, now=NOW)
    comparison = study.comparisons.get()
    assert comparison.state == ComparisonState.FAILED
    assert comparison.error == (
        f"{rendition.stimulus}: too busy. It was tried 3 times; retry when less is going on."
    )


def too_slow(*_):
    raise TooSlow("too busy.")


def test_a_clip_that_cannot_be_prepared_is_named_with_its_reason(study):
    start_preparing(study=study)
    sync_comparisons(study=study)
    rendition = Rendition.objects.first()
    with spoilt(rendition, lambda _: b"nothing that anybody could show"):
        make_rendition(rendition_id=rendition.pk, now=NOW)
    rendition.refresh_from_db()
    error = study.comparisons.get().error
    assert error == f"{rendition.stimulus}: {rendition.error}"
    assert "its content is text" in error


def test_a_lease_lasts_as_long_as_the_pixels_may_take(study):
    start_preparing(study=study)
    sync_comparisons(study=study)
    _, large = Rendition.objects.order_by("pk")
    type(large.stimulus).objects.filter(pk=large.stimulus_id).update(
        width=1920, height=1080, frames=1800
    )
    leases = [rendering.render_lease(one) for one in Rendition.objects.order_by("pk")]
    assert leases[0] < timedelta(minutes=4) < timedelta(minutes=30) < leases[1]


def test_a_clip_of_one_frame_from_earlier_does_not_cut_its_partner(three_models):
    stimulus = Stimulus.objects.order_by("pk")[1]
    Stimulus.objects.filter(pk=stimulus.pk).update(frames=1)
    pairs_made(three_models)
    failed = three_models.comparisons.get(state=ComparisonState.FAILED)
    assert failed.error.startswith(f"{stimulus.model}: its clip has one frame only")
    assert three_models.comparisons.exclude(pk=failed.pk).get().error == ""


def test_a_studys_bytes_for_a_clip_are_kept_and_told(tmp_path):
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 256, (256, 256, 3), np.uint8) for _ in range(24)]
    for model in ("aurora", "drift"):
        (tmp_path / model).mkdir()
        make_clip(
            tmp_path / model / "fox.mp4",
            width=256,
            height=256,
            frames=24,
            paint=(lambda number, *_: noise[number]) if model == "aurora" else moving_box,
        )
    (tmp_path / "prompts.csv").write_text("prompt_id,prompt\nfox,A fox\n")
    result = import_clips(manifest=read_clips(tmp_path))
    study = import_into_study(result=result, slug="foxes")
    Study.objects.update(clip_megabytes=1)
    study.refresh_from_db()
    comparison = prepare(study)
    assert comparison.rendition_a.bytes <= 1_000_000
    assert (comparison.rendition_a.crf > 18, comparison.rendition_b.crf) == (True, 18)
    assert [one for one in warnings_of(study) if "coded more coarsely" in one] == [
        "1 clip of aurora: coded more coarsely to keep within 1 MB: raters may see it. Shorter or "
        "smaller clips, or more megabytes in the study's presentation, avoid it."
    ]
