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
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.filter import Graph
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from PIL import Image

from annotations.media.errors import MediaError
from annotations.media.pictures import as_seen, opaque, open_still
from annotations.media.profiles import MASK_COLOUR, RenditionPlan
from annotations.media.sniffing import sniff_container
from annotations.media.sound import add_sound_stream, sound_packets
from annotations.media.sources import TimedFrame, open_source

ENCODER_VERSION = f"1 av {av.__version__} libx264 crf18 medium"
"""Changes whenever the same plan would give other bytes."""

ENCODER_OPTIONS = {"crf": "18", "preset": "medium", "x264-params": "threads=2:cpu-independent=1"}
SCALER = "bilinear+accurate_rnd+full_chroma_int+bitexact"
TURNS = {0: [], 1: ["transpose=clock"], 2: ["hflip", "vflip"], 3: ["transpose=cclock"]}
SEI_NAL = 6
"""Where x264 writes its name and settings (H.264 table 7-1)."""

HD_HEIGHT = 720
"""Rows from which browsers take untagged video for BT.709 and not BT.601."""

MATRICES: dict[int, str] = {
    Colorspace.ITU709: "bt709",
    Colorspace.FCC: "fcc",
    Colorspace.ITU624: "bt601",
    Colorspace.SMPTE170M: "bt601",
    Colorspace.SMPTE240M: "smpte240m",
    Colorspace.BT2020: "bt2020",
}


def rendition_key(
    source_sha256: str, plan: RenditionPlan, encoder_version: str = ENCODER_VERSION
) -> str:
    """The content address of a rendition: 64 hex digits, known before it is made."""
    described = asdict(plan)
    if not plan.spoilt:
        # Keys from before there were degraded copies stay good.
        del described["spoilt"]
    parts = {"source": source_sha256, "plan": described, "encoder": encoder_version}
    canonical = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def render(source: Path, target: Path, plan: RenditionPlan) -> None:
    """Write the rendition of `source` to `target`, in one step: whole or not at all.

    Raises
    ------
    MediaError
        The source cannot be decoded, or is not what the plan was made for.
    """
    partial = target.with_name(f".{uuid.uuid4().hex}{plan.suffix}")
    try:
        if plan.kind == "image":
            render_still(source, partial, plan)
        else:
            render_clip(source, partial, plan)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def render_still(source: Path, target: Path, plan: RenditionPlan) -> None:
    with open_still(source, sniff_container(source)) as image:
        seen = as_seen(image)
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


def render_clip(source: Path, target: Path, plan: RenditionPlan) -> None:
    container = sniff_container(source)
    with open_source(source, container) as opened, open_target(target) as output:
        stream = add_stream(output, plan)
        sound = add_sound_stream(output) if plan.has_audio else None
        cleaner = BitStreamFilterContext(f"filter_units=remove_types={SEI_NAL}", "h264")
        pictures = prepared(shown(opened.frames, plan), opened.header.sample_aspect, plan)
        for index, picture in enumerate(pictures):
            picture.pts, picture.time_base = index, 1 / plan.fps
            mux(output, cleaner, stream.encode(picture))
        mux(output, cleaner, stream.encode(None))
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


def add_stream(output: OutputContainer, plan: RenditionPlan) -> VideoStream:
    """An H.264 stream with a key frame each second, tagged as BT.709, limited range."""
    stream = output.add_stream("libx264", rate=plan.fps, options=dict(ENCODER_OPTIONS))
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

    By presentation time, never by index: rates vary and clocks round. The last frame stays.
    """
    current = next(frames, None)
    if current is None:
        raise MediaError("This clip has no frame in it. Export or download it again.")
    first, upcoming = current, next(frames, None)
    for index in range(plan.frames):
        now = first.at + plan.tick(index) + plan.tolerance
        while upcoming is not None and upcoming.at <= now:
            current, upcoming = upcoming, next(frames, None)
        yield current


def prepared(
    frames: Iterator[TimedFrame], sample_aspect: Fraction, plan: RenditionPlan
) -> Iterator[av.VideoFrame]:
    """Each frame upright, square-pixelled, cropped and scaled, as 8-bit limited 4:2:0."""
    graph: Graph | None = None
    for index, frame in enumerate(frames):
        picture = described(opaque(frame.picture))
        if graph is None:
            graph = picture_graph(picture, frame, sample_aspect, plan)
        picture.pts, picture.time_base = index, Fraction(1, 1000)
        graph.vpush(picture)
        yield graph.vpull()


def described(picture: av.VideoFrame) -> av.VideoFrame:
    """The frame with its range and matrix said outright where the file left them open."""
    if picture.format.is_rgb:
        picture.color_range, picture.colorspace = ColorRange.JPEG, 0
        return picture
    if picture.color_range == ColorRange.UNSPECIFIED:
        full = picture.format.name.startswith("yuvj")
        picture.color_range = ColorRange.JPEG if full else ColorRange.MPEG
    if picture.colorspace not in MATRICES:
        hd = picture.height >= HD_HEIGHT
        picture.colorspace = Colorspace.ITU709 if hd else Colorspace.SMPTE170M
    return picture


def picture_graph(
    picture: av.VideoFrame, frame: TimedFrame, sample_aspect: Fraction, plan: RenditionPlan
) -> Graph:
    """The filter graph for frames like this one."""
    graph = Graph()
    entry = (
        f"video_size={picture.width}x{picture.height}:pix_fmt={picture.format.name}"
        f":time_base=1/1000:colorspace={int(picture.colorspace)}:range={int(picture.color_range)}"
    )
    steps = picture_steps(picture, frame, sample_aspect, plan)
    nodes = [graph.add("buffer", entry)]
    nodes += [graph.add(*step.split("=", 1)) for step in steps]
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    return graph


def picture_steps(
    picture: av.VideoFrame, frame: TimedFrame, sample_aspect: Fraction, plan: RenditionPlan
) -> list[str]:
    """The filters in FFmpeg's notation, in order."""
    squared = []
    if sample_aspect != 1:
        width = round(picture.width * sample_aspect)
        squared = [f"scale={width}:{picture.height}:flags={SCALER}"]
    box, place = plan.crop, plan.picture
    matrix = "" if picture.format.is_rgb else f":in_color_matrix={MATRICES[picture.colorspace]}"
    return [
        *squared,
        *TURNS[frame.quarter_turns],
        f"crop={box.width}:{box.height}:{box.left}:{box.top}:exact=1",
        f"scale={place.width}:{place.height}:flags={SCALER}{matrix}"
        ":out_color_matrix=bt709:out_range=tv",
        "format=yuv420p",
        *plan.spoiling_steps,
        "setsar=1",
        *covering_steps(plan),
    ]


def covering_steps(plan: RenditionPlan) -> list[str]:
    """Bars around the picture, and masks on it."""
    place = plan.picture
    bars = f"pad={plan.width}:{plan.height}:{place.left}:{place.top}:color={plan.bars}"
    masks = [
        f"drawbox=x={mask.left}:y={mask.top}:w={mask.width}:h={mask.height}"
        f":color={MASK_COLOUR}:t=fill"
        for mask in plan.masks
    ]
    return [bars, *masks] if plan.has_bars else masks
