"""One experiment per cell: votes with a known truth, and which intervals hold it.

Every cell takes a number of runs and a generator, and gives the share of runs in which each
interval held the truth. The estimators are those of the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import binom, multinomial, norm

from analysis.core.agreement import measure_agreement
from analysis.core.bradley_terry import fit_strengths, maximise_likelihood
from analysis.core.clusters import clustered_share, clustered_share_t, two_way_share
from analysis.core.contests import contests_of_scores
from analysis.core.estimates import Interval
from analysis.core.intervals import clopper_pearson, jeffreys, tango, two_sided_z, wilson
from analysis.core.protocol_arms import compare_arms
from analysis.core.sequential import Stop, beta_binomial_path, decide, hedged_path

Shares = dict[str, float]
Rng = np.random.Generator


def holds(interval: Interval | None, truth: float) -> bool:
    """An interval that could not be made holds nothing."""
    return interval is not None and interval.lower <= truth <= interval.upper


def majority(runs: int, rng: Rng, *, prompts: int, win_rate: float) -> Shares:
    """Exact, not simulated: verdicts of independent prompts, given the panel."""
    methods = {"wilson": wilson, "clopper-pearson": clopper_pearson, "jeffreys": jeffreys}
    chances = binom.pmf(np.arange(prompts + 1), prompts, win_rate)
    return {
        name: sum(chance for s, chance in enumerate(chances) if holds(method(s, prompts), win_rate))
        for name, method in methods.items()
    }


def net(runs: int, rng: Rng, *, prompts: int, win: float, tie: float) -> Shares:
    """Exact: verdicts with ties."""
    outcomes = [(w, t, prompts - w - t) for w in range(prompts + 1) for t in range(prompts + 1 - w)]
    chances = multinomial.pmf(outcomes, prompts, [win, tie, 1 - win - tie])
    truth = win - (1 - win - tie)
    likely = np.flatnonzero(chances > 1e-9)
    return {"tango": sum(chances[i] for i in likely if holds(tango(*outcomes[i]), truth))}


def votes_of_prompts(
    runs: int, rng: Rng, *, prompts: int, raters: int, mean: float, icc: float, items: int = 1
) -> Shares:
    """Beta-binomial votes; `items` items of a prompt share its taste."""
    scale = (1 - icc) / icc

    def intervals() -> dict[str, Interval | None]:
        taste = rng.beta(mean * scale, (1 - mean) * scale, prompts)
        wins = rng.binomial(raters * items, taste)
        sizes = np.full(prompts, raters * items)
        return {
            "naive wilson": wilson(wins.sum(), sizes.sum()),
            "prompt t": clustered_share_t(wins, sizes).interval,
            "wilson, effective n": clustered_share(wins, sizes).interval,
        }

    return _covered(runs, intervals, mean)


def votes_of_raters(
    runs: int, rng: Rng, *, prompts: int, panel: int, raters: int, rater_sd: float
) -> Shares:
    """Raters with a taste of their own; the truth is that of new prompts and new raters."""
    centre, prompt_sd = 0.5, 1.0
    truth = _mean_probability(centre, prompt_sd, rater_sd)

    def intervals() -> dict[str, Interval | None]:
        judges = np.argsort(rng.random((prompts, panel)), axis=1)[:, :raters]
        logits = centre + rng.normal(0, prompt_sd, (prompts, 1))
        logits = logits + rng.normal(0, rater_sd, panel)[judges]
        scores = rng.random(logits.shape) < expit(logits)
        prompt = np.arange(prompts).repeat(raters)
        two_way = two_way_share(scores.ravel(), prompt, judges.ravel())
        return {
            "naive wilson": wilson(scores.sum(), scores.size),
            "wilson, prompts only": clustered_share(
                scores.sum(axis=1), np.full(prompts, raters)
            ).interval,
            "two-way t": two_way.share.interval,
        }

    return _covered(runs, intervals, truth)


def panel_majority(
    runs: int, rng: Rng, *, prompts: int, panel: int, raters: int, rater_sd: float
) -> Shares:
    """Wilson on majority verdicts: for this panel, and wrongly for new raters."""
    centre, prompt_sd, many = 0.5, 1.0, 20_000
    everywhere = _majority_win_rate(centre, prompt_sd, rater_sd, raters)
    covered = {"wilson, this panel": 0, "wilson, new raters": 0}

    def verdicts(count: int, tastes: np.ndarray) -> np.ndarray:
        judges = np.argsort(rng.random((count, panel)), axis=1)[:, :raters]
        logits = centre + rng.normal(0, prompt_sd, (count, 1)) + tastes[judges]
        return (rng.random(logits.shape) < expit(logits)).sum(axis=1) > raters / 2

    for _ in range(runs):
        tastes = rng.normal(0, rater_sd, panel)
        interval = wilson(int(verdicts(prompts, tastes).sum()), prompts)
        covered["wilson, this panel"] += holds(interval, verdicts(many, tastes).mean())
        covered["wilson, new raters"] += holds(interval, everywhere)
    return {name: count / runs for name, count in covered.items()}


def strengths(
    runs: int, rng: Rng, *, prompts: int, raters: int, tau: float, tie_rate: float = 0.0
) -> Shares:
    """Four models with prompt effects; the truth is the fit to the expected win rates."""
    line = np.array([0.5, 0.2, -0.2, -0.5])
    first, second = np.triu_indices(4, 1)
    wins = np.zeros((4, 4))
    for i, j in zip(first, second, strict=True):
        p = _mean_probability(line[i] - line[j], tau, tau)
        wins[i, j] = (1 - tie_rate) * p + tie_rate / 2
        wins[j, i] = 1 - wins[i, j]
    truth = maximise_likelihood(wins)
    names = ("model", "sandwich z", "sandwich t")
    covered = dict.fromkeys(names, 0)
    prompt = np.arange(prompts).repeat(len(first) * raters)
    pair = np.tile(np.arange(len(first)).repeat(raters), prompts)
    for _ in range(runs):
        effects = line + rng.normal(0, tau, (prompts, 4))
        chance = expit(effects[prompt, first[pair]] - effects[prompt, second[pair]])
        scores = np.where(rng.random(len(pair)) < chance, 1.0, 0.0)
        scores[rng.random(len(pair)) < tie_rate] = 0.5
        fit = fit_strengths(
            contests_of_scores("abcd", first[pair], second[pair], scores, prompts=prompt)
        )
        for i, j in zip(first, second, strict=True):
            estimate, v = fit.difference("abcd"[i], "abcd"[j]), fit.model_covariance
            gap = abs(estimate.value - truth[i] + truth[j])
            model_se = np.sqrt(v[i, i] + v[j, j] - 2 * v[i, j])
            covered["model"] += gap <= two_sided_z(0.95) * model_se
            covered["sandwich z"] += gap <= two_sided_z(0.95) * estimate.se
            covered["sandwich t"] += holds(estimate.interval, truth[i] - truth[j])
    return {name: count / runs / len(first) for name, count in covered.items()}


def reasons(runs: int, rng: Rng, *, prompts: int, raters: int, citing: float) -> Shares:
    """A reason cited with wins of A; wins and citations vary with the prompt."""
    truth = _reason_truth(citing)

    def intervals() -> dict[str, Interval | None]:
        mood = rng.normal(0, 1, (prompts, 1))
        won = rng.random((prompts, raters)) < expit(0.5 + 0.8 * mood)
        cited = won & (rng.random((prompts, raters)) < expit(citing + 0.8 * mood))
        totals, sizes = cited.sum(axis=1), won.sum(axis=1)
        totals, sizes = totals[sizes > 0], sizes[sizes > 0]
        return {
            "naive wilson": wilson(totals.sum(), sizes.sum()),
            "prompt t": clustered_share_t(totals, sizes).interval,
            "wilson, effective n": clustered_share(totals, sizes).interval,
        }

    return _covered(runs, intervals, truth)


def looks(runs: int, rng: Rng, *, win_rate: float, items: int = 1_000) -> Shares:
    """Whether a sequence holds the truth at every look, and Wilson at all of them."""
    n = np.arange(1, items + 1)
    z = two_sided_z(0.95)
    covered = {"beta-binomial, all looks": 0, "wilson, all looks": 0, "beta-binomial, at stop": 0}
    for _ in range(runs):
        x = (rng.random(items) < win_rate).astype(float)
        path = beta_binomial_path(x)
        covered["beta-binomial, all looks"] += holds(path.at(items), win_rate)
        p = np.cumsum(x) / n
        # Wilson's interval holds the truth where the score test accepts it.
        accepted = np.abs(p - win_rate) <= z * np.sqrt(win_rate * (1 - win_rate) / n)
        covered["wilson, all looks"] += bool(accepted.all())
        decision = decide(path, most_items=items)
        covered["beta-binomial, at stop"] += holds(decision.interval, win_rate)
        assert decision.stop in (Stop.WINNER, Stop.FUTILE)
    return {name: count / runs for name, count in covered.items()}


def hedged_looks(runs: int, rng: Rng, *, win: float, tie: float, items: int = 1_000) -> Shares:
    """The hedged sequence on wins, ties and losses."""
    truth = win + tie / 2
    chances = [win, tie, 1 - win - tie]
    paths = (hedged_path(rng.choice([1, 0.5, 0], items, p=chances)) for _ in range(runs))
    return {"hedged, all looks": sum(holds(path.at(items), truth) for path in paths) / runs}


def kappas(runs: int, rng: Rng, *, prompts: int, raters: int, mean: float, icc: float) -> Shares:
    """Beta-binomial votes, whose kappa tends to the intraclass correlation."""
    scale = (1 - icc) / icc
    observed = icc + (1 - icc) * (mean**2 + (1 - mean) ** 2)
    chance = 2 * mean * (1 - mean)
    truths = {
        "pairwise": observed,
        "fleiss_kappa": icc,
        "gwet_ac1": (observed - chance) / (1 - chance),
        "brennan_prediger": 2 * observed - 1,
    }
    covered = dict.fromkeys(truths, 0)
    for _ in range(runs):
        wins = rng.binomial(raters, rng.beta(mean * scale, (1 - mean) * scale, prompts))
        agreement = measure_agreement(np.column_stack([wins, raters - wins]))
        for name, truth in truths.items():
            covered[name] += holds(getattr(agreement, name).interval, truth)
    return {name: count / runs for name, count in covered.items()}


def arm_tests(runs: int, rng: Rng, *, prompts: int) -> Shares:
    """How often two equal arms are not called different at the 5% level."""
    accepted = {"complete": 0, "fleiss_kappa": 0}
    for _ in range(runs):
        taste = rng.beta(1.4, 0.93, prompts)
        arms = [np.column_stack([w, 5 - w]) for w in rng.binomial(5, taste, (2, prompts))]
        for difference in compare_arms(*arms, same_items=True, rng=rng, draws=500):
            if difference.statistic in accepted:
                accepted[difference.statistic] += difference.test.p_value > 0.05
    return {f"{name}, not rejected": count / runs for name, count in accepted.items()}


def _covered(
    runs: int, intervals: Callable[[], dict[str, Interval | None]], truth: float
) -> Shares:
    drawn: Iterable[dict[str, Interval | None]] = (intervals() for _ in range(runs))
    covered: dict[str, int] = {}
    for found in drawn:
        for name, interval in found.items():
            covered[name] = covered.get(name, 0) + holds(interval, truth)
    return {name: count / runs for name, count in covered.items()}


@cache
def _mean_probability(centre: float, sd: float, other_sd: float) -> float:
    """E expit(centre + normal effects)."""
    spread = float(np.hypot(sd, other_sd))
    if spread == 0:
        return float(expit(centre))
    return quad(lambda x: expit(centre + spread * x) * norm.pdf(x), -9, 9)[0]


@cache
def _majority_win_rate(centre: float, sd: float, rater_sd: float, raters: int) -> float:
    """E P(most of K raters prefer A), each rater drawn anew."""

    def at(x: float) -> float:
        p = _mean_probability(centre + sd * x, 0.0, rater_sd)
        return float(binom.sf(raters // 2, raters, p)) * norm.pdf(x)

    nodes = np.linspace(-6, 6, 241)
    return float(np.trapezoid([at(x) for x in nodes], nodes))


@cache
def _reason_truth(citing: float) -> float:
    """E(cited) / E(won) over prompts."""
    won = quad(lambda x: expit(0.5 + 0.8 * x) * norm.pdf(x), -9, 9)[0]
    cited = quad(lambda x: expit(0.5 + 0.8 * x) * expit(citing + 0.8 * x) * norm.pdf(x), -9, 9)[0]
    return cited / won
