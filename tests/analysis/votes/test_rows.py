"""From the database to the vote table."""

from datetime import timedelta

import pandas as pd
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pandas.testing import assert_frame_equal

from analysis.core.settings import StoppingPlan, StoppingRule
from analysis.core.votes import validate_votes
from analysis.votes import parts
from analysis.votes.columns import study_votes
from analysis.votes.parts import judgment_parts
from analysis.votes.seen import votes_seen
from analysis.votes.settings import report_settings
from annotations.enums import StudyState
from annotations.models import Judgment, Rater, Study
from tests.analysis.golden_studies import judged_demo
from tests.analysis.studies import judged_study
from tests.annotations.factories import NOW, judge, make_rater, make_study

pytestmark = pytest.mark.django_db


def judgment_rows(study):
    """What the parts hold, row by row."""
    for part in judgment_parts(study):
        for values in zip(*part.values(), strict=True):
            yield dict(zip(part, values, strict=True))


def query_count(function, *args):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        function(*args)
    return len(queries)


def test_a_judgment_becomes_a_row_in_the_comparisons_own_order():
    study = judged_study("left")
    assignment = study.comparisons.get().assignments.get()
    row = next(judgment_rows(study))
    chosen = "model_a" if assignment.side_a == "left" else "model_b"
    assert (row["winner"], row["side_a"], row["axis"]) == (chosen, assignment.side_a, "quality")
    assert row["reasons"] == "motion-smoothness"
    assert (row["study"], row["protocol"]) == (study.slug, "juice")


def test_a_vote_says_in_which_order_its_reasons_were_shown():
    study = judged_study("left")
    stored = [judgment.reason_order for judgment in Judgment.objects.order_by("pk")]
    streamed = [row["reason_order"] for row in judgment_rows(study)]
    assert [text.split(";") for text in streamed] == stored
    assert study_votes(study)["reason_order"].tolist() == streamed


def test_raters_are_pseudonyms_by_order_of_arrival():
    study = judged_study("left", "right")
    rows = list(judgment_rows(study))
    assert [row["rater"] for row in rows] == ["rater-001"] * 2 + ["rater-002"] * 2
    assert "panel-secret" not in str(rows)


def test_the_time_is_from_lease_to_submission():
    study = make_study()
    rater = make_rater(study)
    judge(rater)
    assignment = rater.assignments.get()
    assignment.submitted_at = assignment.leased_at + timedelta(seconds=12.5)
    assignment.save()
    assert {row["duration_ms"] for row in judgment_rows(study)} == {12500}


@pytest.mark.parametrize(("seconds", "milliseconds"), [(12.5006, 12500), (-0.2, 0)])
def test_a_started_millisecond_does_not_count_and_no_time_is_below_zero(seconds, milliseconds):
    study = make_study()
    judge(rater := make_rater(study))
    assignment = rater.assignments.get()
    assignment.submitted_at = assignment.leased_at + timedelta(seconds=seconds)
    assignment.save()
    assert {row["duration_ms"] for row in judgment_rows(study)} == {milliseconds}
    assert {*study_votes(study)["duration_ms"]} == {milliseconds}


def test_judgments_of_other_studies_stay_out():
    study, other = judged_study("left"), judged_study("left", "left")
    assert len(study_votes(study)) == 2
    assert len(study_votes(other)) == 4


def test_an_excluded_rater_is_marked_with_the_reason():
    study = judged_study("left", "right")
    Rater.objects.filter(study=study, external_id="panel-secret-0").update(
        excluded_at=NOW, excluded_why="asked to withdraw"
    )
    votes = study_votes(study)
    assert votes["excluded"].tolist() == [True, True, False, False]
    assert votes["excluded_why"].tolist() == ["asked to withdraw"] * 2 + [""] * 2


def test_votes_read_by_column_are_those_read_one_by_one():
    study = judged_demo(StudyState.CLOSED)
    one_by_one = validate_votes(pd.DataFrame(judgment_rows(study)))
    assert_frame_equal(study_votes(study), one_by_one, check_categorical=False)


