"""What the page of a study says about it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from annotations.enums import ComparisonState, RenditionState
from annotations.models import Rendition, Stimulus, Study
from annotations.services.pairs.preparing import sync_comparisons
from annotations.services.rating.skipping import skip_assignment
from annotations.services.studies.states import create_study, start_preparing
from owner.studies.progress import progress_of
from tests.annotations.factories import (
    NOW,
    claim,
    judge,
    make_comparison,
    make_model,
    make_prompt,
    make_rater,
    make_stimulus,
    make_study,
    running_study,
)
from tests.generation.factories import make_endpoint
from tests.owner.at_work import planned_study, shown

pytestmark = pytest.mark.django_db


def test_the_bars_count_clips_pairs_and_judged_pairs():
    study = running_study(comparisons=3)
    judge(make_rater(study))
    judge(make_rater(study))
    clips, pairs, judged = progress_of(study, now=NOW).bars
    assert (clips.done, clips.total) == (6, 6)
    assert (pairs.done, pairs.total) == (3, 3)
    assert (judged.done, judged.total) == (2, 3 * 5)


def study_with_gaps() -> Study:
    """Two models and three prompts; the second model lacks two clips, so one can be compared."""
    models, prompts = [make_model("Full"), make_model("Short")], [make_prompt() for _ in range(3)]
    study = create_study(title="Gaps", slug="gaps", models=models, prompts=prompts)
    for prompt in prompts:
        make_stimulus(models[0], prompt, study=study)
    make_stimulus(models[1], prompts[0], study=study)
    start_preparing(study=study)
    sync_comparisons(study=study)
    return study


def test_totals_are_what_the_clips_allow_and_say_what_more_is_wanted():
    study = study_with_gaps()
    progress = progress_of(study, now=NOW)
    _, fair, judged = progress.bars
    assert (fair.total, judged.total) == (1, 5)
    assert fair.note == "3 when all clips are there; 2 clips are missing"
    [gap] = progress.reach.gaps
    assert (gap.model.name, gap.prompts) == ("Short", list_of_keys(study)[1:])
    assert gap.model == study.study_models.last().model


def list_of_keys(study: Study) -> list[str]:
    return [row.prompt.key for row in study.study_prompts.select_related("prompt")]


def test_gaps_are_named_before_a_study_is_opened(owner):
    study = study_with_gaps()
    study.comparisons.update(state=ComparisonState.READY)
    page = shown(owner, study)
    assert "Open with 1" in page
    assert f"Short: {', '.join(list_of_keys(study)[1:])}" in page


def test_a_study_without_gaps_is_opened_at_once(owner):
    study = running_study(comparisons=1)
    Study.objects.filter(pk=study.pk).update(state="preparing")
    page = shown(owner, study)
    assert 'value="open">Open<' in page
    assert "Open with" not in page


def test_what_a_draft_lacks_is_listed(owner):
    study = create_study(title="Empty", slug="empty")
    page = shown(owner, study)
    assert "choose at least two models" in page
    assert "add prompts" in page


def test_a_clip_that_could_not_be_prepared_is_shown_with_its_reason(owner):
    study = running_study(comparisons=1)
    rendition = Rendition.objects.first()
    Rendition.objects.filter(pk=rendition.pk).update(
        state=RenditionState.FAILED, error="The disk is full."
    )
    study.comparisons.update(state=ComparisonState.FAILED)
    page = shown(owner, study)
    assert "The disk is full." in page
    assert "1 failed" in page


def test_a_paused_endpoint_says_why(owner):
    study = planned_study()
    make_endpoint(
        study.generative_models.first(),
        paused_until=NOW.replace(year=2126),
        paused_why="Slow down, please.",
    )
    assert "Slow down, please." in shown(owner, study)


def test_raters_are_listed_with_what_they_judged_and_skipped(owner):
    study = running_study(comparisons=3)
    busy, idle = make_rater(study, "P-busy"), make_rater(study, "P-idle")
    judge(busy)
    judge(busy)
    skip_assignment(rater=busy, public_id=claim(busy).public_id, reason="unsure", now=NOW)
    lines = progress_of(study, now=NOW).raters
    assert [(one.rater, one.judged, one.skipped) for one in lines if one.judged] == [(busy, 2, 1)]
    assert {line.rater for line in lines} == {busy, idle}
    assert "P-busy" in shown(owner, study)


@pytest.mark.parametrize("path", ["owner-study", "owner-progress"])
def test_the_number_of_queries_does_not_grow(owner, path, django_assert_max_num_queries):
    """The same for one pair and one rater as for three of each."""
    counts = []
    for size in (1, 3):
        study = running_study(comparisons=size)
        for _ in range(size):
            judge(make_rater(study))
        url = reverse(path, args=[study.slug])
        owner.get(url)
        with django_assert_max_num_queries(40) as seen:
            assert owner.get(url).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_clips_of_other_studies_do_not_count():
    study = planned_study()
    make_comparison(make_study(comparisons=0))
    assert Stimulus.objects.count() == 2
    assert progress_of(study, now=NOW).bars[0].done == 0
