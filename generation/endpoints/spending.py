"""What clips have cost so far: recorded and estimated, which are never mixed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum

from generation.costs import as_money
from generation.models import AttemptQuerySet


@dataclass(frozen=True)
class Spent:
    """In one currency; `unknown` counts what was sent at a price that nobody knows."""

    currency: str
    recorded: Decimal = Decimal(0)
    estimated: Decimal = Decimal(0)
    unknown: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.currency,
            self.recorded + other.recorded,
            self.estimated + other.estimated,
            self.unknown + other.unknown,
        )

    def __str__(self) -> str:
        parts = [
            f"{as_money(self.recorded, self.currency)} recorded" if self.recorded else "",
            f"{as_money(self.estimated, self.currency)} estimated" if self.estimated else "",
            f"{self.unknown} sent at an unknown price" if self.unknown else "",
        ]
        return ", ".join(filter(None, parts)) or as_money(Decimal(0), self.currency)


def spent_by_model(attempts: AttemptQuerySet) -> dict[int, Spent]:
    """By the model's primary key; what was refused, or never arrived, is not counted."""
    rows = attempts.charged().order_by().values_list("endpoint__model", "endpoint__currency")
    sums = rows.annotate(
        recorded=Sum("cost", filter=Q(is_cost_told=True)),
        estimated=Sum("cost", filter=Q(is_cost_told=False)),
        unknown=Count("pk", filter=Q(cost=None)),
    )
    return {
        model: Spent(currency, recorded or Decimal(0), estimated or Decimal(0), unknown)
        for model, currency, recorded, estimated, unknown in sums
    }


def by_currency(parts: Iterable[Spent]) -> list[Spent]:
    """Added up, as far as they can be."""
    found: dict[str, Spent] = {}
    for part in parts:
        found[part.currency] = found.get(part.currency, Spent(part.currency)) + part
    return list(found.values())
