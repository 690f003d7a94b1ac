"""What may be read of a study before its planned look, and when it may stop."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.core.items import count_choices
from analysis.core.report import build_report, report_json
from analysis.core.sequential import Stop, beta_binomial_interval, beta_binomial_path
from analysis.core.settings import MajorityRule, ReportSettings, StoppingPlan, StoppingRule
from analysis.core.stopping import scores_in_opening_order, stopping_state
from analysis.core.votes import validate_votes
from analysis.files.latex import win_rate_table
from analysis.page.html import render_report

ALWAYS = StoppingRule.ANYTIME
FIXED_TEN = StoppingPlan(StoppingRule.FIXED, comparisons=10)


def votes_of(scores, *, per_prompt=1, models=("Emu", "Gen2"), raters=3):
    """Three votes per comparison, opened in this order; a score of 1 is a win of the first."""
    return validate_votes(
        pd.DataFrame(
            {
                "prompt_id": f"p{number // per_prompt:03d}",
                "comparison_id": f"{models[0]}-{models[1]}-{number}",
                "axis": "quality",
                "model_a": models[0],
                "model_b": models[1],
                "winner": "model_a" if score else "model_b",
                "rater": f"r{rater}",
                "reasons": "sharp",
                "started_at": f"2026-01-01T{number // 60:02d}:{number % 60:02d}:00Z",
            }
            for number, score in enumerate(scores)
            for rater in range(raters)
        )
    )


def report_of(votes, *, interim=True, plan=FIXED_TEN, **changes):
    settings = ReportSettings(
        "S", 3, ties_allowed=False, interim=interim, plan=plan, bootstrap_draws=50, **changes
    )
    return build_report(votes, settings=settings)


def result_of(*args, **changes):
    return report_of(*args, **changes).results[0]


def found_in(thing, key):
    """Every value under this key, however deep."""
    if isinstance(thing, dict):
        own = [thing[key]] if key in thing else []
        return own + [one for value in thing.values() for one in found_in(value, key)]
    if isinstance(thing, list):
        return [one for value in thing for one in found_in(value, key)]
    return []


def test_the_interval_of_a_single_look_waits_for_the_planned_number():
    before, then = (report_of(votes_of([1, 0, 1] * 4)[: 3 * n]) for n in (9, 10))
    assert (before.single_look, then.single_look) == (False, True)
    assert before.results[0].win_rate.rate.interval is None
    assert before.results[0].preference.p_value is None
    assert then.results[0].win_rate.rate.interval.method == "wilson"


def test_closing_a_study_early_shows_the_interval_of_a_single_look():
    assert report_of(votes_of([1] * 4), interim=False).single_look


def test_a_running_study_without_a_plan_has_no_interval_of_a_single_look():
    assert not report_of(votes_of([1] * 30), plan=None).single_look


def test_under_the_always_valid_rule_a_closed_study_keeps_its_confidence_sequence():
    plan = StoppingPlan(ALWAYS, comparisons=12)
    result = result_of(votes_of([1, 1, 0] * 4), interim=False, plan=plan)
    assert result.win_rate.rate.interval is None
    assert result.headline.interval.method == "beta-binomial-confidence-sequence"
    assert result.headline.comparisons == 12


def test_an_interim_report_holds_no_interval_or_p_value_but_those_for_every_look():
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    votes = pd.concat([votes_of([1, 0, 1, 1] * 5, models=pair) for pair in pairs])
    excluded = votes.assign(excluded=votes["rater"].eq("r2"), excluded_why="late")
    content = json.loads(report_json(report_of(excluded, plan=StoppingPlan(comparisons=99))))
    for result in content["results"]:
        del result["anytime"]
    assert content["rankings"]
    assert content["with_excluded"]
    assert set(map(str, found_in(content, "interval"))) == {"None"}
    for name in ("p_value", "holm_p_value", "se", "best_rank"):
        assert set(found_in(content, name)) <= {None}


def test_values_and_counts_stay_in_an_interim_report():
    votes = votes_of([1, 1, 0])
    interim, final = result_of(votes), result_of(votes, interim=False)
    assert interim.win_rate.rate.value == final.win_rate.rate.value == 2 / 3
    assert interim.agreement.splits == final.agreement.splits


def test_the_page_of_a_running_study_shows_the_interval_for_every_look_only():
    # 9 successes of 12 by Wilson: scipy binomtest(9, 12).proportion_ci(method="wilson").
    wilson = "46.8 to 91.1"
    votes = votes_of([1, 1, 1, 0] * 3)
    plan = StoppingPlan(comparisons=40)
    interim, final = (render_report(report_of(votes, interim=flag, plan=plan)) for flag in (1, 0))
    looks = beta_binomial_path([1, 1, 1, 0] * 3).at(12)
    assert wilson in final
    assert wilson not in interim
    assert f"at any look {100 * looks.lower:.1f} to {100 * looks.upper:.1f}" in interim


def test_the_table_for_a_paper_has_the_interval_that_holds():
    text = win_rate_table(report_of(votes_of([1] * 12), plan=StoppingPlan(ALWAYS, 12)))
    interval = beta_binomial_interval(12, 12)
    assert f"{100 * interval.lower:.1f}--100.0" in text


@pytest.mark.parametrize(
    ("scores", "minimum", "watched", "stop", "items"),
    [
        # Excluded as soon as 2^n / (n + 1) >= watched / alpha: 256 / 9 = 28, 512 / 10 = 51.
        ([1] * 30, 1, 1, Stop.WINNER, 8),
        ([1] * 30, 1, 2, Stop.WINNER, 9),
        ([1] * 30, 20, 1, Stop.WINNER, 20),
        ([1, 0] * 15, 1, 1, None, 30),
        ([1, 0] * 20, 1, 1, Stop.FUTILE, 40),
    ],
)
def test_the_always_valid_rule_stops_for_a_winner_or_when_the_plan_is_used_up(
    scores, minimum, watched, stop, items
):
    plan = StoppingPlan(ALWAYS, 40, alpha=0.05, minimum=minimum)
    state = stopping_state(
        np.array(scores, dtype=float), plan, planned=40, complete=len(scores), watched=watched
    )
    assert (state.stop, state.looked_at) == (stop, items)


def test_the_always_valid_rule_stops_when_the_interval_is_narrow_enough():
    plan = StoppingPlan(ALWAYS, 400, half_width=0.2)
    report = report_of(votes_of([1, 0] * 40), plan=plan)
    state = report.results[0].stopping
    path = beta_binomial_path([1, 0] * 40)
    widths = path.upper - path.lower
    assert state.stop == Stop.PRECISE
    assert widths[state.looked_at - 2] > 0.4 >= widths[state.looked_at - 1]
    page = render_report(report)
    assert "or is no wider than 40 points" in page
    assert f"may stop: precise enough after {state.looked_at}" in page


def test_a_study_closed_short_of_its_plan_says_so():
    page = render_report(report_of(votes_of([1, 0, 1]), interim=False))
    assert "Emu vs Gen2, quality: 3 of 10" in page


def test_the_planned_look_waits_for_every_comparison_that_raters_were_given():
    votes = votes_of([1, 0, 1] * 4)
    assert not report_of(votes, planned={("Emu", "Gen2"): 20}).single_look
    assert report_of(votes, planned={("Emu", "Gen2"): 12}).single_look


def test_alpha_is_shared_by_all_that_is_planned_to_be_watched():
    planned = {("Emu", "Gen2"): 40, ("Emu", "Pika"): 40}
    result = result_of(votes_of([1] * 9), plan=StoppingPlan(ALWAYS, 40), planned=planned)
    assert result.stopping.confidence == pytest.approx(1 - 0.05 / 2)


def test_the_page_says_what_was_planned_and_how_the_rule_stands():
    page = render_report(report_of(votes_of([1] * 30), plan=StoppingPlan(ALWAYS, 40, minimum=10)))
    assert "40 comparisons per pair of models at most; after 10 the study may stop" in page
    assert "may stop: a winner after 10" in page


def test_scores_are_in_the_order_of_opening_up_to_the_first_unfinished():
    votes = votes_of([1, 0, 1, 1])
    unfinished = votes.drop(votes.index[votes["prompt_id"].eq("p002")][:1])
    seen = scores_in_opening_order(
        unfinished, count_choices(unfinished), min_votes=3, rule=MajorityRule.PLURALITY
    )
    assert (list(seen[0]), seen[1]) == ([1.0, 0.0], 2)


def test_a_prompt_with_several_comparisons_counts_as_their_mean():
    votes = votes_of([1, 0, 1, 1], per_prompt=2)
    scores, comparisons = scores_in_opening_order(
        votes, count_choices(votes), min_votes=3, rule=MajorityRule.PLURALITY
    )
    assert (list(scores), comparisons) == ([0.5, 1.0], 4)


def test_votes_that_do_not_say_when_they_were_begun_have_no_order():
    votes = votes_of([1, 0]).assign(started_at=pd.NaT)
    counts = count_choices(votes)
    assert scores_in_opening_order(votes, counts, min_votes=3, rule=MajorityRule.PLURALITY) is None
