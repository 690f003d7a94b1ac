"""Defining checks, and the copies that the platform makes itself."""

import pytest
from django.utils import timezone

from annotations.enums import CheckRole, Choice
from annotations.errors import CheckRefused, ProtocolFrozen
from annotations.services.checks.defining import add_check, example_coverage, make_copies
from annotations.services.pairs.preparing import sync_all_comparisons, sync_comparisons
from annotations.services.studies.states import return_to_draft, set_prompts
from tests.annotations.factories import (
    judge,
    make_check,
    make_model,
    make_prompt,
    make_rater,
    make_stimulus,
    make_study,
    plan_quality,
)

pytestmark = pytest.mark.django_db


def two_clips(study):
    first, second = [row.model for row in study.study_models.all()]
    prompt = make_prompt()
    return make_stimulus(first, prompt), make_stimulus(second, prompt)


def study_with_clips(prompts: int = 3, **settings):
    """A study in preparation whose clips are all there."""
    study = make_study(comparisons=0, state="draft", **settings)
    texts = [make_prompt() for _ in range(prompts)]
    set_prompts(study=study, prompts=texts)
    for row in study.study_models.all():
        for prompt in texts:
            make_stimulus(row.model, prompt, study=study)
    type(study).objects.filter(pk=study.pk).update(state="preparing")
    study.refresh_from_db()
    return study


def test_a_check_needs_an_answer():
    study = make_study()
    first, second = two_clips(study)
    with pytest.raises(CheckRefused, match="which of the two"):
        add_check(
            study=study, role=CheckRole.GOLD, stimulus_a=first, stimulus_b=second, expected={}
        )


def test_an_answer_on_an_axis_that_there_is_not_is_refused():
    study = make_study()
    first, second = two_clips(study)
    with pytest.raises(CheckRefused, match="no axis beauty"):
        add_check(
            study=study,
            role=CheckRole.GOLD,
            stimulus_a=first,
            stimulus_b=second,
            expected={"beauty": "a"},
        )


def test_checks_are_frozen_with_the_protocol():
    study = make_study()
    judge(make_rater(study))
    first, second = two_clips(study)
    with pytest.raises(ProtocolFrozen):
        add_check(
            study=study,
            role=CheckRole.GOLD,
            stimulus_a=first,
            stimulus_b=second,
            expected={"quality": "a"},
        )


def test_examples_show_the_better_clip_on_both_sides_equally_often():
    study = make_study()
    sides = []
    for winner in ("a", "a", "b", "b"):
        first, second = two_clips(study)
        check = add_check(
            study=study,
            role=CheckRole.EXAMPLE,
            stimulus_a=first,
            stimulus_b=second,
            expected={"quality": winner},
        )
        sides.append(check.winning_side["quality"])
    assert sides == ["left", "right", "left", "right"]


def test_copies_are_made_of_the_studys_own_clips_as_often_as_planned():
    study = study_with_clips()
    plan_quality(study, identical_per_rater=2, degraded_per_rater=1)
    assert make_copies(study=study) == 3
    assert make_copies(study=study) == 0
    assert all(check.stimulus_a_id == check.stimulus_b_id for check in study.checks.all())


def test_a_degraded_copy_is_worse_to_look_at_whatever_the_text():
    study = study_with_clips()
    plan_quality(study, degraded_per_rater=1)
    make_copies(study=study)
    assert study.checks.get().expected == {"quality": Choice.A}


def test_checks_get_comparisons_of_their_own_without_seats():
    study = study_with_clips()
    plan_quality(study, identical_per_rater=1)
    sync_comparisons(study=study)
    check = study.checks.get()
    assert [check.comparison.open_seats, study.comparisons.counted().count()] == [0, 3]


def test_a_check_that_is_added_during_the_preparation_is_prepared_too():
    study = study_with_clips()
    sync_comparisons(study=study)
    first, second = two_clips(study)
    check = add_check(
        study=study,
        role=CheckRole.GOLD,
        stimulus_a=first,
        stimulus_b=second,
        expected={"quality": "a"},
    )
    sync_all_comparisons(now=timezone.now())
    assert check.comparison.of_check == check


def test_a_degraded_copy_is_rendered_with_fewer_pixels():
    study = study_with_clips()
    plan_quality(study, degraded_per_rater=1)
    sync_comparisons(study=study)
    comparison = study.checks.get().comparison
    assert [comparison.rendition_a.plan["spoilt"], comparison.rendition_b.plan["spoilt"]] == [0, 8]
    assert "scale=64:64:flags=area" in comparison.rendition_b.plan["filters"]


def test_back_in_draft_the_copies_are_gone_and_the_gold_pairs_stay():
    study = study_with_clips()
    plan_quality(study, identical_per_rater=1)
    make_check(study, CheckRole.GOLD)
    sync_comparisons(study=study)
    return_to_draft(study=study)
    assert [check.role for check in study.checks.all()] == [CheckRole.GOLD]


def test_a_reason_whose_examples_one_model_always_wins_is_named():
    study = make_study()
    reason = study.axes.get(key="quality").reasons.first()
    for _ in range(2):
        make_check(study, CheckRole.EXAMPLE, wins="a", reason=reason)
    winner = study.study_models.first().model.name
    assert example_coverage(study)[0].problem == f"always won by {winner}"


def test_a_reason_with_examples_won_by_both_is_well_taught():
    study = make_study()
    reason = study.axes.get(key="quality").reasons.first()
    make_check(study, CheckRole.EXAMPLE, wins="a", reason=reason)
    make_check(study, CheckRole.EXAMPLE, wins="b", reason=reason)
    coverage = example_coverage(study)
    assert [coverage[0].problem, coverage[1].problem] == ["", "no example"]


def test_a_check_may_use_clips_of_models_outside_the_study():
    study = make_study()
    prompt = make_prompt()
    check = add_check(
        study=study,
        role=CheckRole.GOLD,
        stimulus_a=make_stimulus(make_model(), prompt),
        stimulus_b=make_stimulus(make_model(), prompt),
        expected={"quality": "b"},
    )
    assert check.expected == {"quality": "b"}
