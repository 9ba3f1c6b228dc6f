"""Who holds an environment, and whether it is still there. Reads what this machine tells of its processes."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.core.errors import LockHeld

if TYPE_CHECKING:
    from reconciler.core.secret import Json

LASTS: Final = timedelta(seconds=30)
"""How long a lease holds without a heartbeat. A pause longer than this loses it."""


class Holder(NamedTuple):
    """Who holds an environment, since when, and until when without another heartbeat.

    ``born`` tells the process from a later one with the same pid, ``machine`` the host from another of that name and
    from a container beside it; each is empty where the system does not say.
    """

    purpose: str
    host: str
    pid: int
    since: str
    until: str
    fence: int
    born: str = ""
    machine: str = ""

    def __str__(self) -> str:
        return f"{self.purpose}: process {self.pid} on {self.host} since {self.since}, until {self.until}"


def this_process(purpose: str, now: datetime, lasts: timedelta, fence: int) -> Holder:
    """Return this process as the holder from ``now`` on."""
    return Holder(
        purpose=purpose,
        host=socket.gethostname(),
        pid=os.getpid(),
        since=text_of(now),
        until=text_of(now + lasts),
        fence=fence,
        born=_born(os.getpid()),
        machine=_machine(),
    )


def holder_of(found: Json, where: str, mend: str) -> Holder:
    """Return the holder that was written down. Raises LockHeld: what cannot be read is no free lock."""
    try:
        holder = Holder(**found)
        moment_of(holder.until)
    except (ValueError, TypeError):
        raise unreadable(where, mend) from None
    return holder


def unreadable(where: str, mend: str) -> LockHeld:
    """Return the error for a lease that cannot be read."""
    return LockHeld(
        f"{where} is not readable",
        detail="It says who holds the environment; nothing is changed while that is not known.",
        mend=mend,
    )


def is_alive(holder: Holder, now: datetime) -> bool:
    """Tell whether a lease holds: it was not given back, has not expired, and its process is not known to be gone."""
    if holder.pid == 0 or moment_of(holder.until) <= now:
        return False
    if holder.host != socket.gethostname() or holder.machine not in {"", _machine()}:
        return True
    return _runs(holder.pid) and holder.born in {"", _born(holder.pid)}


def text_of(moment: datetime) -> str:
    """Return a time as a lease tells it."""
    return moment.isoformat(timespec="milliseconds")


def moment_of(text: str) -> datetime:
    """Return the time that a lease tells. Raises ValueError."""
    return datetime.fromisoformat(text)


def _born(pid: int) -> str:
    """Return when a process started, in the kernel's own count; empty where that cannot be read.

    Source: proc(5), field 22 of ``stat``, counted behind the name in parentheses.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


@cache
def _machine() -> str:
    """Return what tells the processes of this machine since it was started, in this container, from all others.

    Source: random(4) ``boot_id``; namespaces(7): the inode of a namespace. Two hosts may have one name, and two
    containers one process number.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - it is no path
    except (OSError, ValueError):
        return ""
    return sha256(f"{boot} {namespace}".encode()).hexdigest()[:16]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
