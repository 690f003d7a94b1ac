"""The instrument's tables. See docs/concepts.md for what each word means."""

from annotations.models.amendment import Amendment
from annotations.models.checks import Check, CheckPlan
from annotations.models.comparison import Comparison, Rendition
from annotations.models.importing import ClipImport, ImportRow
from annotations.models.panel import Invite, PanelEvent, Recruitment
from annotations.models.rating import Assignment, Judgment, Rater, Revision
from annotations.models.roster import RosterEntry
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
from annotations.models.trouble import Trouble

__all__ = [
    "Amendment",
    "Assignment",
    "Axis",
    "Check",
    "CheckPlan",
    "ClipImport",
    "Comparison",
    "GenerativeModel",
    "ImportRow",
    "Invite",
    "Judgment",
    "ModelPair",
    "PanelEvent",
    "Prompt",
    "Rater",
    "Reason",
    "Recruitment",
    "Rendition",
    "Revision",
    "RosterEntry",
    "Stimulus",
    "Study",
    "StudyModel",
    "StudyPrompt",
    "StudyText",
    "Trouble",
]
