"""What a person can do about a job that did not work, told by the endpoint's own words."""

from __future__ import annotations

import re

from generation.enums import JobState
from generation.models import Job

REFUSED = (
    "The endpoint refuses this prompt. In a study that is a result: the clip is missing for this "
    "model, is counted as refused in the report, and is never asked for in other words."
)
GIVEN_UP = "It was given up. Try it again if you want the clip after all."
LOST = (
    "Look in the endpoint's own list whether it was made. Trying again sends it once more, and it "
    "may be paid for twice."
)
OTHERWISE = "If the words do not tell, look the endpoint's answer up below, and then try it again."
# The first pattern that is found in the words says what to do.
ADVICE = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"environment variable (\w+)",
            "Set the variable where the workers are started, and start them again.",
        ),
        (
            r"not public|private network|as internal|result_hosts",
            "If the address is in your own network, mark the endpoint as internal; name other "
            "hosts of clips in the option result_hosts.",
        ),
        (
            r"cannot take |it does |cannot do ",
            "The model is not told what it cannot take: change the endpoint's parameters or its "
            "options fields and kinds, or what the study asks.",
        ),
        (
            r"quota|credit|balance|billing|HTTP 402",
            "Put money into the account at the provider, then end the endpoint's pause.",
        ),
        (
            r"HTTP 40[13]|unauthori[sz]ed|api key|forbidden",
            "Check the key: whether the endpoint's variable is the right one, and whether its "
            "account may call this model.",
        ),
        (
            r"HTTP 404|not found|no such model|unknown model",
            "Check the address and the remote model: the endpoint knows one of them not.",
        ),
        (
            r"HTTP 4(00|22)|invalid|validation",
            "The endpoint does not understand what it is sent: compare the parameters and options "
            "with its documentation.",
        ),
        (
            r"HTTP 429|rate limit|too many",
            "Lower the jobs at once or per minute; the job is sent again by itself.",
        ),
        (
            r"cannot be reached|did not answer|name or service|resolve|refused",
            "Check that the endpoint runs and that the workers reach its address.",
        ),
        (
            r"redirects \(HTTP",
            "Put the final address into the endpoint.",
        ),
        (
            r"is a page, not a clip|cannot be judged|too large|address of a clip"
            r"|without a (clip|file)",
            "What came is no clip that raters could watch: check the options output or content, "
            "and the format that the model is asked for.",
        ),
        (
            r"not finish it in time|in time",
            "The model is slower than GENERATION_DEADLINE_SECONDS allows, or its queue is long.",
        ),
    )
)


def how_to_mend(job: Job) -> str:
    """What to do about it; empty where there is nothing to do."""
    if job.state == JobState.REJECTED:
        return REFUSED
    if job.state == JobState.CANCELLED:
        return GIVEN_UP
    if job.state == JobState.UNKNOWN_OUTCOME and job.wake_at is None:
        return LOST
    found = advice_on(job.error)
    return found or (OTHERWISE if job.state == JobState.FAILED else "")


def advice_on(words: str) -> str:
    """What to do about an error, by its words; empty where they do not tell."""
    return next((advice for pattern, advice in ADVICE if pattern.search(words)), "")
