"""What can go wrong, in words for the person who meets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _


class JuiceError(Exception):
    """A rule said no. The message tells what happened, why, and what to do."""


class StimulusRefused(JuiceError):
    """A file cannot become a stimulus."""


class ImportRefused(JuiceError):
    """An import with bad rows; nothing of it was written.

    Attributes
    ----------
    problems
        One sentence per bad row, each naming its line.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        rows = "1 row" if len(self.problems) == 1 else f"{len(self.problems)} rows"
        super().__init__(f"Nothing was imported: {rows} cannot be used.")


class TransitionRefused(JuiceError):
    """The study cannot go into that state now."""


class TranslationRefused(JuiceError):
    """The text cannot be given in that language."""


class ProtocolFrozen(JuiceError):
    """What raters were asked cannot change once there are judgments."""

    def __init__(self) -> None:
        super().__init__(
            "This study has judgments, so what raters are asked is frozen. "
            "Make a new study to ask something else."
        )


class ConsentMissing(JuiceError):
    """The study asks for consent, and the rater has not given it."""

    def __init__(self) -> None:
        super().__init__(_("Please tick that you agree before you start."))


class CheckRefused(JuiceError):
    """The pair cannot become a check."""


class RevisionRefused(JuiceError):
    """The earlier answer cannot be changed."""


class ExclusionRefused(JuiceError):
    """The rater cannot be excluded."""


class StudyNotOpen(JuiceError):
    """Raters cannot be given work now."""

    def __init__(self, why: str = "") -> None:
        super().__init__(why or _("This study is not open at the moment. Please come back later."))


class StudyOver(StudyNotOpen):
    """The study takes nobody any more."""


class ShareReached(StudyNotOpen):
    """The rater has judged as much of the study as one person may."""


class PartEnded(StudyNotOpen):
    """This rater's part has ended, while the study goes on."""


class EntryRefused(JuiceError):
    """This person may not take part in the study."""


class InviteRefused(EntryRefused):
    """The personal link does not open the study."""


class PreviewOnly(EntryRefused):
    """The panel shows the study to somebody who has not taken it yet."""


class InvitesNotMade(JuiceError):
    """Personal links cannot be made as asked."""


class WebhookRefused(JuiceError):
    """A message that the panel did not send, sent too long ago, or that says nothing."""


class StudyFileRefused(JuiceError):
    """The study's file for a panel cannot be made yet."""


class AssignmentNotFound(JuiceError):
    """No such assignment of this rater."""

    def __init__(self) -> None:
        super().__init__(_("This comparison was not given to you."))


class AnswersRefused(JuiceError):
    """Answers that are not complete or not possible; nothing was saved.

    Attributes
    ----------
    by_axis
        Sentences per axis key; the key "" holds what concerns the whole page.
    """

    def __init__(self, by_axis: Mapping[str, Sequence[str]]) -> None:
        self.by_axis = {key: list(problems) for key, problems in by_axis.items()}
        super().__init__(" ".join(text for texts in self.by_axis.values() for text in texts))


class SubmissionConflict(JuiceError):
    """The comparison already has another answer of this rater."""


class SeatGivenAway(JuiceError):
    """The answer came too late: the lease ran out and another rater has the seat."""
