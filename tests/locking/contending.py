"""Processes that want one lock again and again, some of which are killed or stopped while they hold it.

A process of its own, without threads and without a connection, which forks the contenders: Google's client does not
survive a fork, but its import does. It starts a new contender for one that was killed, wakes those that were stopped
for longer than their lease lasts, and ends when all have done what they were to do.

Each line that they append to the log is one event, in the order in which it happened: ``enter``, ``leave``, ``die``,
``stop``, ``fenced``, with the fencing number, the process and the time; of ``enter`` it is the time until which the
lease holds without a heartbeat.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.cli.workspace import SystemClock
from reconciler.core.errors import LockHeld
from reconciler.core.masking import Masker
from reconciler.stores.firestore import connection
from reconciler.stores.firestore.failures import Place
from reconciler.stores.firestore.store import Documents
from reconciler.stores.guarding import Guard
from reconciler.stores.holder import moment_of

LASTS = timedelta(seconds=1.5)
SHARED = 50
"""How many holders after each other write one journal."""


def run_of(fence: int) -> str:
    """Return the run in which the holder with this number works."""
    return f"r{fence // SHARED:04}"


def dies(fence: int) -> bool:
    """Tell whether the holder with this number is killed."""
    return fence % 12 == 7


def stops(fence: int) -> bool:
    """Tell whether the holder with this number is stopped for longer than its lease lasts."""
    return fence % 40 == 17


class Order(NamedTuple):
    """What the contenders are to do: so many each, with a seed, below a collection; the log is what they tell."""

    processes: int
    rounds: int
    seed: int
    collection: str
    log: Path


def documents(collection: str) -> Documents:
    """Open the store in the emulator."""
    place = Place("demo-shop", "reconciler", collection)
    return Documents(place, "shop", SystemClock(), Guard(Masker()), lasts=LASTS)


def contend(order: Order, chance: random.Random, left: int) -> None:
    """Take the lock and work under it, until ``left`` rounds are done."""
    store = documents(order.collection)
    while left:
        try:
            lease = store.lock("contend")
        except LockHeld:
            pause(chance.uniform(0.02, 0.2))
            continue
        with lease:
            until = moment_of(lease._holder.until).timestamp()  # noqa: SLF001 - nobody else is told
            note(order.log, "enter", lease.fence, until)
            if dies(lease.fence):
                note(order.log, "die", lease.fence)
                os.kill(os.getpid(), signal.SIGKILL)
            journal = store.open_journal(run_of(lease.fence), lease.fence)
            if stops(lease.fence):
                note(order.log, "stop", lease.fence)
                os.kill(os.getpid(), signal.SIGSTOP)
            try:
                lease.check()
                journal.append("worked", process=os.getpid())
            except LockHeld:
                note(order.log, "fenced", lease.fence)
                continue
            left -= 1
            note(order.log, "leave", lease.fence)
    note(order.log, "ended", 0)


def note(log: Path, event: str, fence: int, at: float | None = None) -> None:
    """Append a line, in one write that the kernel puts in order."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{event} {fence} {os.getpid()} {at or time.time()}\n".encode())
    os.close(descriptor)


def events(log: Path) -> list[tuple[str, int, int, float]]:
    """Return what the contenders told: event, fencing number, process and time."""
    found = [line.split() for line in log.read_text(encoding="ascii").splitlines()]
    return [(name, int(fence), int(pid), float(at)) for name, fence, pid, at in found]


def pause(seconds: float) -> None:
    select.select([], [], [], seconds)


def fork(order: Order, number: int, left: int) -> int:
    """Start one contender and return its process."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        contend(order, random.Random(f"{order.seed} {number}"), left)  # noqa: S311 - the same each time
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def lead(order: Order) -> None:
    """Start the contenders, and whom it takes in their place; wake the stopped; wait for all."""
    import google.cloud.firestore  # noqa: F401 - once, for all of them

    vars(connection)["SECONDS"] = 60.0  # a busy machine is waited for
    order.log.touch()
    left = {fork(order, number, order.rounds): order.rounds for number in range(order.processes)}
    number = order.processes
    woken: set[int] = set()
    while left:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            done = sum(one[0] == "leave" and one[2] == pid for one in events(order.log))
            rest = left.pop(pid) - done
            code = os.waitstatus_to_exitcode(status)
            if code not in {0, -signal.SIGKILL}:
                sys.exit(f"a contender ended with {code}")
            if code and rest:
                number += 1
                left[fork(order, number, rest)] = rest
            continue
        woken |= wake(order.log, woken)
        pause(0.1)


def wake(log: Path, woken: set[int]) -> set[int]:
    """Let those go on that were stopped for longer than their lease lasts; return their fencing numbers."""
    late = time.time() - LASTS.total_seconds() - 0.3
    found: set[Any] = set()
    for name, fence, pid, at in events(log):
        if name == "stop" and fence not in woken and at < late:
            os.kill(pid, signal.SIGCONT)
            found.add(fence)
    return found


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:4]]
    lead(Order(numbers[0], numbers[1], numbers[2], sys.argv[4], Path(sys.argv[5])))
