"""The whole report: end to end against `study_open.json`, and what must not change it."""

import dataclasses
import json
from collections import Counter
from itertools import combinations, product
from statistics import median

import numpy as np
import pandas as pd
import pytest

from analysis.core.report import build_report, report_json
from analysis.core.settings import AskedAxis, ReportSettings
from analysis.core.votes import VoteTableError, validate_votes

ARMS = {"juice": "justify", "plain": "plain"}
SETTINGS = ReportSettings(
    title="Open study",
    min_votes=5,
    ties_allowed=True,
    axes=(AskedAxis("quality"), AskedAxis("faithfulness")),
    bootstrap_draws=500,
)


@pytest.fixture(scope="module")
def open_votes(open_study):
    return validate_votes(open_study)


@pytest.fixture(scope="module")
def report(open_votes):
    return build_report(open_votes, settings=SETTINGS)


def expected_of(oracle, result):
    key = "|".join([ARMS[result.protocol], result.axis, result.model_a, result.model_b])
    return oracle("study_open")["expected"][key]


def test_all_pairs_axes_and_arms_are_reported(report):
    assert len(report.results) == 12


def test_win_rates_of_the_open_study_match_the_reference(oracle, report):
    for result in report.results:
        expected, rate = expected_of(oracle, result), result.win_rate
        assert (rate.wins, rate.ties, rate.losses, rate.n, result.incomplete) == tuple(
            expected[name]
            for name in ("wins", "ties", "losses", "items_complete", "items_incomplete")
        )
        interval = rate.rate.interval
        assert rate.rate.value == pytest.approx(expected["win_rate"], abs=1e-9)
        assert interval.method == expected["interval_method"]
        assert [interval.lower, interval.upper] == pytest.approx(expected["win_rate_ci"], abs=1e-6)
        assert rate.net.value == pytest.approx(expected["net"], abs=1e-9)
        bounds = [rate.net.interval.lower, rate.net.interval.upper]
        assert bounds == pytest.approx(expected["net_ci_tango"], abs=1e-5)


def test_agreement_of_the_open_study_matches_the_reference(oracle, report):
    for result in report.results:
        expected, agreement = expected_of(oracle, result), result.agreement
        assert agreement.complete == pytest.approx(expected["complete_agreement"], abs=1e-9)
        assert agreement.pairwise.value == pytest.approx(expected["pairwise_agreement"], abs=1e-9)
        alpha = agreement.krippendorff_alpha.value
        assert alpha == pytest.approx(expected["krippendorff_alpha"], abs=1e-9)
        for name in ("fleiss_kappa", "gwet_ac1"):
            ours, theirs = getattr(agreement, name), expected[name]
            assert (ours.value, ours.se) == pytest.approx((theirs["value"], theirs["se"]), abs=1e-9)


def test_vote_shares_of_the_open_study_match_the_reference(oracle, report):
    for result in report.results:
        expected, pooled = expected_of(oracle, result), result.vote_share.pooled
        assert result.vote_share.votes == expected["votes_all"]
        assert pooled.value == pytest.approx(expected["vote_win_rate"], abs=1e-9)
        assert pooled.se == pytest.approx(expected["vote_se_prompt"], abs=1e-9)
        bounds = [pooled.interval.lower, pooled.interval.upper]
        assert bounds == pytest.approx(expected["vote_ci_wilson_neff"], abs=1e-8)


def test_side_balance_of_the_open_study_matches_the_reference(oracle, report):
    expected = oracle("study_open")["expected"]["side"]
    for balance in report.sides:
        ours, theirs = balance.left_choices, expected[balance.axis]
        assert (ours.count, ours.n) == (theirs["left"], theirs["n"])
        assert ours.p_value == pytest.approx(theirs["exact_p"], abs=1e-9)


def test_gold_votes_are_counted_and_left_out(open_study, report):
    assert report.exclusions.gold == open_study["is_gold"].eq("1").sum()
    assert report.panel.votes == open_study["is_gold"].eq("0").sum()


