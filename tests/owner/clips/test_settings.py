"""What a study asks of its models is set in the form that sets the study up, and refused there."""

from __future__ import annotations

import pytest

from annotations.models import Study
from annotations.services.studies.states import create_study
from generation.endpoints.suitability import EndpointUnsuited
from generation.jobs.planning import plan_jobs
from generation.jobs.steps.submitting import submit_job
from generation.models import ClipSettings, Job
from tests.annotations.factories import NOW, make_model, make_prompt, make_stimulus
from tests.generation.factories import ScriptedAdapter, call_through, make_endpoint, make_job
from tests.owner.forms import send

pytestmark = pytest.mark.django_db

CHOICES = {"lengths": [4, 8], "sizes": ["1280x720"]}


def send_with(owner, **settings: str):
    models = [make_model() for _ in range(2)]
    make_endpoint(models[0], name="Lab 1", options=CHOICES)
    make_endpoint(models[1], name="Lab 2", options={"variant": "vllm-omni"})
    changes = {f"clip_settings-0-{name}": value for name, value in settings.items()}
    chosen = {f"study_models-{index}-model": str(model.pk) for index, model in enumerate(models)}
    return send(owner, title="T", slug="t", pasted_prompts="A fox", **chosen, **changes)


def make_asking_study(**settings) -> Study:
    model, other = make_model(), make_model()
    for one in (model, other):
        make_endpoint(one)
    study = create_study(title="T", slug="t", models=[model, other], prompts=[make_prompt()])
    ClipSettings.objects.create(study=study, **settings)
    return study


def test_the_settings_are_kept_with_the_study(owner):
    send_with(owner, seconds="4", size="1280x720")
    assert ClipSettings.objects.get(study__slug="t").asked == {"seconds": 4, "size": "1280x720"}


def test_a_study_without_settings_has_none(owner):
    send_with(owner)
    assert (Study.objects.count(), ClipSettings.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("seconds", "7", "Lab 1 cannot take a length of 7 s (it takes 4, 8)."),
        ("size", "640x360", "Lab 1 cannot take a size of 640x360 (it takes 1280x720)."),
        ("negative_prompt", "blur", "Lab 1 cannot take a negative prompt."),
        ("ratio", "16:9", "Lab 1 cannot take a shape of 16:9."),
    ],
)
def test_what_a_model_cannot_take_is_said_at_the_field(owner, field, value, words):
    answer = send_with(owner, **{field: value})
    formsets = [inline.formset for inline in answer.context["inline_admin_formsets"]]
    [formset] = [one for one in formsets if one.model is ClipSettings]
    assert words in formset.forms[0].errors[field]
    assert not Study.objects.exists()


def test_every_model_is_asked_the_same(monkeypatch):
    plan_jobs(study=make_asking_study(seconds=2, size="640x360"), now=NOW)
    adapter, asked = ScriptedAdapter(), []
    submit = adapter.submit
    monkeypatch.setattr(adapter, "submit", lambda one: asked.append(one) or submit(one))
    call_through(monkeypatch, lambda endpoint: adapter)
    for job in Job.objects.all():
        submit_job(job_id=job.pk, now=NOW)
    assert [(one.seconds, one.size) for one in asked] == [(2, "640x360")] * 2
    assert Job.objects.first().attempts.get().raw["sent"]["asked"] == {
        "seconds": 2,
        "size": "640x360",
    }


def test_clips_made_for_other_settings_are_not_put_beside_new_ones():
    study = make_asking_study(seconds=2)
    endpoint = study.study_models.first().model.endpoint
    make_job("done", endpoint=endpoint, prompt=study.prompts.get(), study=study)
    with pytest.raises(EndpointUnsuited, match="with other settings"):
        plan_jobs(study=study, now=NOW)


def test_what_another_study_asked_for_otherwise_keeps_none_from_being_made():
    study = make_asking_study(seconds=2)
    endpoint = study.study_models.first().model.endpoint
    make_job("done", endpoint=endpoint, prompt=study.prompts.get())
    assert plan_jobs(study=study, now=NOW) == 2


def test_a_clip_that_was_taken_over_and_asked_for_otherwise_is_not_mixed_with_new_ones():
    study = make_asking_study(seconds=2)
    model, prompt = study.study_models.first().model, study.prompts.get()
    clip = make_stimulus(model, prompt, study=study)
    make_job("done", endpoint=model.endpoint, prompt=prompt, stimulus=clip)
    with pytest.raises(EndpointUnsuited, match="with other settings"):
        plan_jobs(study=study, now=NOW)
