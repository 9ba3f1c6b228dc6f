"""The outside world of a test: the sandbox's control port, and a time that passes only when told."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from reconciler.wire.pacing import Timing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.conformance.fixture import State
    from reconciler.sandbox.server import Sandbox


READING_VERBS = (":test",)
"""How the paths of POSTs end that keep nothing. Source: Firebase Rules API v1, projects.test."""


class Asked(NamedTuple):
    """One request that a vendor received."""

    vendor: str
    method: str
    path: str
    status: int

    @property
    def is_read(self) -> bool:
        """Tell whether it can have changed nothing."""
        return self.method in {"GET", "HEAD"} or self.path.endswith(READING_VERBS)


class World:
    """A running sandbox: look at it, change it, and make it fail."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.urls = sandbox.urls
        self._control = httpx.Client(base_url=sandbox.urls["control"], trust_env=False)

    def close(self) -> None:
        self._control.close()

    def reset(self) -> None:
        """Go back to the seed; forget requests and faults."""
        self._control.post("/reset").raise_for_status()

    def state(self, vendor: str) -> State:
        """Return the whole state of a vendor."""
        found: State = self._control.get(f"/state/{vendor}").raise_for_status().json()
        return found

    def put(self, vendor: str, state: Mapping[str, Any]) -> None:
        """Replace the whole state of a vendor."""
        self._control.put(f"/state/{vendor}", json=state).raise_for_status()

    def asked(self) -> tuple[Asked, ...]:
        """Return the requests since the last ``forget``, oldest first."""
        found = self._control.get("/requests").raise_for_status().json()
        return tuple(Asked(*(item[name] for name in Asked._fields)) for item in found)

    def writes(self) -> tuple[Asked, ...]:
        """Return the requests that could change something."""
        return tuple(item for item in self.asked() if not item.is_read)

    def forget(self) -> None:
        """Forget the requests so far."""
        self._control.delete("/requests").raise_for_status()

    def fail(self, **fault: object) -> None:
        """Add a fault rule (see ``sandbox.faults.Fault``)."""
        self._control.post("/faults", json=fault).raise_for_status()

    def heal(self) -> None:
        """Take all faults away."""
        self._control.delete("/faults").raise_for_status()


class Ticking:
    """A clock that moves on by a millisecond each time it is asked, and waits for nobody: ``core.ports.Clock``."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 19, 3, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        self._now += timedelta(seconds=seconds)


def no_waiting() -> Timing:
    """Return a timing in which sleeping takes no time, so that pacing and retries do not."""
    lock = threading.Lock()
    seconds = [0.0]

    def sleep(wait: float) -> None:
        with lock:
            seconds[0] += wait + 1e-6  # a wait too short for a float must pass too

    def now() -> float:
        with lock:
            return seconds[0]

    return Timing(now, now, sleep, lambda: 0.5)
