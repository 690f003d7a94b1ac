"""Raters pass a comparison by; owners leave a rater out. No seat is lost or given twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from annotations.enums import AssignmentState, RaterOutcome, SkipReason, StudyState
from annotations.errors import (
    AnswersRefused,
    AssignmentNotFound,
    ExclusionRefused,
    StudyNotOpen,
    SubmissionConflict,
)
from annotations.models import Assignment, Judgment
from annotations.services.raters.endings import exclude_rater
from annotations.services.rating.claiming import release_overdue_leases
from annotations.services.rating.skipping import skip_assignment
from tests.annotations.factories import NOW, claim, judge, make_rater, make_study, submit
from tests.annotations.visitors import Visitor

pytestmark = pytest.mark.django_db


def skip(assignment: Assignment, reason: str = SkipReason.BROKEN, note: str = "") -> Assignment:
    return skip_assignment(
        rater=assignment.rater,
        public_id=assignment.public_id,
        reason=reason,
        note=note,
        now=NOW,
    )


def open_seats(study) -> list[int]:
    return sorted(study.comparisons.values_list("open_seats", flat=True))


def test_a_skipped_comparison_gives_its_seat_back_and_does_not_come_again():
    study = make_study(comparisons=2)
    rater = make_rater(study)
    first = claim(rater)
    skip(first, note=" Only noise. ")
    assert open_seats(study) == [5, 5]
    second = claim(rater)
    assert second.comparison != first.comparison
    judge(rater)
    assert claim(rater) is None
    first.refresh_from_db()
    assert (first.state, first.skip_reason, first.skip_note) == ("skipped", "broken", "Only noise.")


def test_a_repeated_skip_gives_one_seat_back():
    study = make_study()
    assignment = claim(make_rater(study))
    skip(assignment)
    skip(assignment)
    assert open_seats(study) == [5]


def test_a_skip_after_the_lease_gives_no_second_seat_back():
    study = make_study()
    assignment = claim(make_rater(study))
    release_overdue_leases(now=NOW + timedelta(hours=1))
    skip(assignment)
    assert open_seats(study) == [5]
    assert Assignment.objects.get().state == AssignmentState.SKIPPED


def test_what_was_skipped_cannot_be_answered_any_more():
    assignment = claim(make_rater(make_study()))
    skip(assignment)
    with pytest.raises(SubmissionConflict, match="You skipped"):
        submit(assignment)
    assert not Judgment.objects.exists()


def test_what_was_answered_cannot_be_skipped():
    rater = make_rater(make_study())
    assignment = judge(rater)
    with pytest.raises(SubmissionConflict):
        skip(assignment)


@pytest.mark.parametrize(("reason", "note"), [("", ""), ("boring", ""), ("broken", "x" * 2001)])
def test_a_skip_without_a_proper_reason_is_refused(reason, note):
    study = make_study()
    assignment = claim(make_rater(study))
    with pytest.raises(AnswersRefused):
        skip(assignment, reason, note)
    assert open_seats(study) == [4]


def test_somebody_elses_comparison_cannot_be_skipped():
    study = make_study()
    assignment = claim(make_rater(study))
    with pytest.raises(AssignmentNotFound):
        skip_assignment(
            rater=make_rater(study),
            public_id=assignment.public_id,
            reason=SkipReason.UNSURE,
            now=NOW,
        )


def test_nothing_is_skipped_while_the_study_is_paused():
    study = make_study()
    assignment = claim(make_rater(study))
    type(study).objects.update(state=StudyState.PAUSED)
    with pytest.raises(StudyNotOpen):
        skip(assignment)


def test_the_page_takes_a_skip_and_goes_on(client):
    study = make_study(comparisons=2)
    visitor = Visitor(client, study)
    visitor.open()
    visitor.send()
    first = visitor.form().fields["assignment"]
    page = client.post(
        f"/s/{study.slug}/skip/", {"assignment": first, "reason": "unsure"}, follow=True
    )
    visitor.page = page
    assert visitor.form().fields["assignment"] != first
    assert "1 of 1" in page.content.decode()
    refused = client.post(f"/s/{study.slug}/skip/", {"assignment": first})
    assert refused.status_code == 422


def test_a_rater_who_skipped_everything_judged_nothing_and_gets_no_pay_code(client):
    study = make_study(comparisons=1)
    visitor = Visitor(client, study)
    visitor.open()
    visitor.send()
    skipped = {"assignment": visitor.form().fields["assignment"], "reason": "unsure"}
    page = client.post(f"/s/{study.slug}/skip/", skipped, follow=True)
    assert page.context["ending"].kind == RaterOutcome.NOTHING_JUDGED
    assert study.completion_code not in page.content.decode()


def test_the_api_takes_a_skip(client):
    study = make_study()
    joined = client.post(f"/api/v1/studies/{study.slug}/join/", {}, "application/json").json()
    headers = {"Authorization": f"Rater {joined['credential']}"}
    turn = client.post(f"/api/v1/studies/{study.slug}/claim/", headers=headers).json()
    claimed = turn["assignment"]
    url = f"/api/v1/assignments/{claimed['id']}/skip/"
    send = {"content_type": "application/json", "headers": headers}
    assert client.post(url, {"reason": "boring"}, **send).status_code == 400
    assert client.post(url, {"reason": "broken", "note": "Black."}, **send).status_code == 204
    assert Assignment.objects.get().skip_note == "Black."


# Leaving a rater out


def test_an_excluded_raters_seats_open_for_others_and_the_judgments_stay():
    study = make_study(comparisons=3, raters_per_comparison=1)
    rater = make_rater(study)
    judge(rater)
    judge(rater)
    held = claim(rater)
    assert exclude_rater(rater=rater, why=" Always left. ", now=NOW) == 3
    rater.refresh_from_db()
    held.refresh_from_db()
    assert (rater.excluded_why, held.state) == ("Always left.", AssignmentState.EXPIRED)
    assert open_seats(study) == [1, 1, 1]
    assert Judgment.objects.count() == 4

    other = make_rater(study)
    for _ in range(3):
        judge(other)
    assert claim(other) is None
    assert open_seats(study) == [0, 0, 0]


def test_an_excluded_rater_gets_no_more_work():
    rater = make_rater(make_study(comparisons=2))
    judge(rater)
    exclude_rater(rater=rater, why="Too fast.", now=NOW)
    with pytest.raises(StudyNotOpen):
        claim(rater)


def test_a_rater_is_excluded_once_and_for_a_reason():
    study = make_study()
    rater = make_rater(study)
    judge(rater)
    with pytest.raises(ExclusionRefused, match="Say why"):
        exclude_rater(rater=rater, why="  ", now=NOW)
    exclude_rater(rater=rater, why="Too fast.", now=NOW)
    with pytest.raises(ExclusionRefused, match="already"):
        exclude_rater(rater=rater, why="Too fast.", now=NOW)
    assert open_seats(study) == [5]
