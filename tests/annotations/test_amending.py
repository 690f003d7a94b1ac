"""An open study is changed with a reason, and what was judged is never lost or counted twice."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from annotations.enums import AssignmentState, ComparisonState, RosterOrigin, StudyState
from annotations.errors import BadInput, JuiceError, StimulusRefused, TransitionRefused
from annotations.models import Assignment, CheckPlan, Comparison, Judgment, Prompt, Study
from annotations.services.clips.correcting import correct_prompt
from annotations.services.clips.roster import put_in, put_in_place
from annotations.services.pairs.books import check_books
from annotations.services.pairs.extending import add_prompts, want_more_raters
from annotations.services.pairs.preparing import settle_comparisons, sync_comparisons
from annotations.services.pairs.withdrawing import withdraw_comparison
from tests.annotations.factories import (
    NOW,
    answer_both,
    claim,
    draft,
    faithfulness,
    judge,
    make_prompt,
    make_rater,
    make_rendition,
    make_stimulus,
    make_study,
    plan_quality,
    quality,
    running_study,
    submit,
)

pytestmark = pytest.mark.django_db

WHY = "The clip of Aurora is broken."
SOON = {"reason": WHY, "now": NOW}


def votes(study: Study) -> int:
    return Judgment.objects.for_study(study.pk).count()


def books_agree(study: Study) -> bool:
    return not check_books(study)


@pytest.fixture
def study() -> Study:
    """Open, with three comparisons, one of them judged once."""
    study = running_study(comparisons=3)
    judge(make_rater(study))
    return study


def judged(study: Study) -> Comparison:
    return Comparison.objects.get(study=study, assignments__state=AssignmentState.SUBMITTED)


# Withdrawing


def test_votes_of_a_withdrawn_comparison_are_kept_and_do_not_count(study):
    change = withdraw_comparison(study=study, comparison=judged(study), **SOON)
    assert (votes(study), Judgment.objects.set_aside(study.pk).count()) == (0, 2)
    assert (change.votes_before, change.votes_set_aside, change.reason) == (2, 2, WHY)
    assert len(change.facts["comparisons"]) == 1
    assert books_agree(study)


def test_nobody_is_given_a_withdrawn_comparison(study):
    for comparison in study.comparisons.all()[:2]:
        withdraw_comparison(study=study, comparison=comparison, **SOON)
    rater = make_rater(study)
    given = judge(rater)
    assert given.comparison.state == ComparisonState.READY
    assert claim(rater) is None
    assert books_agree(study)


def test_who_has_it_before_them_is_given_another_and_the_answer_is_kept_as_late(study):
    rater = make_rater(study)
    held = claim(rater)
    draft(held, quality())
    withdraw_comparison(study=study, comparison=held.comparison, **SOON)
    with pytest.raises(JuiceError):
        submit(held, faithfulness())
    held.refresh_from_db()
    assert (held.state, held.late_answers is not None) == (AssignmentState.EXPIRED, True)
    following = claim(rater)
    assert following is not None
    assert following.comparison_id != held.comparison_id
    assert books_agree(study)


def test_a_comparison_is_withdrawn_once(study):
    comparison = judged(study)
    withdraw_comparison(study=study, comparison=comparison, **SOON)
    with pytest.raises(TransitionRefused, match="withdrawn already"):
        withdraw_comparison(study=study, comparison=comparison, **SOON)
    assert study.amendments.count() == 1


@pytest.mark.parametrize("state", ["draft", "preparing", "closed"])
def test_only_an_open_or_paused_study_is_amended(study, state):
    comparison = judged(study)
    Study.objects.filter(pk=study.pk).update(state=state)
    with pytest.raises(TransitionRefused, match=f"The study is {state}"):
        withdraw_comparison(study=study, comparison=comparison, **SOON)
    assert (votes(study), study.amendments.count()) == (2, 0)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reason_is_asked_for(study, reason):
    with pytest.raises(TransitionRefused, match="Say why"):
        withdraw_comparison(study=study, comparison=judged(study), reason=reason, now=NOW)
    assert votes(study) == 2


def test_a_reason_that_cannot_be_stored_is_refused(study):
    with pytest.raises(BadInput, match="NUL"):
        withdraw_comparison(study=study, comparison=judged(study), reason="\0", now=NOW)


# Replacing


def replaced(study: Study, comparison: Comparison, reason: str = WHY) -> int:
    old = comparison.stimulus_a
    new = make_stimulus(old.model, old.prompt, seed=old.seed)
    return put_in_place(
        study=study, clips=[new], origin=RosterOrigin.IMPORTED, reason=reason, now=NOW
    )


def test_a_replaced_clip_has_its_comparison_made_anew_with_all_its_seats(study):
    old = judged(study)
    assert replaced(study, old) == 1
    sync_comparisons(study=study)
    old.refresh_from_db()
    new = study.comparisons.get(prompt=old.prompt, withdrawn_by=None)
    assert old.state == ComparisonState.WITHDRAWN
    assert (new.stimulus_b, new.open_seats) == (old.stimulus_b, study.raters_per_comparison)
    assert new.stimulus_a != old.stimulus_a
    [change] = study.amendments.all()
    assert (change.kind, change.votes_set_aside) == ("replaced", 2)
    assert [clip[0] for clip in change.facts["clips"]] == [old.prompt.key]
    assert study.roster.get(stimulus=new.stimulus_a).sample == 1
    assert books_agree(study)


def test_who_judged_the_broken_clip_may_judge_the_new_one(study):
    rater = study.raters.get()
    old = judged(study)
    replaced(study, old)
    sync_comparisons(study=study)
    new = study.comparisons.get(prompt=old.prompt, withdrawn_by=None)
    Comparison.objects.filter(pk=new.pk).update(
        state=ComparisonState.READY,
        rendition_a=make_rendition(new.stimulus_a),
        rendition_b=make_rendition(new.stimulus_b),
    )
    seen = {judge(rater).comparison_id for _ in range(3)}
    assert new.pk in seen
    assert old.pk not in seen


def test_an_open_studys_clip_is_replaced_for_a_reason_only(study):
    with pytest.raises(TransitionRefused, match="Say why"):
        replaced(study, judged(study), reason="")
    assert votes(study) == 2


def test_a_drafts_clip_is_replaced_freely():
    study = running_study(comparisons=1)
    Study.objects.filter(pk=study.pk).update(state=StudyState.DRAFT)
    study.refresh_from_db()
    assert replaced(study, study.comparisons.get(), reason="") == 1
    assert (study.amendments.count(), study.roster.count()) == (0, 2)


def test_a_closed_studys_clips_stay(study):
    comparison = judged(study)
    Study.objects.filter(pk=study.pk).update(state=StudyState.CLOSED)
    study.refresh_from_db()
    with pytest.raises(TransitionRefused, match="The study is closed"):
        replaced(study, comparison)
    assert votes(study) == 2


# Extending


def test_complete_comparisons_open_again_for_more_raters():
    study = make_study(comparisons=1, raters_per_comparison=1)
    judge(make_rater(study))
    assert claim(make_rater(study)) is None
    change = want_more_raters(study=study, raters=3, **SOON)
    assert (change.facts, study.raters_per_comparison) == ({"before": 1, "after": 3}, 3)
    assert change.protocol_after != change.protocol_before
    assert study.comparisons.get().open_seats == 2
    assert books_agree(study)
    for _ in range(2):
        judge(make_rater(study))
    assert claim(make_rater(study)) is None


@pytest.mark.parametrize("raters", [5, 4, 0, 100])
def test_raters_are_added_and_never_taken_away(study, raters):
    with pytest.raises(TransitionRefused, match="wants 5 raters now"):
        want_more_raters(study=study, raters=raters, **SOON)
    assert study.amendments.count() == 0


def test_new_prompts_are_compared_once_their_clips_are_there(study):
    prompt = make_prompt()
    change = add_prompts(study=study, prompts=[prompt], **SOON)
    assert change.facts == {"prompts": [prompt.key]}
    for row in study.study_models.all():
        make_stimulus(row.model, prompt, study=study)
    assert sync_comparisons(study=study) == 1
    assert study.study_prompts.order_by("position").last().prompt == prompt


def test_prompts_that_are_there_are_not_new(study):
    with pytest.raises(TransitionRefused, match="all of these"):
        add_prompts(study=study, prompts=list(study.prompts.all()), **SOON)


def test_a_prompt_id_stands_for_one_text(study):
    key = study.prompts.first().key
    other = Prompt.objects.create(key=key, text="Another", digest=Prompt.digest_of("Another"))
    with pytest.raises(TransitionRefused, match=f"another text here: {key}"):
        add_prompts(study=study, prompts=[other], **SOON)


# Correcting


def page_of(study: Study) -> str:
    client = Client()
    client.get(reverse("rater-welcome", args=[study.slug]))
    client.post(reverse("rater-welcome", args=[study.slug]))
    rate = reverse("rater-rate", args=[study.slug])
    return client.get(rate).content.decode()


def test_a_corrected_text_is_what_raters_read_and_both_stand_in_the_amendment(study):
    old = judged(study).prompt
    new = correct_prompt(study=study, prompt=old, text="A fox, corrected", **SOON)
    [change] = study.amendments.all()
    assert change.facts == {"prompt": old.key, "before": old.text, "after": "A fox, corrected"}
    assert change.protocol_after != change.protocol_before
    assert study.comparisons.get(prompt=new).assignments.count() == 1
    assert not study.prompts.filter(pk=old.pk).exists()
    assert (votes(study), books_agree(study)) == (2, True)
    assert sync_comparisons(study=study) == 0


def test_another_study_keeps_the_text_it_has(study):
    old = judged(study).prompt
    other = running_study(comparisons=0)
    other.study_prompts.create(prompt=old)
    correct_prompt(study=study, prompt=old, text="Corrected", **SOON)
    assert other.prompts.get() == old


def test_clips_stay_in_the_study_with_the_text_that_was_sent(study):
    old = judged(study).prompt
    new = correct_prompt(study=study, prompt=old, text="Corrected", **SOON)
    entries = study.roster.filter(prompt=new)
    assert entries.count() == 2
    assert {entry.stimulus.prompt for entry in entries} == {old}


def test_a_draft_is_simply_corrected():
    study = running_study(comparisons=1)
    Study.objects.filter(pk=study.pk).update(state=StudyState.DRAFT)
    study.refresh_from_db()
    new = correct_prompt(study=study, prompt=study.prompts.get(), text="Corrected", now=NOW)
    assert (study.prompts.get(), study.amendments.count()) == (new, 0)


@pytest.mark.parametrize(
    ("text", "said"), [("", "a text"), (" ", "a text"), (None, "is the text that the prompt has")]
)
def test_a_correction_changes_something(study, text, said):
    prompt = study.prompts.first()
    with pytest.raises(TransitionRefused, match=said):
        correct_prompt(
            study=study, prompt=prompt, text=prompt.text if text is None else text, **SOON
        )


# By command


def told(*words: str) -> str:
    out = StringIO()
    call_command("amend_study", *words, stdout=out)
    return out.getvalue()


def test_the_command_makes_every_change(study, tmp_path):
    prompts = tmp_path / "more.txt"
    prompts.write_text("A boat\nA kite\n")
    key = study.prompts.first().key
    number = str(judged(study).pk)
    assert "7 raters" in told(study.slug, "--raters", "7", "--reason", WHY)
    assert "Added 2 prompts" in told(study.slug, "--prompts", str(prompts), "--reason", WHY)
    assert "now reads: Right" in told(study.slug, "--correct", key, "Right", "--reason", WHY)
    assert "2 votes are set aside" in told(study.slug, "--withdraw", number, "--reason", WHY)
    assert study.amendments.count() == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none", "--raters", "7"], "There is no study “none”"),
        (["{slug}", "--raters", "7"], "Say why"),
        (["{slug}", "--withdraw", "0", "--reason", WHY], "no comparison 0"),
        (["{slug}", "--correct", "none", "x", "--reason", WHY], "no prompt “none”"),
        (["{slug}", "--prompts", "gone.txt", "--reason", WHY], "gone.txt"),
    ],
)
def test_the_command_says_what_is_wrong(study, words, said):
    with pytest.raises(CommandError, match=said):
        told(*[word.format(slug=study.slug) for word in words])
    assert study.amendments.count() == 0


def test_no_lease_is_left_on_what_was_withdrawn(study):
    for _ in range(3):
        claim(make_rater(study))
    for comparison in study.comparisons.all():
        withdraw_comparison(study=study, comparison=comparison, **SOON)
    assert not Assignment.objects.filter(state=AssignmentState.LEASED).exists()
    assert claim(make_rater(study)) is None
    assert books_agree(study)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", range(3))
def test_answers_that_come_while_comparisons_are_withdrawn_are_kept_or_told(number):
    """Whichever comes first, no answer is lost, none counts, and the books agree."""
    study = running_study(comparisons=3)
    held = []
    for _ in range(3):
        assignment = claim(make_rater(study))
        draft(assignment, quality())
        held.append(assignment)

    def answer(assignment: Assignment) -> bool:
        try:
            submit(assignment, faithfulness())
        except JuiceError:
            return False
        finally:
            connection.close()
        return True

    def withdraw(comparison: Comparison) -> bool:
        try:
            withdraw_comparison(study=study, comparison=comparison, **SOON)
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as threads:
        done = [threads.submit(withdraw, one) for one in study.comparisons.all()[: number + 1]]
        answers = [threads.submit(answer, assignment) for assignment in held]
        assert all(one.result() for one in done)
        acknowledged = sum(one.result() for one in answers)
    states = Counter(Assignment.objects.values_list("state", flat=True))
    late = Assignment.objects.exclude(late_answers=None).count()
    assert states[AssignmentState.SUBMITTED] == acknowledged
    assert acknowledged + late == 3
    counted = Judgment.objects.set_aside(study.pk).count() + votes(study)
    assert counted == 2 * acknowledged
    assert books_agree(study)


# One after the other


def test_comparisons_that_are_made_later_have_the_new_number_of_seats(study):
    stale = Study.objects.get(pk=study.pk)
    prompt = make_prompt()
    add_prompts(study=study, prompts=[prompt], **SOON)
    for row in study.study_models.all():
        make_stimulus(row.model, prompt, study=study)
    want_more_raters(study=study, raters=7, **SOON)
    sync_comparisons(study=stale)
    assert study.comparisons.get(prompt=prompt).open_seats == 7
    assert books_agree(study)


def test_a_clip_that_was_withdrawn_does_not_come_back(study):
    old = judged(study)
    replaced(study, old)
    with pytest.raises(StimulusRefused, match="was in the study before"):
        put_in_place(
            study=study,
            clips=[old.stimulus_a],
            origin=RosterOrigin.IMPORTED,
            reason=WHY,
            now=NOW,
        )
    assert study.amendments.count() == 1


def test_the_same_bytes_replace_nothing(study):
    comparison = judged(study)
    clip = comparison.stimulus_a
    twin = make_stimulus(clip.model, make_prompt(), seed=clip.seed, sha256=clip.sha256)
    corrected = correct_prompt(study=study, prompt=comparison.prompt, text="Corrected", **SOON)
    type(twin).objects.filter(pk=twin.pk).update(prompt=corrected)
    twin.refresh_from_db()
    put_in_place(study=study, clips=[twin], origin=RosterOrigin.IMPORTED, reason="", now=NOW)
    assert (votes(study), study.amendments.count()) == (2, 1)


def test_a_clip_made_from_the_earlier_text_takes_the_corrected_prompts_place(study):
    old = make_prompt()
    add_prompts(study=study, prompts=[old], **SOON)
    new = correct_prompt(study=study, prompt=old, text="Corrected", **SOON)
    for row in study.study_models.all():
        make_clip_later(study, row.model, old)
    assert sync_comparisons(study=study) == 1
    assert study.comparisons.get(prompt=new).stimulus_a.prompt == old


def make_clip_later(study: Study, model, prompt: Prompt) -> None:
    put_in(study=study, clips=[make_stimulus(model, prompt)], origin=RosterOrigin.MADE)


def test_a_correction_can_be_taken_back(study):
    old = judged(study).prompt
    new = correct_prompt(study=study, prompt=old, text="Corrected", **SOON)
    again = correct_prompt(study=study, prompt=new, text=old.text, **SOON)
    assert again == old
    assert study.roster.filter(prompt=old).count() == 2
    assert (votes(study), books_agree(study)) == (2, True)


def test_checks_show_the_corrected_text(study):
    prompt = judged(study).prompt
    new = correct_prompt(study=study, prompt=prompt, text="Corrected", **SOON)
    CheckPlan.objects.create(study=study, identical_per_rater=6)
    sync_comparisons(study=study)
    copies = study.comparisons.filter(of_check__isnull=False)
    assert copies.filter(prompt=new).count() == 2
    assert not copies.filter(prompt=prompt).exists()


def test_a_withdrawn_comparison_is_not_repeated():
    study = running_study(comparisons=8)
    plan_quality(study, repeats_per_rater=2)
    rater = make_rater(study)
    for _ in range(4):
        judge(rater)
    for comparison in study.comparisons.filter(assignments__rater=rater).distinct():
        withdraw_comparison(study=study, comparison=comparison, **SOON)
    given = []
    while assignment := claim(rater):
        given.append(answer_both(assignment, "left"))
    assert given
    assert not [one for one in given if one.comparison.withdrawn_by_id]
    assert books_agree(study)


def test_what_is_withdrawn_does_not_become_ready(study):
    comparison = study.comparisons.first()
    withdraw_comparison(study=study, comparison=comparison, **SOON)
    settle_comparisons()
    comparison.refresh_from_db()
    assert comparison.state == ComparisonState.WITHDRAWN
