import pytest

from tests.generation.standin import running_stand_in


@pytest.fixture
def stand_in():
    with running_stand_in() as server:
        yield server
