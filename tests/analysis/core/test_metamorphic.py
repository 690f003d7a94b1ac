"""What must not change, or must turn round, whatever the votes: statistics.md J4."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.agreement import measure_agreement
from analysis.core.bradley_terry import fit_with_ghost
from analysis.core.clusters import two_way_share
from analysis.core.columns import WINNERS
from analysis.core.contests import contests_of_votes
from analysis.core.protocol_arms import compare_arms
from analysis.core.reliability import agreement_with_others
from analysis.core.sequential import beta_binomial_path
from analysis.core.significance import sign_test
from analysis.core.votes import valid_votes, validate_votes
from analysis.core.win_rates import (
    leave_one_rater_out,
    scores_for_a,
    vote_share,
    win_rate,
)

SWAP = {"model_a": "model_b", "model_b": "model_a", "tie": "tie"}
CLOSE = {"rel": 1e-9, "abs": 1e-9}


@st.composite
def vote_tables(draw):
    """Complete tables: each of 2 to 8 prompts judged by each of 2 to 5 raters."""
    prompts = draw(st.integers(2, 8))
    raters = draw(st.integers(2, 5))
    winners = draw(
        st.lists(st.sampled_from(WINNERS), min_size=prompts * raters, max_size=prompts * raters)
    )
    prompt, rater = (codes.ravel() for codes in np.indices((prompts, raters)))
    names = pd.Series(prompt).map("p{}".format)
    return pd.DataFrame(
        {
            "model_a": "x",
            "model_b": "y",
            "comparison_id": names,
            "prompt_id": names,
            "rater": pd.Series(rater).map("r{}".format),
            "winner": winners,
        }
    )


def swapped(votes):
    return votes.assign(winner=votes["winner"].map(SWAP))


def counts_of(votes):
    counts = pd.crosstab(votes["comparison_id"], votes["winner"])
    return counts.reindex(columns=list(WINNERS), fill_value=0).to_numpy()


def mirrored(estimate, turned, total=1.0):
    """Whether `turned` is `total - estimate`, bounds exchanged."""
    if estimate.interval is None:
        return turned.interval is None and turned.value == pytest.approx(total - estimate.value)
    ours = [estimate.value, estimate.interval.lower, estimate.interval.upper]
    theirs = [turned.value, turned.interval.upper, turned.interval.lower]
    return theirs == pytest.approx([total - number for number in ours], **CLOSE)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_swapping_the_models_mirrors_win_rate_and_net_win_rate(wins, ties, losses):
    ours, theirs = win_rate(wins, ties, losses), win_rate(losses, ties, wins)
    if ours.n:
        assert mirrored(ours.rate, theirs.rate)
        assert mirrored(ours.net, theirs.net, total=0)
    assert sign_test(wins, losses).p_value == sign_test(losses, wins).p_value


@given(vote_tables())
@settings(max_examples=50, deadline=None)
def test_swapping_the_models_mirrors_vote_shares(votes):
    ours, theirs = vote_share(votes), vote_share(swapped(votes))
    for name in ("pooled", "item_weighted", "new_raters"):
        assert mirrored(getattr(ours, name), getattr(theirs, name))
    straight, turned = leave_one_rater_out(votes), leave_one_rater_out(swapped(votes))
    assert turned.lowest == pytest.approx(1 - straight.highest)


@given(vote_tables())
@settings(max_examples=50, deadline=None)
def test_swapping_the_models_negates_strengths(votes):
    ours = fit_with_ghost(contests_of_votes(votes)).values
    assert fit_with_ghost(contests_of_votes(swapped(votes))).values == pytest.approx(-ours, **CLOSE)


@given(vote_tables())
@settings(max_examples=50, deadline=None)
def test_swapping_the_models_keeps_agreement(votes):
    counts = counts_of(votes)
    ours, theirs = measure_agreement(counts), measure_agreement(counts[:, [1, 0, 2]])
    for name in ("pairwise", "fleiss_kappa", "gwet_ac1", "brennan_prediger", "krippendorff_alpha"):
        one, two = getattr(ours, name), getattr(theirs, name)
        assert two.value == (None if one.value is None else pytest.approx(one.value, **CLOSE))
        assert two.se == (None if one.se is None else pytest.approx(one.se, **CLOSE))


@given(vote_tables())
@settings(max_examples=50, deadline=None)
def test_doubling_every_vote_inside_its_prompt_keeps_clustered_errors(votes):
    doubled = pd.concat([votes, votes])
    ours, theirs = vote_share(votes), vote_share(doubled)
    for name in ("pooled", "item_weighted"):
        one, two = getattr(ours, name), getattr(theirs, name)
        assert (two.value, two.se) == pytest.approx((one.value, one.se), **CLOSE)
    columns = ("prompt_id", "rater")
    one, two = (
        two_way_share(scores_for_a(rows["winner"]), *(rows[name] for name in columns))
        for rows in (votes, doubled)
    )
    assert two.prompt_variance == pytest.approx(one.prompt_variance, **CLOSE)
    assert two.rater_variance == pytest.approx(one.rater_variance, **CLOSE)


@given(vote_tables())
@settings(max_examples=50, deadline=None)
def test_a_category_nobody_chose_counts_only_by_being_there(votes):
    counts = counts_of(votes)
    wider = np.column_stack([counts, np.zeros(len(counts), dtype=int)])
    ours, theirs = measure_agreement(counts), measure_agreement(wider)
    for name in ("pairwise", "fleiss_kappa", "krippendorff_alpha"):
        one, two = getattr(ours, name).value, getattr(theirs, name).value
        assert two == (None if one is None else pytest.approx(one, **CLOSE))
    observed = ours.pairwise.value
    # Pe = 1/q for Brennan-Prediger, sum pi (1 - pi) / (q - 1) for AC1: q = 4 instead of 3.
    assert theirs.brennan_prediger.value == pytest.approx((observed - 1 / 4) / (3 / 4), **CLOSE)
    shares = (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0)
    chance = float(shares @ (1 - shares)) / 3
    assert theirs.gwet_ac1.value == pytest.approx((observed - chance) / (1 - chance), **CLOSE)


@given(vote_tables(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_votes_and_the_names_of_raters_do_not_matter(votes, random):
    rows = list(range(len(votes)))
    random.shuffle(rows)
    names = sorted(set(votes["rater"]))
    renamed = dict(zip(names, random.sample(names, len(names)), strict=True))
    other = votes.iloc[rows].assign(rater=votes["rater"].map(renamed))
    straight, mixed = (valid_votes(validate_votes(table))[0] for table in (votes, other))
    assert vote_share(mixed).new_raters == vote_share(straight).new_raters
    assert leave_one_rater_out(mixed) == leave_one_rater_out(straight)
    assert counts_of(mixed).tolist() == counts_of(straight).tolist()


@given(vote_tables())
@settings(max_examples=25, deadline=None)
def test_renaming_raters_permutes_their_agreement_with_others(votes):
    codes = [votes["prompt_id"].factorize()[0], votes["rater"].factorize()[0]]
    labels = votes["winner"].map(WINNERS.index).to_numpy()
    last = codes[1].max()
    straight = agreement_with_others(*codes, labels, classes=3)
    turned = agreement_with_others(codes[0], last - codes[1], labels, classes=3)
    assert [r.share.value for r in turned] == [r.share.value for r in straight][::-1]


@given(vote_tables(), vote_tables())
@settings(max_examples=25, deadline=None)
def test_exchanging_arms_negates_differences_and_keeps_p_values(first, second):
    items = min(len(counts_of(first)), len(counts_of(second)))
    arms = counts_of(first)[:items], counts_of(second)[:items]
    straight, turned = (
        compare_arms(*pair, same_items=True, rng=np.random.default_rng(1), draws=200)
        for pair in (arms, arms[::-1])
    )
    for ours, theirs in zip(straight, turned, strict=True):
        assert theirs.test.p_value == ours.test.p_value
        if ours.difference.value is not None:
            assert theirs.difference.value == pytest.approx(-ours.difference.value, **CLOSE)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=40))
@settings(deadline=None)
def test_a_confidence_sequence_never_widens(scores):
    path = beta_binomial_path(scores)
    assert (np.diff(path.lower) >= 0).all()
    assert (np.diff(path.upper) <= 0).all()
