"""Vercel's limits and its ways of saying no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.wire.profile import Complaint, VendorProfile, error_body, nested_complaint

if TYPE_CHECKING:
    import httpx


def complaint(response: httpx.Response) -> Complaint:
    """Read ``{"error": {"code", "message"}}``.

    An expired or revoked token is a 403 with ``invalidToken: true``, no token one with ``missingToken: true``.
    """
    error = error_body(response)
    refused = error.get("invalidToken") is True or error.get("missingToken") is True
    return nested_complaint(response)._replace(is_unauthenticated=refused)


def retryable(response: httpx.Response, said: Complaint) -> bool | None:
    """Repeat the 400 that means "another change of these variables is still running".

    Source: Vercel REST API, create one or more environment variables, errors.
    """
    if response.status_code == 400 and "ongoing update env" in said.text.lower():
        return True
    return None


VERCEL = VendorProfile(
    vendor="vercel",
    base_url="https://api.vercel.com",
    # Vercel publishes no number for all of its API; this one is ours. A 429 slows it down.
    rate=15,
    burst=5,
    request_id="X-Vercel-Id",
    complaint=complaint,
    retryable=retryable,
    shows_bodies=True,
)
