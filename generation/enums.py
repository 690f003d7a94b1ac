from django.db.models import TextChoices


class JobState(TextChoices):
    READY = "ready", "Waiting"
    SUBMITTING = "submitting", "Being sent"
    REMOTE_PENDING = "remote-pending", "Being made"
    UNKNOWN_OUTCOME = "unknown-outcome", "Sent, answer unknown"
    FETCHING = "fetching", "Being downloaded"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    REJECTED = "rejected", "Refused by the endpoint"
    CANCELLED = "cancelled", "Cancelled"


# States in which a job still moves by itself.
MOVING = [
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
ENDED_BADLY = [JobState.FAILED, JobState.REJECTED, JobState.CANCELLED]


class AttemptState(TextChoices):
    SENDING = "sending", "Being sent"
    ACCEPTED = "accepted", "Accepted"
    REFUSED = "refused", "Refused"
    NOT_SENT = "not-sent", "Never reached the endpoint"
    UNKNOWN = "unknown", "Answer unknown"
    LOST = "lost", "Not known to the endpoint"


class BodyEncoding(TextChoices):
    JSON = "json", "JSON"
    MULTIPART = "multipart", "Multipart form"
