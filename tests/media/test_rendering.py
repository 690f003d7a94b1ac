import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from annotations.media.errors import MediaError
from annotations.media.info import MediaInfo
from annotations.media.inspection import inspect_media
from annotations.media.profiles import (
    FIXED,
    NATIVE,
    PAIRWISE_MIN,
    MaskArea,
    Profile,
    plan_rendition,
)
from annotations.media.rendering import render, rendition_key
from tests.media.clips import (
    make_animation,
    make_clip,
    make_still,
    number_of,
    numbered,
    pictures_of,
    plain,
    set_matrix,
)

ROOT = Path(__file__).resolve().parents[2]
ORANGE = (220, 120, 40)


def rendered(source: Path, partner: Path | None = None, profile: Profile = PAIRWISE_MIN) -> Path:
    """The rendition of `source` for the pair, beside it."""
    plan = plan_rendition(inspect_media(source), inspect_media(partner or source), profile)
    target = source.with_name(f"{source.stem}-{profile.name}{plan.suffix}")
    render(source, target, plan)
    return target


def presentation(info: MediaInfo) -> tuple[int, int, Fraction, int, float]:
    return info.width, info.height, info.fps, info.frames, float(info.seconds)


def middle_colour(path: Path) -> np.ndarray:
    picture = pictures_of(path)[0]
    height, width = picture.shape[:2]
    return picture[height // 4 : -height // 4, width // 4 : -width // 4].mean(axis=(0, 1))


@pytest.fixture
def unlike_pair(tmp_path) -> tuple[Path, Path]:
    one = make_clip(tmp_path / "one.mp4", width=128, height=72, fps=24, frames=60, audio=True)
    other = make_clip(tmp_path / "other.webm", width=97, height=111, fps=10, codec="libvpx-vp9")
    return one, other


def test_the_renditions_of_an_unlike_pair_are_alike(unlike_pair):
    one, other = unlike_pair
    infos = [inspect_media(rendered(one, other)), inspect_media(rendered(other, one))]
    assert [presentation(info) for info in infos] == [(72, 72, 10, 16, 1.6)] * 2


def test_a_rendition_is_plain_h264_without_sound(unlike_pair):
    info = inspect_media(rendered(*unlike_pair))
    assert (info.container, info.codec, info.pixel_format) == ("mp4", "h264", "yuv420p")
    assert not info.has_audio


def test_native_keeps_size_length_and_rate(unlike_pair):
    info = inspect_media(rendered(unlike_pair[1], profile=NATIVE))
    assert presentation(info) == (96, 110, 10, 16, 1.6)


def test_nothing_of_the_sources_metadata_or_of_the_encoder_is_left(tmp_path):
    secrets = {"title": "SecretModel", "comment": "a prompt", "artist": "SecretLab"}
    source = make_clip(tmp_path / "SecretName.mp4", metadata=secrets, options={"crf": "18"})
    words = [b"SecretModel", b"a prompt", b"SecretLab", b"x264", b"Lavf", b"Lavc", b"SecretName"]
    before, after = source.read_bytes(), rendered(source).read_bytes()
    assert [word in before for word in words[:5]] == [True] * 5
    assert [word in after for word in words] == [False] * 7


def test_the_index_comes_before_the_frames(tmp_path):
    content = rendered(make_clip(tmp_path / "clip.mp4")).read_bytes()
    assert content.find(b"moov") < content.find(b"mdat")


def test_every_second_starts_with_a_key_frame(tmp_path):
    with av.open(str(rendered(make_clip(tmp_path / "clip.mp4", fps=8, frames=24)))) as opened:
        keys = [float(frame.time) for frame in opened.decode(video=0) if frame.key_frame]
    assert {0.0, 1.0, 2.0} <= set(keys)


def test_the_same_render_gives_the_same_bytes(unlike_pair):
    assert rendered(*unlike_pair).read_bytes() == rendered(*unlike_pair).read_bytes()


def test_one_core_gives_the_same_bytes_as_all(unlike_pair):
    program = (
        "import os, sys\nfrom pathlib import Path\nos.sched_setaffinity(0, {0})\n"
        "from tests.media.test_rendering import rendered\nrendered(Path(sys.argv[1]))"
    )
    target = rendered(unlike_pair[0])
    everything = target.read_bytes()
    target.unlink()
    subprocess.run([sys.executable, "-c", program, unlike_pair[0]], check=True, cwd=ROOT)
    assert target.read_bytes() == everything


def test_a_lower_rate_selects_frames_by_time(tmp_path):
    source = make_clip(tmp_path / "a.mp4", fps=24, frames=24, paint=numbered)
    partner = make_clip(tmp_path / "b.mp4", fps=16, frames=16)
    numbers = [number_of(picture) for picture in pictures_of(rendered(source, partner))]
    assert numbers == [0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22]


def test_a_variable_rate_is_shown_when_it_was_shown(tmp_path):
    times = [Fraction(n, 8) for n in (0, 1, 2, 3, 4, 8, 12, 15)]
    source = make_clip(tmp_path / "a.mp4", frames=8, times=times, paint=numbered)
    numbers = [number_of(picture) for picture in pictures_of(rendered(source, profile=NATIVE))]
    assert numbers == [0, 1, 2, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 7]


def test_of_two_frames_that_come_at_once_the_second_waits(tmp_path):
    times = [Fraction(round(1000 * n / 24) - (38 if n == 20 else 0), 1000) for n in range(48)]
    source = make_clip(
        tmp_path / "a.webm", codec="libvpx-vp9", fps=24, frames=48, times=times, paint=numbered
    )
    numbers = [number_of(picture) for picture in pictures_of(rendered(source, profile=NATIVE))]
    assert numbers == list(range(48))


def test_millisecond_clocks_neither_repeat_nor_skip_a_frame(tmp_path):
    source = make_clip(tmp_path / "a.webm", codec="libvpx-vp9", fps=24, frames=48, paint=numbered)
    numbers = [number_of(picture) for picture in pictures_of(rendered(source))]
    assert numbers == list(range(48))


def test_a_trimmed_clip_keeps_its_middle(tmp_path):
    source = make_clip(tmp_path / "a.mp4", fps=8, frames=24, paint=numbered)
    partner = make_clip(tmp_path / "b.mp4", fps=8, frames=8)
    numbers = [number_of(picture) for picture in pictures_of(rendered(source, partner))]
    assert numbers == list(range(8, 16))


def test_a_rotated_clip_is_turned_upright(tmp_path):
    def left_white(_index: int, width: int, height: int) -> np.ndarray:
        picture = np.zeros((height, width, 3), np.uint8)
        picture[:, : width // 2] = 255
        return picture

    source = make_clip(tmp_path / "a.mp4", paint=left_white, rotation=90)
    picture = pictures_of(rendered(source, profile=NATIVE))[0]
    assert picture.shape == (64, 48, 3)
    assert picture[:24].mean() > 250
    assert picture[40:].mean() < 5


def test_pixels_become_square(tmp_path):
    source = make_clip(tmp_path / "a.mp4", width=64, height=48, sample_aspect=Fraction(2))
    assert pictures_of(rendered(source, profile=NATIVE))[0].shape == (48, 128, 3)


@pytest.mark.parametrize(
    "coding",
    [
        {},
        {"full_range": True},
        {"pixel_format": "yuv420p10le"},
        {"pixel_format": "yuv444p"},
        {"codec": "libvpx-vp9"},
        {"codec": "libx265"},
    ],
)
def test_colours_are_kept_whatever_the_coding(tmp_path, coding):
    suffix = "webm" if coding.get("codec") == "libvpx-vp9" else "mp4"
    source = make_clip(tmp_path / f"a.{suffix}", paint=plain(*ORANGE), **coding)
    np.testing.assert_allclose(middle_colour(rendered(source)), ORANGE, atol=4)


# BT.709 primaries in those of Display P3 and BT.2020: the colour in linear light times the product
# of the matrices of SMPTE RP 177 for the two sets of primaries, under the curve of BT.709.
@pytest.mark.parametrize(
    ("tags", "matrix", "coded"),
    [
        ({"color_primaries": 12, "color_trc": 1, "colorspace": 1}, "ITU709", (206, 125, 57)),
        ({"color_primaries": 9, "color_trc": 14, "colorspace": 9}, "BT2020", (188, 129, 58)),
    ],
    ids=["Display P3", "BT.2020"],
)
def test_wide_primaries_are_narrowed(tmp_path, tags, matrix, coded):
    source = make_clip(tmp_path / "a.mp4", tags=tags, matrix=matrix, paint=plain(*coded))
    np.testing.assert_allclose(middle_colour(rendered(source)), ORANGE, atol=5)


def test_hd_tagged_as_bt601_is_shown_so(tmp_path):
    source = make_clip(
        tmp_path / "a.mp4",
        width=960,
        height=720,
        frames=2,
        tags={"colorspace": 6},
        paint=plain(*ORANGE),
    )
    np.testing.assert_allclose(middle_colour(rendered(source)), ORANGE, atol=5)


def quadrants(_index: int, width: int, height: int) -> np.ndarray:
    """Levels 40, 90 over 150, 220."""
    picture = np.zeros((height, width, 3), np.uint8)
    levels = ((40, 90), (150, 220))
    for row in (0, 1):
        for column in (0, 1):
            picture[
                row * height // 2 : (row + 1) * height // 2,
                column * width // 2 : (column + 1) * width // 2,
            ] = levels[row][column]
    return picture


# The matrix a, b, c, d of ISO 14496-12, 8.3.2 moves the corners so: x' = ax + cy, y' = bx + dy.
@pytest.mark.parametrize(
    ("matrix", "corners"),
    [
        ((1, 0, 0, 1), (40, 90, 150, 220)),
        ((-1, 0, 0, 1), (90, 40, 220, 150)),
        ((1, 0, 0, -1), (150, 220, 40, 90)),
        ((-1, 0, 0, -1), (220, 150, 90, 40)),
        ((0, 1, -1, 0), (150, 40, 220, 90)),
        ((0, -1, 1, 0), (90, 220, 40, 150)),
        ((0, 1, 1, 0), (40, 150, 90, 220)),
        ((0, -1, -1, 0), (220, 90, 150, 40)),
    ],
)
def test_a_display_matrix_turns_and_mirrors(tmp_path, matrix, corners):
    source = make_clip(tmp_path / "a.mp4", paint=quadrants, frames=4)
    set_matrix(source, matrix)
    picture = pictures_of(rendered(source, profile=NATIVE))[0]
    assert picture.shape[:2] == ((48, 64) if matrix[0] else (64, 48))
    found = [picture[row, column].mean() for row in (8, -8) for column in (8, -8)]
    np.testing.assert_allclose(found, corners, atol=4)


@pytest.mark.parametrize("megabytes", [Fraction(15, 100), Fraction(6, 100)])
def test_quality_gives_way_to_the_bytes_a_clip_may_have(tmp_path, megabytes):
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(24)]
    source = make_clip(
        tmp_path / "a.mp4", width=128, height=96, frames=24, paint=lambda n, *_: noise[n]
    )
    plan = plan_rendition(*[inspect_media(source)] * 2, NATIVE)
    small = replace(plan, max_bytes=int(megabytes * 1_000_000))
    assert render(source, tmp_path / "whole.mp4", plan) == 18
    assert render(source, tmp_path / "small.mp4", small) > 18
    assert small.max_bytes / 3 < (tmp_path / "small.mp4").stat().st_size <= small.max_bytes


def test_bytes_too_few_for_a_clip_are_told(tmp_path):
    source = make_clip(tmp_path / "a.mp4", frames=48)
    plan = plan_rendition(*[inspect_media(source)] * 2, NATIVE)
    with pytest.raises(MediaError, match="Give the study's clips more megabytes"):
        render(source, tmp_path / "small.mp4", replace(plan, max_bytes=4000))


def test_transparent_pixels_show_grey(tmp_path):
    source = make_clip(
        tmp_path / "a.webm", codec="libvpx-vp9", pixel_format="yuva420p", paint=plain(255, 0, 0, 0)
    )
    np.testing.assert_allclose(middle_colour(rendered(source)), (128, 128, 128), atol=4)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_an_animated_picture_becomes_a_clip(tmp_path, suffix):
    info = inspect_media(rendered(make_animation(tmp_path / f"a.{suffix}")))
    assert presentation(info) == (48, 48, 10, 5, 0.5)


def test_a_picture_becomes_a_png_without_metadata(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "SecretModel"
    source = make_still(tmp_path / "a.jpeg", exif=exif)
    target = rendered(source)
    assert b"SecretModel" in source.read_bytes()
    with Image.open(target) as picture:
        assert (picture.format, picture.size, picture.info) == ("PNG", (48, 48), {})


def test_a_photograph_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(
        rendered(make_still(tmp_path / "a.jpeg", exif=exif), profile=NATIVE)
    ) as picture:
        assert picture.size == (48, 64)


def test_a_source_that_breaks_leaves_no_file(tmp_path):
    whole = make_clip(tmp_path / "whole.mp4", frames=48)
    plan = plan_rendition(inspect_media(whole), inspect_media(whole), NATIVE)
    content = whole.read_bytes()
    (tmp_path / "half.mp4").write_bytes(content[: len(content) // 2])
    (tmp_path / "out").mkdir()
    with pytest.raises(MediaError, match="damaged"):
        render(tmp_path / "half.mp4", tmp_path / "out" / "clip.mp4", plan)
    assert list((tmp_path / "out").iterdir()) == []


def test_the_key_changes_with_source_plan_and_encoder(unlike_pair):
    one, other = (inspect_media(path) for path in unlike_pair)
    plan = plan_rendition(one, other, PAIRWISE_MIN)
    keys = {
        rendition_key(one.sha256, plan, "1"),
        rendition_key(other.sha256, plan, "1"),
        rendition_key(one.sha256, plan_rendition(one, other, NATIVE), "1"),
        rendition_key(one.sha256, plan, "2"),
    }
    assert len(keys) == 4


def test_the_key_is_known_again(unlike_pair):
    one, other = (inspect_media(path) for path in unlike_pair)
    again = plan_rendition(inspect_media(unlike_pair[0]), other, PAIRWISE_MIN)
    key = rendition_key(one.sha256, plan_rendition(one, other, PAIRWISE_MIN))
    assert rendition_key(one.sha256, again) == key


def test_real_clips_of_one_prompt_become_a_fair_pair(shared_clips, tmp_path):
    models = ("gen-2", "zeroscope")
    infos = {name: inspect_media(shared_clips / "open" / name / "show01.mp4") for name in models}
    made = []
    for own, partner in (models, models[::-1]):
        plan = plan_rendition(infos[own], infos[partner], PAIRWISE_MIN)
        render(shared_clips / "open" / own / "show01.mp4", tmp_path / f"{own}.mp4", plan)
        made.append(presentation(inspect_media(tmp_path / f"{own}.mp4")))
    assert made == [(320, 320, 6, 24, 4.0)] * 2


def test_bars_are_black_or_of_the_pages_grey(tmp_path):
    wide = make_clip(tmp_path / "wide.mp4", width=128, height=64, paint=plain(200, 40, 40))
    square = make_clip(tmp_path / "square.mp4", width=64, height=64)
    for fit, level in (("pad", 0x3A), ("letterbox", 0)):
        target = rendered(wide, square, replace(PAIRWISE_MIN, fit=fit))
        picture = pictures_of(target)[0]
        assert picture.shape[:2] == (64, 64)
        assert np.abs(picture[:12].astype(int) - level).max() <= 3
        assert abs(int(picture[32, 32, 0]) - 200) <= 6


@pytest.mark.parametrize("suffix", [".mp4", ".png"])
def test_a_mask_covers_the_same_place_on_both_sides(tmp_path, suffix):
    profile = replace(PAIRWISE_MIN, masks=(MaskArea(0.5, 0.5, 0.5, 0.5),))
    paths = [tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"]
    for path, side in zip(paths, (64, 96), strict=True):
        if suffix == ".png":
            make_still(path, width=side, height=side)
        else:
            make_clip(path, width=side, height=side)
    for own, partner in (paths, paths[::-1]):
        target = rendered(own, partner, profile)
        picture = pictures_of(target)[0] if suffix == ".mp4" else np.asarray(Image.open(target))
        assert np.abs(picture[34:, 34:].astype(int) - 128).max() <= 3
        assert np.abs(picture[:30, :30].astype(int) - 128).max() > 20


def test_sound_comes_at_one_loudness_and_as_long_as_the_picture(tmp_path):
    loud = make_clip(tmp_path / "loud.mp4", fps=8, frames=40, audio=True)
    long = make_clip(tmp_path / "long.mp4", fps=8, frames=64, audio=True)
    profile = replace(PAIRWISE_MIN, keeps_audio=True)
    for own, partner in ((loud, long), (long, loud)):
        target = rendered(own, partner, profile)
        with av.open(str(target)) as opened:
            sound = opened.streams.audio[0]
            assert (sound.codec_context.name, sound.rate, sound.layout.name) == (
                "aac",
                48000,
                "stereo",
            )
            samples = sum(frame.samples for frame in opened.decode(sound))
        assert abs(samples / 48000 - 5.0) < 0.1
        assert inspect_media(target).seconds == 5


def test_sound_is_left_out_by_default(tmp_path):
    path = make_clip(tmp_path / "loud.mp4", audio=True)
    assert inspect_media(rendered(path, path, PAIRWISE_MIN)).has_audio is False


def test_a_rendition_with_sound_is_the_same_each_time(tmp_path):
    path = make_clip(tmp_path / "loud.mp4", frames=32, audio=True)
    profile = replace(PAIRWISE_MIN, keeps_audio=True)
    first = rendered(path, path, profile).read_bytes()
    assert rendered(path, path, profile).read_bytes() == first


def test_a_slow_clip_at_a_fixed_rate_repeats_frames_and_makes_none_up(tmp_path):
    path = make_clip(tmp_path / "slow.mp4", fps=4, frames=8, paint=numbered)
    profile = replace(FIXED, width=64, height=48, fps=Fraction(8), seconds=Fraction(2))
    target = rendered(path, path, profile)
    assert [number_of(picture) for picture in pictures_of(target)] == [
        index // 2 for index in range(16)
    ]


def test_the_original_is_not_touched(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", audio=True)
    before = path.read_bytes()
    rendered(path, path, PAIRWISE_MIN)
    assert path.read_bytes() == before
