"""Copying between stores: all of it, once, and nothing that differs is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import CorruptFile, LockHeld, Refused
from reconciler.core.guard import Freeze
from reconciler.core.masking import Masker
from reconciler.stores.copying import copied
from reconciler.stores.firestore.store import Documents
from reconciler.stores.guarding import Guard
from reconciler.stores.labels import Label
from reconciler.stores.local import Folder
from reconciler.stores.records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.core.plan import Plan
    from reconciler.core.state import Snapshot
    from reconciler.stores.firestore.failures import Place
    from reconciler.stores.medium import Medium
    from tests.stores.conftest import Clock

NOTHING_SECRET = Guard(Masker())


@pytest.fixture
def folder(tmp_path: Path, clock: Clock) -> Folder:
    return Folder(tmp_path / "shop", clock, NOTHING_SECRET)


@pytest.fixture
def documents(place: Place, clock: Clock) -> Iterator[Documents]:
    found = Documents(place, "shop", clock, NOTHING_SECRET, time=lambda _: clock.now())
    yield found
    found.close()


@pytest.fixture(params=["to firestore", "to local"])
def ways(request: pytest.FixtureRequest, folder: Folder, documents: Documents) -> list[Medium]:
    """Return the store that is copied and the one that it is copied to."""
    found: list[Medium] = [folder, documents]
    return found if request.param == "to firestore" else found[::-1]


@pytest.fixture
def source(
    ways: list[Medium],
    clock: Clock,
    snapshot_of: Callable[..., Snapshot],
    plan_of: Callable[[str], Plan],
) -> Records:
    """Return a store with a story."""
    store = Records(ways[0], clock, NOTHING_SECRET)
    good = store.save(snapshot_of(url="https://a.example/é\u2028"))
    store.label(Label("good", good.id, "2026-11-19T03:00:00Z", "n", ({"name": "x"},)))
    clock.move(60)
    store.save(snapshot_of("applied", n=2))
    for run in ("r1", "r2"):
        journal = store.begin_run(run, plan_of(f"p-{run}"), plan_of(f"u-{run}"), 1)
        journal.append("started", by="somebody", source="files")
        journal.append("finished", result="done") if run == "r1" else None
        journal.close()
    store.confirm("r1", "somebody")
    store.set_freeze(Freeze(until="2027-01-01T00:00:00Z", reason="a fair", by="somebody"))
    return store


@pytest.fixture
def target(ways: list[Medium], clock: Clock) -> Records:
    return Records(ways[1], clock, NOTHING_SECRET)


def copy(source: Records, target: Records) -> list[str]:
    return [f"{one.kind} {one.name}" for one in copied(source.medium, target.medium)]


def told(store: Records) -> list[object]:
    """Return everything that a store says."""
    ids = list(store.medium.snapshot_ids())
    return [
        [store.load(one) for one in ids],
        store.base(),
        store.labels(),
        store.freeze(),
        store.medium.spent(),
        list(store.runs()),
        store.cut_off(),
        [
            (
                store.run_plan(one.id),
                store.run_undo(one.id),
                store.medium.journal_lines(one.id),
                store.is_confirmed(one.id),
                store.journal_problems(one.id),
            )
            for one in store.runs()
        ],
    ]


def test_a_copy_tells_the_same_story(source: Records, target: Records) -> None:
    written = copy(source, target)

    assert told(target) == told(source)
    assert sorted({one.partition(" ")[0] for one in written}) == [
        "freeze",
        "label",
        "plan",
        "run",
        "snapshot",
    ]


def test_a_copy_there_and_back_changes_nothing(source: Records, target: Records) -> None:
    before = told(source)
    copy(source, target)

    assert copy(target, source) == []
    assert told(source) == before


def test_a_second_copy_writes_nothing(source: Records, target: Records) -> None:
    copy(source, target)

    assert copy(source, target) == []


def test_a_copy_that_was_cut_off_is_finished_by_the_next(source: Records, target: Records) -> None:
    whole = told(source)
    written = 0
    for _ in range(20):
        cut = copied(source.medium, target.medium)
        first = next(cut, None)
        cut.close()  # type: ignore[attr-defined]  # a generator
        if first is None:
            break
        written += 1

    assert told(target) == whole
    assert written > 5


def test_a_later_copy_brings_what_came_since(
    source: Records, target: Records, snapshot_of: Callable[..., Snapshot]
) -> None:
    copy(source, target)
    source.close_run("r2", "taken back")
    saved = source.save(snapshot_of(n=3))

    assert copy(source, target) == [f"snapshot {saved.id}", "run r2"]
    assert told(target) == told(source)


def test_what_went_on_at_the_target_is_left_alone(source: Records, target: Records) -> None:
    copy(source, target)
    target.close_run("r2", "taken back")
    after = told(target)

    assert copy(source, target) == []
    assert told(target) == after


def test_nothing_that_differs_is_overwritten(
    source: Records, target: Records, snapshot_of: Callable[..., Snapshot]
) -> None:
    other = target.save(snapshot_of(n=9))
    target.label(Label("good", other.id, "2026-11-19T09:00:00Z"))
    before = told(target)

    with pytest.raises(Refused, match="differ: nothing was copied") as refused:
        copy(source, target)

    assert "label good" in refused.value.detail
    assert told(target) == before


def test_runs_that_went_on_at_both_ends_are_refused(source: Records, target: Records) -> None:
    copy(source, target)
    target.close_run("r2", "taken back")
    source.close_run("r2", "done")

    with pytest.raises(Refused) as refused:
        copy(source, target)

    assert "the journal of run r2" in refused.value.detail


@pytest.mark.parametrize("which", [0, 1])
def test_nothing_is_copied_while_a_lock_is_held(
    source: Records, target: Records, which: int
) -> None:
    with (source, target)[which].lock("apply r3"), pytest.raises(LockHeld, match="someone else"):
        copy(source, target)

    assert list(target.headers()) == []


def test_the_numbers_of_holders_go_on_rising(source: Records, target: Records) -> None:
    for _ in range(3):
        with source.lock("apply"):
            pass
    copy(source, target)

    with target.lock("apply") as lock:
        assert lock.fence > 4


def test_a_damaged_snapshot_is_not_copied(
    folder: Folder, documents: Documents, clock: Clock
) -> None:
    folder.add_snapshot("20261119T030000.000Z-1", '{"format": "reconciler.snapshot"}\n')
    source = Records(folder, clock, NOTHING_SECRET)

    with pytest.raises(CorruptFile):
        copy(source, Records(documents, clock, NOTHING_SECRET))

    assert list(documents.snapshot_ids()) == []