def test_the_panel_is_who_is_left(open_study):
    """Counted by hand from the rows: no vote that is left out makes a rater."""
    votes = open_study.assign(excluded=open_study["rater"].eq("r1").map({True: "1", False: "0"}))
    votes.loc[votes.index[:40], "rater"] = ""
    left = votes[votes["is_gold"].eq("0") & votes["excluded"].eq("0")]
    by_rater = Counter(name for name in left["rater"] if name)
    panel = build_report(validate_votes(votes), settings=SETTINGS).panel
    assert (panel.votes, panel.raters) == (len(left), len(by_rater))
    assert panel.comparisons == len(set(left["comparison_id"]))
    assert panel.prompts == len(set(left["prompt_id"]))
    counts = sorted(by_rater.values())
    assert panel.votes_per_rater == (counts[0], median(counts), counts[-1])
    assert "r1" not in by_rater and counts[0] > 0


def test_how_text_is_held_changes_nothing(open_study):
    """Categories know texts of which no row is left; text knows only what is there."""
    settings = dataclasses.replace(SETTINGS, bootstrap_draws=50)
    votes = validate_votes(open_study.assign(excluded=open_study["rater"].eq("r1").astype(str)))
    kept = votes[votes["model_a"].ne("m0") & votes["protocol"].eq("juice")]
    as_text = kept.astype(dict.fromkeys(kept.select_dtypes("category"), object))
    held, told = (report_json(build_report(one, settings=settings)) for one in (kept, as_text))
    assert held == told


def test_the_same_votes_in_another_order_give_the_same_bytes(open_study, report):
    shuffled = validate_votes(open_study.sample(frac=1, random_state=3))
    assert report_json(build_report(shuffled, settings=SETTINGS)) == report_json(report)


def test_renaming_raters_changes_nothing(open_study, report):
    renamed = open_study.assign(rater=open_study["rater"].map(lambda name: f"z{9 - int(name[1])}"))
    again = build_report(validate_votes(renamed), settings=SETTINGS)
    assert again.results == report.results
    assert again.protocols == report.protocols


def test_swapping_a_and_b_mirrors_win_rates_and_keeps_agreement(open_study, report):
    swap = {"model_a": "model_b", "model_b": "model_a", "tie": "tie"}
    turned = open_study.rename(columns=swap)
    turned = turned.assign(
        winner=turned["winner"].map(swap),
        side_a=turned["side_a"].map({"left": "right", "right": "left"}),
    )
    mirrored = build_report(validate_votes(turned), settings=SETTINGS)
    by_model_pair = {(r.protocol, r.axis, r.model_b, r.model_a): r for r in mirrored.results}
    for result in report.results:
        other = by_model_pair[result.protocol, result.axis, result.model_a, result.model_b]
        assert other.win_rate.rate.value == pytest.approx(1 - result.win_rate.rate.value)
        assert other.win_rate.net.value == pytest.approx(-result.win_rate.net.value)
        kappas = other.agreement.fleiss_kappa.value, result.agreement.fleiss_kappa.value
        assert kappas[0] == pytest.approx(kappas[1])
    assert [b.left_choices for b in mirrored.sides] == [b.left_choices for b in report.sides]


def test_a_table_without_votes_is_a_report_without_results(open_votes):
    report = build_report(open_votes.head(0), settings=SETTINGS)
    assert (report.results, report.has_results, report.last_vote_at) == ((), False, None)


def test_comparisons_without_any_vote_are_incomplete_where_they_are_planned(open_votes):
    planned = ReportSettings(
        "Open", 5, ties_allowed=True, planned={("m0", "m1"): 30}, bootstrap_draws=100
    )
    report = build_report(open_votes, settings=planned)
    pair = {(r.axis, r.protocol): r for r in report.results if r.model_b == "m1"}
    # 24 in the file, 19 of them complete: study_open.json
    assert pair["quality", "juice"].incomplete == 11


