"""A token bucket: up to ``rate`` requests at once, ``rate`` a second in the long run."""

from __future__ import annotations

from typing import NamedTuple


class Bucket(NamedTuple):
    """Tokens left, and the monotonic time in seconds at which that was true."""

    tokens: float
    at: float


class Taken(NamedTuple):
    """The bucket after a request, and how long to wait (0: the request may pass)."""

    bucket: Bucket
    wait: float


def take(bucket: Bucket | None, rate: float, now: float) -> Taken:
    """Take one token; a bucket never seen before is full."""
    capacity = max(rate, 1.0)
    before = bucket or Bucket(capacity, now)
    tokens = min(capacity, before.tokens + (now - before.at) * rate)
    if tokens >= 1.0:
        return Taken(Bucket(tokens - 1.0, now), 0.0)
    return Taken(Bucket(tokens, now), (1.0 - tokens) / rate)
