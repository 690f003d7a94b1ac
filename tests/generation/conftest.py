from collections.abc import Iterator

import pytest

from tests.generation.stand_in import StandIn, running_stand_in


@pytest.fixture
def server() -> Iterator[StandIn]:
    with running_stand_in() as server:
        yield server
