"""Nothing that a rater receives names a model or tells two models apart but by content."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client

from annotations.models import Rendition, Stimulus, Study
from annotations.services.importing import import_clips
from annotations.services.manifests import read_clips
from annotations.services.preparing import lease_due_renditions, make_rendition, sync_comparisons
from annotations.services.registering import import_into_study
from annotations.services.studies import open_study, start_preparing
from annotations.simulation import read_form
from tests.annotations.factories import NOW
from tests.media.clips import make_clip

pytestmark = pytest.mark.django_db

MODELS = {"Secretmodel Alpha": "secretmodel-alpha", "Hiddenmodel Beta": "hiddenmodel-beta"}
PROMPTS = [f"prompt{number}" for number in range(3)]


@pytest.fixture(params=["pairwise-min", "native"])
def study(request, tmp_path) -> Study:
    """Two models whose clips carry their names in the path and in the metadata."""
    for number, model in enumerate(MODELS):
        (tmp_path / model).mkdir()
        for place, prompt in enumerate(PROMPTS):
            make_clip(
                tmp_path / model / f"{prompt}.mp4",
                width=64 + 32 * number,
                height=64,
                fps=8 + 4 * number,
                frames=12 + place,
                metadata={"title": model, "comment": f"made by {model}"},
            )
    lines = ["prompt_id,prompt", *(f"{prompt},A fox {prompt}" for prompt in PROMPTS)]
    (tmp_path / "prompts.csv").write_text("\n".join(lines))
    result = import_clips(manifest=read_clips(tmp_path))
    study = import_into_study(result=result, slug="blind", title="Which clip is better?")
    Study.objects.update(presentation_profile=request.param)
    study.refresh_from_db()
    start_preparing(study=study)
    sync_comparisons(study=study)
    for rendition_id in lease_due_renditions(now=NOW):
        make_rendition(rendition_id=rendition_id, now=NOW)
    open_study(study=study, now=NOW)
    return study


def start(client: Client, study: Study, page: HttpResponse) -> HttpResponse:
    fields = read_form(page.content.decode()).fields
    return client.post(f"/s/{study.slug}/", fields, follow=True)


def walk(study: Study) -> list[bytes]:
    """A whole session; everything that came down the wire, head and body."""
    client = Client()
    received: list[bytes] = []

    def keep(response):
        head = "".join(f"{name}: {value}\n" for name, value in response.headers.items())
        received.append(head.encode() + response.getvalue())
        return response

    page = keep(client.get(f"/s/{study.slug}/"))
    page = keep(start(client, study, page))
    while "assignment" in (form := read_form(page.content.decode())).fields:
        for address in form.media:
            keep(client.get(address))
            keep(client.head(address))
            keep(client.get(address, headers={"Range": "bytes=0-99"}))
        answers = {f"choice-{axis}": "left" for axis in form.choices}
        answers |= {f"reason-{axis}": reasons[0] for axis, reasons in form.reasons.items()}
        keep(client.post(form.action, {**form.fields, "choice-quality": "banana"}))
        page = keep(client.post(form.action, {**form.fields, **answers}, follow=True))
    keep(client.get(f"/s/{study.slug}/nowhere/"))
    keep(client.get("/m/nothing/"))
    assert study.completion_code in page.content.decode()
    return received


def test_no_byte_of_a_session_names_a_model(study):
    received = b"\n".join(walk(study)).lower()
    assert b"choice-quality" in received
    assert b"ftyp" in received
    secrets = [word for name, slug in MODELS.items() for word in (name, slug, *name.split())]
    secrets += [stimulus.sha256 for stimulus in Stimulus.objects.all()]
    secrets += [Path(stimulus.file.name).name for stimulus in Stimulus.objects.all()]
    secrets += [rendition.key for rendition in Rendition.objects.all()]
    assert [word for word in secrets if word.lower().encode() in received] == []


def test_the_originals_do_name_their_model(study):
    """So that the test above has something to find."""
    stimulus = Stimulus.objects.filter(model__name="Secretmodel Alpha").first()
    assert b"Secretmodel Alpha" in stimulus.file.read()


def test_every_address_of_a_clip_is_new(study):
    addresses = [re.findall(rb"/m/[\w-]+/", b"".join(walk(study))) for _ in range(2)]
    assert set(addresses[0]) & set(addresses[1]) == set()


def test_clip_headers_are_alike_on_both_sides(study):
    client = Client()
    page = start(client, study, client.get(f"/s/{study.slug}/"))
    clips = [client.get(url) for url in read_form(page.content.decode()).media]
    telling = {"Content-Length", "ETag"}
    heads = [
        {name: value for name, value in clip.headers.items() if name not in telling}
        for clip in clips
    ]
    assert heads[0] == heads[1]
