"""Canonical JSON and digests: equal values have equal bytes, whatever order they were made in."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from reconciler.core.secret import encode

if TYPE_CHECKING:
    from reconciler.core.secret import Json


def canonical(value: Json) -> str:
    """Return ``value`` as JSON with sorted keys and no spaces."""
    return json.dumps(encode(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Json) -> str:
    """Return ``sha256:…`` of the canonical form of ``value``."""
    return digest_text(canonical(value))


def digest_text(text: str) -> str:
    """Return ``sha256:…`` of ``text``."""
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
