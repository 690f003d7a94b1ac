"""Reference cases with their sources; see `source` and `how_verified` in each file."""

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from tests.analysis.studies import ORACLES

OPEN_STUDY_ARMS = {"justify": "juice", "plain": "plain"}
OPEN_STUDY_CHOICES = {"A": "model_a", "B": "model_b", "T": "tie", "tie": "tie"}


@pytest.fixture(scope="session")
def oracle() -> Callable[[str], dict[str, Any]]:
    def read(name: str) -> dict[str, Any]:
        return json.loads((ORACLES / f"{name}.json").read_text())

    return read


@pytest.fixture(scope="session")
def open_study() -> pd.DataFrame:
    """The simulated study behind `study_open.json` as a raw vote table."""
    rows = pd.read_csv(ORACLES / "study_open.csv", dtype=str, keep_default_na=False)
    rows = rows[rows["choice"].ne("")]
    return pd.DataFrame(
        {
            "comparison_id": rows["item"],
            "prompt_id": rows["prompt"],
            "axis": rows["axis"],
            "model_a": rows["model_a"],
            "model_b": rows["model_b"],
            "winner": rows["choice"].map(OPEN_STUDY_CHOICES),
            "reasons": rows["reasons"].str.replace("|", ";"),
            "rater": rows["rater"],
            "side_a": (rows["left_model"] == "A").map({True: "left", False: "right"}),
            "protocol": rows["arm"].map(OPEN_STUDY_ARMS),
            "is_gold": rows["is_gold"],
            "duration_ms": rows["seconds"].map(lambda text: float(text) * 1000 if text else ""),
        }
    )
