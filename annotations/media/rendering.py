"""Make the file raters are shown: re-encoded, nothing of the source left but its pictures.

Renditions are deterministic: the same source, plan and `ENCODER_VERSION` give the same bytes,
whatever the number of cores (x264's own thread count is fixed, its output depends on it).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from PIL import Image

from annotations.media.budget import ByteBudget, OverBudget
from annotations.media.errors import MediaError
from annotations.media.filters import prepared
from annotations.media.frames import TimedFrame, watched
from annotations.media.patience import Progress, unwatched
from annotations.media.pictures import open_still, still_as_seen
from annotations.media.profiles import CRF, MASK_COLOUR, SELECTION_TOLERANCE, RenditionPlan
from annotations.media.sniffing import sniff_container
from annotations.media.sound import add_sound_stream, sound_packets
from annotations.media.sources import open_source

ENCODER_VERSION = f"2 av {av.__version__} libx264 crf18 medium"
"""Changes whenever the same plan would give other bytes."""

ENCODER_OPTIONS = {
    "crf": str(CRF),
    "preset": "medium",
    "x264-params": "threads=2:cpu-independent=1",
}
SEI_NAL = 6
"""Where x264 writes its name and settings (H.264 table 7-1)."""


def rendition_key(
    source_sha256: str, plan: RenditionPlan, encoder_version: str = ENCODER_VERSION
) -> str:
    """The content address of a rendition: 64 hex digits, known before it is made."""
    parts = {"source": source_sha256, "plan": asdict(plan), "encoder": encoder_version}
    canonical = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def render(
    source: Path, target: Path, plan: RenditionPlan, *, progress: Progress = unwatched
) -> int:
    """Write the rendition of `source` to `target`, in one step: whole or not at all.

    Returns
    -------
    int
        The constant rate factor of a clip: `CRF`, or more where quality had to give way so that
        the file keeps within the plan's bytes. Of a picture, 0.

    Raises
    ------
    MediaError
        The source cannot be decoded, or is not what the plan was made for.
    """
    partial = target.with_name(f".{uuid.uuid4().hex}{plan.suffix}")
    try:
        crf = 0
        if plan.kind == "image":
            render_still(source, partial, plan)
        else:
            crf = render_within_budget(source, partial, plan, progress)
        partial.replace(target)
        return crf
    finally:
        partial.unlink(missing_ok=True)


def render_still(source: Path, target: Path, plan: RenditionPlan) -> None:
    with open_still(source, sniff_container(source)) as image:
        seen = still_as_seen(image)
    box, place = plan.crop, plan.picture
    cut = seen.crop((box.left, box.top, box.left + box.width, box.top + box.height))
    size = (place.width, place.height)
    scaled = cut if cut.size == size else cut.resize(size, Image.Resampling.BILINEAR)
    if plan.spoilt:
        few = scaled.resize(plan.spoilt_size, Image.Resampling.BOX)
        scaled = few.resize(size, Image.Resampling.BILINEAR)
    canvas = Image.new("RGB", (plan.width, plan.height), f"#{plan.bars.removeprefix('0x')}")
    canvas.paste(scaled, (place.left, place.top))
    for mask in plan.masks:
        corners = (mask.left, mask.top, mask.left + mask.width, mask.top + mask.height)
        canvas.paste(f"#{MASK_COLOUR.removeprefix('0x')}", corners)
    canvas.save(target, "PNG")


def render_within_budget(
    source: Path, target: Path, plan: RenditionPlan, progress: Progress
) -> int:
    """Code the clip in the quality of all, or in the best that keeps within its bytes."""
    crf = CRF
    while True:
        budget = ByteBudget(plan, crf)
        try:
            render_clip(source, target, plan, budget, progress)
        except OverBudget:
            crf = budget.next_crf()
        else:
            return crf


def render_clip(
    source: Path, target: Path, plan: RenditionPlan, budget: ByteBudget, progress: Progress
) -> None:
    container = sniff_container(source)
    with open_source(source, container) as opened, open_target(target) as output:
        stream = add_stream(output, plan, budget.crf)
        sound = add_sound_stream(output) if plan.has_audio else None
        cleaner = BitStreamFilterContext(f"filter_units=remove_types={SEI_NAL}", "h264")
        frames = shown(watched(opened.frames, progress), plan)
        for index, picture in enumerate(prepared(frames, opened.header.sample_aspect, plan)):
            picture.pts, picture.time_base = index, 1 / plan.fps
            mux(output, cleaner, budget.spent(stream.encode(picture)))
        mux(output, cleaner, budget.spent(stream.encode(None)))
        output.mux(cleaner.filter(None))
        if sound is not None:
            output.mux(list(sound_packets(source, container, sound, plan)))


def open_target(target: Path) -> OutputContainer:
    return av.open(
        str(target),
        mode="w",
        format="mp4",
        container_options={"movflags": "+faststart", "fflags": "+bitexact"},
    )


def add_stream(output: OutputContainer, plan: RenditionPlan, crf: int) -> VideoStream:
    """An H.264 stream with a key frame each second, tagged as BT.709, limited range."""
    stream = output.add_stream(
        "libx264", rate=plan.fps, options={**ENCODER_OPTIONS, "crf": str(crf)}
    )
    stream.width, stream.height, stream.pix_fmt = plan.width, plan.height, "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / plan.fps
    context.gop_size = max(1, round(plan.fps))
    context.color_range = ColorRange.MPEG
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    return stream


def mux(
    output: OutputContainer, cleaner: BitStreamFilterContext, packets: list[av.Packet[Any]]
) -> None:
    for packet in packets:
        output.mux(cleaner.filter(packet))


def shown(frames: Iterator[TimedFrame], plan: RenditionPlan) -> Iterator[TimedFrame]:
    """For each output frame the source frame showing at its time; see `RenditionPlan`.

    By presentation time, never by index: rates vary and clocks round. The last frame stays. At a
    clip's own rate no frame is passed over: of two that come at once, the second waits.
    """
    passes_over = plan.fps * plan.tolerance < SELECTION_TOLERANCE
    current = next(frames, None)
    if current is None:
        raise MediaError("This clip has no frame in it. Export or download it again.")
    first, upcoming = current, next(frames, None)
    for index in range(plan.frames):
        now = first.at + plan.tick(index) + plan.tolerance
        while upcoming is not None and upcoming.at <= now:
            current, upcoming = upcoming, next(frames, None)
            if index and not passes_over:
                break
        yield current