def test_votes_of_two_studies_are_refused(open_study):
    names = ["first"] * 10 + ["second"] * (len(open_study) - 10)
    votes = validate_votes(
        open_study.assign(study=names, comparison_id=open_study["comparison_id"] + names)
    )
    with pytest.raises(VoteTableError, match=r"2 studies \(first, second\)"):
        build_report(votes, settings=SETTINGS)


def test_ties_in_a_forced_choice_are_refused(open_votes):
    with pytest.raises(VoteTableError, match="forced choice"):
        build_report(open_votes, settings=ReportSettings("Open", 5, ties_allowed=False))


def test_the_json_holds_null_and_never_nan(open_votes):
    one_vote = open_votes[~open_votes["is_gold"]].head(1)
    settings = ReportSettings("One", 1, ties_allowed=True)
    content = json.loads(report_json(build_report(one_vote, settings=settings)))
    agreement = content["results"][0]["agreement"]
    assert agreement["fleiss_kappa"]["value"] is None
    assert agreement["fleiss_kappa"]["undefined"] == "fewer_than_two_votes"


def test_an_interim_report_has_an_interval_for_every_look(open_study):
    opened = open_study["comparison_id"].str.removeprefix("i").astype(int)
    times = opened.map(lambda n: f"2026-01-01T00:{n // 60:02d}:{n % 60:02d}Z")
    votes = validate_votes(open_study.assign(started_at=times))
    interim = dataclasses.replace(SETTINGS, interim=True)
    result = build_report(votes, settings=interim).results[0]
    finished = build_report(votes, settings=SETTINGS).results[0]
    assert 0 < result.anytime.comparisons < result.win_rate.n
    assert result.anytime.interval.lower < finished.win_rate.rate.interval.lower
    assert (result.preference.p_value, 0 < result.anytime.p_value <= 1) == (None, True)
    assert finished.anytime is None


def test_sign_tests_of_the_open_study_match_the_reference(oracle, report):
    for result in report.results:
        expected = expected_of(oracle, result)["sign_test_exact_p"]
        assert result.preference.p_value == pytest.approx(expected, abs=1e-9)
        assert result.preference.holm_p_value >= result.preference.p_value
    assert {result.preference.method for result in report.results} == {"sign"}


def test_rankings_of_the_open_study_match_choix_and_r(oracle, report):
    assert len(report.rankings) == 4
    for ranking in report.rankings:
        key = f"{ARMS[ranking.protocol]}|{ranking.axis}|bradley_terry"
        expected = oracle("study_open")["expected"][key]
        assert [model.model for model in ranking.models] == expected["items"]
        ratings = [model.rating.value for model in ranking.models]
        assert ratings == pytest.approx(expected["elo"], abs=1e-4)
        ses = [model.rating.se for model in ranking.models]
        points = [se * 400 / np.log(10) for se in expected["se_prompt_cluster"]]
        assert ses == pytest.approx(points, abs=1e-3)
        assert all(1 <= m.best_rank <= m.worst_rank <= 3 for m in ranking.models)


def test_protocols_of_one_study_are_compared_over_the_same_comparisons(report):
    assert len(report.protocols) == 6
    comparison = report.protocols[0]
    assert (comparison.first_protocol, comparison.second_protocol) == ("juice", "plain")
    assert comparison.same_items
    assert comparison.first_comparisons == comparison.second_comparisons
    assert sum(c.comparisons for c in comparison.first_splits) == comparison.first_comparisons
    kappa = {d.statistic: d for d in comparison.differences}["fleiss_kappa"]
    assert kappa.difference.value == pytest.approx(kappa.first - kappa.second)


def test_protocols_over_other_comparisons_are_compared_unpaired(open_study):
    plain = open_study["protocol"].eq("plain")
    suffix = plain.map({True: "x", False: ""})
    apart = open_study.assign(
        comparison_id=open_study["comparison_id"] + suffix,
        prompt_id=open_study["prompt_id"] + suffix,
    )
    comparison = build_report(validate_votes(apart), settings=SETTINGS).protocols[0]
    assert not comparison.same_items
    assert comparison.first_comparisons == 19


