from pathlib import Path

import pytest

SHARED_CLIPS = Path(__file__).resolve().parents[3] / "shared" / "clips"


@pytest.fixture
def shared_clips() -> Path:
    """Real clips beside the project, on machines that have them."""
    if not SHARED_CLIPS.is_dir():
        pytest.skip("needs ../shared/clips")
    return SHARED_CLIPS
