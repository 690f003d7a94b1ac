"""Files from the wild, made by ffmpeg, Pillow and browsers: the frames that players show."""

from fractions import Fraction

import numpy as np
import pytest

from annotations.media.inspection import inspect_media
from annotations.media.profiles import NATIVE, PAIRWISE_MIN, plan_rendition
from annotations.media.rendering import render
from tests.media.cases import CASES, colours_off, decoded, number_in, numbers_of
from tests.media.clips import make_clip, plain

FULL = list(range(48))
# Numbers and colours are painted into the frames; which are shown follows from how the files were
# made: `ffmpeg -ss 0.7 -c copy`, `-ss 0.41 -to 1.25 -c copy`, delays as listed in the file.
SHOWN = {
    "trim_copy.mp4": list(range(17, 48)),
    "trim_head_and_tail.mov": list(range(10, 32)),
    "one_cs.gif": list(range(12)),
    "pause_at_end.gif": [*range(15), *[15] * 16],
    "hold.gif": [0, 1, 1, 1, 2, 3, 3, 3, 4, 4, *[5] * 20],
    "piped.mkv": FULL,
    "recorder.webm": FULL,
    "joined_matrices.mp4": FULL,
    "default_image.png": list(range(6)),
    "extra_sps.mp4": FULL,
}
# Frames, frames per second, seconds.
MEASURED = {
    "trim_copy.mp4": (31, 24, Fraction(31, 24)),
    "trim_head_and_tail.mov": (22, 24, Fraction(22, 24)),
    "one_cs.gif": (12, 10, Fraction(12, 10)),
    "pause_at_end.gif": (16, Fraction(25, 3), Fraction(38, 10)),
    "hold.gif": (6, 10, 3),
    "piped.mkv": (48, 24, 2),
    "recorder.webm": (48, 24, 2),
    "joined_matrices.mp4": (48, 24, 2),
    "default_image.png": (6, 10, Fraction(6, 10)),
    "extra_sps.mp4": (48, 24, 2),
    "mirrored.mp4": (48, 24, 2),
}


def native(name, tmp_path):
    info = inspect_media(CASES / name)
    render(CASES / name, tmp_path / "shown.mp4", plan_rendition(info, info, NATIVE))
    return tmp_path / "shown.mp4"


@pytest.mark.parametrize("name", MEASURED)
def test_a_clip_is_as_long_and_as_fast_as_players_show_it(name):
    info = inspect_media(CASES / name)
    assert (info.frames, info.fps, info.seconds) == MEASURED[name]


@pytest.mark.parametrize("name", SHOWN)
def test_every_frame_that_players_show_is_shown_and_no_other(name, tmp_path):
    assert numbers_of(native(name, tmp_path)) == SHOWN[name]


@pytest.mark.parametrize("name", SHOWN)
def test_colours_are_kept_in_every_frame(name, tmp_path):
    assert colours_off(native(name, tmp_path)) <= 5


def test_a_mirrored_clip_is_mirrored_and_not_turned(tmp_path):
    pictures = decoded(native("mirrored.mp4", tmp_path))
    assert [number_in(picture[:, ::-1]) for picture in pictures] == FULL


def test_a_workflow_in_a_picture_is_no_reason_to_refuse_it():
    info = inspect_media(CASES / "workflow_text.png")
    assert (info.kind, info.width, info.height) == ("image", 320, 240)


def test_a_pause_does_not_slow_a_partner(tmp_path):
    partner = inspect_media(make_clip(tmp_path / "partner.mp4", fps=8, frames=16))
    plan = plan_rendition(partner, inspect_media(CASES / "pause_at_end.gif"), PAIRWISE_MIN)
    assert plan.fps == 8


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix"),
    [("prores_ks", "yuva444p10le", "mov"), ("libvpx-vp9", "yuva420p", "webm")],
)
def test_untagged_hd_with_alpha_is_bt709(tmp_path, codec, pixel_format, suffix):
    source = make_clip(
        tmp_path / f"clip.{suffix}",
        width=960,
        height=720,
        frames=2,
        codec=codec,
        pixel_format=pixel_format,
        paint=plain(200, 40, 40, 255),
        matrix="ITU709",
        options={},
    )
    info = inspect_media(source)
    render(source, tmp_path / "shown.mp4", plan_rendition(info, info, NATIVE))
    for picture in decoded(tmp_path / "shown.mp4"):
        np.testing.assert_allclose(
            picture[100:-100, 100:-100].mean(axis=(0, 1)), (200, 40, 40), atol=5
        )
