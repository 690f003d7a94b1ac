"""What FFmpeg's filters do to each frame between decoding and coding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
from av.filter import Graph

from annotations.media.colours import described, opaque, to_bt709
from annotations.media.frames import TimedFrame
from annotations.media.orientation import turning_steps
from annotations.media.profiles import MASK_COLOUR, RenditionPlan

SCALER = "bilinear+accurate_rnd+full_chroma_int+bitexact"


def prepared(
    frames: Iterator[TimedFrame], sample_aspect: Fraction, plan: RenditionPlan
) -> Iterator[av.VideoFrame]:
    """Each frame upright, square-pixelled, cropped and scaled, as 8-bit limited 4:2:0.

    Frames that are coded otherwise than those before them get filters of their own.
    """
    graph: Graph | None = None
    kind = ""
    for index, frame in enumerate(frames):
        picture = described(opaque(frame.picture))
        steps = picture_steps(picture, turning_steps(frame.picture), sample_aspect, plan)
        entry = graph_entry(picture)
        if graph is None or kind != entry + ",".join(steps):
            graph, kind = picture_graph(entry, steps), entry + ",".join(steps)
        picture.pts, picture.time_base = index, Fraction(1, 1000)
        graph.vpush(picture)
        yield graph.vpull()


def graph_entry(picture: av.VideoFrame) -> str:
    """What a graph is told of the frames that come."""
    return (
        f"video_size={picture.width}x{picture.height}:pix_fmt={picture.format.name}"
        f":time_base=1/1000:colorspace={int(picture.colorspace)}:range={int(picture.color_range)}"
    )


def picture_graph(entry: str, steps: list[str]) -> Graph:
    graph = Graph()
    nodes = [graph.add("buffer", entry)]
    nodes += [graph.add(*step.split("=", 1)) for step in steps]
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    return graph


def picture_steps(
    picture: av.VideoFrame, turns: Iterable[str], sample_aspect: Fraction, plan: RenditionPlan
) -> list[str]:
    """The filters in FFmpeg's notation, in order."""
    squared = []
    if sample_aspect != 1:
        width = round(picture.width * sample_aspect)
        squared = [f"scale={width}:{picture.height}:flags={SCALER}"]
    box, place = plan.crop, plan.picture
    return [
        *squared,
        *turns,
        f"crop={box.width}:{box.height}:{box.left}:{box.top}:exact=1",
        *to_bt709(picture, f"scale={place.width}:{place.height}:flags={SCALER}"),
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
