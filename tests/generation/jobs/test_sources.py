"""A job whose prompt comes with an image or a clip sends it, to the kinds that start from one."""

import pytest

from annotations.services.clips.manifests import PromptText
from annotations.services.clips.prompts import get_or_create_prompt_with_source
from generation.enums import JobState
from generation.jobs.steps.submitting import submit_job
from tests.annotations.factories import NOW, make_study
from tests.generation.factories import make_endpoint, make_job
from tests.media.clips import make_clip, make_still

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(adapter, monkeypatch) -> list:
    """What was asked, with the bytes that were there at the moment of the call."""
    requests: list = []
    submit = adapter.submit

    def note(request):
        given = request.image or request.video
        requests.append((request, given.path.read_bytes() if given else b""))
        return submit(request)

    monkeypatch.setattr(adapter, "submit", note)
    return requests


def send(kind: str, source=None):
    study = make_study(comparisons=0, kind=kind)
    values = {}
    if source is not None:
        text = PromptText("p1", "The boat sails away")
        values["prompt"] = get_or_create_prompt_with_source(text=text, source=source)
    endpoint = make_endpoint(options={"kinds": [kind]})
    submit_job(job_id=make_job(endpoint=endpoint, study=study, **values).pk, now=NOW)


@pytest.mark.parametrize("kind", ["image-to-video", "image-editing"])
def test_an_image_goes_with_the_kinds_that_start_from_one(asked, tmp_path, kind):
    picture = make_still(tmp_path / "start.png")
    send(kind, picture)
    [(request, sent)] = asked
    assert [request.kind, request.image.media_type, request.video] == [kind, "image/png", None]
    assert sent == picture.read_bytes()


def test_a_past_clip_goes_with_video_extension(asked, tmp_path):
    clip = make_clip(tmp_path / "past.mp4", frames=8)
    send("video-extension", clip)
    [(request, sent)] = asked
    assert [request.video.media_type, request.image, sent] == [
        "video/mp4",
        None,
        clip.read_bytes(),
    ]


def test_a_study_from_text_sends_none(asked):
    send("text-to-video")
    [(request, _)] = asked
    assert [request.kind, request.image, request.video] == ["text-to-video", None, None]


def test_the_copy_for_the_call_is_gone_afterwards(asked, tmp_path):
    send("image-to-video", make_still(tmp_path / "start.png"))
    assert not asked[0][0].image.path.exists()


def test_a_source_that_cannot_be_read_was_never_sent(asked, tmp_path):
    study = make_study(comparisons=0, kind="image-to-video")
    text = PromptText("p1", "The boat sails away")
    prompt = get_or_create_prompt_with_source(text=text, source=make_still(tmp_path / "start.png"))
    prompt.source.storage.delete(prompt.source.name)
    job = make_job(
        endpoint=make_endpoint(options={"kinds": ["image-to-video"]}), study=study, prompt=prompt
    )
    submit_job(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert [job.state, asked] == [JobState.READY, []]
