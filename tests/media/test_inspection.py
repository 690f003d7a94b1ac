import contextlib
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from annotations.media.errors import MediaError
from annotations.media.inspection import inspect_media, sha256_of
from annotations.media.limits import DEFAULT_LIMITS
from tests.media.clips import make_animation, make_clip, make_sound, make_still, plain


def refusal(path: Path, **limits: int) -> str:
    with pytest.raises(MediaError) as refused:
        inspect_media(path, limits=replace(DEFAULT_LIMITS, **limits))
    return str(refused.value)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_clip_is_described_by_what_was_decoded(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", width=64, height=48, fps=8, frames=16)
    info = inspect_media(path)
    assert (info.kind, info.container, info.codec) == ("video", "mp4", "h264")
    assert (info.width, info.height, info.fps, info.frames) == (64, 48, 8, 16)
    assert (info.seconds, info.has_audio, info.pixel_format) == (2, False, "yuv420p")
    assert (info.bytes, info.sha256) == (path.stat().st_size, sha256_of(path))


def test_a_sound_track_is_noticed(tmp_path):
    assert inspect_media(make_clip(tmp_path / "clip.mp4", audio=True)).has_audio


def test_an_empty_file_is_refused(tmp_path):
    assert refusal(written(tmp_path / "clip.mp4", b"")).startswith("This file is empty.")


def test_a_file_of_too_many_bytes_is_refused(tmp_path):
    path = make_clip(tmp_path / "clip.mp4")
    assert "at most 100 are taken" in refusal(path, max_bytes=100)


def test_text_named_mp4_is_refused_as_text(tmp_path):
    path = written(tmp_path / "clip.mp4", b"#EXTM3U\n#EXTINF:10,\nhttp://10.0.0.1/a.ts\n")
    assert "its content is text, whatever its name says" in refusal(path)


def test_random_bytes_are_refused(tmp_path):
    path = written(tmp_path / "clip.mp4", np.random.default_rng(1).bytes(5000))
    assert "starts with the bytes" in refusal(path)


def test_an_avif_picture_is_not_taken_for_a_clip(tmp_path):
    path = written(tmp_path / "clip.mp4", b"\0\0\0\x1cftypavif" + bytes(100))
    assert "is an AVIF or HEIC picture" in refusal(path)


def test_a_clip_cut_in_half_is_refused(tmp_path):
    content = make_clip(tmp_path / "whole.mp4", frames=48).read_bytes()
    path = written(tmp_path / "half.mp4", content[: len(content) // 2])
    assert refusal(path).startswith("This file is damaged")


def test_a_clip_cut_before_its_index_is_refused(tmp_path):
    whole = make_clip(tmp_path / "whole.mov", frames=48, container="mp4").read_bytes()
    moov = whole.find(b"moov") - 4
    path = written(tmp_path / "half.mp4", whole[:moov] + whole[whole.find(b"mdat") - 4 :])
    assert refusal(path).startswith("This file is damaged")


def test_random_bytes_among_the_frames_are_noticed_though_every_frame_decodes(tmp_path):
    options = {"crf": "18", "preset": "medium"}
    whole = make_clip(tmp_path / "whole.mp4", width=256, height=256, frames=48, options=options)
    content = bytearray(whole.read_bytes())
    middle = (content.find(b"mdat") + len(content)) // 2
    content[middle : middle + 300] = np.random.default_rng(2).bytes(300)
    assert refusal(written(tmp_path / "clip.mp4", bytes(content))).startswith("This file is damag")


def test_a_webm_cut_in_half_is_refused(tmp_path):
    whole = make_clip(tmp_path / "whole.webm", codec="libvpx-vp9", fps=8, frames=48).read_bytes()
    path = written(tmp_path / "half.webm", whole[: len(whole) // 2])
    assert refusal(path).startswith(("This file is damaged", "The file promises"))


def test_sound_without_a_picture_is_refused(tmp_path):
    assert refusal(make_sound(tmp_path / "a.mp4")).startswith("This file has sound but no picture")


def test_two_video_tracks_are_refused(tmp_path):
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as output:
        streams = [output.add_stream("libx264", rate=8) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for stream in streams:
            output.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        for stream in streams:
            output.mux(stream.encode(None))
    assert refusal(path).startswith("This file has 2 video tracks")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_side": 63}, "at most 63 pixels a side"),
        ({"max_pixels": 3000}, "3,000 in all"),
        ({"max_fps": 7}, "at most 7 are taken"),
        ({"max_seconds": 1}, "at most 1 s are taken"),
        ({"max_decoded_pixels": 1000}, "at most 1,000 are decoded"),
    ],
)
def test_a_clip_over_a_limit_is_refused_with_the_limit(tmp_path, limits, words):
    assert words in refusal(make_clip(tmp_path / "clip.mp4"), **limits)


def test_hdr_is_refused_by_its_transfer_function(tmp_path):
    path = make_clip(
        tmp_path / "hdr.mp4", pixel_format="yuv420p10le", codec="libx265", tags={"color_trc": 16}
    )
    assert refusal(path).startswith("The clip is HDR (PQ).")


def test_a_rotated_clip_is_measured_upright(tmp_path):
    info = inspect_media(make_clip(tmp_path / "clip.mp4", width=64, height=48, rotation=90))
    assert (info.width, info.height) == (48, 64)


def test_pixels_that_are_not_square_are_measured_as_shown(tmp_path):
    info = inspect_media(make_clip(tmp_path / "clip.mp4", sample_aspect=Fraction(2)))
    assert (info.width, info.height) == (128, 48)


def test_an_odd_size_is_taken(tmp_path):
    path = make_clip(tmp_path / "c.webm", width=65, height=49, codec="libvpx-vp9")
    info = inspect_media(path)
    assert (info.container, info.width, info.height) == ("webm", 65, 49)


def test_webm_named_mp4_is_judged_by_content(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", codec="libvpx-vp9", container="webm")
    info = inspect_media(path)
    assert (info.container, info.codec) == ("webm", "vp9")


def test_millisecond_clocks_do_not_change_the_rate(tmp_path):
    info = inspect_media(make_clip(tmp_path / "c.webm", codec="libvpx-vp9", fps=24, frames=48))
    assert (info.fps, info.frames, info.seconds) == (24, 48, 2)


def test_a_variable_rate_is_one_at_which_every_frame_is_shown(tmp_path):
    times = [Fraction(n, 10) for n in (0, 1, 2, 3, 6, 9, 12, 15)]
    info = inspect_media(make_clip(tmp_path / "clip.mp4", frames=8, times=times))
    assert (info.frames, info.fps) == (8, 10)


def test_a_clip_of_one_frame_is_refused(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", frames=1)
    assert refusal(path).startswith("This clip has one frame only")


@pytest.mark.parametrize(
    ("head", "name", "way"),
    [
        (b"RIFF\0\0\0\0AVI LIST", "an AVI film", "ffmpeg -i clip.avi"),
        ((b"G" + bytes(187)) * 3, "an MPEG transport stream", "ffmpeg -i clip.ts -c copy"),
        ((bytes(4) + b"G" + bytes(187)) * 3, "an MPEG transport stream", "ffmpeg -i clip.ts"),
        (b"FLV\x01" + bytes(60), "a Flash film", "ffmpeg -i clip.flv"),
        (b"YUV4MPEG2 W64 H48\n" + bytes(60), "uncoded video", "ffmpeg -i clip.y4m"),
    ],
    ids=["avi", "ts", "m2ts", "flv", "y4m"],
)
def test_a_container_that_is_not_taken_is_named_with_the_way_to_convert_it(
    tmp_path, head, name, way
):
    words = refusal(written(tmp_path / "clip.mp4", head))
    assert f"its content is {name}" in words
    assert way in words


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"color_trc": 18}, "HDR (HLG)"),
        ({"color_trc": 8}, "coded as linear light"),
        ({"colorspace": 8}, "coded as YCgCo"),
        ({"colorspace": 14}, "coded as ICtCp"),
    ],
)
def test_colours_that_would_be_wrong_are_named_with_the_way_to_convert_them(tmp_path, tags, words):
    said = refusal(make_clip(tmp_path / "clip.mp4", tags=tags))
    assert words in said
    assert "ffmpeg -i clip.mp4 -vf" in said


def test_no_refusal_repeats_what_a_library_logged(tmp_path):
    whole = make_clip(tmp_path / "whole.mp4", frames=48, options={"crf": "18"}).read_bytes()
    words = refusal(written(tmp_path / "half.mp4", whole[: len(whole) // 2]))
    assert words.startswith("This file is damaged and cannot be decoded to its end. Raters")
    broken = make_still(tmp_path / "whole.png", width=300, height=300).read_bytes()
    words = refusal(written(tmp_path / "half.png", broken[: len(broken) // 2]))
    assert words.startswith("This picture is damaged: part of it would be missing.")


def test_a_late_start_does_not_lengthen_a_clip(tmp_path):
    times = [Fraction(5) + Fraction(n, 8) for n in range(16)]
    info = inspect_media(make_clip(tmp_path / "c.webm", codec="libvpx-vp9", times=times))
    assert float(info.seconds) == pytest.approx(2, abs=0.01)


def test_ten_bits_are_taken(tmp_path):
    info = inspect_media(make_clip(tmp_path / "clip.mp4", pixel_format="yuv420p10le"))
    assert info.pixel_format == "yuv420p10le"


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_an_animated_picture_is_a_video(tmp_path, suffix):
    info = inspect_media(make_animation(tmp_path / f"clip.{suffix}", frames=5, milliseconds=100))
    assert (info.kind, info.container) == ("video", suffix)
    assert (info.fps, info.frames, info.seconds) == (10, 5, Fraction(1, 2))


@pytest.mark.parametrize("suffix", ["png", "jpeg", "webp", "gif"])
def test_a_still_picture_is_an_image(tmp_path, suffix):
    info = inspect_media(make_still(tmp_path / f"picture.{suffix}"))
    assert (info.kind, info.container, info.frames) == ("image", suffix, 1)
    assert (info.width, info.height, info.fps, info.seconds) == (64, 48, 0, 0)


def test_png_named_jpg_is_judged_by_content(tmp_path):
    path = make_still(tmp_path / "picture.png").rename(tmp_path / "picture.jpg")
    assert inspect_media(path).container == "png"


def test_a_photograph_is_measured_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    info = inspect_media(make_still(tmp_path / "picture.jpeg", exif=exif))
    assert (info.width, info.height) == (48, 64)


@pytest.mark.parametrize("suffix", ["png", "jpeg", "webp"])
def test_a_picture_cut_in_half_is_refused(tmp_path, suffix):
    content = make_still(tmp_path / f"whole.{suffix}", width=300, height=300).read_bytes()
    path = written(tmp_path / f"half.{suffix}", content[: len(content) // 2])
    assert "Export it again." in refusal(path)


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


@pytest.mark.parametrize("side", [5000, 50000])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, side):
    size = side.to_bytes(4) * 2 + bytes([8, 6, 0, 0, 0])
    body = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    path = written(tmp_path / "bomb.png", b"\x89PNG\r\n\x1a\n" + body)
    assert "scale it down" in refusal(path).lower()


@pytest.mark.parametrize("suffix", ["mp4", "webm", "gif", "webp", "png", "jpeg"])
def test_bytes_changed_at_random_are_taken_or_refused_and_nothing_else(tmp_path, suffix):
    codecs = {"mp4": "libx264", "webm": "libvpx-vp9"}
    make = make_still if suffix == "jpeg" else make_animation
    path = tmp_path / f"clip.{suffix}"
    whole = (make_clip(path, codec=codecs[suffix]) if suffix in codecs else make(path)).read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(40):
        content = bytearray(whole[: rng.integers(20, len(whole))])
        for at in rng.integers(0, min(600, len(content)), 5):
            content[at] = rng.integers(0, 256)
        with contextlib.suppress(MediaError):
            inspect_media(written(path, bytes(content)))


def test_equal_pictures_in_different_files_have_one_frame_hash(tmp_path):
    first = make_clip(tmp_path / "a.mp4", metadata={"title": "one"})
    second = make_clip(tmp_path / "b.mkv", metadata={"title": "two"})
    infos = [inspect_media(first), inspect_media(second)]
    assert infos[0].sha256 != infos[1].sha256
    assert infos[0].frames_sha256 == infos[1].frames_sha256


def test_other_pictures_have_another_frame_hash(tmp_path):
    first = make_clip(tmp_path / "a.mp4", paint=plain(10, 20, 30))
    second = make_clip(tmp_path / "b.mp4", paint=plain(30, 20, 10))
    assert inspect_media(first).frames_sha256 != inspect_media(second).frames_sha256


def test_every_awkward_real_file_is_taken_at_its_stated_size(shared_clips):
    rows = (shared_clips / "awkward" / "manifest.csv").read_text().splitlines()[1:]
    paths = sorted((shared_clips / "awkward").glob("*.[mg][pki][4vf]"))
    assert len(paths) == len(rows) == 12
    for path in paths:
        info = inspect_media(path)
        row = next(row for row in rows if path.name in row)
        assert f",{info.width},{info.height}," in row
        assert f",{info.frames},{int(info.has_audio)},{info.bytes}," in row


def test_every_open_real_clip_is_taken(shared_clips):
    paths = sorted((shared_clips / "open").glob("*/*"))
    assert {inspect_media(path).kind for path in paths} == {"video"}