def test_judgments_are_the_same_in_one_part_and_in_several(monkeypatch):
    study = judged_demo(StudyState.CLOSED)
    rows = list(judgment_rows(study))
    monkeypatch.setattr(parts, "ROWS_PER_PART", 7)
    several = list(judgment_parts(study))
    assert [len(part["winner"]) for part in several[:-1]] == [7] * (len(several) - 1)
    assert list(judgment_rows(study)) == rows
    assert len(several) > 2


def test_a_part_costs_two_queries_whatever_it_holds(monkeypatch):
    study = judged_study("left", "right", "left")
    assert query_count(list, judgment_parts(study)) == 6
    monkeypatch.setattr(parts, "ROWS_PER_PART", 1)
    assert query_count(list, judgment_parts(study)) == 6 + 5


def test_reasons_are_in_the_order_of_the_question_and_times_are_utc():
    study = judged_study("left")
    judgment = Judgment.objects.order_by("pk").first()
    own = list(judgment.axis.reasons.order_by("position", "pk"))
    judgment.reasons.set([own[2], own[0]])
    row = next(judgment_rows(study))
    assert row["reasons"] == f"{own[0].key};{own[2].key}"
    assignment = judgment.assignment
    assert (row["started_at"], row["submitted_at"]) == (
        assignment.shown_at or assignment.leased_at,
        assignment.submitted_at,
    )
    assert row["submitted_at"].isoformat().endswith("+00:00")


def test_reading_votes_costs_the_same_for_one_and_three_raters():
    one, three = judged_study("left"), judged_study("left", "right", "left")
    assert query_count(study_votes, one) == query_count(study_votes, three) == 9


def test_settings_say_what_was_asked_and_planned():
    study = make_study(comparisons=2, raters_per_comparison=3)
    settings = report_settings(study)
    first, second = (row.model.name for row in study.study_models.all())
    assert (settings.min_votes, settings.ties_allowed, settings.interim) == (3, False, True)
    assert settings.planned == {(first, second): 2}
    assert settings.axes[0].question == "Which video do you prefer?"
    assert settings.axes[1].reasons["spatial-text-alignment"] == "Spatial text alignment"


def test_the_plan_of_a_study_is_one_comparison_per_prompt_unless_it_says_otherwise():
    study = make_study(comparisons=2)
    set_prompts_of_comparisons(study)
    assert report_settings(study).plan == StoppingPlan(comparisons=2, minimum=20)
    study.planned_comparisons, study.stopping_rule = 300, "anytime"
    assert report_settings(study).plan == StoppingPlan(StoppingRule.ANYTIME, 300, 0.05, 20)


def set_prompts_of_comparisons(study):
    for comparison in study.comparisons.all():
        study.study_prompts.create(prompt=comparison.prompt)


def test_the_plan_is_part_of_the_protocol():
    study = make_study()
    before = report_settings(study).protocol_hash
    study.stopping_minimum = 50
    assert report_settings(study).protocol_hash != before


def test_votes_of_simulated_raters_make_a_simulated_report():
    study = judged_study("left", "right")
    assert report_settings(study).simulated is False
    Rater.objects.filter(study=study, external_id="panel-secret-1").update(is_simulated=True)
    assert report_settings(study).simulated is True


def test_the_fingerprint_stays_while_nothing_changes():
    study = judged_study("left")
    assert votes_seen(study) == votes_seen(Study.objects.get(pk=study.pk))


@pytest.mark.parametrize(
    "change",
    [
        lambda study: judge(make_rater(study)),
        lambda study: study.raters.update(excluded_at=NOW, excluded_why="too fast"),
        lambda study: Study.objects.filter(pk=study.pk).update(state="closed"),
        lambda study: Study.objects.filter(pk=study.pk).update(title="Another title"),
    ],
    ids=["a vote", "an exclusion", "closing", "a title"],
)
def test_the_fingerprint_changes_with_what_the_report_says(change):
    study = judged_study("left")
    before = votes_seen(study).fingerprint
    change(study)
    assert votes_seen(Study.objects.get(pk=study.pk)).fingerprint != before
