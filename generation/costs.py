"""What clips cost: as their endpoint tells it, else by the prices in the endpoint's row."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from generation.adapters.base import Adapter, EndpointRow
from generation.adapters.registry import seconds_asked


class PricedRow(EndpointRow, Protocol):
    """An endpoint whose clips have prices, as far as they are known."""

    @property
    def cost_per_job(self) -> Decimal | None: ...

    @property
    def cost_per_second(self) -> Decimal | None: ...


def estimated_cost(
    endpoint: PricedRow, seconds: float | None = None, *, adapter: Adapter | None = None
) -> Decimal | None:
    """What a clip costs by the endpoint's prices per clip and per second.

    Parameters
    ----------
    seconds
        How long the clip is; without it, as long as the endpoint's parameters ask for.
    adapter
        The endpoint's adapter, if it was built already.

    Returns
    -------
    Decimal or None
        None where the prices cannot tell: there are none, or nobody knows how long the clip is.
    """
    if endpoint.cost_per_second is None:
        return endpoint.cost_per_job
    length = seconds_asked(endpoint, adapter) if seconds is None else seconds
    if length is None:
        return None
    by_length = endpoint.cost_per_second * Decimal(str(length))
    return round((endpoint.cost_per_job or Decimal(0)) + by_length, 6)


def as_money(amount: Decimal, currency: str) -> str:
    """Two decimals, or more where they matter, and the currency: 12.40 USD, 0.0005 USD."""
    exact = amount.normalize()
    places = 2 if abs(amount) >= 1 or not amount else max(2, 1 - exact.adjusted())
    return f"{amount:,.{places}f} {currency}".rstrip()
