"""Votes and studies that several tests share."""

from pathlib import Path

import pytest

from annotations.models import Study
from tests.annotations.factories import judge, make_rater, make_study

ORACLES = Path(__file__).parent / "oracles"
EXAMPLES = Path(__file__).parents[2] / "examples" / "votes"
SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.exists(), reason="real votes are not part of the project"
)


def judged_study(*choices: str, **settings) -> Study:
    """A study of one comparison, each rater choosing a side on both axes."""
    study = make_study(**{"raters_per_comparison": 5, **settings})
    for number, choice in enumerate(choices):
        judge(make_rater(study, f"panel-secret-{number}"), choice)
    return study
