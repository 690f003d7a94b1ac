from collections import Counter
from datetime import timedelta

import pytest

from annotations.enums import AssignmentState, StudyState
from annotations.errors import AssignmentNotFound, SeatGivenAway, StudyNotOpen
from annotations.models import Comparison
from annotations.services.rating import claiming
from annotations.services.rating.claiming import release_overdue_leases, renew_lease
from tests.annotations.factories import (
    NOW,
    answer_both,
    claim,
    draft,
    judge,
    make_rater,
    make_study,
    submit,
)

pytestmark = pytest.mark.django_db

AFTER_LEASE = NOW + timedelta(minutes=16)


def test_a_rater_gets_the_same_comparison_until_it_is_answered():
    rater = make_rater(make_study(comparisons=3))
    assert claim(rater) == claim(rater)


def test_a_rater_never_gets_a_comparison_twice():
    rater = make_rater(make_study(comparisons=3))
    seen = [judge(rater).comparison_id for _ in range(3)]
    assert sorted(seen) == sorted(Comparison.objects.values_list("pk", flat=True))


def test_a_rater_who_judged_everything_gets_nothing_more():
    rater = make_rater(make_study(comparisons=1))
    judge(rater)
    assert claim(rater) is None


def test_a_comparison_has_as_many_raters_as_the_study_says():
    study = make_study(comparisons=1, raters_per_comparison=5)
    given = [claim(make_rater(study)) for _ in range(6)]
    assert [assignment is not None for assignment in given] == [True] * 5 + [False]


def test_comparisons_that_want_most_votes_come_first():
    study = make_study(comparisons=2, raters_per_comparison=3)
    first = claim(make_rater(study))
    second = claim(make_rater(study))
    assert first.comparison != second.comparison


def test_a_lease_that_ran_out_gives_the_seat_to_another_rater():
    study = make_study(comparisons=1, raters_per_comparison=1)
    left_behind = claim(make_rater(study))
    taken = claim(make_rater(study), now=AFTER_LEASE)
    left_behind.refresh_from_db()
    assert (taken.comparison, left_behind.state) == (left_behind.comparison, "expired")


def test_a_seat_that_another_sweep_frees_between_the_looks_is_found(monkeypatch):
    study = make_study(comparisons=1, raters_per_comparison=1)
    left_behind = claim(make_rater(study))

    def swept_by_a_worker(**_):
        assert release_overdue_leases(now=AFTER_LEASE) == 1
        return 0

    monkeypatch.setattr(claiming, "release_overdue_leases", swept_by_a_worker)
    assert claim(make_rater(study), now=AFTER_LEASE).comparison == left_behind.comparison


def test_a_lease_of_others_is_swept_only_when_nothing_else_is_left():
    study = make_study(comparisons=2, raters_per_comparison=1)
    left_behind, rater = claim(make_rater(study)), make_rater(study)
    first = claim(rater, now=AFTER_LEASE)
    left_behind.refresh_from_db()
    assert (first.comparison == left_behind.comparison, left_behind.state) == (False, "leased")
    answer_both(first, "left", now=AFTER_LEASE)
    assert claim(rater, now=AFTER_LEASE).comparison == left_behind.comparison


def test_a_rater_who_comes_back_late_gets_the_comparison_back_when_it_is_free():
    study = make_study(comparisons=1, raters_per_comparison=1)
    rater = make_rater(study)
    before = claim(rater)
    release_overdue_leases(now=AFTER_LEASE)
    assert claim(rater, now=AFTER_LEASE) == before


def test_releasing_twice_gives_a_seat_back_once():
    study = make_study(comparisons=1, raters_per_comparison=5)
    claim(make_rater(study))
    counts = [release_overdue_leases(now=AFTER_LEASE) for _ in range(2)]
    assert (counts, study.comparisons.get().open_seats) == ([1, 0], 5)


def test_a_submitted_assignment_keeps_its_seat_when_time_passes():
    study = make_study(comparisons=1, raters_per_comparison=5)
    judge(make_rater(study))
    release_overdue_leases(now=AFTER_LEASE)
    assert study.comparisons.get().open_seats == 4


def test_renewing_prolongs_the_lease():
    rater = make_rater(make_study())
    assignment = claim(rater)
    later = NOW + timedelta(minutes=10)
    renew_lease(rater=rater, public_id=assignment.public_id, now=later)
    assignment.refresh_from_db()
    assert assignment.lease_expires_at == later + timedelta(minutes=15)


def test_a_lease_that_ran_out_cannot_be_renewed():
    rater = make_rater(make_study())
    assignment = claim(rater)
    with pytest.raises(SeatGivenAway):
        renew_lease(rater=rater, public_id=assignment.public_id, now=AFTER_LEASE)


def test_somebody_elses_lease_cannot_be_renewed():
    study = make_study()
    assignment = claim(make_rater(study))
    with pytest.raises(AssignmentNotFound):
        renew_lease(rater=make_rater(study), public_id=assignment.public_id, now=NOW)


@pytest.mark.parametrize("state", [StudyState.PAUSED, StudyState.CLOSED])
def test_a_study_that_is_not_open_gives_out_nothing(state):
    study = make_study()
    rater = make_rater(study)
    type(study).objects.update(state=state)
    with pytest.raises(StudyNotOpen):
        claim(rater)


def test_an_excluded_rater_gets_nothing():
    rater = make_rater(make_study())
    rater.excluded_at, rater.excluded_why = NOW, "gold pairs failed"
    rater.save()
    with pytest.raises(StudyNotOpen):
        claim(rater)


def test_a_rater_is_done_at_the_maximum_of_the_study():
    rater = make_rater(make_study(comparisons=3, max_per_rater=2))
    judge(rater)
    judge(rater)
    assert claim(rater) is None


def test_sides_are_drawn_anew_for_each_rater():
    study = make_study(comparisons=1, raters_per_comparison=99)
    sides = Counter(claim(make_rater(study), seed=seed).side_a for seed in range(60))
    # 60 fair tosses lie outside of 15..45 once in 10,000 times; the seeds are fixed.
    assert 15 <= sides["left"] <= 45


def test_the_state_of_the_assignment_is_kept_while_the_prompt_is_shown():
    rater = make_rater(make_study())
    assignment = draft(claim(rater))
    assert (assignment.state, submit(assignment).state) == (
        AssignmentState.LEASED,
        AssignmentState.SUBMITTED,
    )
