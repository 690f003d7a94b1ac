"""The paper's figures: what is printed, and what can be recomputed from it."""

import json

import pytest
from django.core.management import call_command

from examples.emu_video.recompute import (
    PRINTED_AVERAGES,
    published,
    recomputed_average,
    table,
    write_votes,
)


def one(opponent: str, axis: str):
    return next(row for row in published() if (row.opponent, row.axis) == (opponent, axis))


# Counts and Wilson intervals as computed by hand beside the printed figures, to one decimal.
@pytest.mark.parametrize(
    ("opponent", "axis", "wins", "lower", "upper"),
    [
        ("Imagen Video", "quality", 45, 69.7, 89.8),
        ("Imagen Video", "faithfulness", 31, 43.3, 68.6),
        ("PYOCO", "quality", 67, 81.7, 95.3),
        ("Reuse & Diffuse", "faithfulness", 20, 67.9, 95.5),
        ("CogVideo", "quality", 65, 94.4, 100.0),
        ("Gen2", "quality", 51, 67.0, 86.7),
        ("Pika", "faithfulness", 63, 89.5, 99.2),
    ],
)
def test_a_printed_rate_of_known_prompts_is_a_number_of_wins(opponent, axis, wins, lower, upper):
    found = one(opponent, axis)
    assert found.wins == wins
    assert [round(100 * found.interval.lower, 1), round(100 * found.interval.upper, 1)] == [
        lower,
        upper,
    ]


@pytest.mark.parametrize(
    ("opponent", "axis"),
    [
        ("Make-A-Video", "quality"),
        ("Make-A-Video", "faithfulness"),
        ("Align Your Latents", "faithfulness"),
    ],
)
def test_a_rate_that_no_number_of_wins_rounds_to_is_said_so(opponent, axis):
    assert one(opponent, axis).wins is None


def test_the_average_of_faithfulness_is_not_the_printed_one():
    assert PRINTED_AVERAGES == {"quality": 91.8, "faithfulness": 86.6}
    assert round(recomputed_average("quality"), 2) == 91.76
    assert round(recomputed_average("faithfulness"), 2) == 86.40


def test_both_stand_side_by_side():
    assert "Average, faithfulness: printed 86.6, recomputed 86.40" in table()


def test_the_report_of_the_votes_has_the_published_win_rates(tmp_path):
    write_votes(tmp_path / "votes.csv")
    call_command("analyze", str(tmp_path / "votes.csv"), "--out", str(tmp_path / "out"))
    results = json.loads((tmp_path / "out" / "report.json").read_text())["results"]
    found = {
        (result["model_b"], result["axis"]): round(100 * result["win_rate"]["rate"]["value"], 1)
        for result in results
    }
    known = [row for row in published() if row.wins is not None]
    assert found == {(row.opponent, row.axis): row.printed for row in known}
