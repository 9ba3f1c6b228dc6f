"""Where the lease of an environment lies: in a file or in a document, and what others do to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.stores.firestore.connection import Connection
from reconciler.stores.firestore.slot import DocumentSlot
from reconciler.stores.holder import LASTS
from reconciler.stores.lease import Lease, Seen, read_holder, take, take_lease

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.stores.firestore.failures import Place


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 20, 3, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class Desk(Protocol):
    """Where the lease of one environment lies, and what others do to it."""

    def take(self, purpose: str, lasts: timedelta = LASTS) -> Lease: ...

    def read(self) -> Seen: ...

    def write(self, content: dict[str, Any]) -> None: ...


class FileDesk:
    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def take(self, purpose: str, lasts: timedelta = LASTS) -> Lease:
        return take_lease(self._folder, purpose, self._clock, lasts=lasts)

    def read(self) -> Seen:
        return Seen(read_holder(self._folder), self._clock.now())

    def write(self, content: dict[str, Any]) -> None:
        (self._folder / ".lock.json").write_text(json.dumps(content), encoding="utf-8")


class DocumentDesk:
    def __init__(self, place: Place, clock: Clock) -> None:
        self.connection = Connection(place, clock)
        self._document = self.connection.collection("shop", "state").document("lock")
        self._slot = DocumentSlot(self.connection, self._document, "shop", lambda _: clock.now())

    def take(self, purpose: str, lasts: timedelta = LASTS) -> Lease:
        return take(self._slot, purpose, lasts)

    def read(self) -> Seen:
        return self._slot.read()

    def write(self, content: dict[str, Any]) -> None:
        self._document.set(content)
