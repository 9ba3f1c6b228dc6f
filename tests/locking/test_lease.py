"""The lease of an environment, with a clock that goes where it is told."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import LockHeld
from reconciler.stores.lease import LASTS, Holder, read_holder, take_lease

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 20, 3, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def held(folder: Path) -> Holder:
    holder = read_holder(folder)
    assert holder is not None
    return holder


def gone() -> int:
    """Return the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write(folder: Path, clock: Clock, **fields: object) -> None:
    """Leave a lease file as another process would."""
    now = clock.now()
    holder = {
        "purpose": "apply by another",
        "host": socket.gethostname(),
        "pid": os.getppid(),
        "since": now.isoformat(),
        "until": (now + LASTS).isoformat(),
        "fence": 7,
    } | fields
    (folder / ".lock.json").write_text(json.dumps(holder), encoding="utf-8")


def test_a_holder_is_named_to_those_who_come_later(tmp_path: Path, clock: Clock) -> None:
    with take_lease(tmp_path, "apply 1", clock), pytest.raises(LockHeld) as refused:
        take_lease(tmp_path, "apply 2", clock)

    told = refused.value.detail
    assert "apply 1" in told
    assert str(os.getpid()) in told
    assert socket.gethostname() in told


def test_a_lease_that_was_given_back_is_free_at_once(tmp_path: Path, clock: Clock) -> None:
    with take_lease(tmp_path, "apply 1", clock):
        pass

    with take_lease(tmp_path, "apply 2", clock) as second:
        assert second.taken_over is None


def test_the_fence_rises_with_every_holder(tmp_path: Path, clock: Clock) -> None:
    fences = []
    for number in range(4):
        with take_lease(tmp_path, f"apply {number}", clock) as lease:
            fences.append(lease.fence)

    assert fences == [1, 2, 3, 4]


def test_a_lease_is_given_back_also_after_an_error(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError), take_lease(tmp_path, "apply 1", clock):
        raise ZeroDivisionError

    with take_lease(tmp_path, "apply 2", clock) as second:
        second.check()


def test_check_is_silent_while_the_lease_holds(tmp_path: Path, clock: Clock) -> None:
    with take_lease(tmp_path, "apply 1", clock) as lease:
        clock.sleep(LASTS.total_seconds() - 1)

        lease.check()


def test_an_expired_lease_is_lost_although_nobody_took_it(tmp_path: Path, clock: Clock) -> None:
    with take_lease(tmp_path, "apply 1", clock) as lease:
        clock.sleep(LASTS.total_seconds())

        with pytest.raises(LockHeld, match="lock was lost"):
            lease.check()


def test_an_expired_lease_is_taken_over_and_its_holder_told_apart(
    tmp_path: Path, clock: Clock
) -> None:
    with take_lease(tmp_path, "apply 1", clock) as first:
        clock.sleep(LASTS.total_seconds() + 1)
        with take_lease(tmp_path, "apply 2", clock) as second:
            with pytest.raises(LockHeld, match="lock was lost"):
                first.check()
            second.check()

            assert second.taken_over is not None
            assert second.taken_over.purpose == "apply 1"
            assert second.fence == first.fence + 1


def test_a_holder_that_lost_its_lease_does_not_give_back_that_of_another(
    tmp_path: Path, clock: Clock
) -> None:
    first = take_lease(tmp_path, "apply 1", clock)
    with first:
        clock.sleep(LASTS.total_seconds() + 1)
        second = take_lease(tmp_path, "apply 2", clock)
        second.__enter__()

    try:
        second.check()
        assert held(tmp_path).purpose == "apply 2"
    finally:
        second.__exit__()


def test_a_heartbeat_makes_the_lease_last(tmp_path: Path, clock: Clock) -> None:
    lasts = timedelta(seconds=0.15)
    with take_lease(tmp_path, "apply 1", clock, lasts=lasts) as lease:
        before = held(tmp_path).until
        clock.sleep(0.1)
        for _ in range(2000):
            if held(tmp_path).until != before:
                break
            os.sched_yield()
            lease._stop.wait(0.005)  # noqa: SLF001 - bounded waiting for a real thread

        assert held(tmp_path).until > before
        clock.sleep(0.1)
        lease.check()


def test_a_heartbeat_does_not_bring_an_expired_lease_back(tmp_path: Path, clock: Clock) -> None:
    with take_lease(tmp_path, "apply 1", clock, lasts=timedelta(seconds=0.03)) as lease:
        clock.sleep(1)
        lease._beating.join(5)  # noqa: SLF001 - it ends by itself
        assert not lease._beating.is_alive()  # noqa: SLF001

        with pytest.raises(LockHeld):
            lease.check()


def test_the_lease_of_a_dead_process_of_this_host_is_free(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path, clock, pid=gone())

    with take_lease(tmp_path, "apply 2", clock) as lease:
        assert lease.fence == 8
        assert lease.taken_over is not None


def test_the_lease_of_another_host_holds_until_it_expires(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path, clock, host="elsewhere", pid=gone())

    with pytest.raises(LockHeld, match="someone else"):
        take_lease(tmp_path, "apply 2", clock)
    clock.sleep(LASTS.total_seconds())
    with take_lease(tmp_path, "apply 2", clock) as lease:
        assert lease.fence == 8


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', "null", '{"fence": "x"}'])
def test_an_unreadable_lease_lets_nobody_in(tmp_path: Path, clock: Clock, content: str) -> None:
    (tmp_path / ".lock.json").write_text(content, encoding="utf-8")

    with pytest.raises(LockHeld, match="not readable") as refused:
        take_lease(tmp_path, "apply", clock)

    assert "rm " in refused.value.mend
    assert (tmp_path / ".lock.json").read_text(encoding="utf-8") == content


def test_a_lease_without_a_time_lets_nobody_in(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path, clock, until="tomorrow")

    with pytest.raises(LockHeld, match="not readable"):
        take_lease(tmp_path, "apply", clock)


def test_the_lease_file_is_never_half_written(tmp_path: Path, clock: Clock) -> None:
    with take_lease(tmp_path, "apply 1", clock):
        content = (tmp_path / ".lock.json").read_text(encoding="utf-8")

    assert json.loads(content)["purpose"] == "apply 1"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []
