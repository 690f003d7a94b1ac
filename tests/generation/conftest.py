from collections.abc import Iterator

import pytest

from tests.generation.factories import ScriptedAdapter, call_through
from tests.generation.stand_in import StandIn, running_stand_in


@pytest.fixture
def server() -> Iterator[StandIn]:
    with running_stand_in() as server:
        yield server


@pytest.fixture
def adapter(monkeypatch) -> ScriptedAdapter:
    """What every endpoint is called through."""
    adapter = ScriptedAdapter()
    call_through(monkeypatch, lambda endpoint: adapter)
    return adapter


@pytest.fixture(autouse=True)
def private_files(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        },
    }
