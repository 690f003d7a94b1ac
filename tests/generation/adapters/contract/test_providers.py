"""What is each provider's own: its words, its files, its traps."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from email.message import Message
from email.parser import BytesParser

import httpx
import pytest

from generation.adapters.base import (
    AuthOrQuotaError,
    Done,
    Pending,
    PermanentError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
    UnsupportedError,
    VanishedError,
)
from generation.adapters.google import vertex as vertex_module
from generation.adapters.requests import GenerationRequest, Kind, MediaFile, Rewriting
from tests.generation.adapters.contract import shapes
from tests.generation.adapters.contract.conftest import CAP, Subject, adapter_for, error_of
from tests.generation.adapters.contract.server import CLIP
from tests.generation.adapters.contract.shapes import KEY_OF_ATTEMPT, MADE_AT, WORKFLOW
from tests.generation.stand_in import Answer

PICTURE = b"\x89PNG\r\n\x1a\npicture"
AS_TEXT = base64.b64encode(PICTURE).decode()
AS_URI = f"data:image/png;base64,{AS_TEXT}"


@pytest.fixture
def of(provider, target):
    """The adapter of a shape, with some of its values changed."""

    def subject(make, **values):
        made = Subject(make(provider.url), provider, target)
        options = {**made.shape.options, **values.pop("options", {})}
        made.adapter = adapter_for(made.shape, provider.url, options=options, **values)
        return made

    return subject


@pytest.fixture
def image(tmp_path):
    (tmp_path / "fox of the rival.png").write_bytes(PICTURE)
    return MediaFile(tmp_path / "fox of the rival.png", "image/png")


@pytest.fixture
def from_image(image):
    return GenerationRequest(prompt="It runs", kind=Kind.IMAGE_TO_VIDEO, image=image)


def sent(subject, call: str = ""):
    return json.loads(subject.provider.last(call or subject.shape.submit).body)


def form_of(received) -> dict[str, tuple[str | None, bytes]]:
    """File name and content of each part of a form."""
    head = f"Content-Type: {received.headers['content-type']}\r\n\r\n".encode()
    message: Message = BytesParser().parsebytes(head + received.body)
    return {
        str(part.get_param("name", header="content-disposition")): (
            part.get_filename(),
            part.get_payload(decode=True).removesuffix(b"\n"),
        )
        for part in message.get_payload()
    }


class TestOpenAIVideos:
    def test_vllm_omni_gets_a_form_with_its_own_words(self, of):
        server = of(shapes.openai_videos, options={"variant": "vllm-omni"})
        server.adapter.submit(GenerationRequest(prompt="A fox", negative_prompt="rain", seconds=4))
        form = form_of(server.provider.last(server.shape.submit))
        assert {name: text for name, (_, text) in form.items()} == {
            "model": b"model-1",
            "prompt": b"A fox",
            "negative_prompt": b"rain",
            "seconds": b"4",
        }

    def test_vllm_omni_is_not_asked_for_a_clip_of_one_frame(self, of):
        server = of(shapes.openai_videos, options={"variant": "vllm-omni"}, parameters={})
        error = error_of(lambda: server.adapter.submit(GenerationRequest(prompt="A fox")))
        assert (type(error), server.provider.received) == (UnsupportedError, [])

    def test_a_picture_goes_along_as_a_file_that_tells_nothing_by_its_name(self, of, from_image):
        server = of(shapes.openai_videos, options={"kinds": ["image-to-video"]})
        server.adapter.submit(from_image)
        name, content = form_of(server.provider.last(server.shape.submit))["input_reference"]
        assert content == PICTURE
        assert name.endswith(".png")
        assert "rival" not in name

    def test_a_job_is_looked_for_on_every_page_of_the_list(self, of):
        server = of(shapes.openai_videos_by_list)
        page = {"data": [{"id": "other"}], "has_more": True}
        server.answering(server.shape.poll, page)
        assert "does not end" in str(error_of(server.poll))

    def test_a_gateway_to_what_is_paid_for_is_not_asked_twice(self, of):
        gateway = of(shapes.openai_videos, options={"forgets_jobs": False})
        error = error_of(gateway.answering(gateway.shape.poll, Answer(404)).poll)
        assert type(error) is RetryableError

    def test_a_key_that_the_server_recognises_is_sent(self, of):
        server = of(shapes.openai_videos, options={"key_header": "Idempotency-Key"})
        server.adapter.submit(GenerationRequest(prompt="A fox", key=KEY_OF_ATTEMPT))
        assert server.provider.received[0].headers["idempotency-key"] == KEY_OF_ATTEMPT
        assert server.adapter.capabilities.knows_repeats

    @pytest.mark.parametrize("options", [{"variant": "other"}, {"poll": "never"}])
    def test_an_unknown_choice_is_named(self, of, options):
        [problem] = of(shapes.openai_videos, options=options).adapter.problems()
        assert next(iter(options)) in problem

    def test_what_the_row_says_narrows_what_may_be_asked(self, of):
        limits = {"fields": {"seed": None}, "lengths": [4, 8], "sizes": ["1280x720"]}
        known = of(shapes.openai_videos, options=limits).adapter.capabilities
        request = GenerationRequest(prompt="A fox", seed=1, seconds=5, size="640x480")
        assert known.unsupported(request) == [
            "a seed",
            "a length of 5 s (it takes 4, 8)",
            "a size of 640x480 (it takes 1280x720)",
        ]


class TestOpenAIImages:
    def test_a_picture_may_be_in_the_answer_itself_and_not_in_the_record(self, of):
        server = of(shapes.openai_images)
        text = base64.b64encode(PICTURE * 200).decode()
        body = {"data": [{"b64_json": text, "revised_prompt": "A red fox"}]}
        submitted = server.answering(server.shape.submit, body).submit()
        assert server.fetch() == PICTURE * 200
        [kept] = submitted.raw["data"]
        assert kept["revised_prompt"] == "A red fox"
        assert text not in str(kept)

    def test_an_edit_is_a_form_with_the_picture(self, of, image):
        server = of(shapes.openai_images, options={"kinds": ["image-editing"]})
        server.provider.says(
            {"POST /v1/images/edits": Answer(200, {"data": [{"b64_json": AS_TEXT}]})}
        )
        request = GenerationRequest(prompt="Make it blue", kind=Kind.IMAGE_EDITING, image=image)
        server.adapter.submit(request)
        form = form_of(server.provider.last("POST /v1/images/edits"))
        assert (form["image"][1], form["prompt"][1]) == (PICTURE, b"Make it blue")

    @pytest.mark.parametrize("status", [403, 404, 500])
    def test_a_picture_that_was_made_and_cannot_be_had_is_not_paid_for_again(self, of, status):
        server = of(shapes.openai_images)
        error = error_of(server.answering(server.shape.result, Answer(status)).submit)
        assert type(error) in (UnknownOutcomeError, PermanentError)
        assert server.provider.calls().count(server.shape.submit) == 1

    @pytest.mark.parametrize("body", [{"data": []}, {}, {"data": [{"b64_json": "?"}]}])
    def test_an_answer_without_a_picture_is_told(self, of, body):
        server = of(shapes.openai_images)
        assert type(error_of(server.answering(server.shape.submit, body).submit)) is PermanentError

    def test_a_picture_in_the_answer_is_not_larger_than_clips_may_be(self, of, monkeypatch):
        monkeypatch.setattr("generation.adapters.openai_images.adapter.MAX_CLIP_BYTES", 10)
        server = of(shapes.openai_images)
        body = {"data": [{"b64_json": AS_TEXT}]}
        error = error_of(server.answering(server.shape.submit, body).submit)
        assert "too large" in str(error)

    def test_a_model_that_always_rewrites_is_known(self, of):
        adapter = of(shapes.openai_images, remote_model="dall-e-3").adapter
        assert adapter.capabilities.rewrites_prompt == Rewriting.ALWAYS


class TestHttpBlocking:
    def test_a_picture_goes_along_in_the_json(self, of, from_image):
        server = of(shapes.http_blocking, options={"kinds": ["image-to-video"]})
        server.adapter.submit(from_image)
        assert sent(server)["image"] == AS_URI

    def test_a_picture_goes_along_in_a_form(self, of, from_image):
        options = {"kinds": ["image-to-video"], "fields": {"image": "start"}, "model_field": None}
        server = of(shapes.http_blocking, options=options, is_multipart=True)
        server.adapter.submit(from_image)
        form = form_of(server.provider.last(server.shape.submit))
        assert (form["start"][1], "model" in form) == (PICTURE, False)

    def test_a_clip_without_an_attempts_key_is_held_under_a_name_of_its_own(self, of):
        server = of(shapes.http_blocking)
        names = {
            server.adapter.submit(GenerationRequest(prompt="A fox")).remote_id for _ in range(2)
        }
        assert len(names) == 2

    def test_a_name_of_no_held_clip_is_refused(self, of):
        server = of(shapes.http_blocking)
        error = error_of(lambda: server.adapter.fetch("../../etc/passwd", server.target))
        assert type(error) is PermanentError

    def test_a_full_disk_does_not_have_the_clip_made_again(self, of, monkeypatch):
        def full(file, key):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("generation.adapters.http_blocking.adapter.hold", full)
        error = error_of(of(shapes.http_blocking).submit)
        assert type(error) is UnknownOutcomeError
        assert "No space left" in str(error)


class TestFal:
    def test_fal_is_told_not_to_repeat_the_request_itself(self, of):
        service = of(shapes.fal)
        service.submit()
        assert service.provider.received[0].headers["x-fal-no-retry"] == "1"

    def test_done_is_a_result_that_was_read(self, of):
        service = of(shapes.fal)
        assert service.poll() == Done(
            service.provider.routes["GET /v1/fal-ai/wan/requests/r-1"].body
        )

    def test_a_completed_request_may_have_an_error_for_a_result(self, of):
        service = of(shapes.fal)
        refusal = {"detail": [{"msg": "Flagged.", "type": "content_policy_violation"}]}
        result = "GET /v1/fal-ai/wan/requests/r-1"
        assert type(error_of(service.answering(result, Answer(422, refusal)).poll)) is RejectedError

    @pytest.mark.parametrize(
        ("header", "error"), [("false", PermanentError), ("true", RetryableError)]
    )
    def test_fal_says_whether_a_broken_result_is_final(self, of, header, error):
        service = of(shapes.fal)
        broken = Answer(500, {"detail": "It broke."}, {"X-Fal-Retryable": header})
        service.answering("GET /v1/fal-ai/wan/requests/r-1", broken)
        assert type(error_of(service.poll)) is error

    @pytest.mark.parametrize(
        "address", ["https://elsewhere.test/r-1", "", None, "http://127.0.0.1/v1/r-1"]
    )
    def test_an_address_elsewhere_is_not_asked(self, of, address):
        service = of(shapes.fal)
        body = {"request_id": "r-1", "response_url": address}
        error = error_of(service.answering(service.shape.submit, body).submit)
        assert type(error) is UnknownOutcomeError

    def test_the_result_may_lie_beside_the_status(self, of):
        service = of(shapes.fal)
        place = service.shape.accepted["response_url"]
        body = {**service.shape.accepted, "response_url": f"{place}/response"}
        remote_id = service.answering(service.shape.submit, body).submit().remote_id
        result = "GET /v1/fal-ai/wan/requests/r-1/response"
        service.answering(result, service.provider.routes["GET /v1/fal-ai/wan/requests/r-1"])
        assert isinstance(service.adapter.poll(remote_id), Done)
        service.adapter.cancel(remote_id)
        assert service.provider.calls()[-3:] == [service.shape.poll, result, service.shape.cancel]

    def test_addresses_of_another_form_are_not_guessed_at(self, of):
        service = of(shapes.fal)
        body = {**service.shape.accepted, "status_url": f"{service.provider.url}/status/r-1"}
        error = error_of(service.answering(service.shape.submit, body).submit)
        assert type(error) is UnknownOutcomeError

    @pytest.mark.parametrize(
        ("result", "options"),
        [
            ({"images": [{"url": "HERE"}]}, {}),
            ({"image": {"url": "HERE"}}, {}),
            ({"out": {"clips": ["HERE"]}}, {"output": "out.clips.0"}),
        ],
    )
    def test_the_clip_lies_where_the_app_puts_it(self, of, result, options):
        service = of(shapes.fal, options=options)
        body = json.loads(
            json.dumps(result).replace("HERE", f"{service.provider.url}/files/clip.mp4")
        )
        service.answering("GET /v1/fal-ai/wan/requests/r-1", body)
        assert service.fetch() == CLIP

    def test_a_picture_goes_along_as_text(self, of, from_image):
        service = of(shapes.fal, options={"kinds": ["image-to-video"]})
        service.adapter.submit(from_image)
        assert sent(service)["image_url"] == AS_URI

    def test_a_request_under_way_cannot_be_stopped(self, of):
        service = of(shapes.fal)
        service.answering(service.shape.cancel, Answer(400, {"status": "ALREADY_COMPLETED"}))
        assert "ALREADY_COMPLETED" in str(error_of(service.cancel))

    @pytest.mark.parametrize(
        ("parameters", "rewriting"),
        [
            ({"enable_prompt_expansion": False}, Rewriting.SWITCHED_OFF),
            ({"enable_prompt_expansion": True}, Rewriting.ALWAYS),
            ({}, Rewriting.UNKNOWN),
        ],
    )
    def test_rewriting_is_what_the_apps_switch_says(self, of, parameters, rewriting):
        adapter = of(shapes.fal, parameters=parameters).adapter
        assert adapter.capabilities.rewrites_prompt == rewriting


class TestReplicate:
    @pytest.mark.parametrize(
        ("name", "path", "version"),
        [
            ("deployments/lab/wan", "/v1/deployments/lab/wan/predictions", None),
            ("lab/wan:" + "a" * 64, "/v1/predictions", "a" * 64),
            ("b" * 64, "/v1/predictions", "b" * 64),
        ],
    )
    def test_each_way_to_name_a_model_has_its_address(self, of, name, path, version):
        service = of(shapes.replicate, remote_model=name)
        service.answering(f"POST {path}", service.shape.accepted)
        service.submit()
        assert sent(service, f"POST {path}").get("version") == version

    def test_a_prediction_has_a_limit_of_its_own(self, of):
        service = of(shapes.replicate)
        service.submit()
        assert service.provider.received[0].headers["cancel-after"] == "20m"

    @pytest.mark.parametrize(
        ("output", "options"),
        [(["HERE", "other"], {}), ({"clip": "HERE"}, {"output": "clip"}), ("HERE", {})],
    )
    def test_the_clip_is_the_output_or_in_it(self, of, output, options):
        service = of(shapes.replicate, options=options)
        body = {**service.shape.done, "output": output}
        body = json.loads(
            json.dumps(body).replace("HERE", f"{service.provider.url}/files/clip.mp4")
        )
        assert service.answering(service.shape.poll, body).fetch() == CLIP

    def test_the_list_goes_on_by_its_cursor_and_to_no_other_host(self, of):
        service = of(shapes.replicate)
        page = {**service.shape.listed, "next": "http://169.254.169.254/v1/predictions?cursor=c2"}
        service.answering(service.shape.listing, page)
        error = error_of(lambda: service.adapter.list_since(MADE_AT - timedelta(days=1)))
        assert "does not end" in str(error)
        assert {got.query.get("cursor") for got in service.provider.received} == {None, "c2"}

    def test_a_prediction_of_another_model_is_not_taken_for_ours(self, of):
        service = of(shapes.replicate, remote_model="lab/other")
        [job] = service.adapter.list_since(MADE_AT)
        assert job.model == "wan-video/wan-3"

    def test_predictions_of_a_deployment_name_the_model_behind_it(self, of):
        service = of(shapes.replicate, remote_model="deployments/lab/wan")
        [job] = service.adapter.list_since(MADE_AT)
        assert job.model == ""


class TestRunway:
    def test_its_version_goes_with_every_call(self, of):
        service = of(shapes.runway)
        service.submit()
        assert service.provider.received[0].headers["x-runway-version"] == "2024-11-06"

    def test_a_picture_goes_along_as_text(self, of, from_image):
        service = of(shapes.runway, remote_model="gen4_turbo")
        service.answering("POST /v1/image_to_video", {"id": "t1"})
        service.adapter.submit(from_image)
        assert sent(service, "POST /v1/image_to_video")["promptImage"] == AS_URI

    @pytest.mark.parametrize(
        ("model", "request_", "words"),
        [
            (
                "gen4_turbo",
                GenerationRequest(prompt="A"),
                ["text-to-video (it does image-to-video)"],
            ),
            (
                "gen4.5",
                GenerationRequest(prompt="A", seconds=12),
                ["a length of 12 s (it takes 2, 3, 4, 5, 6, 7, 8, 9, 10)"],
            ),
            ("gen4.5", GenerationRequest(prompt="A", negative_prompt="B"), ["a negative prompt"]),
            ("veo3.1", GenerationRequest(prompt="A", negative_prompt="B"), []),
            (
                "gen4.5",
                GenerationRequest(prompt="🦊" * 501),
                ["a prompt of 1002 characters (at most 1000)"],
            ),
        ],
    )
    def test_what_each_model_takes(self, of, model, request_, words):
        known = of(shapes.runway, remote_model=model).adapter.capabilities
        assert known.unsupported(request_) == words

    def test_a_picture_too_large_for_the_call_is_refused(self, of, tmp_path):
        (tmp_path / "large.png").write_bytes(b"x" * 4_000_000)
        image = MediaFile(tmp_path / "large.png", "image/png")
        request = GenerationRequest(prompt="A", kind=Kind.IMAGE_TO_VIDEO, image=image)
        [words] = of(shapes.runway, remote_model="gen4_turbo").adapter.capabilities.unsupported(
            request
        )
        assert words.startswith("a file of 4000000 bytes")

    def test_too_many_in_a_day_is_a_pause_of_an_hour(self, of):
        service = of(shapes.runway)
        error = error_of(
            service.answering(service.shape.submit, Answer(429, {"error": "Limit"})).submit
        )
        assert (type(error), error.retry_after) == (RateLimitedError, 3600)

    def test_progress_is_a_share(self, of):
        service = of(shapes.runway)
        service.answering(service.shape.poll, {"status": "RUNNING", "progress": 0.4})
        assert service.poll() == Pending(40)


class TestLuma:
    def test_a_picture_is_asked_for_at_its_own_address(self, of):
        service = of(shapes.luma, remote_model="photon-1", options={"kinds": ["text-to-image"]})
        service.answering("POST /v1/generations/image", {"id": "g1"})
        service.adapter.submit(GenerationRequest(prompt="A fox", kind=Kind.TEXT_TO_IMAGE))
        made = {"state": "completed", "assets": {"image": f"{service.provider.url}/files/clip.mp4"}}
        assert service.answering(service.shape.poll, made).fetch() == CLIP

    def test_it_cannot_start_from_a_picture_of_ours(self, of, from_image):
        [kind, *_] = of(shapes.luma).adapter.capabilities.unsupported(from_image)
        assert kind == "image-to-video (it does text-to-video)"

    def test_the_list_is_read_page_by_page(self, of):
        service = of(shapes.luma)
        page = {**service.shape.listed, "has_more": True}
        service.answering(service.shape.listing, page)
        error_of(lambda: service.adapter.list_since(MADE_AT))
        assert [got.query["offset"] for got in service.provider.received[:3]] == ["0", "100", "200"]


class TestInteractions:
    def test_a_picture_goes_along_as_a_part_of_the_input(self, of, from_image):
        service = of(shapes.interactions)
        service.adapter.submit(from_image)
        assert sent(service)["input"] == [
            {"type": "text", "text": "It runs"},
            {"type": "image", "data": AS_TEXT, "mime_type": "image/png"},
        ]

    @pytest.mark.parametrize("place", ["output_video", "outputs", "steps"])
    def test_a_clip_may_be_in_the_answer_itself_and_not_in_the_record(self, of, place):
        service = of(shapes.interactions)
        text = base64.b64encode(CLIP).decode()
        clip = {"type": "video", "data": text}
        step = {"type": "model_output", "content": [clip]}
        given = {"output_video": clip, "outputs": [clip], "steps": [step]}[place]
        service.answering(service.shape.poll, {"status": "completed", place: given})
        assert service.fetch() == CLIP
        assert text not in str(service.poll().raw)

    def test_the_key_is_sent_for_a_file_of_googles_own(self, of):
        service = of(shapes.interactions)
        service.fetch()
        assert service.provider.last(shapes.FILE).headers["x-goog-api-key"] == shapes.KEY


class TestVertex:
    def test_a_clip_to_go_on_from_goes_along_as_text(self, of, tmp_path):
        (tmp_path / "past.mp4").write_bytes(b"past")
        video = MediaFile(tmp_path / "past.mp4", "video/mp4")
        service = of(shapes.vertex, options={"kinds": ["video-extension"]})
        service.adapter.submit(
            GenerationRequest(prompt="It runs on", kind=Kind.VIDEO_EXTENSION, video=video)
        )
        assert sent(service)["instances"] == [
            {
                "prompt": "It runs on",
                "video": {"bytesBase64Encoded": "cGFzdA==", "mimeType": "video/mp4"},
            }
        ]

    def test_a_clip_may_be_in_the_answer_itself_and_not_in_the_record(self, of):
        service = of(shapes.vertex)
        text = base64.b64encode(CLIP).decode()
        made = {"done": True, "response": {"videos": [{"bytesBase64Encoded": text}]}}
        service.answering(service.shape.poll, made)
        assert service.fetch() == CLIP
        assert text not in str(service.poll().raw)

    def test_an_operation_may_tell_its_clip_in_the_newer_shape(self, of):
        service = of(shapes.vertex)
        video = {"uri": "gs://lab/run 1/clip.mp4"}
        response = {"generateVideoResponse": {"generatedSamples": [{"video": video}]}}
        service.answering(service.shape.poll, {"done": True, "response": response})
        assert service.fetch() == CLIP

    def test_the_bucket_gets_the_key(self, of):
        service = of(shapes.vertex)
        service.fetch()
        call = service.provider.last(service.shape.result)
        assert (call.headers["authorization"], call.query) == (
            f"Bearer {shapes.KEY}",
            {"alt": "media"},
        )

    @pytest.mark.parametrize(
        ("parameters", "sent_as", "rewriting"),
        [
            ({}, False, Rewriting.SWITCHED_OFF),
            ({"enhancePrompt": True}, True, Rewriting.ALWAYS),
            ({"enhancePrompt": None}, None, Rewriting.UNKNOWN),
        ],
    )
    def test_rewriting_is_off_unless_the_row_says_otherwise(
        self, of, parameters, sent_as, rewriting
    ):
        service = of(shapes.vertex, parameters=parameters)
        service.submit()
        assert sent(service)["parameters"].get("enhancePrompt") is sent_as
        assert service.adapter.capabilities.rewrites_prompt == rewriting

    def test_a_key_for_the_api_is_sent_as_one(self, of):
        service = of(shapes.vertex, options={"auth": "key"})
        service.submit()
        assert service.provider.received[0].headers["x-goog-api-key"] == shapes.KEY

    def test_a_google_machine_has_tokens_of_its_own(self, of, monkeypatch):
        service = of(shapes.vertex, options={"auth": "metadata"}, api_key="")
        monkeypatch.setattr(vertex_module, "METADATA", f"{service.provider.url}/token")
        service.answering("GET /v1/token", {"access_token": "ya29.own", "expires_in": 3599})
        service.submit()
        call = service.provider.last(service.shape.submit)
        assert call.headers["authorization"] == "Bearer ya29.own"
        assert service.provider.last("GET /v1/token").headers["metadata-flavor"] == "Google"

    def test_any_other_machine_has_none(self, of, monkeypatch):
        service = of(shapes.vertex, options={"auth": "metadata"}, api_key="")

        def nobody(*args, **options):
            raise httpx.ConnectError("No such host.")

        monkeypatch.setattr(vertex_module.httpx, "get", nobody)
        assert type(error_of(service.submit)) is AuthOrQuotaError


class TestComfyUI:
    def test_a_job_in_the_queue_is_pending(self, of):
        server = of(shapes.comfyui)
        row = server.shape.done[KEY_OF_ATTEMPT]["prompt"]
        for queue in ({"queue_running": [row]}, {"queue_pending": [row]}):
            assert server.answering("GET /v1/queue", queue).poll() == Pending()

    def test_a_picture_is_uploaded_first_and_named_in_the_workflow(self, of, from_image):
        fields = {"prompt": "6.inputs.text", "image": "10.inputs.image"}
        server = of(shapes.comfyui, options={"fields": fields, "kinds": ["image-to-video"]})
        server.answering("POST /v1/upload/image", {"name": "a.png", "subfolder": "in"})
        server.adapter.submit(from_image)
        name, content = form_of(server.provider.last("POST /v1/upload/image"))["image"]
        assert (content, "rival" in name) == (PICTURE, False)
        assert sent(server)["prompt"]["10"]["inputs"]["image"] == "in/a.png"

    def test_a_failed_upload_is_tried_again(self, of, from_image):
        fields = {"prompt": "6.inputs.text", "image": "10.inputs.image"}
        server = of(shapes.comfyui, options={"fields": fields, "kinds": ["image-to-video"]})
        server.answering("POST /v1/upload/image", Answer(500, "It broke."))
        error = error_of(lambda: server.adapter.submit(from_image))
        assert (type(error), server.shape.submit in server.provider.calls()) == (
            RetryableError,
            False,
        )

    def test_it_is_sent_as_a_client_lest_a_cached_workflow_end_without_a_file(self, of):
        """execution.py fills the outputs of cached nodes in only where there is a client_id."""
        server = of(shapes.comfyui)
        server.submit()
        assert sent(server)["client_id"] == "juice"

    def test_the_workflow_of_the_row_is_never_changed(self, of):
        of(shapes.comfyui).submit()
        assert WORKFLOW["6"]["inputs"]["text"] == ""

    def test_a_clip_is_preferred_to_a_preview(self, of):
        server = of(shapes.comfyui)
        server.fetch()
        assert server.provider.last("GET /v1/view").query == {
            "filename": "clip.mp4",
            "type": "output",
        }

    def test_the_node_to_take_the_file_from_may_be_named(self, of):
        server = of(shapes.comfyui, options={"output": "8"})
        server.fetch()
        assert server.provider.last("GET /v1/view").query["filename"] == "preview.png"

    def test_a_job_that_runs_is_not_interrupted_lest_another_is(self, of):
        server = of(shapes.comfyui)
        row = server.shape.done[KEY_OF_ATTEMPT]["prompt"]
        server.answering("GET /v1/queue", {"queue_running": [row], "queue_pending": []})
        assert "cannot stop one job alone" in str(error_of(server.cancel))
        assert sent(server, "POST /v1/queue") == {"delete": [KEY_OF_ATTEMPT]}

    def test_a_workflow_that_is_refused_is_told(self, of):
        server = of(shapes.comfyui)
        refusal = {
            "error": {"type": "prompt_outputs_failed_validation", "message": "No such checkpoint."},
            "node_errors": {},
        }
        error = error_of(server.answering(server.shape.submit, Answer(400, refusal)).submit)
        assert str(error) == "No such checkpoint. (HTTP 400)"

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            ({"workflow": None}, "The option workflow is missing"),
            ({"fields": {}}, "no place for prompt"),
            ({"kinds": ["image-to-video"]}, "no place for image"),
            ({"fields": {"prompt": "77.inputs.text"}}, "The workflow has no 77.inputs.text"),
        ],
    )
    def test_a_row_without_what_is_needed_is_told(self, of, options, problem):
        adapter = of(shapes.comfyui, options=options).adapter
        assert problem in " ".join(adapter.problems())
        assert isinstance(
            error_of(lambda: adapter.submit(GenerationRequest("A fox"))), PermanentError
        )


class TestUpload:
    def test_nothing_is_called_for_clips_that_were_made_elsewhere(self, provider):
        shape = shapes.Shape(
            adapter="upload",
            submit="",
            accepted=None,
            sent=None,
            remote_id="",
            poll="",
            pending=[],
            done=None,
            failed=[],
        )
        adapter = adapter_for(shape, "")
        assert adapter.capabilities.unsupported(shape.request) == [
            "text-to-video (it does nothing)"
        ]
        assert "import them" in str(error_of(lambda: adapter.submit(shape.request)))
        assert adapter.problems() == []


def test_an_answer_with_a_file_in_it_has_a_cap_too(of):
    service = of(shapes.vertex)
    made = {"done": True, "response": {"videos": [{"bytesBase64Encoded": "A" * CAP}]}}
    error = error_of(service.answering(service.shape.poll, made).fetch)
    assert type(error) is RetryableError


def test_a_held_clip_is_forgotten_after_a_week(of, monkeypatch):
    server = of(shapes.http_blocking)
    server.submit()
    monkeypatch.setattr("generation.adapters.held.KEPT", timedelta(0))
    server.adapter.submit(GenerationRequest(prompt="A cat"))
    assert type(error_of(server.fetch)) is VanishedError
