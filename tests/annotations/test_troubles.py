"""One study's failure stops no other's work, is told to its owner, and goes when it is over."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from annotations import tasks
from annotations.enums import AssignmentState, ComparisonState, ImportState, StudyState, SweepWork
from annotations.models import Assignment, ClipImport, Comparison, ImportRow, Study
from annotations.services.clips import importing
from annotations.services.pairs import preparing
from annotations.services.raters.joining import PanelIdentity, join_study
from annotations.services.rating import claiming
from annotations.services.studies import troubles
from annotations.services.studies.states import create_study, start_preparing
from tests.annotations.factories import make_model, make_prompt, make_stimulus, make_study

pytestmark = pytest.mark.django_db


def study_with_clips(slug: str, *, state: str = StudyState.PREPARING) -> Study:
    """Two models and two prompts, with all four clips and no comparison yet."""
    models, prompts = [make_model(), make_model()], [make_prompt(), make_prompt()]
    study = create_study(title=slug, slug=slug, models=models, prompts=prompts)
    for prompt in prompts:
        for model in models:
            make_stimulus(model, prompt, study=study)
    start_preparing(study=study)
    Study.objects.filter(pk=study.pk).update(state=state)
    return study


def break_for(monkeypatch, study: Study, error: Exception) -> None:
    sync = preparing.sync_comparisons

    def broken(*, study: Study, of=study) -> int:
        if study.pk == of.pk:
            raise error
        return sync(study=study)

    monkeypatch.setattr(preparing, "sync_comparisons", broken)


def test_comparisons_that_cannot_be_made_for_one_study_are_made_for_the_others(monkeypatch):
    first, second = study_with_clips("first"), study_with_clips("second")
    break_for(monkeypatch, first, OSError("no space left on device"))
    tasks.sweep()
    tasks.sweep()
    assert (first.comparisons.count(), second.comparisons.count()) == (0, 2)
    [trouble] = first.troubles.all()
    assert (trouble.work, trouble.times) == (SweepWork.COMPARISONS, 2)
    assert "no space left on device" in trouble.error
    assert not second.troubles.exists()


def test_a_trouble_is_over_when_the_work_is_done(monkeypatch):
    study = study_with_clips("first")
    with monkeypatch.context() as broken:
        break_for(broken, study, OSError("no space left on device"))
        tasks.sweep()
    assert study.troubles.exists()
    tasks.sweep()
    assert (study.comparisons.count(), study.troubles.exists()) == (2, False)


def test_one_comparison_that_cannot_be_planned_keeps_no_other_from_being_made(monkeypatch):
    study = study_with_clips("first")
    plan, bad = preparing.plan_rendition, study.prompts.first().stimuli.first()

    def broken(own, partner, profile):
        if own == preparing.spec_of(bad):
            raise ZeroDivisionError("division by zero")
        return plan(own, partner, profile)

    bad.width = 1000
    bad.save()
    monkeypatch.setattr(preparing, "plan_rendition", broken)
    tasks.sweep()
    states = dict(study.comparisons.values_list("prompt", "state"))
    assert states.pop(bad.prompt_id) == ComparisonState.FAILED
    assert list(states.values()) == [ComparisonState.PREPARING]
    assert "division by zero" in study.comparisons.get(prompt=bad.prompt_id).error


STEPS = {
    "rows of imports": (importing, "lease_due_rows"),
    "imports": (importing, "finish_checked_imports"),
    "comparisons": (preparing, "sync_all_comparisons"),
    "renditions": (preparing, "lease_due_renditions"),
    "settling": (preparing, "settle_comparisons"),
}


@pytest.mark.parametrize("name", STEPS)
def test_whatever_step_of_the_sweep_fails_seats_are_freed_and_the_worker_tells(monkeypatch, name):
    study = make_study(comparisons=1, raters_per_comparison=1)
    assignment = claimed(study)
    module, function = STEPS[name]

    def broken(**_):
        raise RuntimeError(f"broken: {name}")

    monkeypatch.setattr(module, function, broken)
    with pytest.raises(RuntimeError, match=f"broken: {name}"):
        tasks.sweep()
    assignment.refresh_from_db()
    assert assignment.state == AssignmentState.EXPIRED
    assert study.comparisons.get().open_seats == 1


def claimed(study: Study) -> Assignment:
    """An assignment whose lease ran out, nobody having noticed yet."""
    early = timezone.now() - timedelta(hours=3)
    rater = join_study(study=study, identity=PanelIdentity(external_id="one"), now=early)
    assignment = claiming.claim_assignment(rater=rater, now=early, rng=random.Random(0))
    assert assignment is not None
    return assignment


def checked_import(study: Study, **row) -> ClipImport:
    """An import whose rows workers have checked."""
    clip_import = ClipImport.objects.create(study=study, source="a.zip", by_workers=True)
    facts = {"sha256": "1", "kind": "video"}
    ImportRow.objects.create(clip_import=clip_import, where="1", state="good", facts=facts, **row)
    return clip_import


def test_an_import_that_its_study_cannot_take_is_refused_in_words(monkeypatch):
    study = study_with_clips("first", state=StudyState.DRAFT)
    clip_import = checked_import(study, model="m", prompt_key="p", prompt_text="t")

    def refuse(_):
        raise troubles.JuiceError("These prompt ids stand for two texts: p.")

    monkeypatch.setattr(importing, "_mark_strangers", refuse)
    importing.finish_checked_imports(now=timezone.now())
    clip_import.refresh_from_db()
    assert clip_import.state == ImportState.REFUSED
    assert clip_import.notes == ["These prompt ids stand for two texts: p."]
    assert not study.troubles.exists()


def test_an_import_that_breaks_stops_no_other_and_can_be_given_up(monkeypatch):
    study, other = study_with_clips("first", state="draft"), study_with_clips("second")
    bad, good = checked_import(study), checked_import(other)
    finished = []

    def finish(*, import_id, now):
        if import_id == bad.pk:
            raise KeyError("width")
        finished.append(import_id)

    monkeypatch.setattr(importing, "finish_import", finish)
    importing.finish_checked_imports(now=timezone.now())
    assert finished == [good.pk]
    assert "KeyError" in study.troubles.get(work=SweepWork.IMPORT).error
    assert importing.give_up_import(clip_import=bad, now=timezone.now())
    assert not importing.give_up_import(clip_import=bad, now=timezone.now())
    importing.finish_checked_imports(now=timezone.now())
    bad.refresh_from_db()
    assert (bad.state, bad.notes) == (ImportState.REFUSED, ["It was given up."])
    assert not study.troubles.exists()
    assert not Comparison.objects.filter(study=study).exists()
