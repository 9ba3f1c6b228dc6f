"""Keep below a vendor's rate limit, whichever thread or client sends. Never sends anything itself."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RECOVERY = 1.02
"""How much faster each request may follow the one before, after a 429 had halved the pace."""

SLOWEST = 1 / 8
"""The share of the full pace below which repeated 429 answers do not push."""

_ROUNDING = 1e-9
_SHORTEST_WAIT = 1e-6
"""Seconds; a shorter wait could be lost in the rounding of a clock that shows much more."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock, the sleep and the chance that pacing and retrying use; tests bring their own.

    ``monotonic`` and ``wall`` (seconds since 1970) return seconds, ``sleep`` takes seconds, ``chance`` returns
    a number in [0, 1).
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


class Pacer:
    """A token bucket for one vendor account, shared by all its threads and clients.

    ``rate`` is the vendor's limit in requests per second, ``burst`` how many of them may leave at once. Vendors
    count in windows, so the bucket refills at ``rate - burst``: no second then holds more than ``rate``
    requests, wherever it starts.
    """

    def __init__(self, rate: float, burst: int, timing: Timing) -> None:
        if not 1 <= burst < rate:
            raise ValueError(f"burst {burst} must be at least 1 and less than the rate {rate}")
        self._full_pace = rate - burst
        self._burst = burst
        self._timing = timing
        self._turn = threading.Lock()
        self._state = threading.Lock()
        self._pace = self._full_pace
        self._tokens = float(burst)
        self._filled_at = timing.monotonic()
        self._opens_at = self._filled_at
        self._slowed_at = float("-inf")

    def take(self) -> None:
        """Return when the next request may leave. Threads wait one behind the other."""
        with self._turn:
            while (wait := self._claim()) > 0:
                self._timing.sleep(wait)

    def slow_down(self, seconds: float) -> None:
        """Let nobody send for ``seconds``, then go on at half the pace: the vendor answered 429.

        Answers of requests that were under way together halve the pace once.
        """
        with self._state:
            now = self._timing.monotonic()
            self._opens_at = max(self._opens_at, now + seconds)
            self._filled_at = self._opens_at
            self._tokens = 0.0
            if now - self._slowed_at >= 1:
                self._slowed_at = now
                self._pace = max(self._pace / 2, self._full_pace * SLOWEST)

    def _claim(self) -> float:
        """Take a token and return 0, or return the seconds until there can be one."""
        with self._state:
            now = self._timing.monotonic()
            if now < self._opens_at:
                return self._opens_at - now
            gained = max(now - self._filled_at, 0.0) * self._pace
            self._tokens = min(self._tokens + gained, float(self._burst))
            self._filled_at = now
            if self._tokens < 1 - _ROUNDING:
                return max((1 - self._tokens) / self._pace, _SHORTEST_WAIT)
            self._tokens -= 1
            self._pace = min(self._pace * RECOVERY, self._full_pace)
            return 0.0
