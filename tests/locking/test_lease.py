"""The lease of an environment, with a clock that goes where it is told."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.core.errors import LockHeld
from reconciler.stores.holder import LASTS, Holder
from reconciler.stores.lease import take_lease
from tests.locking.desks import Clock, Desk, DocumentDesk, FileDesk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["file", "document"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    if request.param == "file":
        yield FileDesk(tmp_path, clock)
        return
    found = DocumentDesk(request.getfixturevalue("place"), clock)
    yield found
    found.connection.close()


def held(desk: Desk) -> Holder:
    holder = desk.read().holder
    assert holder is not None
    return holder


def gone() -> int:
    """Return the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write(desk: Desk, clock: Clock, **fields: object) -> None:
    """Leave a lease as another process would."""
    now = clock.now()
    holder = {
        "purpose": "apply by another",
        "host": socket.gethostname(),
        "pid": os.getppid(),
        "since": now.isoformat(),
        "until": (now + LASTS).isoformat(),
        "fence": 7,
    } | fields
    desk.write(holder)


def test_a_holder_is_named_to_those_who_come_later(desk: Desk) -> None:
    with desk.take("apply 1"), pytest.raises(LockHeld) as refused:
        desk.take("apply 2")

    told = refused.value.detail
    assert "apply 1" in told
    assert str(os.getpid()) in told
    assert socket.gethostname() in told


def test_a_lease_that_was_given_back_is_free_at_once(desk: Desk) -> None:
    with desk.take("apply 1"):
        pass

    with desk.take("apply 2") as second:
        assert second.taken_over is None


def test_the_fence_rises_with_every_holder(desk: Desk) -> None:
    fences = []
    for number in range(4):
        with desk.take(f"apply {number}") as lease:
            fences.append(lease.fence)

    assert fences == [1, 2, 3, 4]


def test_a_lease_is_given_back_also_after_an_error(desk: Desk) -> None:
    with pytest.raises(ZeroDivisionError), desk.take("apply 1"):
        raise ZeroDivisionError

    with desk.take("apply 2") as second:
        second.check()


def test_check_is_silent_while_the_lease_holds(desk: Desk, clock: Clock) -> None:
    with desk.take("apply 1") as lease:
        clock.sleep(LASTS.total_seconds() - 1)

        lease.check()


def test_an_expired_lease_is_lost_although_nobody_took_it(desk: Desk, clock: Clock) -> None:
    with desk.take("apply 1") as lease:
        clock.sleep(LASTS.total_seconds())

        with pytest.raises(LockHeld, match="lock was lost"):
            lease.check()


def test_an_expired_lease_is_taken_over_and_its_holder_told_apart(desk: Desk, clock: Clock) -> None:
    with desk.take("apply 1") as first:
        clock.sleep(LASTS.total_seconds() + 1)
        with desk.take("apply 2") as second:
            with pytest.raises(LockHeld, match="lock was lost"):
                first.check()
            second.check()

            assert second.taken_over is not None
            assert second.taken_over.purpose == "apply 1"
            assert second.fence == first.fence + 1


def test_a_holder_that_lost_its_lease_does_not_give_back_that_of_another(
    desk: Desk, clock: Clock
) -> None:
    first = desk.take("apply 1")
    with first:
        clock.sleep(LASTS.total_seconds() + 1)
        second = desk.take("apply 2")
        second.__enter__()

    try:
        second.check()
        assert held(desk).purpose == "apply 2"
    finally:
        second.__exit__()


def test_a_heartbeat_makes_the_lease_last(desk: Desk, clock: Clock) -> None:
    lasts = timedelta(seconds=0.15)
    with desk.take("apply 1", lasts) as lease:
        before = held(desk).until
        clock.sleep(0.1)
        for _ in range(2000):
            if held(desk).until != before:
                break
            os.sched_yield()
            lease._stop.wait(0.005)  # noqa: SLF001 - bounded waiting for a real thread

        assert held(desk).until > before
        clock.sleep(0.1)
        lease.check()


def test_a_heartbeat_does_not_bring_an_expired_lease_back(desk: Desk, clock: Clock) -> None:
    with desk.take("apply 1", timedelta(seconds=0.03)) as lease:
        clock.sleep(1)
        lease._beating.join(5)  # noqa: SLF001 - it ends by itself
        assert not lease._beating.is_alive()  # noqa: SLF001

        with pytest.raises(LockHeld):
            lease.check()


def test_the_lease_of_a_dead_process_of_this_host_is_free(desk: Desk, clock: Clock) -> None:
    write(desk, clock, pid=gone())

    with desk.take("apply 2") as lease:
        assert lease.fence == 8
        assert lease.taken_over is not None


def test_the_lease_of_another_host_holds_until_it_expires(desk: Desk, clock: Clock) -> None:
    write(desk, clock, host="elsewhere", pid=gone())

    with pytest.raises(LockHeld, match="someone else"):
        desk.take("apply 2")
    clock.sleep(LASTS.total_seconds())
    with desk.take("apply 2") as lease:
        assert lease.fence == 8


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', "null", '{"fence": "x"}'])
def test_an_unreadable_lease_lets_nobody_in(tmp_path: Path, clock: Clock, content: str) -> None:
    (tmp_path / ".lock.json").write_text(content, encoding="utf-8")

    with pytest.raises(LockHeld, match="not readable") as refused:
        take_lease(tmp_path, "apply", clock)

    assert "rm " in refused.value.mend
    assert (tmp_path / ".lock.json").read_text(encoding="utf-8") == content


@pytest.mark.parametrize("content", [{}, {"pid": 1}, {"fence": "x"}])
def test_an_incomplete_lease_lets_nobody_in(desk: Desk, content: dict[str, Any]) -> None:
    desk.write(content)

    with pytest.raises(LockHeld, match="not readable") as refused:
        desk.take("apply")

    assert "no apply is running" in refused.value.mend


def test_a_lease_without_a_time_lets_nobody_in(desk: Desk, clock: Clock) -> None:
    write(desk, clock, until="tomorrow")

    with pytest.raises(LockHeld, match="not readable"):
        desk.take("apply")


def test_a_process_of_that_number_on_another_machine_of_that_name_is_another(
    desk: Desk, clock: Clock
) -> None:
    write(desk, clock, pid=gone(), machine="another container")

    with pytest.raises(LockHeld, match="someone else"):
        desk.take("apply 2")


def test_a_number_can_be_made_to_rise_above_that_of_another_store(desk: Desk) -> None:
    with desk.take("copy") as lease:
        lease.rise_above(41)
        assert lease.fence == 42
        lease.check()
        lease.rise_above(7)
        assert lease.fence == 42

    with desk.take("apply") as second:
        assert second.fence == 43


def test_who_lost_the_lease_cannot_rise(desk: Desk, clock: Clock) -> None:
    first = desk.take("copy")
    clock.sleep(LASTS.total_seconds() + 1)
    desk.take("apply")

    with pytest.raises(LockHeld, match="lock was lost"):
        first.rise_above(41)


def test_the_lease_file_is_never_half_written(tmp_path: Path, clock: Clock) -> None:
    with take_lease(tmp_path, "apply 1", clock):
        content = (tmp_path / ".lock.json").read_text(encoding="utf-8")

    assert json.loads(content)["purpose"] == "apply 1"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []
