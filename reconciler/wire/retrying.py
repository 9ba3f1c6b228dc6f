"""Judge one attempt that failed, and say how long to wait before the next. Never sleeps or sends.

Written out rather than left to stamina: its sleep cannot be replaced, and a 429 must hold back every thread of
the account, not only the one that got it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from reconciler.wire.profile import Complaint

if TYPE_CHECKING:
    import httpx

    from reconciler.wire.profile import VendorProfile

ATTEMPTS = 5
"""How often one request is sent at most."""

FIRST_WAIT = 0.5
"""Seconds before the second attempt; each further wait is twice as long."""

LONGEST_WAIT = 60.0
"""Seconds. A vendor that asks for more gets an error that says so instead of a silent terminal."""

_SECONDS = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*\Z", re.ASCII)


class Call(NamedTuple):
    """One request, as retries and messages see it.

    ``is_repeatable``: sending it twice has the effect of sending it once.
    """

    method: str
    path: str
    is_read: bool
    is_repeatable: bool


class Lost(NamedTuple):
    """No answer came (``was_sent``: the vendor may have acted all the same), or one that ``is_unusable``."""

    reason: str
    was_sent: bool = True
    is_unusable: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that did not succeed.

    ``status`` is ``None`` and ``reason`` says why when no usable answer came. ``asked_wait`` is the vendor's
    ``Retry-After`` in seconds. ``may_have_acted``: a write, and whether it took effect is unknown.
    ``is_unusable``: an answer came, but it was not JSON or far too long.
    """

    reason: str
    status: int | None
    complaint: Complaint
    request_id: str
    asked_wait: float | None
    may_have_acted: bool
    is_retryable: bool
    is_unusable: bool = False


def failure_of(
    profile: VendorProfile, call: Call, answer: httpx.Response | Lost, now: float
) -> Failure:
    """Judge an answer that is not a success. ``now`` is in seconds since 1970."""
    if isinstance(answer, Lost):
        return Failure(
            reason=answer.reason,
            status=None,
            complaint=Complaint(),
            request_id="",
            asked_wait=None,
            may_have_acted=answer.was_sent and not call.is_read,
            is_retryable=not answer.is_unusable and (call.is_repeatable or not answer.was_sent),
            is_unusable=answer.is_unusable,
        )
    complaint = profile.complaint(answer)
    is_fault = answer.status_code >= 500
    advice = profile.retryable(answer, complaint)
    return Failure(
        reason="" if complaint.text else _described(answer),
        status=answer.status_code,
        complaint=complaint,
        request_id=answer.headers.get(profile.request_id, ""),
        asked_wait=retry_after(answer.headers, now),
        may_have_acted=is_fault and not call.is_read,
        is_retryable=advice is not False
        and (call.is_repeatable if is_fault else answer.status_code == 429 or advice is True),
    )


def wait_after(failure: Failure, attempt: int, chance: float) -> float | None:
    """Return the seconds to wait after failed attempt number ``attempt``, or ``None`` to give up.

    Doubles from attempt to attempt; ``chance`` in [0, 1) shortens it by up to half, so that clients that failed
    together do not come back together. Never shorter than what the vendor asked for.
    """
    asked = failure.asked_wait or 0.0
    if not failure.is_retryable or attempt >= ATTEMPTS or asked > LONGEST_WAIT:
        return None
    return max(asked, FIRST_WAIT * 2.0 ** (attempt - 1) * (1 - chance / 2))


def retry_after(headers: httpx.Headers, now: float) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, given as seconds or as an HTTP date.

    A date counts from the answer's own ``Date``, so that a wrong clock here does no harm; else from ``now``.
    ``None`` when the header is missing or not understood. Source: RFC 9110, section 10.2.3.
    """
    text = headers.get("Retry-After", "")
    if seconds := _SECONDS.match(text):
        return float(seconds[1])
    until = _timestamp(text)
    if until is None:
        return None
    sent_at = _timestamp(headers.get("Date", ""))
    return max(until - (now if sent_at is None else sent_at), 0.0)


def _timestamp(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _described(answer: httpx.Response) -> str:
    if answer.is_redirect:
        return f"A redirect to {answer.headers['Location']}, which is not followed."
    media_type = answer.headers.get("Content-Type", "").partition(";")[0]
    return f"The answer ({media_type or 'of no type'}) holds no error message."
