"""What can go wrong, in words for the person who meets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.core.exceptions import BadRequest
from django.utils.translation import gettext as _


class JuiceError(Exception):
    """A rule said no. The message tells what happened, why, and what to do.

    `code` is the kind of error for programs; it stays when the words change. Its status over the
    web is in `annotations.api.problems`.
    """

    code = "refused"


class BadInput(JuiceError, BadRequest):
    """What was sent cannot be read as values: see `annotations.inputs`. Always HTTP 400."""

    code = "bad-input"


class StimulusRefused(JuiceError):
    """A file cannot become a stimulus."""

    code = "stimulus-refused"


class ImportRefused(JuiceError):
    """An import with bad rows; nothing of it was written.

    Attributes
    ----------
    problems
        One sentence per bad row, each naming its line.
    """

    code = "import-refused"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        rows = "1 row" if len(self.problems) == 1 else f"{len(self.problems)} rows"
        super().__init__(f"Nothing was imported: {rows} cannot be used.")


class TransitionRefused(JuiceError):
    """The study cannot go into that state now."""

    code = "transition-refused"


class NameRefused(JuiceError):
    """A study cannot have this short name."""

    code = "name-refused"


class TranslationRefused(JuiceError):
    """The text cannot be given in that language."""

    code = "translation-refused"


class ProtocolFrozen(JuiceError):
    """What raters were asked cannot change once there are judgments."""

    code = "protocol-frozen"

    def __init__(self) -> None:
        super().__init__(
            "This study has judgments, so what raters are asked is frozen. "
            "Make a new study to ask something else."
        )


class ConsentMissing(JuiceError):
    """The study asks for consent, and the rater has not given it."""

    code = "consent-missing"

    def __init__(self) -> None:
        super().__init__(_("Please tick that you agree before you start."))


class CheckRefused(JuiceError):
    """The comparison cannot become a check."""

    code = "check-refused"


class RevisionRefused(JuiceError):
    """The earlier answer cannot be changed."""

    code = "revision-refused"


class ExclusionRefused(JuiceError):
    """The rater cannot be excluded."""

    code = "exclusion-refused"


class StudyNotOpen(JuiceError):
    """Raters cannot be given work now."""

    code = "study-not-open"

    def __init__(self, why: str = "") -> None:
        super().__init__(why or _("This study is not open at the moment. Please come back later."))


class StudyOver(StudyNotOpen):
    """The study takes nobody any more."""

    code = "study-over"


class ShareReached(StudyNotOpen):
    """The rater has judged as much of the study as one person may."""

    code = "share-reached"


class PartEnded(StudyNotOpen):
    """This rater's part has ended, while the study goes on."""

    code = "part-ended"


class EntryRefused(JuiceError):
    """This person may not take part in the study."""

    code = "entry-refused"


class InviteRefused(EntryRefused):
    """The personal link does not open the study."""

    code = "invite-refused"


class PreviewOnly(EntryRefused):
    """The panel shows the study to somebody who has not taken it yet."""

    code = "preview-only"


class InvitesNotMade(JuiceError):
    """Personal links cannot be made as asked."""

    code = "invites-not-made"


class WebhookRefused(JuiceError):
    """A message that the panel did not send, sent too long ago, or that says nothing."""

    code = "webhook-refused"


class StudyFileRefused(JuiceError):
    """The study's file for a panel cannot be made yet."""

    code = "study-file-refused"


class AssignmentNotFound(JuiceError):
    """No such assignment of this rater."""

    code = "assignment-not-found"

    def __init__(self) -> None:
        super().__init__(_("This comparison was not given to you."))


class AnswersRefused(JuiceError):
    """Answers that are not complete or not possible; nothing was saved.

    Attributes
    ----------
    by_axis
        Sentences per axis key; the key "" holds what concerns the whole page.
    """

    code = "answers-refused"

    def __init__(self, by_axis: Mapping[str, Sequence[str]]) -> None:
        self.by_axis = {key: list(problems) for key, problems in by_axis.items()}
        super().__init__(" ".join(text for texts in self.by_axis.values() for text in texts))


class SubmissionConflict(JuiceError):
    """The comparison already has another answer of this rater."""

    code = "submission-conflict"


class SeatGivenAway(JuiceError):
    """The answer came too late: the lease ran out and another rater has the seat."""

    code = "seat-given-away"
