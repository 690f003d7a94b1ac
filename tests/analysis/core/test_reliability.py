"""Dawid-Skene against the published data and an EM in R; one coin against direct maximisation."""

import numpy as np
import pytest

from analysis.core.estimates import Undefined
from analysis.core.reliability import agreement_with_others, dawid_skene, one_coin
from analysis.core.verdicts import majority_verdicts


@pytest.fixture
def anaesthetists(oracle):
    given = oracle("dawid_skene_anaesthetists")["input"]
    return [np.array(given[key]) - 1 for key in ("item", "rater", "label")]


@pytest.fixture
def coins(oracle):
    labels = np.array(oracle("one_coin_synthetic")["input"]["labels"])
    items, raters = np.indices(labels.shape)
    return [codes.ravel() for codes in (items, raters, labels)]


def test_anaesthetists_match_the_em_in_r(oracle, anaesthetists):
    expected = oracle("dawid_skene_anaesthetists")["expected"]
    ours = dawid_skene(*anaesthetists, classes=4, smoothing=0)
    assert ours.prevalence == pytest.approx(expected["class_prevalence"], abs=1e-4)
    assert ours.confusion == pytest.approx(np.array(expected["confusion"]), abs=1e-3)
    assert ours.log_likelihood == pytest.approx(expected["loglik"], abs=1e-3)
    assert (ours.classes + 1).tolist() == expected["map_class"]
    certainty = ours.posterior.max(axis=1)
    assert certainty.argmin() + 1 == expected["least_certain_item"]
    assert certainty.min() == pytest.approx(expected["least_certain_max_posterior"], abs=1e-4)
    assert ours.converged


def test_one_coin_matches_direct_maximisation(oracle, coins):
    expected = oracle("one_coin_synthetic")["expected"]
    ours = one_coin(*coins, classes=2, smoothing=0)
    assert ours.prevalence == pytest.approx(expected["class_prevalence"], abs=1e-3)
    assert ours.accuracy == pytest.approx(expected["accuracy"], abs=1e-3)
    assert ours.log_likelihood == pytest.approx(expected["loglik"], abs=1e-3)


def test_a_majority_that_holds_the_raters_own_vote_flatters(oracle, coins):
    labels = np.array(oracle("one_coin_synthetic")["input"]["labels"])
    counts = [[(row == 0).sum(), (row == 1).sum(), 0] for row in labels]
    majority = majority_verdicts(counts) == "model_b"
    flattering = (labels == majority[:, None]).mean(axis=0)
    expected = oracle("one_coin_synthetic")["expected"]["majority_agreement"]
    assert flattering == pytest.approx(expected, abs=1e-9)
    fair = [rater.share.value for rater in agreement_with_others(*coins, classes=2)]
    assert (np.array(fair) < flattering).all()


def test_leave_one_out_agreement_matches_a_plain_loop(anaesthetists):
    items, raters, labels = anaesthetists
    ours = agreement_with_others(*anaesthetists, classes=4)
    same = compared = 0
    for vote in np.flatnonzero(raters == 2):
        others = labels[(items == items[vote]) & (np.arange(len(items)) != vote)]
        counts = np.bincount(others, minlength=4)
        if (counts == counts.max()).sum() == 1:
            compared += 1
            same += counts.argmax() == labels[vote]
    assert (ours[2].items, ours[2].share.value) == (compared, same / compared)


def test_perfect_raters_are_accurate_and_informed():
    items, raters = (codes.ravel() for codes in np.indices((40, 3)))
    ours = dawid_skene(items, raters, items % 2, classes=2)
    # Laplace: (20 + 1) / (20 + 2) for both classes.
    assert ours.accuracy == pytest.approx([21 / 22] * 3, abs=1e-3)
    assert ours.youden == pytest.approx([20 / 22] * 3, abs=2e-3)


def test_raters_with_few_items_have_no_accuracy():
    items, raters = (codes.ravel() for codes in np.indices((40, 3)))
    items, raters = np.append(items, [0, 1]), np.append(raters, [3, 3])
    ours = dawid_skene(items, raters, items % 2, classes=2)
    assert np.isnan(ours.accuracy).tolist() == [False, False, False, True]


def test_two_raters_are_too_few():
    items, raters = (codes.ravel() for codes in np.indices((40, 2)))
    assert one_coin(items, raters, items % 2, classes=2).undefined == Undefined.TOO_FEW_CLUSTERS


def test_the_order_of_labels_does_not_matter(coins):
    shuffled = np.random.default_rng(1).permutation(len(coins[0]))
    straight = dawid_skene(*coins, classes=2)
    mixed = dawid_skene(*(codes[shuffled] for codes in coins), classes=2)
    assert mixed.accuracy == pytest.approx(straight.accuracy, abs=1e-9)


@pytest.mark.parametrize(
    ("labels", "message"), [([0, 2, 0], "labels below 2"), ([0, -1, 0], "0 or more")]
)
def test_labels_that_do_not_exist_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        dawid_skene([0, 0, 0], [0, 1, 2], labels, classes=2)


def test_an_item_without_a_label_is_refused():
    with pytest.raises(ValueError, match="every item needs a label"):
        dawid_skene([0, 2, 2], [0, 1, 2], [0, 0, 0], classes=2)
