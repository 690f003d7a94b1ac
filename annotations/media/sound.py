"""The sound of a rendition, where a study keeps it: both sides at one loudness."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.filter import Graph

from annotations.media.profiles import RenditionPlan
from annotations.media.sources import damage_reported, only_video_stream, open_container

SAMPLES_PER_SECOND = 48_000
LOUDNESS = "I=-23:TP=-1.5:LRA=11"
"""EBU R 128: -23 LUFS; true peak and range as FFmpeg's filter takes them."""


def add_sound_stream(output: OutputContainer) -> AudioStream:
    """AAC, stereo."""
    stream = output.add_stream("aac", rate=SAMPLES_PER_SECOND, options={"b": "160k"})
    stream.layout = "stereo"
    return stream


def sound_packets(
    source: Path, container: str, stream: AudioStream, plan: RenditionPlan
) -> Iterator[av.Packet[Any]]:
    """The clip's sound for the seconds that are shown, at the common loudness, encoded."""
    with open_container(source, container) as opened, damage_reported():
        graph = loudness_graph(opened, plan)
        for frame in opened.decode(opened.streams.audio[0]):
            graph.push(frame)
        graph.push(None)
        yield from encoded(graph, stream)


def loudness_graph(opened: InputContainer, plan: RenditionPlan) -> Graph:
    """Trimmed to what is shown, counted from the first video frame."""
    video = only_video_stream(opened)
    begins_at = (video.start_time or 0) * video.time_base if video.time_base else 0
    start, seconds = float(begins_at + plan.start), float(plan.seconds)
    graph = Graph()
    nodes = [
        graph.add_abuffer(template=opened.streams.audio[0]),
        graph.add("atrim", f"start={start:.6f}:duration={seconds:.6f}"),
        graph.add("asetpts", "PTS-STARTPTS"),
        graph.add("loudnorm", LOUDNESS),
        graph.add(
            "aformat",
            f"sample_fmts=fltp:sample_rates={SAMPLES_PER_SECOND}:channel_layouts=stereo",
        ),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def encoded(graph: Graph, stream: AudioStream) -> Iterator[av.Packet[Any]]:
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            break
        assert isinstance(frame, av.AudioFrame)  # noqa: S101
        frame.pts = None
        yield from stream.encode(frame)
    yield from stream.encode(None)
