"""Each provider as its documentation shows it, in data: what it is sent and what it answers.

No shape was recorded from a real service. Where they come from stands in docs/endpoints.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from generation.adapters.base import (
    AdapterError,
    PermanentError,
    RejectedError,
    RemoteJob,
    VanishedError,
)
from generation.adapters.requests import GenerationRequest, Kind
from tests.generation.adapters.contract.server import CLIP
from tests.generation.stand_in import Answer

KEY = "sk-very-secret"
MADE_AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FILE = "GET /v1/files/clip.mp4"
Routes = dict[str, Answer | str]


@dataclass(frozen=True)
class Shape:
    """One provider. `answers` hold one route each, the one that is asked last."""

    adapter: str
    submit: str
    accepted: Any
    sent: Any
    remote_id: str
    poll: str
    pending: list[Any]
    done: Any
    failed: list[tuple[Any, type[AdapterError], str]]
    authorization: tuple[str, str] = ("authorization", f"Bearer {KEY}")
    remote_model: str = "model-1"
    options: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    request: GenerationRequest = field(default_factory=lambda: GenerationRequest(prompt="A fox"))
    # What is asked besides, and answers the same whatever the test is about.
    beside: Routes = field(default_factory=dict)
    result: str = FILE
    # Where the clip is addressed at another host, so that its address can run out.
    names_an_address: bool = True
    cancel: str = ""
    listing: str = ""
    listed: Any = None
    jobs: list[RemoteJob] = field(default_factory=list)


def openai_videos(url: str) -> Shape:
    job = {"id": "video_1", "object": "video", "model": "model-1", "prompt": "A fox"}
    return Shape(
        adapter="openai_videos",
        parameters={"seconds": "4"},
        request=GenerationRequest(prompt="A fox", seed=7, size="1280x720"),
        submit="POST /v1/videos",
        accepted={**job, "status": "queued", "progress": 0},
        sent={
            "model": "model-1",
            "prompt": "A fox",
            "seed": 7,
            "seconds": "4",
            "size": "1280x720",
        },
        remote_id="video_1",
        poll="GET /v1/videos/video_1",
        pending=[{**job, "status": status} for status in ("queued", "in_progress", "new word")],
        done={**job, "status": "completed", "progress": 100},
        failed=[
            (
                {
                    **job,
                    "status": "failed",
                    "error": {"code": "moderation_blocked", "message": "No."},
                },
                RejectedError,
                "No.",
            ),
            (
                {**job, "status": "failed", "error": {"code": "oom", "message": "Too big."}},
                PermanentError,
                "Too big.",
            ),
            ({**job, "status": "cancelled"}, PermanentError, "cancelled"),
        ],
        result="GET /v1/videos/video_1/content",
        names_an_address=False,
        cancel="DELETE /v1/videos/video_1",
        listing="GET /v1/videos",
        listed={"data": [{**job, "created_at": MADE_AT.timestamp()}], "has_more": False},
        jobs=[RemoteJob("video_1", "model-1", "A fox", MADE_AT)],
    )


def openai_videos_by_list(url: str) -> Shape:
    """Servers that tell about a job only in their list, and give an address."""
    item = openai_videos(url)

    def page(raw: dict[str, Any]) -> dict[str, Any]:
        return {"data": [{"id": "other"}, raw], "has_more": False}

    return Shape(
        adapter="openai_videos",
        options={"poll": "list", "content": "url", "variant": "sglang"},
        submit=item.submit,
        accepted=item.accepted,
        sent={"model": "model-1", "prompt": "A fox"},
        remote_id="video_1",
        poll="GET /v1/videos",
        pending=[page(raw) for raw in item.pending],
        done=page({**item.done, "url": f"{url}/files/clip.mp4"}),
        failed=[
            *((page(raw), error, words) for raw, error, words in item.failed),
            ({"data": [], "has_more": False}, VanishedError, "does not hold"),
        ],
        cancel=item.cancel,
    )


def fal(url: str) -> Shape:
    place = f"{url}/fal-ai/wan/requests/r-1"
    queued = {
        "status": "IN_QUEUE",
        "request_id": "r-1",
        "response_url": place,
        "status_url": f"{place}/status",
        "cancel_url": f"{place}/cancel",
        "queue_position": 3,
    }
    refusal = {"loc": ["body", "prompt"], "msg": "Flagged.", "type": "content_policy_violation"}
    made = {"video": {"url": f"{url}/files/clip.mp4", "content_type": "video/mp4"}, "seed": 7}
    return Shape(
        adapter="fal",
        remote_model="fal-ai/wan/v2.2/text-to-video",
        authorization=("authorization", f"Key {KEY}"),
        options={"fields": {"seed": "seed", "ratio": "aspect_ratio"}},
        parameters={"enable_prompt_expansion": False},
        request=GenerationRequest(prompt="A fox", seed=7, ratio="16:9"),
        submit="POST /v1/fal-ai/wan/v2.2/text-to-video",
        accepted=queued,
        sent={
            "prompt": "A fox",
            "seed": 7,
            "aspect_ratio": "16:9",
            "enable_prompt_expansion": False,
        },
        remote_id="fal-ai/wan/requests/r-1",
        poll="GET /v1/fal-ai/wan/requests/r-1/status",
        pending=[
            Answer(202, queued),
            Answer(202, {"status": "IN_PROGRESS", "logs": None}),
            {"status": "NEW_WORD"},
        ],
        done={"status": "COMPLETED", "metrics": {"inference_time": 3.5}},
        beside={"GET /v1/fal-ai/wan/requests/r-1": Answer(200, made)},
        failed=[
            (
                {"status": "COMPLETED", "error": "Timed out.", "error_type": "request_timeout"},
                PermanentError,
                "Timed out.",
            ),
            (
                {
                    "status": "COMPLETED",
                    "error": "Flagged.",
                    "error_type": "content_policy_violation",
                },
                RejectedError,
                "Flagged.",
            ),
            ({"status": "COMPLETED", "error": [refusal]}, RejectedError, "Flagged."),
        ],
        cancel="PUT /v1/fal-ai/wan/requests/r-1/cancel",
    )


def replicate(url: str) -> Shape:
    job = {
        "id": "p1",
        "model": "wan-video/wan-3",
        "version": "hidden",
        "input": {"prompt": "A fox", "seed": 7},
        "created_at": "2026-11-23T12:00:00.000Z",
        "error": None,
        "output": None,
    }
    return Shape(
        adapter="replicate",
        remote_model="wan-video/wan-3",
        options={"fields": {"seed": "seed"}, "cancel_after": "20m"},
        parameters={"prompt_upsampling": False},
        request=GenerationRequest(prompt="A fox", seed=7),
        submit="POST /v1/models/wan-video/wan-3/predictions",
        accepted=Answer(201, {**job, "status": "starting"}),
        sent={"input": {"prompt": "A fox", "seed": 7, "prompt_upsampling": False}},
        remote_id="p1",
        poll="GET /v1/predictions/p1",
        pending=[{**job, "status": status} for status in ("starting", "processing", "new word")],
        done={
            **job,
            "status": "succeeded",
            "output": f"{url}/files/clip.mp4",
            "metrics": {"predict_time": 42.0},
        },
        failed=[
            ({**job, "status": "failed", "error": "NSFW content detected"}, RejectedError, "NSFW"),
            ({**job, "status": "failed", "error": "CUDA out of memory"}, PermanentError, "CUDA"),
            ({**job, "status": "canceled"}, PermanentError, "canceled"),
            ({**job, "status": "aborted"}, PermanentError, "aborted"),
            ({**job, "status": "succeeded", "output": []}, PermanentError, "without the address"),
            ({**job, "status": "succeeded", "data_removed": True}, PermanentError, "an hour"),
        ],
        cancel="POST /v1/predictions/p1/cancel",
        listing="GET /v1/predictions",
        listed={"results": [job], "next": None, "previous": None},
        jobs=[RemoteJob("p1", "wan-video/wan-3", "A fox", MADE_AT, 7)],
    )


def runway(url: str) -> Shape:
    task = {"id": "t1", "createdAt": "2026-11-23T12:00:00.000Z"}
    return Shape(
        adapter="runway",
        remote_model="gen4.5",
        request=GenerationRequest(prompt="A fox", seed=7, seconds=5, size="1280x720"),
        submit="POST /v1/text_to_video",
        accepted={"id": "t1"},
        sent={
            "model": "gen4.5",
            "promptText": "A fox",
            "seed": 7,
            "duration": 5,
            "ratio": "1280:720",
        },
        remote_id="t1",
        poll="GET /v1/tasks/t1",
        pending=[
            {**task, "status": "PENDING"},
            {**task, "status": "THROTTLED"},
            {**task, "status": "RUNNING", "progress": 0.4, "estimatedCost": {"credits": 25}},
            {**task, "status": "NEW_WORD"},
        ],
        done={
            **task,
            "status": "SUCCEEDED",
            "output": [f"{url}/files/clip.mp4"],
            "cost": {"credits": 25},
        },
        failed=[
            (
                {**task, "status": "FAILED", "failure": "No.", "failureCode": "SAFETY.INPUT.TEXT"},
                RejectedError,
                "No.",
            ),
            (
                {
                    **task,
                    "status": "FAILED",
                    "failure": "Bad.",
                    "failureCode": "INTERNAL.BAD_OUTPUT.CODE01",
                },
                PermanentError,
                "Bad.",
            ),
            ({**task, "status": "CANCELLED"}, PermanentError, "cancelled"),
        ],
        cancel="DELETE /v1/tasks/t1",
    )


def luma(url: str) -> Shape:
    job = {
        "id": "g1",
        "model": "ray-2",
        "created_at": "2026-11-23T12:00:00Z",
        "request": {"prompt": "A fox"},
        "failure_reason": None,
        "assets": None,
    }
    return Shape(
        adapter="luma",
        remote_model="ray-2",
        parameters={"resolution": "720p"},
        request=GenerationRequest(prompt="A fox", seconds=5, ratio="16:9"),
        submit="POST /v1/generations/video",
        accepted=Answer(201, {**job, "state": "queued"}),
        sent={
            "model": "ray-2",
            "prompt": "A fox",
            "resolution": "720p",
            "duration": "5s",
            "aspect_ratio": "16:9",
        },
        remote_id="g1",
        poll="GET /v1/generations/g1",
        pending=[
            {**job, "state": state} for state in ("queued", "dreaming", "processing", "new word")
        ],
        done={**job, "state": "completed", "assets": {"video": f"{url}/files/clip.mp4"}},
        failed=[
            (
                {**job, "state": "failed", "failure_reason": "Failed moderation"},
                RejectedError,
                "moderation",
            ),
            (
                {
                    **job,
                    "state": "failed",
                    "failure_reason": "No.",
                    "failure_code": "content_moderated",
                },
                RejectedError,
                "No.",
            ),
            (
                {
                    **job,
                    "state": "failed",
                    "failure_reason": "It broke.",
                    "failure_code": "generation_failed",
                },
                PermanentError,
                "It broke.",
            ),
        ],
        cancel="DELETE /v1/generations/g1",
        listing="GET /v1/generations",
        listed={"generations": [job], "has_more": False, "count": 1, "limit": 100, "offset": 0},
        jobs=[RemoteJob("g1", "ray-2", "A fox", MADE_AT)],
    )


def interactions(url: str) -> Shape:
    given = {"type": "user_input", "content": [{"type": "video", "uri": f"{url}/files/given.mp4"}]}
    made = {"type": "model_output", "content": [{"type": "video", "uri": f"{url}/files/clip.mp4"}]}
    job = {"id": "i1", "model": "gemini-omni-1.1-flash", "steps": [given]}
    return Shape(
        adapter="google_interactions",
        remote_model="gemini-omni-1.1-flash",
        authorization=("x-goog-api-key", KEY),
        parameters={"resolution": "720p"},
        request=GenerationRequest(prompt="A fox", ratio="16:9", seconds=8),
        submit="POST /v1/interactions",
        accepted={**job, "status": "in_progress"},
        sent={
            "model": "gemini-omni-1.1-flash",
            "input": [{"type": "text", "text": "A fox"}],
            "background": True,
            "response_format": {
                "type": "video",
                "delivery": "uri",
                "resolution": "720p",
                "aspect_ratio": "16:9",
                "duration": 8,
            },
        },
        remote_id="i1",
        poll="GET /v1/interactions/i1",
        pending=[{**job, "status": status} for status in ("queued", "in_progress", "new_word")],
        done={**job, "status": "completed", "steps": [given, made], "usage": {"total_tokens": 9}},
        failed=[
            ({**job, "status": "completed"}, PermanentError, "without a clip"),
            (
                {**job, "status": "failed", "error": {"code": 3, "message": "Safety filter."}},
                RejectedError,
                "Safety filter.",
            ),
            (
                {**job, "status": "failed", "error": {"code": 13, "message": "Broken."}},
                PermanentError,
                "Broken.",
            ),
            ({**job, "status": "incomplete"}, PermanentError, "incomplete"),
            ({**job, "status": "cancelled"}, PermanentError, "cancelled"),
            ({**job, "status": "requires_action"}, PermanentError, "requires_action"),
            ({**job, "status": "requires_continuation"}, PermanentError, "requires_continuation"),
            ({**job, "status": "budget_exceeded"}, PermanentError, "budget_exceeded"),
        ],
        cancel="POST /v1/interactions/i1/cancel",
    )


def vertex(url: str) -> Shape:
    name = "projects/lab/locations/us-central1/publishers/google/models/veo-3.1/operations/o-1"
    poll = "POST /v1/veo-3.1-generate-001:fetchPredictOperation"

    def ended(**response: Any) -> dict[str, Any]:
        return {"name": name, "done": True, "response": response}

    return Shape(
        adapter="google_vertex",
        remote_model="veo-3.1-generate-001",
        options={"storage_url": url.removesuffix("/v1")},
        request=GenerationRequest(
            prompt="A fox", seed=7, negative_prompt="rain", seconds=8, ratio="9:16"
        ),
        submit="POST /v1/veo-3.1-generate-001:predictLongRunning",
        accepted={"name": name},
        sent={
            "instances": [{"prompt": "A fox"}],
            "parameters": {
                "sampleCount": 1,
                "enhancePrompt": False,
                "seed": 7,
                "negativePrompt": "rain",
                "durationSeconds": 8,
                "aspectRatio": "9:16",
            },
        },
        remote_id=name,
        poll=poll,
        pending=[{"name": name}, {"name": name, "done": False}],
        done=ended(videos=[{"gcsUri": "gs://lab/run 1/clip.mp4", "mimeType": "video/mp4"}]),
        failed=[
            (
                ended(raiMediaFilteredCount=1, raiMediaFilteredReasons=["Not this."]),
                RejectedError,
                "Not this.",
            ),
            (ended(raiMediaFilteredCount=1), RejectedError, "without a reason"),
            (ended(), PermanentError, "without a clip"),
            (
                {
                    "name": name,
                    "done": True,
                    "error": {"code": 3, "message": "It violates the usage guidelines."},
                },
                RejectedError,
                "usage guidelines",
            ),
            (
                {"name": name, "done": True, "error": {"code": 13, "message": "Internal error."}},
                PermanentError,
                "Internal error.",
            ),
        ],
        result="GET /storage/v1/b/lab/o/run%201%2Fclip.mp4",
        names_an_address=False,
    )


WORKFLOW = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}},
    "10": {"class_type": "LoadImage", "inputs": {"image": ""}},
}
KEY_OF_ATTEMPT = "0d9d6e37-1f0e-4a55-8f0e-6f6d8b9b4c11"


def comfyui(url: str) -> Shape:
    asked = {
        **WORKFLOW,
        "3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "A fox"}},
    }
    row = [0, KEY_OF_ATTEMPT, asked, {"create_time": int(MADE_AT.timestamp() * 1000)}, ["9"]]
    file = {"filename": "clip.mp4", "subfolder": "", "type": "output"}
    preview = {"filename": "preview.png", "subfolder": "", "type": "output"}
    ended = {
        "prompt": row,
        "outputs": {"8": {"images": [preview]}, "9": {"gifs": [file]}},
        "status": {"status_str": "success", "completed": True, "messages": []},
    }
    broken = ["execution_error", {"node_id": "3", "exception_message": "Out of memory."}]
    return Shape(
        adapter="comfyui",
        options={
            "workflow": WORKFLOW,
            "fields": {"prompt": "6.inputs.text", "seed": "3.inputs.seed"},
        },
        request=GenerationRequest(prompt="A fox", seed=7, key=KEY_OF_ATTEMPT),
        submit="POST /v1/prompt",
        accepted={"prompt_id": KEY_OF_ATTEMPT, "number": 1, "node_errors": {}},
        sent={"prompt": asked, "client_id": "juice", "prompt_id": KEY_OF_ATTEMPT},
        remote_id=KEY_OF_ATTEMPT,
        poll=f"GET /v1/history/{KEY_OF_ATTEMPT}",
        pending=[],
        beside={"GET /v1/queue": Answer(200, {"queue_running": [], "queue_pending": []})},
        done={KEY_OF_ATTEMPT: ended},
        failed=[
            (
                {KEY_OF_ATTEMPT: {"status": {"status_str": "error", "messages": [broken]}}},
                PermanentError,
                "Out of memory.",
            ),
            (
                {
                    KEY_OF_ATTEMPT: {
                        "status": {
                            "status_str": "error",
                            "messages": [["execution_interrupted", {}]],
                        }
                    }
                },
                PermanentError,
                "interrupted",
            ),
            ({KEY_OF_ATTEMPT: {**ended, "outputs": {}}}, PermanentError, "without a file"),
            ({}, VanishedError, "restarted"),
        ],
        result="GET /v1/view",
        names_an_address=False,
        cancel="POST /v1/queue",
        listing="GET /v1/history",
        listed={KEY_OF_ATTEMPT: ended},
        jobs=[RemoteJob(KEY_OF_ATTEMPT, "", "A fox", MADE_AT, 7)],
    )


QUEUED: list[Callable[[str], Shape]] = [
    openai_videos,
    openai_videos_by_list,
    fal,
    replicate,
    runway,
    luma,
    interactions,
    vertex,
    comfyui,
]


def http_blocking(url: str) -> Shape:
    return Shape(
        adapter="http_blocking",
        options={"fields": {"seed": "seed"}},
        parameters={"steps": 20},
        request=GenerationRequest(prompt="A fox", seed=7, key=KEY_OF_ATTEMPT),
        submit="POST /v1",
        accepted=Answer(200, CLIP, {"Content-Type": "video/mp4"}),
        sent={"model": "model-1", "prompt": "A fox", "seed": 7, "steps": 20},
        remote_id=KEY_OF_ATTEMPT,
        poll="",
        pending=[],
        done=None,
        failed=[],
        result="POST /v1",
        names_an_address=False,
    )


def openai_images(url: str) -> Shape:
    return Shape(
        adapter="openai_images",
        request=GenerationRequest(
            prompt="A fox", kind=Kind.TEXT_TO_IMAGE, size="1024x1024", key=KEY_OF_ATTEMPT
        ),
        submit="POST /v1/images/generations",
        accepted={"data": [{"url": f"{url}/files/clip.mp4", "revised_prompt": "A red fox"}]},
        sent={"model": "model-1", "prompt": "A fox", "size": "1024x1024"},
        remote_id=KEY_OF_ATTEMPT,
        poll="",
        pending=[],
        done=None,
        failed=[],
    )


BLOCKING: list[Callable[[str], Shape]] = [http_blocking, openai_images]
