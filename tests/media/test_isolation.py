"""A hostile file ends the process that looks at it, at worst, and reaches nothing."""

from __future__ import annotations

import os
import signal
import struct
import threading
from pathlib import Path

import pytest

from annotations.media import child, inspection, isolation
from annotations.media.encoding import (
    info_from_json,
    info_to_json,
    plan_from_json,
    plan_to_json,
)
from annotations.media.errors import MediaError, TooSlow
from annotations.media.profiles import PAIRWISE_MIN, plan_rendition
from annotations.media.rendering import render
from tests.generation.stand_in import Answer, running_stand_in
from tests.media.clips import make_clip, make_still


@pytest.fixture(autouse=True)
def own_child():
    """Each test gets a child of its own."""
    isolation._local.child = None
    yield
    running = getattr(isolation._local, "child", None)
    if running is not None:
        running.process.kill()
        running.process.wait()


def test_it_finds_what_is_found_in_this_process(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", width=96, height=64, fps=8, frames=9)
    assert isolation.inspect_media(path) == inspection.inspect_media(path)


def test_it_renders_the_same_bytes(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", width=96, height=64)
    plan = plan_rendition(*[inspection.inspect_media(path)] * 2, PAIRWISE_MIN)
    render(path, tmp_path / "here.mp4", plan)
    isolation.render(path, tmp_path / "there.mp4", plan)
    assert (tmp_path / "here.mp4").read_bytes() == (tmp_path / "there.mp4").read_bytes()


def test_one_child_serves_many_files(tmp_path):
    paths = [make_clip(tmp_path / f"{number}.mp4") for number in range(3)]
    pids = set()
    for path in paths:
        isolation.inspect_media(path)
        pids.add(isolation._local.child.process.pid)
    assert len(pids) == 1


def test_a_refusal_keeps_its_words(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("not a video, but text of some length that looks like nothing else")
    with pytest.raises(MediaError, match="its content is text"):
        isolation.inspect_media(path)


def test_a_file_that_is_gone_is_an_error_of_ours(tmp_path):
    with pytest.raises(FileNotFoundError):
        isolation.inspect_media(tmp_path / "gone.mp4")


def test_a_crash_is_told_and_the_next_file_is_served(tmp_path):
    path = make_clip(tmp_path / "clip.mp4")
    isolation.inspect_media(path)
    running = isolation._local.child.process
    os.kill(running.pid, signal.SIGSTOP)
    threading.Timer(0.3, running.kill).start()
    with pytest.raises(MediaError, match="the decoder crashed or used too much"):
        isolation.inspect_media(path)
    assert isolation.inspect_media(path).frames > 0


def test_what_takes_too_long_says_nothing_against_the_file(tmp_path, monkeypatch):
    path = make_clip(tmp_path / "clip.mp4")
    isolation.inspect_media(path)
    monkeypatch.setattr(isolation, "WALL_SECONDS", 0.2)
    os.kill(isolation._local.child.process.pid, signal.SIGSTOP)
    with pytest.raises(TooSlow, match=r"too busy or too slow: the clip was not done after 0 s"):
        isolation.inspect_media(path)


def test_frames_that_pass_give_a_large_file_more_time(tmp_path, monkeypatch):
    path = make_clip(tmp_path / "clip.mp4", width=1280, height=720, frames=48)
    isolation.inspect_media(make_clip(tmp_path / "small.mp4"))
    granted = []
    monkeypatch.setattr(isolation, "seconds_for", lambda pixels: granted.append(pixels) or 60.0)
    assert isolation.inspect_media(path).frames == 48
    assert granted[0] == 0
    assert granted == sorted(granted)
    assert granted[-1] >= 40 * 1280 * 720


def limits_of_child(tmp_path) -> str:
    isolation.inspect_media(make_clip(tmp_path / "clip.mp4"))
    pid = isolation._local.child.process.pid
    return " ".join(Path(f"/proc/{pid}/limits").read_text().split())


def test_memory_files_and_time_are_bounded(tmp_path):
    limits = limits_of_child(tmp_path)
    assert f"Max address space {child.MEMORY_BYTES} {child.MEMORY_BYTES} bytes" in limits
    assert f"Max file size {child.FILE_BYTES} {child.FILE_BYTES} bytes" in limits
    assert f"Max open files {child.OPEN_FILES} {child.OPEN_FILES} files" in limits
    assert "Max cpu time unlimited" not in limits


def test_the_child_has_no_secret_of_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "very-secret")
    monkeypatch.setenv("LAB_KEY", "sk-very-secret")
    assert "very-secret" not in " ".join(isolation._bare_environment().values())


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path):
    """A PNG whose header claims 30,000 x 30,000 pixels: 2.7 GB decoded."""
    path = make_still(tmp_path / "bomb.png")
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 30_000, 30_000)
    path.write_bytes(bytes(content))
    with pytest.raises(MediaError):
        isolation.inspect_media(path)
    assert isolation.inspect_media(make_clip(tmp_path / "clip.mp4")).frames > 0


HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}/segment.ts\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile '{url}/clip.mp4'\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}/a.png"/></svg>'
DASH = '<?xml version="1.0"?><MPD><Period><BaseURL>{url}/</BaseURL></Period></MPD>'


@pytest.mark.parametrize("text", [HLS, CONCAT, SVG, DASH], ids=["hls", "concat", "svg", "dash"])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.m3u8", "clip.svg", "clip.webm"])
def test_a_playlist_reaches_nobody(tmp_path, text, name):
    with running_stand_in() as server:
        server.will(Answer(200, b"x" * 1000))
        path = tmp_path / name
        path.write_text(text.format(url=server.url))
        with pytest.raises(MediaError):
            isolation.inspect_media(path)
        assert server.received == []


def with_outside_reference(path, url: str) -> None:
    """Turn the data reference of an MP4 (ISO 14496-12, 8.7.2) into one that lies elsewhere."""
    content = path.read_bytes()
    place = content.index(b"url ") - 4
    entry = content[place : place + 12]
    outside = struct.pack(">I4sI", len(entry) + len(url) + 1, b"url ", 0) + url.encode() + b"\0"
    path.write_bytes(content[:place] + outside + content[place + 12 :])


def test_a_reference_out_of_an_mp4_reaches_nobody(tmp_path):
    path = make_clip(tmp_path / "clip.mp4")
    with running_stand_in() as server:
        server.will(Answer(200, b"x" * 1000))
        with_outside_reference(path, f"{server.url}/other.mp4")
        with pytest.raises(MediaError):
            isolation.inspect_media(path)
        assert server.received == []


def test_findings_and_plans_come_through_json_unchanged(tmp_path):
    info = inspection.inspect_media(make_clip(tmp_path / "clip.mp4", fps=13, frames=20))
    plan = plan_rendition(info, info, PAIRWISE_MIN)
    assert info_from_json(info_to_json(info)) == info
    assert plan_from_json(plan_to_json(plan)) == plan


def test_a_long_clip_takes_no_more_threads_than_a_short_one(tmp_path):
    """Each frame that was scaled left two threads behind, and the process ran full."""
    clip = make_clip(tmp_path / "long.mp4", frames=200)
    isolation.inspect_media(clip)
    status = Path(f"/proc/{isolation._local.child.process.pid}/status").read_text()
    [threads] = [line for line in status.splitlines() if line.startswith("Threads:")]
    assert int(threads.split()[1]) <= 2 * (os.cpu_count() or 1) + 2
