"""Simulated votes of any size, without a loop over votes."""

from __future__ import annotations

import numpy as np
import pandas as pd

REASONS = ("sharpness", "motion", "consistency", "recognizable", "amount")
AXES = ("quality", "faithfulness")


def study(
    prompts: int, raters_per_item: int, rng: np.random.Generator, panel: int = 200
) -> pd.DataFrame:
    """A raw vote table of one model pair, two axes, with reasons, sides and times."""
    shape = prompts, raters_per_item
    prompt = np.arange(prompts).repeat(raters_per_item)
    start = rng.integers(panel, size=(prompts, 1))
    rater = ((start + np.arange(raters_per_item)) % panel).ravel()
    liking = rng.beta(1.8, 1.2, size=(prompts, 1))
    subsets = np.array(
        [";".join(r for i, r in enumerate(REASONS) if bits >> i & 1) for bits in range(1, 32)],
        dtype=object,
    )
    sides = np.array(["left", "right"], dtype=object)
    tables = []
    for axis in AXES:
        votes = prompts * raters_per_item
        for_a = (rng.random(shape) < liking).ravel()
        tables.append(
            pd.DataFrame(
                {
                    "prompt_id": named("p", prompts)[prompt],
                    "axis": axis,
                    "model_a": "ours",
                    "model_b": "theirs",
                    "winner": np.where(for_a, "model_a", "model_b").astype(object),
                    "reasons": subsets[rng.integers(len(subsets), size=votes)],
                    "rater": named("r", panel)[rater],
                    "side_a": sides[rng.integers(2, size=votes)],
                    "duration_ms": rng.integers(4_000, 60_000, size=votes),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def contests(
    models: int, votes: int, prompts: int, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """First model, second model, score of the first and prompt, one entry per vote."""
    strengths = rng.normal(0, 0.8, models)
    first = rng.integers(models, size=votes)
    second = (first + rng.integers(1, models, size=votes)) % models
    chance = 1 / (1 + np.exp(strengths[second] - strengths[first]))
    scores = (rng.random(votes) < chance).astype(float)
    return first, second, scores, rng.integers(prompts, size=votes)


def study_of_many(models: int, votes: int, rng: np.random.Generator) -> pd.DataFrame:
    """A raw vote table of about as many model pairs as votes, each of a prompt of its own."""
    first, second, scores, _ = contests(models, votes, 1, rng)
    names = named("m", models)
    return pd.DataFrame(
        {
            "prompt_id": named("p", votes),
            "model_a": names[first],
            "model_b": names[second],
            "winner": np.where(scores > 0.5, "model_a", "model_b").astype(object),
        }
    )


def arena(
    models: int,
    votes: int,
    prompts: int,
    rng: np.random.Generator,
    *,
    pairs: int | None = None,
    ties: float = 0.1,
) -> pd.DataFrame:
    """A raw vote table of one vote per comparison, on so many pairs of models, or on any."""
    first, second, scores, prompt = contests(models, votes, prompts, rng)
    if pairs is not None:
        every = np.stack(np.triu_indices(models, 1), axis=1)
        chosen = every[rng.permutation(len(every))[:pairs]]
        again = rng.integers(pairs, size=votes - pairs)
        first, second = chosen[np.concatenate([np.arange(pairs), again])].T
    winner = np.where(scores > 0, "model_a", "model_b").astype(object)
    winner[rng.random(votes) < ties] = "tie"
    names = named("m", models)
    return pd.DataFrame(
        {
            "prompt_id": named("p", prompts)[prompt],
            "model_a": names[first],
            "model_b": names[second],
            "winner": winner,
        }
    )


def named(prefix: str, count: int) -> np.ndarray:
    return np.array([f"{prefix}{i:06d}" for i in range(count)], dtype=object)
