"""Ranks against R's sandwich with Bonferroni, and graphs built by hand."""

import numpy as np
import pytest

from analysis.core.bradley_terry import fit_strengths
from analysis.core.contests import contests_of_matrix, contests_of_scores, contests_of_votes
from analysis.core.estimates import Undefined
from analysis.core.rankings import (
    cyclic_triples,
    max_t_critical,
    one_sided_contests,
    rank_intervals,
    rank_models,
)
from analysis.core.significance import bonferroni_z
from analysis.core.strength_draws import bootstrap_strengths


@pytest.fixture
def clustered(oracle):
    prompts, i, j, scores = zip(*oracle("bt_prompt_clustered")["input"]["rows"], strict=True)
    return contests_of_scores("abcd", i, j, scores, prompts=prompts)


def prompt_votes(wins, prompts=20, seed=1):
    """Each cell of a win matrix dealt out over prompts."""
    rng = np.random.default_rng(seed)
    rows = [(i, j) for (i, j), n in np.ndenumerate(wins) for _ in range(n)]
    winners, losers = zip(*rows, strict=True)
    names = "abcdef"[: len(wins)]
    codes = rng.integers(prompts, size=len(rows))
    return contests_of_scores(names, winners, losers, [1] * len(rows), prompts=codes)


def test_simultaneous_rank_intervals_match_r(oracle, clustered):
    expected = oracle("bt_prompt_clustered")["expected"]
    assert bonferroni_z(6) == pytest.approx(expected["bonferroni_critical_z"], abs=1e-9)
    ours = [[rank.best, rank.worst] for rank in rank_intervals(fit_strengths(clustered))]
    assert ours == expected["rank_intervals_simultaneous_95"]
    island = rank_models(clustered).islands[0]
    assert [[rank.best, rank.worst] for rank in island.ranks] == ours


def test_two_models_have_no_ranks():
    ranking = rank_models(prompt_votes([[0, 30], [10, 0]]))
    assert ranking.islands[0].ranks == ()


def test_islands_are_ranked_apart_and_never_compared():
    wins = np.zeros((6, 6), dtype=int)
    wins[:3, :3] = [[0, 20, 30], [10, 0, 20], [5, 10, 0]]
    wins[3:, 3:] = [[0, 9, 9], [9, 0, 9], [9, 9, 0]]
    ranking = rank_models(prompt_votes(wins))
    assert [island.models for island in ranking.islands] == [("a", "b", "c"), ("d", "e", "f")]
    assert ranking.difference("a", "d").undefined == Undefined.NOT_CONNECTED
    assert ranking.warnings == ("not_connected",)
    assert max(rank.worst for island in ranking.islands for rank in island.ranks) == 3


def test_a_model_that_never_lost_is_shown_regularised_and_without_an_interval():
    ranking = rank_models(prompt_votes([[0, 8, 9], [0, 0, 5], [0, 3, 0]]))
    island = ranking.islands[0]
    assert (island.separated, island.strengths.regularised) == (True, True)
    assert island.strengths.values == pytest.approx([2.698392, -0.715465, -1.182094], abs=1e-5)
    assert ranking.difference("a", "b").undefined == Undefined.SEPARATED
    # Within {b, c} only their own contests count: ln(5 / 3).
    assert ranking.difference("b", "c").value == pytest.approx(np.log(5 / 3))
    assert ranking.warnings == ("separated",)


def test_ranks_without_prompts_claim_nothing():
    ranking = rank_models(contests_of_matrix("abc", [[0, 90, 90], [10, 0, 90], [10, 10, 0]]))
    assert {(rank.best, rank.worst) for rank in ranking.islands[0].ranks} == {(1, 3)}


def test_bootstrap_agrees_with_the_sandwich_and_with_single_fits(clustered):
    drawn = bootstrap_strengths(clustered, rng=np.random.default_rng(1), draws=2_000)
    fit = fit_strengths(clustered)
    assert drawn.values.std(axis=0) == pytest.approx(np.sqrt(np.diag(fit.covariances[0])), rel=0.1)
    assert drawn.values.sum(axis=1) == pytest.approx(0, abs=1e-9)


def test_a_draw_of_every_prompt_once_is_the_fit_itself(clustered):
    class EachOnce:
        def multinomial(self, n, shares, size):
            return np.ones((size, len(shares)), dtype=int)

    drawn = bootstrap_strengths(clustered, rng=EachOnce(), draws=2)
    assert drawn.values[1] == pytest.approx(fit_strengths(clustered).values, abs=1e-9)


def test_draws_without_a_maximum_are_regularised_and_counted():
    contests = prompt_votes([[0, 20, 20], [1, 0, 9], [1, 9, 0]], prompts=10)
    drawn = bootstrap_strengths(contests, rng=np.random.default_rng(1), draws=500)
    # The two wins over a lie in at most two of ten prompts: about .8^10 = .11 draws have neither.
    assert 20 < drawn.regularised < 220
    assert np.abs(drawn.values).max() < 20


def test_max_t_is_no_larger_than_bonferroni(clustered):
    fit = fit_strengths(clustered)
    drawn = bootstrap_strengths(clustered, rng=np.random.default_rng(1), draws=2_000)
    critical = max_t_critical(fit, drawn)
    assert 1.96 < critical < 1.15 * bonferroni_z(6)
    narrow = rank_intervals(fit, critical=1.0)
    assert all(r.best <= r.worst for r in narrow)


def test_a_cycle_of_clear_wins_is_listed_once():
    wins = [[0, 80, 20, 50], [20, 0, 80, 50], [80, 20, 0, 50], [50, 50, 50, 0]]
    assert cyclic_triples(prompt_votes(wins)) == (("a", "b", "c"),)


def test_consistent_wins_hold_no_cycle(open_study):
    votes = open_study.query("axis == 'quality' and protocol == 'juice'")
    assert cyclic_triples(contests_of_votes(votes)) == ()


def test_what_is_sure_about_a_model_that_never_lost_is_said_in_words():
    (fact,) = one_sided_contests(prompt_votes([[0, 8, 9], [0, 0, 5], [0, 3, 0]]))
    assert (fact.winners, fact.losers, fact.votes) == (("a",), ("b", "c"), 17)


def test_connected_models_have_no_one_sided_contests(clustered):
    assert one_sided_contests(clustered) == ()
