"""The words a study is described with. Values are stored and exported; labels are shown."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class StudyKind(TextChoices):
    TEXT_TO_VIDEO = "text-to-video", "Text to video"
    TEXT_TO_IMAGE = "text-to-image", "Text to image"
    IMAGE_TO_VIDEO = "image-to-video", "Image to video: a prompt with its first image"
    VIDEO_EXTENSION = "video-extension", "Video extension: a past clip, and how it goes on"
    IMAGE_EDITING = "image-editing", "Image editing: an image, and what to change in it"


class StudyState(TextChoices):
    DRAFT = "draft", "Draft"
    PREPARING = "preparing", "Preparing"
    OPEN = "open", "Open"
    PAUSED = "paused", "Paused"
    CLOSED = "closed", "Closed"


class Pairing(TextChoices):
    AGAINST_FIRST = "against-first", "The first model against each other one"
    ROUND_ROBIN = "round-robin", "Every model against every other"
    LISTED = "listed", "Only the listed model pairs"


class SamplePairing(TextChoices):
    """Which of two models' clips of one prompt meet."""

    EQUAL = "equal", "Samples of the same number"
    CROSSED = "crossed", "Every sample of the one with every sample of the other"
    RANDOM = "random", "Drawn by lot, each sample once"


class RosterOrigin(TextChoices):
    """How a clip came into a study."""

    IMPORTED = "imported", "Imported"
    MADE = "made", "Made for it"
    SHARED = "shared", "Taken over from elsewhere"


class AmendmentKindChoice(TextChoices):
    """What of an open study was changed."""

    WITHDRAWN = "withdrawn", "Comparisons withdrawn"
    REPLACED = "replaced", "Clips replaced"
    MORE_RATERS = "more-raters", "More raters per comparison"
    MORE_PROMPTS = "more-prompts", "More prompts"
    CORRECTED = "corrected", "Text of a prompt corrected"


class SweepWork(TextChoices):
    """What the sweep does for a study."""

    IMPORT = "import", "Finishing an import"
    COMPARISONS = "comparisons", "Making comparisons"


class Protocol(TextChoices):
    JUICE = "juice", "JUICE: every choice is justified by at least one reason"
    PLAIN = "plain", "Plain: choices without reasons"


class TiePolicy(TextChoices):
    FORCED = "forced", "Forced choice: no tie"
    ALLOWED = "allowed", "A tie may be chosen"


class ReasonOrder(TextChoices):
    RANDOM = "random", "Random between raters, the same for a rater at every comparison"
    FIXED = "fixed", "As listed, for everybody"


class StoppingRuleChoice(TextChoices):
    FIXED = "fixed", "Fixed number: read once, when the planned number is complete"
    ANYTIME = "anytime", "Always valid: may be read, and stopped, after every comparison"


class PresentationProfile(TextChoices):
    PAIRWISE_MIN = "pairwise-min", "Pairwise minimum: same shape, size, length and frame rate"
    FIXED = "fixed", "Fixed: one size, frame rate and length for every comparison"
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


class Viewing(TextChoices):
    SIMULTANEOUS = "simultaneous", "Side by side, at the same time"
    SEQUENTIAL = "sequential", "One after the other"
    TOGGLE = "toggle", "In one place, switched by a key"


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
    WITHDRAWN = "withdrawn", "Withdrawn"


class AssignmentState(TextChoices):
    LEASED = "leased", "Leased"
    SUBMITTED = "submitted", "Submitted"
    EXPIRED = "expired", "Expired"
    SKIPPED = "skipped", "Skipped"


class SkipReason(TextChoices):
    BROKEN = "broken", _("A clip does not play as it should")
    UPSETTING = "upsetting", _("It shows something upsetting")
    UNSURE = "unsure", _("I cannot judge this pair")


class CheckRole(TextChoices):
    EXAMPLE = "example", "Example: shown with its answer before the start"
    PRACTICE = "practice", "Practice: judged before the start, answered at once"
    QUALIFICATION = "qualification", "Qualification: judged before the start, must be passed"
    GOLD = "gold", "Gold: a known answer, woven in"
    IDENTICAL = "identical", "Identical: the same clip twice, woven in"
    DEGRADED = "degraded", "Degraded: a clip and its spoilt copy, woven in"


class CheckAction(TextChoices):
    NOTHING = "nothing", "Nothing: the owner sees it"
    WARN = "warn", "Warn the rater once"
    STOP = "stop", "Stop the rater, with a code of its own"


class RaterOutcome(TextChoices):
    """How a rater's part ended; empty while it goes on."""

    DONE = "done", "Done"
    NOTHING_JUDGED = "nothing-judged", "Skipped every comparison"
    SCREENED_OUT = "screened-out", "Did not pass the qualification"
    FAILED_CHECK = "failed-check", "Failed the checks"
    SKIP_LIMIT = "skip-limit", "Skipped too many comparisons"
    EXCLUDED = "excluded", "Excluded while at work"
    NO_CONSENT = "no-consent", "Did not agree"
    OVER_QUOTA = "over-quota", "Came when the study was full or closed"
    RETURNED = "returned", "Returned to the panel"
    TIMED_OUT = "timed-out", "Timed out at the panel"


# Ends after which a rater is given nothing more; the others may get more when seats open again.
STOPPED = [
    RaterOutcome.SCREENED_OUT,
    RaterOutcome.FAILED_CHECK,
    RaterOutcome.SKIP_LIMIT,
    RaterOutcome.EXCLUDED,
]
ENDED_AT_PANEL = [RaterOutcome.RETURNED, RaterOutcome.TIMED_OUT]


class Doubt(TextChoices):
    """What the server's clock says against an answer."""

    TOO_SOON = "too-soon", "answered before the clips could have ended"
    IMPOSSIBLE = "impossible", "claims more time than there was"
    UNWATCHED = "unwatched", "clips not seen in full"
    NO_FACTS = "no-facts", "nothing is known of how the clips played"


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


class ClipOutcome(TextChoices):
    """What became of a clip that a model was asked for."""

    MADE = "made", "Made"
    REFUSED = "refused", "Refused by moderation"
    FAILED = "failed", "Failed"
    GIVEN_UP = "given-up", "Given up"
