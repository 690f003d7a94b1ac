import pytest

from annotations.media.inspection import inspect_media
from annotations.media.warnings import BLACK, SHORT, STATIC, WORDS
from tests.media.clips import make_clip, moving_box, plain


def black_in_the_middle(index, width, height):
    picture = moving_box(index, width, height)
    return picture * 0 if 3 <= index < 5 else picture


@pytest.mark.parametrize(
    ("paint", "frames", "codes"),
    [
        (moving_box, 16, ()),
        (moving_box, 4, (SHORT,)),
        (plain(200, 30, 30), 16, (STATIC,)),
        (plain(0, 0, 0), 16, (STATIC, BLACK)),
        (black_in_the_middle, 16, (BLACK,)),
    ],
    ids=["fine", "short", "static", "black", "a black moment"],
)
def test_what_an_owner_may_want_to_look_at(tmp_path, paint, frames, codes):
    path = make_clip(tmp_path / "clip.mp4", fps=8, frames=frames, paint=paint)
    assert inspect_media(path).warnings == codes


def test_every_code_has_words():
    assert set(WORDS) == {STATIC, BLACK, SHORT}
