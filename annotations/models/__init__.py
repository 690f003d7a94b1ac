"""The instrument's tables. See docs/concepts.md for what each word means."""

from annotations.models.comparison import Comparison, Rendition
from annotations.models.importing import ClipImport, ImportRow
from annotations.models.rating import Assignment, Judgment, Rater
from annotations.models.stimulus import GenerativeModel, Prompt, Stimulus
from annotations.models.study import (
    Axis,
    ModelPair,
    Reason,
    Study,
    StudyModel,
    StudyPrompt,
    StudyText,
)

__all__ = [
    "Assignment",
    "Axis",
    "ClipImport",
    "Comparison",
    "GenerativeModel",
    "ImportRow",
    "Judgment",
    "ModelPair",
    "Prompt",
    "Rater",
    "Reason",
    "Rendition",
    "Stimulus",
    "Study",
    "StudyModel",
    "StudyPrompt",
    "StudyText",
]
