"""The demo server as its clients meet it: a process on a port."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import av
import httpx
import pytest

from tests.examples.demo_server import (
    PROMPT,
    ROOT,
    SMALL,
    clip,
    create,
    error_of,
    finished,
    start,
    stop,
)


def presentation(path: Path) -> tuple[int, int, int, int]:
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        frames = sum(1 for _ in opened.decode(stream))
        return stream.width, stream.height, int(stream.average_rate or 0), frames


def test_health_needs_no_key(slow_client):
    assert httpx.get(f"{slow_client.base_url}/health").json() == {"status": "ok"}


def test_the_demo_models_are_listed(client):
    ids = [model["id"] for model in client.get("/v1/models").json()["data"]]
    assert ids == ["demo-aurora", "demo-drift", "demo-pastel", "demo-chalk"]


def test_a_new_job_has_every_field_of_the_protocol(slow_client):
    before = int(time.time())
    job = create(slow_client, seed=7)
    assert (job["object"], job["status"], job["progress"]) == ("video", "queued", 0)
    assert (job["model"], job["prompt"], job["seed"]) == ("demo-aurora", PROMPT, 7)
    assert (job["seconds"], job["size"]) == ("4", "512x512")
    assert (job["completed_at"], job["error"]) == (None, None)
    assert before <= job["created_at"] <= time.time()


def test_multipart_is_taken_as_json_is(slow_client):
    fields = {"model": "demo-drift", "prompt": "Zwölf Boote", "seconds": "2", "seed": "3"}
    parts = {name: (None, value) for name, value in fields.items()}
    job = slow_client.post("/v1/videos", files=parts).json()
    assert {name: str(job[name]) for name in fields} == fields


@pytest.mark.parametrize(
    ("model", "native"), [("demo-aurora", (512, 512, 24, 96)), ("demo-drift", (640, 360, 12, 36))]
)
def test_each_model_gives_a_clip_of_its_own_presentation(client, tmp_path, model, native):
    job = finished(client, create(client, model=model))
    answer = client.get(f"/v1/videos/{job['id']}/content")
    (tmp_path / "clip.mp4").write_bytes(answer.content)
    assert (job["status"], job["progress"]) == ("completed", 100)
    assert answer.headers["content-type"] == "video/mp4"
    assert presentation(tmp_path / "clip.mp4") == native


def test_size_and_seconds_are_honoured(client, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(clip(client, create(client, size="128x96", seconds="2")))
    assert presentation(tmp_path / "clip.mp4") == (128, 96, 24, 48)


def test_the_same_request_gives_the_same_bytes(client):
    once, again = (clip(client, create(client, seed=5, **SMALL)) for _ in range(2))
    assert once == again


def test_another_seed_gives_another_clip(client):
    one, other = (clip(client, create(client, seed=seed, **SMALL)) for seed in (1, 2))
    assert one != other


def test_a_prompt_without_a_known_word_still_gives_a_clip(client):
    assert finished(client, create(client, prompt="Lorem ipsum!", **SMALL))["status"] == "completed"


def test_a_forbidden_prompt_fails_with_the_reason(client):
    job = finished(client, create(client, prompt="A Forbidden dance", **SMALL))
    assert (job["status"], job["error"]["code"]) == ("failed", "moderation_blocked")
    assert "blocked by moderation" in job["error"]["message"]


def test_content_of_a_job_that_is_not_ready_is_a_conflict(slow_client):
    job = create(slow_client)
    answer = slow_client.get(f"/v1/videos/{job['id']}/content")
    assert error_of(answer) == (409, "video_not_ready", None)


def test_jobs_are_listed_newest_first_in_pages(slow_client):
    ids = [create(slow_client)["id"] for _ in range(3)]
    first = slow_client.get("/v1/videos", params={"limit": 2}).json()
    second = slow_client.get("/v1/videos", params={"limit": 1, "after": first["last_id"]}).json()
    assert [job["id"] for job in first["data"] + second["data"]] == ids[::-1]
    assert first["has_more"]


def test_a_deleted_job_is_gone(slow_client):
    job = create(slow_client)
    answer = slow_client.delete(f"/v1/videos/{job['id']}")
    assert answer.json() == {"id": job["id"], "object": "video.deleted", "deleted": True}
    assert error_of(slow_client.get(f"/v1/videos/{job['id']}"))[0] == 404


def test_deleting_a_running_job_frees_its_worker():
    process, address = start("--delay", "600", "--workers", "1")
    with httpx.Client(base_url=address, timeout=30) as client:
        running, waiting = create(client), create(client)
        client.delete(f"/v1/videos/{running['id']}")
        deadline = time.monotonic() + 60
        while client.get(f"/v1/videos/{waiting['id']}").json()["status"] == "queued":
            assert time.monotonic() < deadline
            time.sleep(0.02)
    stop(process)


def test_deleting_a_finished_job_removes_its_clip(tmp_path):
    process, address = start("--data", str(tmp_path))
    with httpx.Client(base_url=address, timeout=30) as client:
        job = finished(client, create(client, **SMALL))
        before = [path.name for path in tmp_path.iterdir()]
        client.delete(f"/v1/videos/{job['id']}")
    stop(process)
    assert (before, list(tmp_path.iterdir())) == ([f"{job['id']}.mp4"], [])


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"model": "sora"}, (404, "model_not_found", "model")),
        ({"prompt": "  "}, (400, "empty_prompt", "prompt")),
        ({"size": "512"}, (400, "invalid_size", "size")),
        ({"size": "513x512"}, (400, "invalid_size", "size")),
        ({"size": "8192x8192"}, (400, "invalid_size", "size")),
        ({"seconds": "600"}, (400, "invalid_seconds", "seconds")),
        ({"seed": "x"}, (400, "invalid_seed", "seed")),
    ],
)
def test_a_bad_field_is_refused_by_name(client, fields, error):
    request = {"model": "demo-aurora", "prompt": PROMPT} | fields
    assert error_of(client.post("/v1/videos", json=request)) == error


def test_a_body_that_is_not_json_is_refused(client):
    assert error_of(client.post("/v1/videos", content=b"{"))[:2] == (400, "invalid_json")


@pytest.mark.parametrize("path", ["/v1/videos/video_none", "/v1/videos/video_none/content"])
def test_an_unknown_job_is_not_found(client, path):
    assert error_of(client.get(path)) == (404, "video_not_found", None)


def test_an_unknown_path_is_not_found(client):
    assert error_of(client.get("/v1/songs"))[0] == 404


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}])
def test_a_missing_or_wrong_key_is_refused(slow_client, headers):
    answer = httpx.get(f"{slow_client.base_url}/v1/videos", headers=headers)
    assert error_of(answer) == (401, "invalid_api_key", None)


def test_sigterm_stops_it_in_the_middle_of_work_and_silently(tmp_path):
    process, address = start("--data", str(tmp_path))
    job = {"model": "demo-aurora", "prompt": PROMPT, "seconds": "10"}
    for _ in range(20):
        httpx.post(f"{address}/v1/videos", json=job)
    assert (stop(process), process.communicate()) == (0, ("", ""))
    assert len(list(tmp_path.iterdir())) < 20


def test_a_taken_port_is_a_clear_error(client):
    port = str(client.base_url.port)
    command = [sys.executable, "-m", "examples.model_endpoint", "--port", port]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"Cannot listen on 127.0.0.1:{port}: Address already in use.\n"
