"""Stripe's limits and its ways of saying no."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.wire.profile import Complaint, VendorProfile, nested_complaint

if TYPE_CHECKING:
    import httpx

_PERMISSION = re.compile(r"Having the ['\u2018]([\w ]+)['\u2019] permission")


def complaint(response: httpx.Response) -> Complaint:
    """Read ``{"error": {"type", "code", "message"}}``.

    A restricted key's 403 says "Having the 'rak_webhook_read' permission would allow this request to continue".
    Source: stripe/stripe-node#2246.
    """
    said = nested_complaint(response)
    named = _PERMISSION.search(said.text)
    return said._replace(permission=named[1]) if named else said


def retryable(response: httpx.Response, said: Complaint) -> bool | None:
    """Follow ``Stripe-Should-Retry``; without it, a key whose first request still runs is worth a retry.

    A 429 is left to the common rules: the header speaks to SDKs, which do not slow down.
    Source: stripe-python, ``HTTPClient._should_retry``; Stripe API reference, errors (``idempotency_key_in_use``).
    """
    if response.status_code == 429:
        return None
    advice = {"true": True, "false": False}.get(response.headers.get("Stripe-Should-Retry", ""))
    if advice is None and said.code == "idempotency_key_in_use":
        return True
    return advice


def is_live(api_key: str) -> bool | None:
    """Tell by the prefix. Source: docs.stripe.com/keys."""
    key = api_key.strip()
    if key.startswith(("sk_live_", "rk_live_")):
        return True
    return False if key.startswith(("sk_test_", "rk_test_")) else None


def mode_of(text: str) -> str | None:
    """Return the mode of any key, a publishable one too; ``None`` for no key. Source: docs.stripe.com/keys."""
    found = re.match(r"(?:pk|sk|rk)_(live|test)_[A-Za-z0-9_]+\Z", text)
    return found[1] if found else None


STRIPE = VendorProfile(
    vendor="stripe",
    base_url="https://api.stripe.com",
    # 100 a second live, 25 in a sandbox, and 25 for each endpoint in both. Source: docs.stripe.com/rate-limits.
    rate=25,
    burst=3,
    request_id="Request-Id",
    complaint=complaint,
    retryable=retryable,
    is_live=is_live,
    shows_bodies=True,
)
