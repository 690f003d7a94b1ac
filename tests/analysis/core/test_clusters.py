"""Clustered shares against R's sandwich::vcovCL, boot::boot.ci and a plain loop."""

import numpy as np
import pandas as pd
import pytest

from analysis.core.clusters import (
    Bootstrap,
    bootstrap_share,
    clustered_share,
    clustered_share_t,
    pigeonhole_share,
    two_way_share,
)
from analysis.core.estimates import Undefined


@pytest.fixture
def votes(oracle):
    rows = oracle("vote_level_win_rate")["input"]["rows"]
    return pd.DataFrame(rows, columns=["prompt", "rater", "score"])


@pytest.fixture
def prompts(votes):
    return votes.groupby("prompt")["score"].agg(["sum", "size"])


def bounds(estimate):
    return [estimate.interval.lower, estimate.interval.upper]


def test_prompt_t_interval_matches_the_reference(oracle, prompts):
    share = clustered_share_t(prompts["sum"], prompts["size"])
    expected = oracle("vote_level_win_rate")["expected"]["ci_prompt_t"]
    assert bounds(share) == pytest.approx(expected, abs=1e-8)


def test_two_way_variance_matches_r_sandwich(oracle, votes):
    ours = two_way_share(votes["score"], votes["prompt"], votes["rater"])
    expected = oracle("vote_level_win_rate")["expected"]
    terms = ours.prompt_variance, ours.rater_variance, ours.cell_variance, ours.variance
    assert terms == pytest.approx(tuple(expected["variance_terms"].values()), abs=1e-8)
    assert ours.share.se == pytest.approx(expected["se_two_way_floored"], abs=1e-8)
    assert bounds(ours.share) == pytest.approx(expected["ci_two_way_t"], abs=1e-8)
    assert (ours.prompts, ours.raters) == (expected["n_prompts"], expected["n_raters"])


def test_few_raters_are_warned_of(votes):
    two_way = two_way_share(votes["score"], votes["prompt"], votes["rater"])
    assert two_way.warnings == ("too_few_clusters",)


@pytest.mark.parametrize("method", list(Bootstrap))
def test_bootstraps_of_prompts_match_scipy_and_boot_ci(oracle, prompts, method):
    rng = np.random.default_rng(1)
    share = bootstrap_share(prompts["sum"], prompts["size"], rng=rng, method=method)
    expected = oracle("vote_level_win_rate")["expected"][f"bootstrap_{method}"]
    assert bounds(share) == pytest.approx(expected, abs=0.01)


def test_bootstrap_of_unequal_clusters_matches_scipy_bca():
    # scipy.stats.bootstrap((np.arange(12),), ratio, method="BCa", n_resamples=200_000, rng=0)
    totals = [1, 4, 0.5, 3, 2, 5, 0, 4, 2, 1, 3, 5]
    sizes = [3, 4, 2, 5, 5, 5, 3, 4, 2, 4, 5, 5]
    rng = np.random.default_rng(1)
    share = bootstrap_share(totals, sizes, rng=rng, draws=200_000)
    assert bounds(share) == pytest.approx([0.456522, 0.833333], abs=0.004)


def test_the_same_seed_gives_the_same_bootstrap_in_any_order(prompts):
    first, again = (
        bootstrap_share(rows["sum"], rows["size"], rng=np.random.default_rng(3))
        for rows in (prompts, prompts[::-1])
    )
    assert first == again


def test_the_pigeonhole_bootstrap_is_wider_than_two_way(votes):
    columns = votes["score"], votes["prompt"], votes["rater"]
    pigeonhole = pigeonhole_share(*columns, rng=np.random.default_rng(1))
    assert pigeonhole.se > two_way_share(*columns).share.se


def test_clusters_that_are_all_alike_have_nothing_to_resample():
    share = bootstrap_share([2, 2], [4, 4], rng=np.random.default_rng(1))
    assert (share.value, share.undefined) == (0.5, Undefined.NO_VARIATION)


def test_shares_of_a_third_have_an_interval_although_they_do_not_vary():
    # SE is 1e-17 by rounding: the effective size is the number of clusters, not its inverse.
    interval = clustered_share([1 / 3] * 30, [1.0] * 30).interval
    assert interval.upper - interval.lower > 0.3


@pytest.mark.parametrize("labels", [["p"] * 4, ["p", "p", "q", "q"]])
def test_one_rater_has_no_two_way_interval(labels):
    two_way = two_way_share([1, 0, 1, 1], labels, ["r"] * 4)
    assert two_way.share.interval is None
    assert two_way.share.undefined == Undefined.TOO_FEW_CLUSTERS


def test_prompts_that_are_all_alike_have_no_t_interval():
    share = clustered_share_t([5] * 20, [5] * 20)
    assert (share.value, share.interval, share.undefined) == (1.0, None, Undefined.NO_VARIATION)
    assert clustered_share([5] * 20, [5] * 20).interval.lower == pytest.approx(0.82, abs=0.01)


@pytest.mark.filterwarnings("error")
def test_a_single_draw_is_no_bootstrap():
    rng = np.random.default_rng(1)
    share = bootstrap_share([1.5, 4, 2], [2, 4, 3], rng=rng, draws=1)
    assert (share.interval, share.undefined) == (None, "no_variation")
    alike = pigeonhole_share([0.5] * 4, [0, 0, 1, 1], [0, 1, 0, 1], rng=rng, draws=20)
    assert (alike.interval, alike.undefined) == (None, "no_variation")
