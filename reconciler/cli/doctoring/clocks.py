"""Whether this machine's clock is right, by the ``Date`` of answers that were asked for anyway. Sends nothing."""

from __future__ import annotations

import threading
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from reconciler.cli.doctoring.case import OFFLINE
from reconciler.core.examination import doubtful, fine, untried, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from reconciler.cli.doctoring.case import Case
    from reconciler.core.examination import Examined
    from reconciler.core.ports import Clock
    from reconciler.wire.tracing import Exchange

WARNS: Final = 5.0
FAILS: Final = 60.0
"""Seconds. A webhook's signature is refused when it is 300 s old. Source: Stripe, verify webhook signatures."""

TICK: Final = timedelta(seconds=1)
"""A ``Date`` tells whole seconds."""


class Clocks:
    """Hears what time it is at each vendor, and hands every exchange on to the tracer of the command. Thread-safe."""

    def __init__(self, clock: Clock, tracer: Any) -> None:  # noqa: ANN401 - a wire.tracing.Tracer or None
        self._clock = clock
        self._tracer = tracer
        self._lock = threading.Lock()
        self._gaps: dict[str, float] = {}

    @property
    def gaps(self) -> Mapping[str, float]:
        """Return by how many seconds this clock is ahead of each vendor's, at the least; below zero: behind."""
        return dict(self._gaps)

    def note(self, exchange: Exchange) -> None:
        """Compare the time of one answer."""
        if self._tracer is not None:
            self._tracer.note(exchange)
        if isinstance(exchange.answer, tuple):
            return
        received = self._clock.now()
        told = _moment(exchange.answer.headers.get_list("Date"))
        if told is None:
            return
        gap = _gap(told, received - timedelta(seconds=exchange.seconds), received)
        with self._lock:
            known = self._gaps.get(exchange.profile.vendor, gap)
            self._gaps[exchange.profile.vendor] = min(known, gap, key=abs)


def clock_examined(case: Case) -> Iterator[Examined]:
    """Tell whether the clock is right. If one vendor agrees with it, it is the others that are wrong."""
    gaps = case.clocks.gaps
    if not gaps:
        yield untried("clock", OFFLINE if case.offline else "no vendor answered")
        return
    vendors: dict[str, list[str]] = {}
    for vendor, gap in sorted(gaps.items()):
        vendors.setdefault(_words(gap), []).append(vendor)
    told = ", ".join(f"{words} {' and '.join(named)}" for words, named in vendors.items())
    least = min(map(abs, gaps.values()))
    if least <= WARNS:
        yield fine("clock", told)
        return
    mend = "timedatectl set-ntp true"
    words = f"{told}; signatures of webhooks and leases of locks go by the time"
    yield wrong("clock", words, mend) if least > FAILS else doubtful("clock", words, mend)


def _moment(dates: list[str]) -> datetime | None:
    """Return the time of a ``Date`` header; the last one, which the vendor itself set, when a server added its own."""
    try:
        found = parsedate_to_datetime(dates[-1])
    except (IndexError, ValueError, TypeError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _gap(told: datetime, sent: datetime, received: datetime) -> float:
    """Return how far the time between sending and receiving lies from the second that was told."""
    if received < told:
        return (received - told).total_seconds()
    if sent > told + TICK:
        return (sent - told - TICK).total_seconds()
    return 0.0


def _words(gap: float) -> str:
    if abs(gap) <= WARNS:
        return "agrees with"
    return f"{abs(gap):.0f} s {'ahead of' if gap > 0 else 'behind'}"
