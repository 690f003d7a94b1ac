"""Maximum likelihood by damped Newton steps, for concave log-likelihoods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEP = 1e-10
SETTLED = 1e-6
ITERATIONS = 200
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A log-likelihood at one point; `information` is minus its second derivatives."""

    value: float
    gradient: Floats
    information: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Where the log-likelihood is largest, and the curve there."""

    point: Floats
    curve: Curve


class NotConvergedError(ArithmeticError):
    """The likelihood has no finite maximum, or none was found."""


def maximise(likelihood: Callable[[Floats], Curve], start: Floats) -> Maximum:
    """The maximum of a concave function from `start`; steps are halved until they climb.

    Millions of votes leave more than 1e-10 of rounding in a step: below 1e-6, where steps shrink
    quadratically, one that is not half of the step before it is rounding, and the last.

    Raises
    ------
    NotConvergedError
        No step that small within 200 iterations, or information that cannot be inverted.
    """
    point, curve, before = start, likelihood(start), np.inf
    for _ in range(ITERATIONS):
        try:
            step = np.linalg.solve(curve.information, curve.gradient)
        except np.linalg.LinAlgError as error:
            raise NotConvergedError("the information matrix is singular") from error
        scale = 1.0
        while not (further := likelihood(point + scale * step)).value >= _at_least(curve.value):
            scale /= 2
            if scale < STEP:
                raise NotConvergedError("no step along Newton's direction climbs")
        point, curve = point + scale * step, further
        size = float(np.abs(step).max())
        if size < STEP or before / 2 < size < SETTLED:
            return Maximum(point, curve)
        before = size
    raise NotConvergedError(f"no maximum within {ITERATIONS} Newton steps")


def _at_least(value: float) -> float:
    return value - ROUNDING * max(1.0, abs(value))
