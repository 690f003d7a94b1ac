"""Take what a panel reports about its people: signed, fresh, and each message once.

Prolific signs its webhooks by HMAC-SHA256 of timestamp and body, in base64
(docs.prolific.com, "Webhooks: verifying").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from annotations.enums import RaterOutcome
from annotations.errors import WebhookRefused
from annotations.inputs import read_json, read_whole_number
from annotations.models import PanelEvent, Rater, Study
from annotations.services.raters.endings import end_part, exclude_rater
from annotations.services.raters.entry import recruitment_of
from annotations.services.raters.locking import lock_rater

MOST_SECONDS_OLD = 300
LARGEST_MESSAGE = 64 * 1024
SUBMISSION_CHANGED = "submission.status.change"
ENDINGS = {"RETURNED": RaterOutcome.RETURNED, "TIMED-OUT": RaterOutcome.TIMED_OUT}
WITHDRAWN = "Returned the submission on Prolific."


@dataclass(frozen=True)
class SignedMessage:
    """A webhook as it came in: the body's bytes, and what the headers say."""

    body: bytes
    signature: str
    timestamp: str
    event_id: str


def webhook_secret(study: Study) -> str:
    """The secret of the study's webhooks from the environment; empty if none is set."""
    name = recruitment_of(study).webhook_secret_env
    return os.environ.get(name, "") if name else ""


def sign_message(*, secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a body, as Prolific makes it."""
    digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def receive_event(*, study: Study, message: SignedMessage, now: datetime) -> PanelEvent | None:
    """Do what a message says, in one transaction; None for one that was taken before.

    Raises
    ------
    WebhookRefused
        The study takes no webhooks, or the message is not signed, not fresh or no object.
    BadInput
        The message is signed, but not JSON that can be kept.
    """
    _ensure_genuine(study, message, now=now)
    payload = _payload(message)
    with transaction.atomic():
        event, is_new = PanelEvent.objects.get_or_create(
            study=study,
            event_id=message.event_id,
            defaults={
                "kind": _text(payload, "event_type", 60),
                "external_session_id": _text(payload, "resource_id", 120),
                "status": _text(payload, "status", 40),
                "received_at": now,
            },
        )
        if not is_new:
            return None
        outcome = ENDINGS.get(event.status) if event.kind == SUBMISSION_CHANGED else None
        rater = _rater_of(study, payload)
        if rater is not None:
            PanelEvent.objects.filter(pk=event.pk).update(rater=rater)
            if outcome is not None:
                _let_go(rater, outcome, now=now)
        return event


def _ensure_genuine(study: Study, message: SignedMessage, *, now: datetime) -> None:
    secret = webhook_secret(study)
    if not secret:
        raise WebhookRefused("This study takes no webhooks: the secret's variable is not set.")
    if not message.event_id or len(message.event_id) > 200:
        raise WebhookRefused("The X-Event-Id header is missing.")
    wanted = sign_message(secret=secret, timestamp=message.timestamp, body=message.body)
    if not hmac.compare_digest(wanted.encode(), message.signature.encode()):
        raise WebhookRefused("The signature does not belong to this body.")
    signed_at = read_whole_number(message.timestamp, what="The timestamp of the message")
    if abs(now.timestamp() - signed_at) > MOST_SECONDS_OLD:
        raise WebhookRefused("The message was signed too long ago.")


def _payload(message: SignedMessage) -> Mapping[str, Any]:
    payload = read_json(message.body, what="The message", largest=LARGEST_MESSAGE)
    if not isinstance(payload, dict):
        raise WebhookRefused("The body is not a JSON object.")
    return payload


def _text(payload: Mapping[str, Any], name: str, longest: int) -> str:
    value = payload.get(name)
    return value[:longest] if isinstance(value, str) else ""


def _rater_of(study: Study, payload: Mapping[str, Any]) -> Rater | None:
    """The rater whose submission this is. One that came back by another submission is not."""
    session = _text(payload, "resource_id", 120)
    if not session:
        return None
    person = _text(payload, "participant_id", 120)
    raters = study.raters.filter(external_session_id=session)
    found = (raters.filter(external_id=person) if person else raters).first()
    if found is None:
        return None
    rater = lock_rater(found.pk)
    return rater if rater.external_session_id == session else None


def _let_go(rater: Rater, outcome: RaterOutcome, *, now: datetime) -> None:
    """Free the seat that the rater holds; who withdrew has their judgments left out as well.

    Who has finished is left alone by a time-out.
    """
    end_part(rater=rater, outcome=outcome, now=now)
    is_withdrawn = (
        outcome is RaterOutcome.RETURNED and not recruitment_of(rater.study).keeps_returned
    )
    if is_withdrawn and rater.excluded_at is None:
        exclude_rater(rater=rater, why=WITHDRAWN, now=now)