def test_one_pair_of_models_has_no_ranking(open_votes):
    pair = open_votes[open_votes["model_b"].eq("m1")]
    assert build_report(pair, settings=SETTINGS).rankings == ()


def test_islands_and_clear_winners_of_a_ranking_are_null_with_a_reason(open_votes):
    votes = open_votes[open_votes["model_b"].ne("m1") | open_votes["model_a"].ne("m0")]
    won = votes["model_b"].eq("m2") & votes["model_a"].eq("m0")
    settled = votes.assign(winner=votes["winner"].where(~won, "model_a"))
    content = json.loads(report_json(build_report(settled, settings=SETTINGS)))
    ranking = content["rankings"][0]
    assert ranking["warnings"] == ["separated"]
    assert ranking["fit"] is None
    assert ranking["models"][0]["rating"]["undefined"] == "separated"
    assert ranking["one_sided"][0]["winners"] == ["m0"]


def test_several_comparisons_of_a_prompt_are_tested_by_prompt(open_votes):
    names = ("comparison_id", "rater")
    doubled = open_votes.assign(**{name: open_votes[name].astype(object) + "x" for name in names})
    twice = pd.concat([open_votes, doubled], ignore_index=True)
    result = build_report(twice, settings=SETTINGS).results[0]
    assert result.preference.method == "prompt-t"
    assert 0 < result.preference.p_value < 1


def test_combinations_of_reasons_are_counted_for_each_winner(report):
    for result in report.results:
        if result.protocol == "juice":
            votes = sum(combination.votes for combination in result.combinations_a)
            assert votes == result.reasons_a[0].votes
        else:
            assert result.combinations_a == ()


def random_votes(rng):
    """A small study of any shape: gaps, ties, one or two protocols, clear or mixed winners."""
    prompts, raters, models = rng.choice([1, 2, 3, 9]), rng.choice([1, 2, 5]), rng.choice([2, 3, 5])
    winners = rng.choice(
        [["model_a"], ["model_a", "model_b"], ["model_a", "model_b", "tie"]][rng.integers(3)],
        size=2_000,
    )
    protocols, gaps = [["juice"], ["juice", "plain"]][rng.integers(2)], rng.choice([0, 0.4])
    rows = [
        {
            "prompt_id": f"p{prompt}",
            "model_a": f"m{a}",
            "model_b": f"m{b}",
            "protocol": protocol,
            "rater": f"r{rater}",
        }
        for prompt, (a, b), protocol, rater in product(
            range(prompts), combinations(range(models), 2), protocols, range(raters)
        )
    ]
    votes = pd.DataFrame(rows).assign(
        winner=winners[: len(rows)],
        reasons=rng.choice(["", "x", "x;y"], size=len(rows)),
        side_a=rng.choice(["left", "right"], size=len(rows)),
    )
    return votes[rng.random(len(votes)) >= gaps], raters


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_votes_a_report_is_json_without_nan_or_infinity(seed):
    votes, raters = random_votes(np.random.default_rng(seed))
    settings = ReportSettings(
        "Any", min_votes=int(raters), ties_allowed=True, bootstrap_draws=50, interim=seed % 2 == 0
    )
    content = json.loads(report_json(build_report(validate_votes(votes), settings=settings)))
    for result in content["results"]:
        rate = result["win_rate"]["rate"]
        assert (rate["value"] is None) == (rate["undefined"] == "no_votes")


def test_sides_are_checked_for_each_pair(open_votes, report):
    for result in report.results:
        own = open_votes.query(
            "axis == @result.axis and protocol == @result.protocol and not is_gold"
            " and model_a == @result.model_a and model_b == @result.model_b"
        )
        assert (result.a_on_left.count, result.a_on_left.n) == (
            own["side_a"].eq("left").sum(),
            len(own),
        )
