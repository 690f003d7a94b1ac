from collections.abc import Iterator

import pytest

from tests.generation.stand_in import StandIn
from tests.generation.stand_in import running_stand_in as running_server
from tests.generation.standin import running_stand_in


@pytest.fixture
def stand_in():
    with running_stand_in() as server:
        yield server


@pytest.fixture
def server() -> Iterator[StandIn]:
    with running_server() as server:
        yield server
