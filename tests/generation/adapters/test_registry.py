"""From an endpoint's row to its adapter, and what a row may say."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.module_loading import import_string

from annotations.enums import StudyKind
from annotations.models import Stimulus
from annotations.services.studies.states import create_study
from generation.adapters.base import Adapter, AuthOrQuotaError, Done, PermanentError, Submitted
from generation.adapters.blocking import BlockingAdapter
from generation.adapters.registry import (
    ADAPTERS,
    adapter_for,
    capabilities_of,
    request_for,
)
from generation.adapters.requests import GenerationRequest, Kind
from generation.endpoints.suitability import EndpointUnsuited
from generation.enums import JobState
from generation.jobs.planning import plan_jobs
from generation.jobs.steps.fetching import fetch_job
from generation.jobs.steps.polling import poll_job
from generation.jobs.steps.submitting import submit_job
from generation.models import Job
from tests.annotations.factories import NOW, make_model, make_prompt
from tests.generation.factories import call_through, make_endpoint
from tests.media.clips import make_clip

pytestmark = pytest.mark.django_db


class Scripted:
    """An adapter that takes, makes and hands over whatever it is asked for."""

    def __init__(self, clip: bytes) -> None:
        self.clip = clip
        self.asked: list[GenerationRequest] = []

    def submit(self, request):
        self.asked.append(request)
        return Submitted("v1", {"id": "v1"})

    def poll(self, remote_id):
        return Done({"revised_prompt": "A red fox"})

    def fetch(self, remote_id, target):
        target.write_bytes(self.clip)


@pytest.fixture
def scripted(monkeypatch, tmp_path) -> Scripted:
    adapter = Scripted(make_clip(tmp_path / "clip.mp4").read_bytes())
    call_through(monkeypatch, lambda endpoint: adapter)
    return adapter


@pytest.mark.parametrize("kind", ADAPTERS)
def test_every_kind_of_endpoint_has_an_adapter_with_a_version(kind):
    endpoint = make_endpoint(adapter=kind)
    adapter = adapter_for(endpoint)
    calls = {name for name in vars(Adapter) if not name.startswith("_")}
    assert calls <= set(dir(adapter))
    assert adapter.traits.version >= 1


@pytest.mark.parametrize("kind", ADAPTERS)
def test_a_kind_that_holds_clips_says_that_its_calls_last(kind):
    adapter = import_string(ADAPTERS[kind][1])
    assert issubclass(adapter, BlockingAdapter) == adapter.traits.is_blocking


def test_an_adapter_has_the_key_of_the_variable_without_the_files_last_newline(monkeypatch):
    monkeypatch.setenv("LAB_KEY", "sk-secret-1\n")
    assert adapter_for(make_endpoint(api_key_env="LAB_KEY")).api_key == "sk-secret-1"


@pytest.mark.parametrize("value", [None, "", " \n", "sk-\N{SNOWMAN}", "sk-\nsecret", "sk-\a"])
def test_a_variable_without_a_key_stops_the_endpoint(monkeypatch, value):
    monkeypatch.delenv("LAB_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("LAB_KEY", value)
    with pytest.raises(AuthOrQuotaError, match="LAB_KEY") as raised:
        adapter_for(make_endpoint(api_key_env="LAB_KEY"))
    assert "sk-" not in str(raised.value)


def test_what_a_model_can_do_is_known_without_its_key():
    endpoint = make_endpoint(adapter="luma", api_key_env="KEY_THAT_IS_NOT_THERE")
    assert capabilities_of(endpoint).lengths == (5, 9)


@pytest.mark.parametrize("field", ["parameters", "options"])
def test_what_is_no_object_is_told(field):
    with pytest.raises(PermanentError, match=f"The {field} of .* are not a JSON object"):
        adapter_for(make_endpoint(**{field: [1]}))


def test_an_adapter_that_is_not_there_any_more_is_told():
    with pytest.raises(PermanentError, match="not known: gone"):
        adapter_for(make_endpoint(adapter="gone"))


@pytest.mark.parametrize("parameters", [[], "x", 4, None])
def test_parameters_are_an_object(parameters):
    endpoint = make_endpoint()
    endpoint.parameters = parameters
    with pytest.raises(ValidationError):
        endpoint.full_clean()
    with pytest.raises(PermanentError, match="not a JSON object"):
        adapter_for(endpoint)


@pytest.mark.parametrize("name", ["sk-secret-1", "lab_key", "1KEY", "LAB KEY"])
def test_a_key_is_named_never_given(name):
    with pytest.raises(ValidationError, match="never the key"):
        make_endpoint(api_key_env=name).full_clean()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"base_url": ""}, "base_url"),
        ({"options": {"colour": "red"}}, "options"),
        ({"options": [1]}, "options"),
        ({"options": {"kinds": ["text-to-music"]}}, "options"),
        ({"options": {"kinds": "text-to-video"}}, "options"),
        ({"options": {"kinds": [["text-to-video"]]}}, "options"),
        ({"options": {"lengths": 5}}, "options"),
        ({"options": {"result_hosts": "minio.lab"}}, "options"),
        ({"options": {"fields": ["seed"]}}, "options"),
        ({"options": {"seconds_as": "minutes"}}, "options"),
        ({"adapter": "comfyui"}, "options"),
        ({"adapter": "google_vertex", "options": {"auth": "none"}}, "options"),
    ],
)
def test_a_row_that_cannot_work_is_refused(values, field):
    endpoint = make_endpoint(**values)
    with pytest.raises(ValidationError) as raised:
        endpoint.full_clean()
    assert field in raised.value.message_dict


def test_a_model_whose_clips_are_made_elsewhere_needs_no_address():
    make_endpoint(adapter="upload", base_url="").full_clean()


@pytest.mark.parametrize(
    ("adapter", "seed", "kind"),
    [
        ("openai_videos", 7, Kind.TEXT_TO_VIDEO),
        ("luma", None, Kind.TEXT_TO_VIDEO),
        ("openai_images", None, Kind.TEXT_TO_IMAGE),
    ],
)
def test_a_job_asks_for_what_its_endpoint_makes(adapter, seed, kind):
    asked = request_for(
        capabilities_of(make_endpoint(adapter=adapter)), prompt="A fox", seed=7, key="k"
    )
    assert asked == GenerationRequest(prompt="A fox", seed=seed, kind=kind, key="k")


def planned_study(kind: str = StudyKind.TEXT_TO_VIDEO, **values):
    models = [make_endpoint(**values).model, make_model()]
    return create_study(
        title="Planned", slug="planned", kind=kind, models=models, prompts=[make_prompt()]
    )


def test_the_admin_shows_what_an_endpoints_model_takes(admin_client):
    endpoint = make_endpoint(adapter="luma")
    page = admin_client.get(reverse("admin:generation_endpoint_change", args=[endpoint.pk]))
    shown = "text-to-video. Takes no seed, no negative prompt; lengths: 5, 9"
    assert shown in page.content.decode()


def test_the_admin_shows_what_is_wrong_with_a_row(admin_client):
    endpoint = make_endpoint(options=[1])
    page = admin_client.get(reverse("admin:generation_endpoint_change", args=[endpoint.pk]))
    assert "not a JSON object" in page.content.decode()


def test_no_job_is_planned_for_clips_that_are_made_elsewhere():
    study = planned_study(adapter="upload", base_url="")
    assert plan_jobs(study=study, now=NOW) == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": StudyKind.TEXT_TO_IMAGE}, r"text-to-image \(it does text-to-video\)"),
        ({"adapter": "openai_images"}, r"text-to-video \(it does text-to-image\)"),
        ({"options": [1]}, "not a JSON object"),
    ],
)
def test_a_study_that_an_endpoint_cannot_make_is_refused_as_a_whole(values, words):
    study = planned_study(**values)
    with pytest.raises(EndpointUnsuited, match=words):
        plan_jobs(study=study, now=NOW)
    assert not Job.objects.exists()


def test_a_prompt_that_is_too_long_for_a_model_is_refused_before_it_is_sent():
    endpoint = make_endpoint(adapter="runway", remote_model="gen4.5")
    prompts = [make_prompt(), make_prompt(text="x" * 1001)]
    study = create_study(
        title="Long", slug="long", models=[endpoint.model, make_model()], prompts=prompts
    )
    with pytest.raises(EndpointUnsuited, match="a prompt of 1001 characters"):
        plan_jobs(study=study, now=NOW)


def test_a_clip_tells_how_its_prompt_was_rewritten(scripted):
    job = Job.objects.create(endpoint=make_endpoint(), prompt=make_prompt(), wake_at=NOW)
    submit_job(job_id=job.pk, now=NOW)
    poll_job(job_id=job.pk, now=NOW)
    fetch_job(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.DONE, "")
    provenance = Stimulus.objects.get().provenance
    assert provenance["answer"] == {"id": "v1", "made": {"revised_prompt": "A red fox"}}
    assert provenance["adapter"] == "openai_videos/1"


def test_an_attempt_is_sent_with_its_own_key(scripted):
    job = Job.objects.create(endpoint=make_endpoint(), prompt=make_prompt(), wake_at=NOW)
    submit_job(job_id=job.pk, now=NOW)
    assert scripted.asked[0].key == str(job.attempts.get().key)
