"""What holds of runs and their journals, wherever they are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import LockHeld

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.plan import Plan
    from reconciler.stores.records import Records
    from tests.stores.conftest import Opens


def begun(store: Records, plan_of: Callable[[str], Plan], run: str = "r1") -> None:
    """Leave a run that was cut off after its second record."""
    journal = store.begin_run(run, plan_of(f"p-{run}"), plan_of(f"u-{run}"), 1)
    journal.append("started", by="somebody", source="files")
    journal.append("outcome", address="a.b/é", outcome="done")
    journal.close()


def test_the_records_of_a_run_come_back_in_order(
    store: Records, plan_of: Callable[[str], Plan]
) -> None:
    begun(store, plan_of)

    assert [(one["seq"], one["event"], one["fence"]) for one in store.journal("r1")] == [
        (1, "started", 1),
        (2, "outcome", 1),
    ]
    assert store.journal("r1")[1]["address"] == "a.b/é"
    assert store.journal_problems("r1") == ()


def test_a_run_that_did_not_finish_was_cut_off(
    store: Records, plan_of: Callable[[str], Plan]
) -> None:
    begun(store, plan_of)

    (run,) = store.runs()
    assert (run.is_finished, run.done, run.by) == (False, 1, "somebody")
    assert store.cut_off() == ("r1",)

    store.close_run("r1", "taken back")

    (run,) = store.runs()
    assert (run.is_finished, run.result, run.done) == (True, "taken back", 1)
    assert store.cut_off() == ()
    assert store.journal_problems("r1") == ()


def test_what_comes_after_the_end_of_a_run_is_told_as_well(
    store: Records, plan_of: Callable[[str], Plan]
) -> None:
    begun(store, plan_of)
    store.close_run("r1", "not confirmed")

    store.close_run("r1", "done")

    assert [run.result for run in store.runs()] == ["done"]


def test_a_run_that_was_undone_is_settled(store: Records, plan_of: Callable[[str], Plan]) -> None:
    begun(store, plan_of)
    journal = store.begin_run("r2", plan_of("p2"), plan_of("u2"), 2)
    journal.append("started", by="somebody", source="undo of run r1")
    journal.append("finished", result="done", snapshot=None)
    journal.close()

    assert store.cut_off() == ()
    assert [run.id for run in store.runs()] == ["r2", "r1"]


def test_who_goes_on_with_a_run_writes_after_what_is_there(
    store: Records, plan_of: Callable[[str], Plan]
) -> None:
    begun(store, plan_of)

    journal = store.resume_run("r1", 2)
    journal.append("recovering")
    journal.close()

    assert [one["seq"] for one in store.journal("r1")] == [1, 2, 3]
    assert store.journal_problems("r1") == ()


def test_who_lost_a_run_to_another_writes_nothing_more(
    open_store: Opens, plan_of: Callable[[str], Plan]
) -> None:
    stale = open_store().begin_run("r1", plan_of("p1"), plan_of("u1"), 1)
    stale.append("started", by="somebody")
    successor = open_store()
    journal = successor.resume_run("r1", 2)
    journal.append("recovering")

    with pytest.raises(LockHeld, match="goes on with this run"):
        stale.append("outcome", address="a.b/c", outcome="done")
    with pytest.raises(LockHeld):
        stale.append("finished", result="done")

    journal.append("finished", result="done")
    journal.close()
    stale.close()
    assert [one["event"] for one in successor.journal("r1")] == [
        "started",
        "recovering",
        "finished",
    ]
    assert successor.journal_problems("r1") == ()


def test_many_threads_write_one_journal(store: Records, plan_of: Callable[[str], Plan]) -> None:
    journal = store.begin_run("r1", plan_of("p1"), plan_of("u1"), 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: journal.append("intent", address=f"a.b/{number}"), range(40)))
    journal.close()

    assert store.journal_problems("r1") == ()
    assert len({one["address"] for one in store.journal("r1")}) == 40


def test_a_run_is_confirmed_once_somebody_says_so(
    store: Records, plan_of: Callable[[str], Plan]
) -> None:
    begun(store, plan_of)
    assert not store.is_confirmed("r1")

    store.confirm("r1", "somebody")
    store.confirm("r1", "somebody else")

    assert store.is_confirmed("r1")
