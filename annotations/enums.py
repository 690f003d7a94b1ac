"""The words a study is described with. Values are stored and exported; labels are shown."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class StudyKind(TextChoices):
    TEXT_TO_VIDEO = "text-to-video", "Text to video"
    TEXT_TO_IMAGE = "text-to-image", "Text to image"


class StudyState(TextChoices):
    DRAFT = "draft", "Draft"
    PREPARING = "preparing", "Preparing"
    OPEN = "open", "Open"
    PAUSED = "paused", "Paused"
    CLOSED = "closed", "Closed"


class Pairing(TextChoices):
    AGAINST_FIRST = "against-first", "The first model against each other one"
    ROUND_ROBIN = "round-robin", "Every model against every other"
    LISTED = "listed", "Only the listed pairs"


class Protocol(TextChoices):
    JUICE = "juice", "JUICE: every choice is justified by at least one reason"
    PLAIN = "plain", "Plain: choices without reasons"


class TiePolicy(TextChoices):
    FORCED = "forced", "Forced choice: no tie"
    ALLOWED = "allowed", "A tie may be chosen"


class PresentationProfile(TextChoices):
    PAIRWISE_MIN = "pairwise-min", "Pairwise minimum: same shape, size, length and frame rate"
    FIXED = "fixed", "Fixed: one size, frame rate and length for every pair"
    EQUAL_HEIGHT = "equal-height", "Equal height: whole pictures, each at its own frame rate"
    NATIVE = "native", "Native: as the model made it"


class Fit(TextChoices):
    CROP = "crop", "Crop about the centre"
    PAD = "pad", "Whole, with grey bars"
    LETTERBOX = "letterbox", "Whole, with black bars"


class Trim(TextChoices):
    CENTRE = "centre", "Keep the middle"
    HEAD = "head", "Keep the beginning"


class FrameRate(TextChoices):
    LOWER = "lower", "Lower of the two, by leaving frames out"
    OWN = "own", "Each its own"


class AudioPolicy(TextChoices):
    NONE = "none", "Without sound"
    NORMALISED = "normalised", "With sound at one loudness, where both have it"


class StimulusKind(TextChoices):
    VIDEO = "video", "Video"
    IMAGE = "image", "Image"


class RenditionState(TextChoices):
    PENDING = "pending", "Pending"
    RENDERING = "rendering", "Rendering"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class ComparisonState(TextChoices):
    PREPARING = "preparing", "Preparing"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class AssignmentState(TextChoices):
    LEASED = "leased", "Leased"
    SUBMITTED = "submitted", "Submitted"
    EXPIRED = "expired", "Expired"
    SKIPPED = "skipped", "Skipped"


class SkipReason(TextChoices):
    BROKEN = "broken", _("A clip does not play as it should")
    UPSETTING = "upsetting", _("It shows something upsetting")
    UNSURE = "unsure", _("I cannot judge this pair")


class Side(TextChoices):
    LEFT = "left", "Left"
    RIGHT = "right", "Right"

    @property
    def other(self) -> "Side":
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class Choice(TextChoices):
    A = "a", "Model A"
    B = "b", "Model B"
    TIE = "tie", "Tie"


class ImportState(TextChoices):
    CHECKING = "checking", "Checking"
    DONE = "done", "Done"
    CHECKED = "checked", "Checked, nothing written"
    REFUSED = "refused", "Refused, nothing written"


class ImportRowState(TextChoices):
    WAITING = "waiting", "Waiting"
    GOOD = "good", "Good"
    BAD = "bad", "Bad"
