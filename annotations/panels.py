"""The panels that raters come from: one table, one code path.

A panel is described by what it puts into the study's link and by how it takes people back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from django.core.exceptions import ValidationError
from django.db.models import TextChoices

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PLACEHOLDERS = ("code", "id", "session")


class Panel(TextChoices):
    PROLIFIC = "prolific", "Prolific"
    MTURK = "mturk", "Amazon Mechanical Turk"
    CONNECT = "connect", "CloudResearch Connect"
    SONA = "sona", "SONA Systems"
    OTHER = "other", "Another panel"


class Entry(TextChoices):
    ANYONE = "anyone", "Whoever has the link"
    LISTED = "listed", "Only people with an invite, or sent by the panel"


@dataclass(frozen=True)
class PanelSpec:
    """What a panel puts into the link, in any case of letters, and how it takes people back.

    Attributes
    ----------
    link_query
        What the owner adds to the study's link; the panel fills it in.
    id_pattern
        What an id of this panel looks like; empty: anything.
    return_link
        Where people go back to. `{code}`, `{id}` and `{session}` are filled in.
    return_hosts
        Hosts that a return link of the owner's may lead to; one that starts with a dot stands
        for all below it; none: any public host.
    home
        Where people see their studies, for those whose part ended at the panel.
    """

    id_parameter: str = ""
    study_parameter: str = ""
    session_parameter: str = ""
    link_query: str = ""
    id_pattern: str = ""
    return_link: str = ""
    return_hosts: tuple[str, ...] = ()
    takes_return_link: bool = False
    home: str = ""

    @property
    def unfilled(self) -> set[str]:
        """What stands in a link that the panel did not fill in, as when its owner tries it."""
        return {part.partition("=")[2] for part in self.link_query.split("&")}


PANELS: Mapping[str, PanelSpec] = {
    Panel.PROLIFIC: PanelSpec(
        id_parameter="PROLIFIC_PID",
        study_parameter="STUDY_ID",
        session_parameter="SESSION_ID",
        link_query="PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}"
        "&SESSION_ID={{%SESSION_ID%}}",
        id_pattern=r"[0-9a-f]{24}",
        return_link="https://app.prolific.com/submissions/complete?cc={code}",
        home="https://app.prolific.com/",
    ),
    Panel.MTURK: PanelSpec(
        id_parameter="workerId",
        study_parameter="hitId",
        session_parameter="assignmentId",
        id_pattern=r"A[A-Z0-9]+",
    ),
    Panel.CONNECT: PanelSpec(
        id_parameter="participantId",
        study_parameter="projectId",
        session_parameter="assignmentId",
        return_hosts=("connect.cloudresearch.com",),
        takes_return_link=True,
        home="https://connect.cloudresearch.com/",
    ),
    Panel.SONA: PanelSpec(
        id_parameter="survey_code",
        link_query="survey_code=%SURVEY_CODE%",
        return_hosts=(".sona-systems.com", ".sona-systems.net"),
        takes_return_link=True,
    ),
    Panel.OTHER: PanelSpec(takes_return_link=True),
}

# MTurk shows our page in a frame of its worker site and takes the finished work by a form.
SUBMIT_PARAMETER = "turkSubmitTo"
SUBMIT_HOSTS = ("https://www.mturk.com", "https://workersandbox.mturk.com")
FRAME_HOSTS = (
    *SUBMIT_HOSTS,
    "https://worker.mturk.com",
    "https://requester.mturk.com",
    "https://requestersandbox.mturk.com",
)
PREVIEW_SESSION = "ASSIGNMENT_ID_NOT_AVAILABLE"


def allowed_submit_host(address: str) -> str:
    """The address of MTurk that a link names, or an empty text for any other."""
    host = address.strip().rstrip("/")
    return host if host in SUBMIT_HOSTS else ""


def check_return_link(link: str, spec: PanelSpec) -> None:
    """Raise ValidationError unless the link leads to the panel by https."""
    parts = urlsplit(link)
    host = parts.hostname or ""
    if parts.scheme != "https":
        raise ValidationError("Give an address that begins with https://")
    if parts.username or parts.password or PLACEHOLDER.search(parts.netloc):
        raise ValidationError("The address names more than a host before its first slash.")
    if not _is_public_name(host):
        raise ValidationError(f"“{host}” is not the name of a public host.")
    if spec.return_hosts and not any(_is_host(host, one) for one in spec.return_hosts):
        raise ValidationError(
            f"The address leads to {host}; this panel's leads to {' or '.join(spec.return_hosts)}."
        )
    unknown = set(PLACEHOLDER.findall(link)) - set(PLACEHOLDERS)
    if unknown:
        raise ValidationError(
            f"There is no placeholder {{{sorted(unknown)[0]}}}; there are {{code}}, {{id}} "
            "and {session}."
        )


def _is_public_name(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return "." in host.strip(".") and not host.endswith((".local", ".internal", ".localhost"))
    return False


def _is_host(host: str, allowed: str) -> bool:
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed


def fill_link(link: str, values: Mapping[str, str]) -> str:
    """The link with its placeholders filled in, each quoted."""
    return PLACEHOLDER.sub(lambda found: quote(values[found.group(1)], safe=""), link)
