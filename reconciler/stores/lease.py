"""The lock of an environment: a lease with a holder, an expiry, a heartbeat and a fencing number.

The lease is a file. Taking, renewing and giving it back happen under a short file lock, so that two processes
never both take it. A holder that was stopped for longer than the lease lasts has lost it, and finds out before its
next write.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from reconciler.core.errors import LockHeld
from reconciler.core.masking import Masker
from reconciler.stores.atomic import write_text
from reconciler.stores.guarding import Guard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.core.ports import Clock

LASTS: Final = timedelta(seconds=30)
"""How long a lease holds without a heartbeat. A pause longer than this loses it."""

BEATS: Final = LASTS / 3

_NOTHING_SECRET: Final = Guard(Masker())
"""A lease says a purpose, a host, a process and times, all of our own making; it must never fail to be renewed."""


class Holder(NamedTuple):
    """Who holds an environment, since when, and until when without another heartbeat.

    ``born`` tells the process from a later one with the same pid; empty where the system does not say.
    """

    purpose: str
    host: str
    pid: int
    since: str
    until: str
    fence: int
    born: str = ""

    def __str__(self) -> str:
        return f"{self.purpose}: process {self.pid} on {self.host} since {self.since}, until {self.until}"


class Lease:
    """A held lock. ``fence`` rises with every holder; ``taken_over`` is the holder that had let it expire."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        holder: Holder,
        taken_over: Holder | None,
        lasts: timedelta,
    ) -> None:
        self._folder = folder
        self._clock = clock
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
        found = read_holder(self._folder)
        expired = found is None or _moment(found.until) <= self._clock.now()
        if found is None or found.fence != self.fence or expired:
            raise LockHeld(
                "The lock was lost: this process was stopped for too long",
                detail=f"Now: {found}"
                if found is not None and not expired
                else "The lease has expired.",
                mend=f"reconciler recover {self._folder.name}",
            )

    def __enter__(self) -> Self:
        self._beating.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._beating.join()
        with _guarded(self._folder):
            found = read_holder(self._folder)
            if found is not None and found.fence == self.fence:
                _write(self._folder, self._holder._replace(until=_text(self._clock.now()), pid=0))

    def _beat(self) -> None:
        while not self._stop.wait(self._lasts.total_seconds() / 3):
            with _guarded(self._folder):
                found = read_holder(self._folder)
                now = self._clock.now()
                if found is None or found.fence != self.fence or _moment(found.until) <= now:
                    return  # lost: check() tells the one who works
                _write(self._folder, found._replace(until=_text(now + self._lasts)))


def take_lease(folder: Path, purpose: str, clock: Clock, *, lasts: timedelta = LASTS) -> Lease:
    """Take the lock of an environment. Raises LockHeld, naming the holder.

    A lease that has expired, or whose process on this host is gone, is taken over.
    """
    with _guarded(folder):
        found = read_holder(folder)
        now = clock.now()
        if found is not None and is_alive(found, now):
            raise LockHeld(
                "The environment is being changed by someone else",
                detail=str(found),
                mend=f"wait until it has finished: reconciler history {folder.name}",
            )
        holder = Holder(
            purpose=purpose,
            host=socket.gethostname(),
            pid=os.getpid(),
            since=_text(now),
            until=_text(now + lasts),
            fence=(found.fence if found is not None else 0) + 1,
            born=_born(os.getpid()),
        )
        _write(folder, holder)
    abandoned = found if found is not None and found.pid else None
    return Lease(folder, clock, holder, abandoned, lasts)


def read_holder(folder: Path) -> Holder | None:
    """Return what the lease file says; ``None`` when nobody ever held the environment."""
    try:
        holder = Holder(**json.loads((folder / ".lock.json").read_text(encoding="utf-8")))
        _moment(holder.until)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise LockHeld(
            f"{folder / '.lock.json'} is not readable",
            detail="It says who holds the environment; nothing is changed while that is not known.",
            mend=f"rm {folder / '.lock.json'}   # once no apply is running",
        ) from None
    return holder


def is_alive(holder: Holder, now: datetime) -> bool:
    """Tell whether a lease holds: it was not given back, has not expired, and its process is not known to be gone."""
    if holder.pid == 0 or _moment(holder.until) <= now:
        return False
    if holder.host != socket.gethostname():
        return True
    return _runs(holder.pid) and holder.born in {"", _born(holder.pid)}


def _born(pid: int) -> str:
    """Return when a process started, in the kernel's own count; empty where that cannot be read.

    Source: proc(5), field 22 of ``stat``, counted behind the name in parentheses.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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


def _write(folder: Path, holder: Holder) -> None:
    text = json.dumps(holder._asdict())
    write_text(folder / ".lock.json", text, _NOTHING_SECRET)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
