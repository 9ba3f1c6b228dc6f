"""The lock of an environment: a lease with a holder, an expiry, a heartbeat and a fencing number.

What the lease says stands in a slot, which is changed only by one who knows what it said before: so two processes
never both take it. A holder that was stopped for longer than the lease lasts has lost it, and finds out before its
next write.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, Self

from reconciler.core.errors import LockHeld, VendorError
from reconciler.core.masking import Masker
from reconciler.stores.atomic import write_text
from reconciler.stores.guarding import Guard
from reconciler.stores.holder import (
    LASTS,
    Holder,
    holder_of,
    is_alive,
    moment_of,
    text_of,
    this_process,
    unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta
    from pathlib import Path

    from reconciler.core.ports import Clock

_NOTHING_SECRET: Final = Guard(Masker())
"""A lease says a purpose, a host, a process and times, all of our own making; it must never fail to be renewed."""

_ATTEMPTS: Final = 20
"""How often a lease that is free is tried for while others are quicker."""


class Seen(NamedTuple):
    """What a slot said at a time; ``version`` is what it needs to know whether it still says so."""

    holder: Holder | None
    now: datetime
    version: Any = None


class Slot(Protocol):
    """Where the lease of one environment is written down."""

    @property
    def environment(self) -> str: ...

    def read(self) -> Seen:
        """Return what it says, by the clock that counts here. Raises LockHeld when it cannot be read."""
        ...

    def swap(self, seen: Seen, holder: Holder) -> bool:
        """Write ``holder``, unless it says something else than ``seen`` by now; tell whether it was written."""
        ...


class Lease:
    """A held lock. ``fence`` rises with every holder; ``taken_over`` is the holder that had let it expire."""

    def __init__(
        self, slot: Slot, holder: Holder, taken_over: Holder | None, lasts: timedelta
    ) -> None:
        self._slot = slot
        self._holder = holder
        self._lasts = lasts
        self._stop = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="lease", daemon=True)
        self.taken_over = taken_over

    @property
    def fence(self) -> int:
        """Return the fencing number; records of an earlier holder have a lower one."""
        return self._holder.fence

    def check(self) -> None:
        """Raise LockHeld unless the lease is still ours and has not expired. Called right before each write."""
        seen = self._slot.read()
        if not self._is_ours(seen):
            found = seen.holder
            expired = found is None or moment_of(found.until) <= seen.now
            raise LockHeld(
                "The lock was lost: this process was stopped for too long",
                detail="The lease has expired." if expired else f"Now: {found}",
                mend=f"reconciler recover {self._slot.environment}",
            )

    def rise_above(self, fence: int) -> None:
        """Let the number of this holder, which has not worked yet, be higher than ``fence``. Raises LockHeld."""
        seen = self._slot.read()
        if seen.holder is not None and self._is_ours(seen) and self.fence <= fence:
            higher = seen.holder._replace(fence=fence + 1)
            if self._slot.swap(seen, higher):
                self._holder = higher
        self.check()

    def __enter__(self) -> Self:
        self._beating.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._beating.join()
        try:
            self._give_back()
        except VendorError:
            return  # a store that cannot be reached: the lease runs out by itself

    def _give_back(self) -> None:
        for _ in range(_ATTEMPTS):
            seen = self._slot.read()
            if seen.holder is None or seen.holder.fence != self.fence:
                return
            free = self._holder._replace(until=text_of(seen.now), pid=0)
            if self._slot.swap(seen, free):
                return

    def _beat(self) -> None:
        pause = self._lasts.total_seconds() / 3
        wait = pause
        while not self._stop.wait(wait):
            try:
                seen = self._slot.read()
                if seen.holder is None or not self._is_ours(seen):
                    return  # lost: check() tells the one who works
                self._slot.swap(seen, seen.holder._replace(until=text_of(seen.now + self._lasts)))
                wait = pause
            except VendorError:
                wait = pause / 5  # a store that cannot be reached for a moment

    def _is_ours(self, seen: Seen) -> bool:
        found = seen.holder
        return found is not None and found.fence == self.fence and moment_of(found.until) > seen.now


def take(slot: Slot, purpose: str, lasts: timedelta = LASTS) -> Lease:
    """Take the lease that is written down in ``slot``. Raises LockHeld, naming the holder.

    A lease that has expired, or whose process on this machine is gone, is taken over.
    """
    for _ in range(_ATTEMPTS):
        seen = slot.read()
        found = seen.holder
        if found is not None and is_alive(found, seen.now):
            raise LockHeld(
                "The environment is being changed by someone else",
                detail=str(found),
                mend=f"wait until it has finished: reconciler history {slot.environment}",
            )
        fence = (found.fence if found is not None else 0) + 1
        holder = this_process(purpose, seen.now, lasts, fence)
        if slot.swap(seen, holder):
            return Lease(slot, holder, found if found is not None and found.pid else None, lasts)
    raise LockHeld(
        "The environment is being changed by others, who are quicker each time",
        mend=f"wait until they have finished: reconciler history {slot.environment}",
    )


class FileSlot:
    """A lease in a file. It is read and changed under a short file lock."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    @property
    def environment(self) -> str:
        return self._folder.name

    def read(self) -> Seen:
        return Seen(read_holder(self._folder), self._clock.now())

    def swap(self, seen: Seen, holder: Holder) -> bool:
        with _guarded(self._folder):
            if read_holder(self._folder) != seen.holder:
                return False
            text = json.dumps(holder._asdict())
            write_text(self._folder / ".lock.json", text, _NOTHING_SECRET)
        return True


def take_lease(folder: Path, purpose: str, clock: Clock, *, lasts: timedelta = LASTS) -> Lease:
    """Take the lock of an environment whose lease is a file in ``folder``. Raises LockHeld, naming the holder."""
    return take(FileSlot(folder, clock), purpose, lasts)


def read_holder(folder: Path) -> Holder | None:
    """Return what the lease file says; ``None`` when nobody ever held the environment. Raises LockHeld."""
    path = folder / ".lock.json"
    mend = f"rm {path}   # once no apply is running"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise unreadable(str(path), mend) from None
    return holder_of(found, str(path), mend)


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """Keep other processes away from the lease file for a moment."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=10):
            yield
    except Timeout:
        raise LockHeld(
            "The lock file of the environment cannot be taken", detail=str(folder)
        ) from None
