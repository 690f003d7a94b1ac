"""Thousands of pairs: numbered, cut and counted at once, and each as if it were alone."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from analysis.core import model_pair_report, model_pair_votes, ranking_report
from analysis.core.as_json import json_text
from analysis.core.bradley_terry import fit_strengths
from analysis.core.contests import contests_of_votes
from analysis.core.model_pair_votes import UNKNOWN, model_pairs_of, words_of
from analysis.core.rankings import rank_models
from analysis.core.report import build_report, report_json
from analysis.core.resampling import kinds_of
from analysis.core.settings import AskedAxis, ReportSettings
from analysis.core.votes import valid_votes, validate_votes

MODELS, VOTES = 12, 900
SETTINGS = ReportSettings(
    title="Many",
    min_votes=1,
    ties_allowed=True,
    axes=(AskedAxis("quality", reasons={"sharp": "Sharp", "calm": "Calm"}),),
    bootstrap_draws=50,
)


def simulated(seed=5):
    """Few votes on each of many pairs, with everything that a vote can say."""
    rng = np.random.default_rng(seed)
    first = rng.integers(MODELS, size=VOTES)
    second = (first + rng.integers(1, MODELS, size=VOTES)) % MODELS
    prompt = rng.integers(40, size=VOTES)
    return validate_votes(
        pd.DataFrame(
            {
                "study": "many",
                "prompt_id": [f"p{number:02d}" for number in prompt],
                "category": [f"k{number % 3}" for number in prompt],
                "axis": "quality",
                "model_a": [f"m{number:02d}" for number in first],
                "model_b": [f"m{number:02d}" for number in second],
                "winner": rng.choice(["model_a", "model_b", "tie"], size=VOTES, p=[0.5, 0.4, 0.1]),
                "reasons": rng.choice(["", "sharp", "calm;sharp", "odd"], size=VOTES),
                "rater": [f"r{number}" for number in rng.integers(9, size=VOTES)],
                "side_a": rng.choice(["left", "right", ""], size=VOTES),
            }
        )
    )


@pytest.fixture(scope="module")
def votes():
    return simulated()


@pytest.fixture(scope="module")
def report(votes):
    return build_report(votes, settings=SETTINGS)


def test_each_pair_among_many_has_the_result_that_its_votes_alone_have(votes, report):
    assert len(report.results) == MODELS * (MODELS - 1) / 2
    for result in report.results[::7]:
        own = votes[votes["model_a"].eq(result.model_a) & votes["model_b"].eq(result.model_b)]
        [alone] = build_report(own, settings=SETTINGS).results
        adjusted = dataclasses.replace(
            alone.preference, holm_p_value=result.preference.holm_p_value
        )
        assert dataclasses.replace(alone, preference=adjusted) == result


def test_results_that_were_kept_are_those_that_are_counted_anew(votes, report, monkeypatch):
    monkeypatch.setattr(model_pair_report, "FEW_VOTES", 0)
    assert build_report(votes, settings=SETTINGS) == report


def test_pairs_with_equal_votes_are_counted_once_and_keep_their_names(monkeypatch):
    counted = []
    once = model_pair_report.ModelPairReports._counted

    def watched(self, name, votes, axis):
        counted.append(name)
        return once(self, name, votes, axis)

    monkeypatch.setattr(model_pair_report.ModelPairReports, "_counted", watched)
    rows = [("a", "b", "model_a"), ("c", "d", "model_a"), ("e", "f", "model_b")]
    table = pd.DataFrame(rows, columns=["model_a", "model_b", "winner"]).assign(prompt_id="p")
    report = build_report(validate_votes(table), settings=SETTINGS)
    assert [(one.model_a, one.model_b, one.win_rate.wins) for one in report.results] == [
        ("a", "b", 1),
        ("c", "d", 1),
        ("e", "f", 0),
    ]
    assert [name.model_a for name in counted] == ["a", "e"]


def test_a_pair_that_lacks_comparisons_says_so_though_its_votes_are_those_of_another():
    rows = [("a", "b", "model_a"), ("c", "d", "model_a")]
    table = pd.DataFrame(rows, columns=["model_a", "model_b", "winner"]).assign(prompt_id="p")
    planned = dataclasses.replace(SETTINGS, planned={("a", "b"): 1, ("c", "d"): 3})
    report = build_report(validate_votes(table), settings=planned)
    assert [one.incomplete for one in report.results] == [0, 2]


def test_votes_are_numbered_within_their_pair_in_the_order_of_the_names(votes):
    valid, _ = valid_votes(votes)
    words, (names, pairs) = words_of(valid), model_pairs_of(valid)
    groups = valid.groupby(["protocol", "axis", "model_a", "model_b"], sort=True)
    assert [tuple(name) for name in names] == [key for key, _ in groups]
    for own, (_, group) in zip(pairs, groups, strict=True):
        for column, numbers in (("prompt_id", own.prompts), ("rater", own.raters)):
            texts = sorted(set(group[column]))
            assert [texts[number] for number in numbers] == list(group[column])
        assert [words.categories[number] for number in own.categories] == list(group["category"])
        cells = [";".join(words.reasons[number]) for number in own.reasons]
        assert cells == list(group["reasons"])
        sides = {"left": 1, "right": 0, "": UNKNOWN}
        assert own.a_left.tolist() == [sides[side] for side in group["side_a"]]


def test_a_vote_that_does_not_say_who_judged_has_no_number_of_a_rater():
    table = pd.DataFrame({"model_a": "a", "model_b": "b", "winner": ["tie", "tie"], "rater": ""})
    _, [own] = model_pairs_of(validate_votes(table.assign(rater=["", "ann"])))
    assert sorted(own.raters) == [UNKNOWN, 1]


def test_a_report_is_written_as_the_standard_library_writes_it(report):
    plain = dataclasses.asdict(report)
    plain["settings"]["planned"] = []
    assert report_json(report) == json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(
    "value",
    [{}, [], (), {"a": {}}, [[1, 2.5e-7], ['é"\\\n', None, True]], {"x": ({"y": []},)}, 1, "a"],
)
def test_json_of_other_values_is_that_of_the_standard_library(value):
    assert json_text(value) == json.dumps(value, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        json_text([value])


@pytest.mark.parametrize("many", [0, 1_000])
@pytest.mark.parametrize("span", [5, 40, 10**15])
def test_different_numbers_are_those_that_numpy_finds(monkeypatch, many, span):
    """By sorting, by a table of all numbers between, and by hashing."""
    monkeypatch.setattr(model_pair_votes, "MANY", many)
    numbers = np.random.default_rng(span).integers(-1, span, size=60)
    kinds, places = model_pair_votes.different(numbers)
    expected, expected_places = np.unique(numbers, return_inverse=True)
    assert kinds.tolist() == expected.tolist()
    assert places.tolist() == expected_places.tolist()
    firsts = model_pair_votes.first_places(places, len(kinds))
    assert firsts.tolist() == np.unique(places, return_index=True)[1].tolist()


def test_many_votes_give_the_report_that_sorting_them_gives(votes, report, monkeypatch):
    monkeypatch.setattr(model_pair_votes, "MANY", 0)
    assert build_report(votes, settings=SETTINGS) == report


def test_kinds_are_the_different_rows_in_ascending_order():
    rows = np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0], [-0.0, 3.0], [1.0, 0.0]])
    kinds, repeats = kinds_of(rows)
    assert kinds.tolist() == [[0, 3], [1, 0], [1, 2]]
    assert repeats.tolist() == [2, 1, 2]


def test_there_are_no_kinds_of_no_rows():
    kinds, repeats = kinds_of(np.empty((0, 3)))
    assert kinds.shape == (0, 3)
    assert repeats.size == 0


def test_a_difference_is_the_contrast_of_two_models(votes):
    strengths = fit_strengths(contests_of_votes(valid_votes(votes)[0]))
    weights = np.zeros(MODELS)
    weights[[2, 5]] = 1, -1
    found = strengths.difference(strengths.models[2], strengths.models[5])
    assert found == strengths.contrast(weights)
    assert found.interval is not None


def test_only_the_highest_rated_of_many_models_have_probabilities(votes, monkeypatch):
    monkeypatch.setattr(ranking_report, "MOST_PROBABLE", 4)
    valid, _ = valid_votes(votes)
    ranking = ranking_report.axis_ranking(valid)
    best = sorted(ranking.models, key=lambda one: -one.rating.value)[:4]
    assert len(ranking.models) == MODELS
    assert {one.model for one in best} == {
        name for one in ranking.probabilities for name in (one.model, one.other)
    }
    everything = rank_models(contests_of_votes(valid))
    for one in ranking.probabilities:
        chance = 1 / (1 + np.exp(-everything.difference(one.model, one.other).value))
        assert one.probability.value == pytest.approx(chance, abs=1e-12)
