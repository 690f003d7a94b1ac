"""How consistent each rater is with the consensus. Preferences have no outside truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from analysis.core.estimates import Estimate, Undefined
from analysis.core.intervals import wilson

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE = 1e-10
ITERATIONS = 5_000
MIN_RATERS = 3
MIN_ITEMS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """A latent class of every item, and how often each rater sees it.

    Attributes
    ----------
    prevalence
        Share of each class.
    confusion
        Raters x class x label: probability of each label given the class.
    posterior
        Items x classes.
    accuracy, youden
        Per rater: sum of prevalence times the confusion's diagonal; and
        (q mean diagonal - 1) / (q - 1), for two classes sensitivity + specificity - 1. NaN for
        raters with fewer than 10 items.
    converged
        Whether the likelihood had settled within 5,000 rounds.
    undefined
        `too_few_clusters` for fewer than 3 raters: then arrays are empty.
    """

    prevalence: Floats
    confusion: Floats
    posterior: Floats
    accuracy: Floats
    youden: Floats
    log_likelihood: float
    converged: bool
    undefined: Undefined | None = None

    @property
    def classes(self) -> Ints:
        """The likeliest class of each item."""
        return np.asarray(self.posterior.argmax(axis=1))


@dataclass(frozen=True, slots=True)
class OthersAgreement:
    """Share of a rater's votes that equal the majority of the others; its interval is Wilson's.

    Items on which the others have no single majority are left out.
    """

    rater: int
    items: int
    share: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    items: Ints
    raters: Ints
    labels: Ints
    shape: tuple[int, int, int]

    def votes(self) -> Floats:
        """Items x classes: how often each label was given."""
        items, _, classes = self.shape
        cells = np.bincount(self.items * classes + self.labels, minlength=items * classes)
        return cells.reshape(items, classes).astype(float)

    def expected_confusion(self, posterior: Floats) -> Floats:
        """Raters x classes x labels: expected counts."""
        _, raters, classes = self.shape
        cells = self.raters * classes + self.labels
        counts = [
            np.bincount(cells, posterior[self.items, k], raters * classes) for k in range(classes)
        ]
        stacked = np.asarray(counts, dtype=float).reshape(classes, raters, classes)
        return stacked.transpose(1, 0, 2)

    def log_posterior(self, prevalence: Floats, confusion: Floats) -> Floats:
        """Items x classes, not normalised."""
        items, _, classes = self.shape
        with np.errstate(divide="ignore"):
            logs, total = np.log(confusion), np.tile(np.log(prevalence), (items, 1))
        for k in range(classes):
            total[:, k] += np.bincount(self.items, logs[self.raters, k, self.labels], items)
        return total


def dawid_skene(
    items: ArrayLike,
    raters: ArrayLike,
    labels: ArrayLike,
    *,
    classes: int,
    smoothing: float = 1.0,
) -> Consensus:
    """Dawid & Skene (1979, Appl Stat 28:20) by EM from the vote shares of each item.

    Parameters
    ----------
    items, raters, labels
        Codes 0 .. of one label each; a rater may label an item several times. With labels left
        and right, an uneven confusion matrix shows a side bias.
    classes
        Number of labels that a rater could give.
    smoothing
        Added to every expected count of the confusion matrices: 1 (Laplace), or 0 for maximum
        likelihood.

    Raises
    ------
    ValueError
        A code is negative, a label is not below `classes`, or an item has no label.
    """

    def confusion(expected: Floats) -> Floats:
        smoothed = expected + smoothing
        rows = smoothed.sum(axis=2, keepdims=True)
        return np.where(rows > 0, smoothed / np.where(rows > 0, rows, 1), 1 / classes)

    return _expectation_maximisation(_coded(items, raters, labels, classes), confusion)


def one_coin(
    items: ArrayLike,
    raters: ArrayLike,
    labels: ArrayLike,
    *,
    classes: int,
    smoothing: float = 1.0,
) -> Consensus:
    """Dawid & Skene with one accuracy per rater, its errors spread evenly over other labels.

    Parameters and errors as for `dawid_skene`.
    """

    def confusion(expected: Floats) -> Floats:
        right = np.trace(expected, axis1=1, axis2=2) + smoothing
        total = expected.sum(axis=(1, 2)) + classes * smoothing
        accuracy = (right / total)[:, None, None]
        errors: Floats = np.where(
            np.eye(classes, dtype=bool), accuracy, (1 - accuracy) / (classes - 1)
        )
        return errors

    return _expectation_maximisation(_coded(items, raters, labels, classes), confusion)


def agreement_with_others(
    items: ArrayLike, raters: ArrayLike, labels: ArrayLike, *, classes: int
) -> tuple[OthersAgreement, ...]:
    """Leave-one-out agreement of each rater, in the order of the codes.

    Never compared with a majority that holds the rater's own vote, which would flatter.
    """
    given = _coded(items, raters, labels, classes)
    others = given.votes()[given.items] - np.eye(classes)[given.labels]
    top = others.max(axis=1)
    decided = (top > 0) & ((others == top[:, None]).sum(axis=1) == 1)
    same = decided & (others.argmax(axis=1) == given.labels)
    count = given.shape[1]
    agreeing, compared = (np.bincount(given.raters, flags, count) for flags in (same, decided))
    return tuple(
        OthersAgreement(rater, int(n), _share(int(c), int(n)))
        for rater, (c, n) in enumerate(zip(agreeing, compared, strict=True))
    )


def _share(count: int, n: int) -> Estimate:
    if n == 0:
        return Estimate(None, undefined=Undefined.NO_VOTES)
    return Estimate(count / n, interval=wilson(count, n))


def _coded(items: ArrayLike, raters: ArrayLike, labels: ArrayLike, classes: int) -> _Labels:
    i, j, k = (np.asarray(codes, dtype=np.int64) for codes in (items, raters, labels))
    if i.size and (min(i.min(), j.min(), k.min()) < 0 or k.max() >= classes):
        raise ValueError(f"codes are 0 or more, and labels below {classes}")
    if len(np.unique(i)) <= i.max(initial=-1):
        raise ValueError("every item needs a label")
    return _Labels(i, j, k, (int(i.max(initial=-1)) + 1, int(j.max(initial=-1)) + 1, classes))


def _expectation_maximisation(given: _Labels, confusion: Callable[[Floats], Floats]) -> Consensus:
    if len(np.unique(given.raters)) < MIN_RATERS:
        empty = np.empty(0)
        nothing = (empty, np.empty((0, 0, 0)), np.empty((0, 0)), empty, empty, 0.0, False)
        return Consensus(*nothing, undefined=Undefined.TOO_FEW_CLUSTERS)
    votes = given.votes()
    posterior = votes / votes.sum(axis=1, keepdims=True)
    last, converged = -np.inf, False
    for _ in range(ITERATIONS):
        prevalence = posterior.mean(axis=0)
        matrices = confusion(given.expected_confusion(posterior))
        joint = given.log_posterior(prevalence, matrices)
        by_item = logsumexp(joint, axis=1)
        posterior, likelihood = np.exp(joint - by_item[:, None]), float(by_item.sum())
        converged = abs(likelihood - last) < TOLERANCE * max(1.0, abs(likelihood))
        if converged:
            break
        last = likelihood
    if given.shape[2] == 2 and _accuracy(prevalence, matrices).mean() < 0.5:
        prevalence, matrices, posterior = prevalence[::-1], matrices[:, ::-1], posterior[:, ::-1]
    known = _items_per_rater(given) >= MIN_ITEMS
    classes = given.shape[2]
    youden = (np.trace(matrices, axis1=1, axis2=2) - 1) / (classes - 1)
    return Consensus(
        prevalence=prevalence,
        confusion=matrices,
        posterior=posterior,
        accuracy=np.where(known, _accuracy(prevalence, matrices), np.nan),
        youden=np.where(known, youden, np.nan),
        log_likelihood=likelihood,
        converged=converged,
    )


def _accuracy(prevalence: Floats, confusion: Floats) -> Floats:
    return np.asarray(np.diagonal(confusion, axis1=1, axis2=2) @ prevalence)


def _items_per_rater(given: _Labels) -> Ints:
    pairs = np.unique(given.raters * given.shape[0] + given.items)
    return np.bincount(pairs // given.shape[0], minlength=given.shape[1])
