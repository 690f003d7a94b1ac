"""Faults told by mail and to a webhook: never with anything of a study or a person."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import httpx
from django.conf import settings
from django.core.mail import send_mail

from operation.alerts import Notice

WEBHOOK_SECONDS = 5.0

logger = logging.getLogger(__name__)


def is_anybody_told() -> bool:
    return bool(settings.ALERT_MAIL or settings.ALERT_WEBHOOK)


def tell(notice: Notice) -> bool:
    """By each way that is set; whether one of them took it."""
    logger.warning("%s: %s", "over" if notice.has_ended else "fault", notice.fault.words)
    by_mail = bool(settings.ALERT_MAIL) and _was_sent(_mail, notice)
    by_webhook = bool(settings.ALERT_WEBHOOK) and _was_sent(_post, notice)
    return by_mail or by_webhook


def _was_sent(way: Callable[[Notice], None], notice: Notice) -> bool:
    """Words of an error may hold an address with its secret: its kind alone is logged."""
    try:
        way(notice)
    except (OSError, httpx.HTTPError) as error:
        logger.error("an alert was not sent (%s): %s", way.__name__, type(error).__name__)
        return False
    return True


def headline(notice: Notice) -> str:
    return f"{'Over' if notice.has_ended else 'Fault'}: {notice.fault.words}"


def _mail(notice: Notice) -> None:
    at = notice.at.isoformat(timespec="seconds")
    lines = [
        notice.fault.words,
        f"Last seen at {at}; it is over." if notice.has_ended else f"Since {at}.",
        "" if notice.has_ended else notice.fault.what_to_do,
        f"{settings.PUBLIC_URL}/operation/",
    ]
    send_mail(
        subject=f"[Juice] {headline(notice)}",
        message="\n\n".join(line for line in lines if line),
        from_email=None,
        recipient_list=settings.ALERT_MAIL,
    )


def _post(notice: Notice) -> None:
    """Answers of 300 and above are refusals; nothing is followed elsewhere."""
    answer = httpx.post(settings.ALERT_WEBHOOK, json=posted(notice), timeout=WEBHOOK_SECONDS)
    if not answer.is_success:
        raise httpx.HTTPError(f"refused with {answer.status_code}")


def posted(notice: Notice) -> dict[str, Any]:
    """`text` is what Slack, Mattermost and the like show."""
    return {
        "text": f"{headline(notice)} {settings.PUBLIC_URL}/operation/",
        "site": settings.PUBLIC_URL,
        "fault": notice.fault.key,
        "event": "ended" if notice.has_ended else "began",
        "words": notice.fault.words,
        "what_to_do": notice.fault.what_to_do,
        "at": notice.at.isoformat(timespec="seconds"),
    }
