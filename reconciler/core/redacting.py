"""Blank out what stands in a secret place of JSON, whatever its value: nobody may know that value yet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.core.masking import MASK

if TYPE_CHECKING:
    from reconciler.core.secret import Json

_SECRET = re.compile(
    r"secret|token|passw|passphrase|pwd|credential|api[_-]?key|private|signature|authorization|cookie|session"
    r"|(?:access|account|encryption|master|signing|ssh)[_-]?key|(?:^|[_-])(?:auth|jwt|key|otp|pin|sig)$",
    re.IGNORECASE,
)
_CONTENT = re.compile(
    r"^(?:ciphertext|computed|content|data|payload|plaintext|raw|value)$", re.IGNORECASE
)
_OPEN = re.compile(
    r"^key$|idempotency[_-]?key|^(?:continuation|next|page)[_-]?token$|^secret(?:id|name|path|version)$",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Tell whether what ``name`` names is a secret: a key of JSON, of a form, of a query, or a header.

    Rather once too often. ``key`` alone is the name of a variable, and ``next_token`` a place in a list.
    """
    return _SECRET.search(name) is not None and _OPEN.search(name) is None


def holds_secret(name: str) -> bool:
    """Tell whether a text under ``name`` may be a secret: also what is named for nothing but being content."""
    return is_secret_name(name) or _CONTENT.match(name) is not None


def redacted(value: Json) -> Json:
    """Return ``value`` with a mask for everything under a secret name, and for texts under ``value`` and the like."""
    if isinstance(value, dict):
        return {name: _under(str(name), item) for name, item in value.items()}
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return value


def _under(name: str, value: Json) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if is_secret_name(name) or (holds_secret(name) and not isinstance(value, (dict, list))):
        return MASK
    return redacted(value)
