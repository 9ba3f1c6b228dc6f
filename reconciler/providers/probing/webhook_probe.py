"""Ask the handler of a Stripe endpoint whether it tells Stripe's events from those of others.

Three events: signed rightly, signed with another secret, and signed rightly but too long ago. Their type and id say
that they are probes; they tell of no payment, and a handler that trusts them has nothing to do.
"""

from __future__ import annotations

import json
import secrets as randomness
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx

from reconciler.providers.probing.stripe_signature import HEADER, TOLERANCE, signature_header
from reconciler.providers.probing.verdict import Verdict
from reconciler.wire.transport import is_loopback

if TYPE_CHECKING:
    from reconciler.wire.profile import Credential

EVENT_TYPE: Final = "reconciler.probe"
EVENT_ID: Final = "evt_reconciler_probe_"

LONG_AGO: Final = 2 * TOLERANCE
"""Seconds. Well beyond the tolerance: the handler's clock may differ from ours."""

_NO_REFUSAL: Final = frozenset({408, 429})
"""Answers of 4xx that come before anyone looked at the signature."""


class WebhookProbe(NamedTuple):
    """One handler to ask; ``timeout`` in seconds, for each event. ``api_version`` is the endpoint's, if it has one."""

    name: str
    url: str
    secret: Credential
    timeout: float
    api_version: str | None = None


class _Event(NamedTuple):
    """One event to send. ``fault`` is what it means when a handler accepts an event that it must refuse."""

    how: str
    secret: str
    signed_at: int
    fault: str | None = None


def webhook_verdict(probe: WebhookProbe, client: httpx.Client) -> Verdict:
    """Send the three events. Raises httpx.HTTPError when one has no answer."""
    url = httpx.URL(probe.url)
    if url.scheme != "https" and not is_loopback(probe.url):
        why = f"plain http is for this machine only, and {url.host} is not; use https"
        return Verdict(passed=False, detail=why)
    now = int(time.time())  # not a clock of ours: the handler compares it with the time it has
    events = (
        _Event("correctly signed", probe.secret.value, now),
        _Event("wrongly signed", _other_secret(), now, "anyone can make up events"),
        _Event(
            f"{LONG_AGO} s old",
            probe.secret.value,
            now - LONG_AGO,
            f"a recorded event can be sent again; Stripe's tolerance is {TOLERANCE} s",
        ),
    )
    statuses = [_status(probe, event, client) for event in events]
    problems = [
        problem
        for event, status in zip(events, statuses, strict=True)
        if (problem := _problem(event, status))
    ]
    seen = ", ".join(
        f"{event.how}: {status}" for event, status in zip(events, statuses, strict=True)
    )
    if problems:
        return Verdict(passed=False, detail=f"{'; '.join(problems)} ({seen})")
    return Verdict(passed=True, detail=seen)


def probe_body(created: int, api_version: str | None) -> str:
    """Return an event that says it is a probe. Source of its shape: Stripe API reference, the event object."""
    return json.dumps(
        {
            "id": f"{EVENT_ID}{randomness.token_hex(12)}",
            "object": "event",
            "api_version": api_version,
            "created": created,
            "data": {"object": {"id": "reconciler_probe", "object": EVENT_TYPE}},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": None, "idempotency_key": None},
            "type": EVENT_TYPE,
        }
    )


def _status(probe: WebhookProbe, event: _Event, client: httpx.Client) -> int:
    """Send one event and return the status. What else is answered is not read: it may repeat what was sent."""
    body = probe_body(event.signed_at, probe.api_version)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        HEADER: signature_header(event.secret, body, event.signed_at),
    }
    with client.stream(
        "POST", probe.url, content=body, headers=headers, timeout=probe.timeout
    ) as response:
        return response.status_code


def _problem(event: _Event, status: int) -> str | None:
    accepted = 200 <= status < 300
    refused = 400 <= status < 500 and status not in _NO_REFUSAL
    if event.fault is None:
        if accepted:
            return None
        why = ": perhaps it holds another signing secret" if refused else ""
        why = ": Stripe counts a redirect as a failure" if 300 <= status < 400 else why
        return f"a correctly signed event is not accepted{why}"
    if accepted:
        return f"the handler ACCEPTS an event that is {event.how}: {event.fault}"
    return None if refused else f"an event that is {event.how} is not refused with 4xx"


def _other_secret() -> str:
    return f"whsec_reconciler_probe_{randomness.token_hex(16)}"
