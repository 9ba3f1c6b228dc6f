"""Sign a body as Stripe signs the events it delivers.

Source: Stripe documentation, "Verify webhook signatures manually": HMAC-SHA-256 of ``<timestamp>.<body>``, keyed
with the whole signing secret, ``whsec_`` included.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

HEADER: Final = "Stripe-Signature"

TOLERANCE: Final = 300
"""Seconds after which a signature is too old, by default in Stripe's libraries."""


def signature_header(secret: str, body: str, timestamp: int) -> str:
    """Return the value of ``Stripe-Signature`` for ``body``, signed at ``timestamp`` (epoch seconds)."""
    signed = f"{timestamp}.{body}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
