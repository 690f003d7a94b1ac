from django.db.models import IntegerChoices, TextChoices


class JobState(TextChoices):
    AWAITING_FIRST = "awaiting-first", "Waiting for its first frame"
    READY = "ready", "Waiting"
    SUBMITTING = "submitting", "Being sent"
    REMOTE_PENDING = "remote-pending", "Being made"
    UNKNOWN_OUTCOME = "unknown-outcome", "Sent, answer unknown"
    FETCHING = "fetching", "Being downloaded"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    REJECTED = "rejected", "Refused by the endpoint"
    CANCELLED = "cancelled", "Cancelled"
    FIRST_FAILED = "first-failed", "Its first frame failed"


# States that follow from another job's, see `generation.jobs.chains`.
CHAINED = [JobState.AWAITING_FIRST, JobState.FIRST_FAILED]
# States in which a job still moves by itself.
MOVING = [
    JobState.AWAITING_FIRST,
    JobState.READY,
    JobState.SUBMITTING,
    JobState.REMOTE_PENDING,
    JobState.UNKNOWN_OUTCOME,
    JobState.FETCHING,
]
# States in which the answer to the last attempt is not known yet.
AWAITING_ANSWER = [JobState.SUBMITTING, JobState.UNKNOWN_OUTCOME]
# States in which a job takes one of the endpoint's places.
AT_ENDPOINT = [JobState.SUBMITTING, JobState.REMOTE_PENDING, JobState.UNKNOWN_OUTCOME]
ENDED_BADLY = [
    JobState.FAILED,
    JobState.REJECTED,
    JobState.CANCELLED,
    JobState.FIRST_FAILED,
]


class AttemptState(TextChoices):
    SENDING = "sending", "Being sent"
    ACCEPTED = "accepted", "Accepted"
    REFUSED = "refused", "Refused"
    NOT_SENT = "not-sent", "Never reached the endpoint"
    UNKNOWN = "unknown", "Answer unknown"
    LOST = "lost", "Not known to the endpoint"
    ABANDONED = "abandoned", "Given up, may still be made"
    UNUSABLE = "unusable", "Made, but cannot be judged"


# Attempts that the endpoint surely makes nothing of, and does not charge.
NOT_MADE = [AttemptState.REFUSED, AttemptState.NOT_SENT, AttemptState.LOST]


class Priority(IntegerChoices):
    """Which jobs are sent first; among equals, studies take turns."""

    LATER = -1, "When nothing else waits"
    USUAL = 0, "Usual"
    FIRST = 1, "Before all others"


class UnknownOutcome(TextChoices):
    """What follows when an answer is lost and the endpoint cannot tell what became of the job."""

    PARK = "park", "Wait for a person"
    SEND_ONCE_MORE = "send-once-more", "Send once more: it may be paid for twice"


class BodyEncoding(TextChoices):
    JSON = "json", "JSON"
    MULTIPART = "multipart", "Multipart form"
