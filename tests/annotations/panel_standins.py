"""Stand-ins of panels: they sign, open links, take people back, and check what they are given.

Prolific: docs.prolific.com (webhooks: receiving, verifying, X-Event-Id) and CreateStudy in
github.com/prolific-oss/cli, model/study.go. Mechanical Turk: "ExternalQuestion" in the API
reference of AWS.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import time
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import yaml

SECRET = "a secret of the workspace"
PERSON = "5f00c0ffee5f00c0ffee5f00"
SESSION = "66aa00000000000000000001"

_events = itertools.count(1)


class Prolific:
    """Prolific as a study meets it: it fills in links, sends webhooks, and knows its codes."""

    STUDY_FIELDS = {
        "name": str,
        "internal_name": str,
        "description": str,
        "external_study_url": str,
        "prolific_id_option": str,
        "completion_codes": list,
        "total_available_places": int,
        "estimated_completion_time": int,
        "maximum_allowed_time": int,
        "reward": int,
        "device_compatibility": list,
        "peripheral_requirements": list,
        "submissions_config": dict,
    }
    OPTIONAL = {"maximum_allowed_time"}
    CODE_TYPES = {
        "COMPLETED",
        "SCREENED_OUT",
        "FAILED_ATTENTION_CHECK",
        "NO_CONSENT",
        "FOLLOW_UP_STUDY",
        "GIVE_BONUS",
        "INCOMPATIBLE_DEVICE",
        "OTHER",
    }

    def take_study(self, text: str) -> dict:
        """What the tool would create of a study file; AssertionError for one it would refuse."""
        study = yaml.safe_load(text)
        assert set(study) - set(self.STUDY_FIELDS) == set()
        assert set(self.STUDY_FIELDS) - set(study) <= self.OPTIONAL
        for name, value in study.items():
            assert type(value) is self.STUDY_FIELDS[name], name
        assert study["prolific_id_option"] in ("question", "url_parameters", "not_required")
        assert set(study["device_compatibility"]) <= {"desktop", "tablet", "mobile"}
        assert set(study["peripheral_requirements"]) <= {
            "audio",
            "camera",
            "download",
            "microphone",
        }
        assert urlsplit(study["external_study_url"]).scheme == "https"
        for code in study["completion_codes"]:
            assert set(code) == {"code", "code_type", "actor", "actions"}
            assert code["code_type"] in self.CODE_TYPES
            assert [set(action) for action in code["actions"]] == [{"action"}]
        return study

    def link_for(self, study: dict, *, person: str = PERSON, session: str = SESSION) -> str:
        """The link that a participant opens, with Prolific's places filled in."""
        link = study["external_study_url"]
        for place, value in (("PROLIFIC_PID", person), ("STUDY_ID", "s1"), ("SESSION_ID", session)):
            link = link.replace("{{%" + place + "%}}", value)
        assert "{{" not in link
        return link

    def code_type_of(self, study: dict, link: str) -> str:
        """What a return link says to Prolific."""
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc) == ("https", "app.prolific.com")
        assert parts.path == "/submissions/complete"
        [code] = parse_qs(parts.query)["cc"]
        [found] = [one for one in study["completion_codes"] if one["code"] == code]
        return found["code_type"]

    def headers(self, body: bytes, **changes: str) -> dict[str, str]:
        now = int(time.time()) + int(changes.pop("seconds_from_now", "0"))
        timestamp = changes.pop("timestamp", str(now))
        secret = changes.pop("secret", SECRET)
        digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
        return {
            "X-Prolific-Request-Signature": base64.b64encode(digest).decode(),
            "X-Prolific-Request-Timestamp": timestamp,
            "X-Event-Id": f"event-{next(_events)}",
            **changes,
        }

    def body(self, status: str, *, session: str = SESSION, person: str = PERSON) -> bytes:
        return json.dumps(
            {
                "resource_id": session,
                "event_type": "submission.status.change",
                "participant_id": person,
                "status": status,
            }
        ).encode()

    def send(self, client, study, status: str, *, session=SESSION, person=PERSON, **changes):
        body = self.body(status, session=session, person=person)
        return client.post(
            f"/hooks/prolific/{study.slug}/",
            body,
            content_type="application/json",
            headers=self.headers(body, **changes),
        )


class MechanicalTurk:
    """Mechanical Turk: it appends its parameters to the address and takes a form."""

    SCHEMA = (
        "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/"
        "ExternalQuestion.xsd"
    )

    def take_question(self, text: str) -> tuple[str, int]:
        """Address and frame height of an ExternalQuestion."""
        root = ElementTree.fromstring(text)
        assert root.tag == f"{{{self.SCHEMA}}}ExternalQuestion"
        address, height = list(root)
        assert address.tag == f"{{{self.SCHEMA}}}ExternalURL"
        assert height.tag == f"{{{self.SCHEMA}}}FrameHeight"
        assert urlsplit(address.text or "").scheme == "https"
        return address.text or "", int(height.text or "")

    def query(self, **changes: str) -> dict[str, str]:
        return {
            "assignmentId": "123RVWYBAZW00EXAMPLE456RVWYBAZW00EXAMPLE",
            "hitId": "123RVWYBAZW00EXAMPLE",
            "turkSubmitTo": "https://www.mturk.com/",
            "workerId": "AZ3456EXAMPLE",
            **changes,
        }

    def preview(self) -> dict[str, str]:
        return {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "hitId": "123RVWYBAZW00EXAMPLE"}

    def take_submission(self, page: str) -> dict[str, str]:
        """The fields that the finished page hands in; it must be one that MTurk accepts."""
        forms = _forms(page)
        [form] = [one for one in forms if "externalSubmit" in one["action"]]
        assert form["action"] == "https://www.mturk.com/mturk/externalSubmit"
        assert form["method"] == "post"
        assert form["fields"]["assignmentId"] == self.query()["assignmentId"]
        assert len(form["fields"]) > 1
        return form["fields"]


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "form":
            self.forms.append(
                {"action": values.get("action", ""), "method": values.get("method"), "fields": {}}
            )
        elif tag == "input" and self.forms and values.get("name"):
            self.forms[-1]["fields"][values["name"]] = values.get("value", "")


def _forms(page: str) -> list[dict]:
    reader = _FormReader()
    reader.feed(page)
    return reader.forms
