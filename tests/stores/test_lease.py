"""The lock of an environment: one holder at a time, and nobody who lost it goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import LockHeld
from reconciler.stores.holder import LASTS
from reconciler.stores.lease import read_holder, take_lease

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.stores.records import Records
    from tests.stores.conftest import Clock


def test_a_second_holder_is_refused_and_told_of_the_first(store: Records) -> None:
    with store.lock("apply r1"), pytest.raises(LockHeld) as caught:
        store.lock("apply r2")

    assert "apply r1" in caught.value.detail
    assert str(os.getpid()) in caught.value.detail


def test_what_was_given_back_can_be_taken_again(store: Records) -> None:
    with store.lock("apply r1") as first:
        pass

    with store.lock("apply r2") as second:
        assert second.fence == first.fence + 1
        assert second.taken_over is None


def test_it_is_given_back_after_a_failure(store: Records) -> None:
    with pytest.raises(RuntimeError), store.lock("apply r1"):
        raise RuntimeError

    with store.lock("apply r2"):
        pass


def test_an_expired_lock_is_taken_over_and_its_holder_finds_out(
    tmp_path: Path, clock: Clock
) -> None:
    with take_lease(tmp_path, "apply r1", clock) as first:
        clock.move(LASTS.total_seconds())

        with take_lease(tmp_path, "apply r2", clock) as second:
            assert second.taken_over is not None
            assert second.taken_over.purpose == "apply r1"
            second.check()
            with pytest.raises(LockHeld):
                first.check()


def test_a_holder_that_was_stopped_for_too_long_finds_out(tmp_path: Path, clock: Clock) -> None:
    with take_lease(tmp_path, "apply r1", clock) as lease:
        lease.check()
        clock.move(LASTS.total_seconds())

        with pytest.raises(LockHeld, match="The lock was lost"):
            lease.check()


def test_giving_back_a_lost_lock_does_not_touch_the_new_holders(
    tmp_path: Path, clock: Clock
) -> None:
    first = take_lease(tmp_path, "apply r1", clock)
    with first:
        clock.move(LASTS.total_seconds())
        second = take_lease(tmp_path, "apply r2", clock)
    with second:
        second.check()


def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path: Path, clock: Clock) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with take_lease(tmp_path, "apply r1", clock):
        pass
    holder = read_holder(tmp_path)
    assert holder is not None
    until = (clock.now() + LASTS).isoformat()
    abandoned = holder._replace(pid=process.pid, until=until)
    (tmp_path / ".lock.json").write_text(json.dumps(abandoned._asdict()))

    with take_lease(tmp_path, "apply r2", clock) as lease:
        assert lease.taken_over is not None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": 1}', "null"])
def test_a_lock_file_that_cannot_be_read_is_no_free_lock(
    tmp_path: Path, clock: Clock, content: str
) -> None:
    (tmp_path / ".lock.json").write_text(content)

    with pytest.raises(LockHeld, match="is not readable"):
        take_lease(tmp_path, "apply r1", clock)
