"""What comes in becomes values, or words that say why not."""

import pytest

from annotations.errors import BadInput, ImportRefused, InvitesNotMade
from annotations.inputs import (
    DEEPEST_JSON,
    LARGEST_FACTS,
    MOST_NUMBER,
    is_id,
    read_facts,
    read_json,
    read_text,
    read_whole_number,
)
from annotations.services.clips.manifests import read_clips
from annotations.services.clips.prompt_lists import read_prompts
from annotations.services.raters.invites import make_invites
from tests.annotations.factories import make_study


def refused(read, *args, **options):
    with pytest.raises(BadInput) as refusal:
        read(*args, what="The note", **options)
    return str(refusal.value)


def test_a_text_of_any_language_is_taken_as_it_is():
    assert (
        read_text("Zürich 東京 مرحبا 🦊\n\t\u202e", what="The note")
        == "Zürich 東京 مرحبا 🦊\n\t\u202e"
    )


def test_a_nul_is_refused_with_what_to_do():
    assert refused(read_text, "a\0b") == (
        "The note holds a NUL, a character that cannot be stored. Take it out and send it again."
    )


def test_half_a_character_is_refused():
    assert refused(read_text, "a\ud800") == (
        "The note holds half of a character. Take it out and send it again."
    )


def test_a_text_that_is_too_long_is_refused_with_both_lengths():
    assert refused(read_text, "abcd", longest=3) == (
        "The note has 4 characters; at most 3 are taken. Shorten it."
    )


@pytest.mark.parametrize("text", ["", "1.5", "1e3", "٣", "--1", "0x1", "9" * 30, "9" * 5000, "8"])
def test_what_is_no_whole_number_within_bounds_is_refused(text):
    assert refused(read_whole_number, text, least=-7, most=7) == (
        "The note is no whole number from -7 to 7. Give one."
    )


def test_a_whole_number_is_read_with_blanks_around_it():
    assert read_whole_number(" -7 ", what="It") == -7


def test_an_id_is_a_number_that_a_row_could_have():
    assert [text for text in ("1", "0", "-1", "9" * 19, "x", "9" * 18) if is_id(text)] == [
        "1",
        "9" * 18,
    ]


def test_json_becomes_its_values():
    value = read_json(
        b'\xef\xbb\xbf{"a": [1, -2.5, true, null, "\\ud83e\\udd8a"]}', what="The body"
    )
    assert value == {"a": [1, -2.5, True, None, "🦊"]}


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 4000, str(2**63)]
)
def test_a_number_that_no_column_holds_is_refused(number):
    assert refused(read_json, f'{{"a": [{number}]}}') == (
        "The note holds a number that is not finite, or too large. Give another."
    )


def test_the_largest_number_of_a_column_is_taken():
    assert read_json(str(MOST_NUMBER), what="It") == MOST_NUMBER


@pytest.mark.parametrize(
    "text", ['"\\u0000"', '{"\\u0000": 1}', '[["\\ud800"]]', '"\\udc00\\ud800"']
)
def test_a_text_in_json_follows_the_rule_of_texts(text):
    assert refused(read_json, text).startswith("The note holds ")


@pytest.mark.parametrize("levels", [DEEPEST_JSON + 1, 1500, 100_000])
def test_json_that_is_nested_too_deep_is_refused(levels):
    assert refused(read_json, "[" * levels + "]" * levels) == (
        "The note is nested deeper than 32 levels. Send it flatter."
    )


def test_json_as_deep_as_allowed_is_taken():
    deepest = "[" * DEEPEST_JSON + "]" * DEEPEST_JSON
    assert str(read_json(deepest, what="It")) == deepest


def test_a_hundred_thousand_brackets_are_refused():
    assert refused(read_json, b"[" * 100_000) == (
        "The note is nested deeper than 32 levels. Send it flatter."
    )


def test_broken_json_is_refused_with_its_place():
    assert refused(read_json, '{"a":\n1') == (
        "The note is not JSON: Expecting ',' delimiter (line 2, column 2). Mend it."
    )


def test_json_that_is_too_large_is_refused_unread():
    assert refused(read_json, " " * 11, largest=10) == (
        "The note is larger than 10 characters. Send less at once."
    )


@pytest.mark.parametrize(
    "text",
    ["", "[]", "7", '{"a": NaN}', "{", '{"a": "\\u0000"}', "{" * 1500, " " * LARGEST_FACTS + "{}"],
)
def test_facts_that_cannot_be_kept_are_left_out(text):
    assert read_facts(text) == {}


def test_facts_are_kept():
    assert read_facts('{"plays": 2}') == {"plays": 2}


MANIFEST = "prompt_id,prompt,model,path,seed\n"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("f\0x,A fox,M,http://x.test/1.mp4,1", "the cell “prompt_id” holds a NUL"),
        (f"{'f' * 121},A fox,M,http://x.test/1.mp4,1", "the prompt's id has 121 characters"),
        (f"fox,A fox,{'m' * 121},http://x.test/1.mp4,1", "the model's name has 121 characters"),
        (f"fox,A fox,M,http://x.test/1.mp4,{'9' * 30}", "the seed “9999"),
        (f"fox,A fox,M,{'n' * 5000}.mp4,1", "there is no file nnnn"),
    ],
)
def test_a_row_of_a_manifest_that_no_column_holds_is_a_problem_with_its_line(tmp_path, row, why):
    path = tmp_path / "manifest.csv"
    path.write_text(MANIFEST + row + "\n")
    [problem] = read_clips(path).problems
    assert str(problem).startswith(f"Line 2: {why}")


def test_a_pasted_prompt_with_a_nul_is_refused_with_its_line():
    with pytest.raises(ImportRefused) as refusal:
        read_prompts("A fox\nA b\0oat\n", name="pasted.txt")
    [problem] = refusal.value.problems
    assert problem.startswith("Line 2: the cell “prompt” holds a NUL")


@pytest.mark.django_db
def test_a_name_for_an_invite_that_cannot_be_stored_is_refused_with_its_line():
    with pytest.raises(InvitesNotMade, match=r"^Line 2: the name holds a NUL"):
        make_invites(study=make_study(), labels=["Anna", "Be\0n"])
