"""Canonical JSON and digests: equal values have equal bytes, whatever order they were made in."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from reconciler.core.secret import encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.secret import Json


def canonical(value: Json) -> str:
    """Return ``value`` as JSON with sorted keys and no spaces."""
    return canonical_json(encode(value))


def canonical_json(value: Json) -> str:
    """Return what ``canonical`` does, for a value that is plain JSON already."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Json) -> str:
    """Return ``sha256:…`` of the canonical form of ``value``."""
    return digest_text(canonical(value))


def digest_text(text: str) -> str:
    """Return ``sha256:…`` of ``text``."""
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def digest_lines(lines: Iterable[str]) -> str:
    """Return ``sha256:…`` of ``lines``, each ended by a line feed, without joining them in memory."""
    found = sha256()
    for line in lines:
        found.update(line.encode("utf-8", "surrogatepass"))
        found.update(b"\n")
    return f"sha256:{found.hexdigest()}"
