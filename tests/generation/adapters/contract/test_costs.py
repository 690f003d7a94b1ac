"""What a clip cost, where the provider tells it in its answer.

Where the numbers stand: Runway's `cost.credits` (its SDK, 5.24.0), fal's header
`x-fal-billable-units` (fal.ai/docs, "Publishing to the marketplace"), Replicate's
`metrics.predict_time` (replicate.com/docs) and the `usage` of OpenAI's images.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.generation.adapters.contract import shapes
from tests.generation.adapters.contract.conftest import Subject, adapter_for
from tests.generation.stand_in import Answer

RESULT = "GET /v1/fal-ai/wan/requests/r-1"


def subject_of(make, provider, target, **options) -> Subject:
    made = Subject(make(provider.url), provider, target)
    options = {**made.shape.options, **options}
    made.adapter = adapter_for(made.shape, provider.url, options=options)
    return made


def test_runway_tells_credits(provider, target):
    assert subject_of(shapes.runway, provider, target).poll().cost == Decimal(25)


def test_credits_may_be_counted_in_money(provider, target):
    runway = subject_of(shapes.runway, provider, target, prices={"cost.credits": "0.01"})
    assert runway.poll().cost == Decimal("0.25")


def test_fal_tells_units_in_a_header(provider, target):
    prices = {"x-fal-billable-units": "0.03"}
    fal = subject_of(shapes.fal, provider, target, prices=prices)
    result = provider.routes[RESULT].body
    fal.answering(RESULT, Answer(200, result, {"X-Fal-Billable-Units": "3.008"}))
    done = fal.poll()
    assert done.cost == Decimal("0.09024")
    assert done.raw["x-fal-billable-units"] == "3.008"


def test_replicate_tells_seconds_of_work(provider, target):
    prices = {"metrics.predict_time": 0.000725}
    assert subject_of(shapes.replicate, provider, target, prices=prices).poll().cost == Decimal(
        "0.030450"
    )


def test_images_tell_tokens_of_two_prices(provider, target):
    prices = {"usage.input_tokens": "0.000005", "usage.output_tokens": "0.00004"}
    images = subject_of(shapes.openai_images, provider, target, prices=prices)
    usage = {"input_tokens": 50, "output_tokens": 1000, "total_tokens": 1050}
    images.answering(images.shape.submit, {**images.shape.accepted, "usage": usage})
    assert images.submit().cost == Decimal("0.04025")


def test_a_gateway_may_tell_the_cost_itself(provider, target):
    gateway = subject_of(shapes.openai_videos, provider, target, prices={"usage.cost": 1})
    gateway.answering(gateway.shape.poll, {**gateway.shape.done, "usage": {"cost": 0.4}})
    assert gateway.poll().cost == Decimal("0.4")


@pytest.mark.parametrize("units", [None, "many", -1, True, float("nan"), {"n": 1}, 1e12])
def test_what_is_no_amount_is_no_cost(provider, target, units):
    prices = {"metrics.predict_time": 1}
    replicate = subject_of(shapes.replicate, provider, target, prices=prices)
    replicate.answering(
        replicate.shape.poll, {**replicate.shape.done, "metrics": {"predict_time": units}}
    )
    assert replicate.poll().cost is None


def test_a_number_that_is_missing_makes_the_whole_unknown(provider, target):
    prices = {"metrics.predict_time": 1, "metrics.images": 1}
    assert subject_of(shapes.replicate, provider, target, prices=prices).poll().cost is None


def test_without_a_price_nothing_is_told(provider, target):
    assert subject_of(shapes.replicate, provider, target).poll().cost is None


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        (["metrics.predict_time"], "is an object"),
        ({"metrics.predict_time": "cheap"}, "metrics.predict_time is no amount"),
        ({"metrics.predict_time": -1}, "metrics.predict_time is no amount"),
    ],
)
def test_prices_that_are_none_are_named(provider, target, prices, words):
    [problem] = subject_of(shapes.replicate, provider, target, prices=prices).adapter.problems()
    assert words in problem
