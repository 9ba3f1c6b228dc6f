"""What holds of snapshots, labels and runs, wherever they are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import InvalidInput, StalePlan
from reconciler.core.guard import Freeze
from reconciler.stores.labels import Label

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.plan import Plan
    from reconciler.core.state import Snapshot
    from reconciler.stores.records import Records
    from tests.stores.conftest import Clock, Opens


def test_a_snapshot_comes_back_as_it_was(
    store: Records, snapshot_of: Callable[..., Snapshot]
) -> None:
    saved = store.save(snapshot_of(url="https://a.example/é\u2028"))

    assert store.load(saved.id) == saved
    assert saved.header.digest.startswith("sha256:")


def test_an_empty_store_has_no_base(store: Records) -> None:
    assert store.base() is None
    assert list(store.headers()) == []
    assert list(store.runs()) == []
    assert store.labels() == ()


def test_the_base_is_the_newest_that_was_taken(
    store: Records, clock: Clock, snapshot_of: Callable[..., Snapshot]
) -> None:
    store.save(snapshot_of(n=1))
    clock.move(1)
    newest = store.save(snapshot_of(n=2))

    assert store.base() == newest


@pytest.mark.parametrize("how", ["applied", "labelled"])
def test_what_was_applied_or_labelled_comes_before_what_was_merely_taken(
    store: Records, clock: Clock, snapshot_of: Callable[..., Snapshot], how: str
) -> None:
    known = store.save(snapshot_of("applied" if how == "applied" else "taken", n=1))
    if how == "labelled":
        store.label(Label("any", known.id, "2026-11-19T03:00:00Z"))
    clock.move(60)
    store.save(snapshot_of(n=2))

    base = store.base()

    assert base is not None
    assert base.id == known.id


def test_what_was_seen_before_a_run_is_never_the_base(
    store: Records, clock: Clock, snapshot_of: Callable[..., Snapshot]
) -> None:
    taken = store.save(snapshot_of(n=1))
    clock.move(1)
    store.save(snapshot_of("pre_apply", n=2))

    assert store.base() == taken


def test_snapshots_of_one_moment_keep_their_order(
    store: Records, snapshot_of: Callable[..., Snapshot]
) -> None:
    saved = [store.save(snapshot_of("applied", n=number)).id for number in range(20)]

    assert [one for one, _ in store.headers()] == saved[::-1]
    base = store.base()
    assert base is not None
    assert base.id == saved[-1]


def test_a_snapshot_sorts_after_one_of_the_future(
    store: Records, clock: Clock, snapshot_of: Callable[..., Snapshot]
) -> None:
    clock.move(400 * 86400)
    ahead = store.save(snapshot_of("applied", n=1)).id
    clock.move(-400 * 86400)

    now = store.save(snapshot_of("applied", n=2)).id

    assert [one for one, _ in store.headers()] == [now, ahead]


def test_a_label_names_a_snapshot_and_moves(
    store: Records, clock: Clock, snapshot_of: Callable[..., Snapshot]
) -> None:
    first = store.save(snapshot_of(n=1))
    clock.move(1)
    second = store.save(snapshot_of(n=2))
    evidence = ({"name": "health", "passed": True},)
    store.label(Label("good", first.id, "2026-11-19T03:00:00Z"))
    store.label(Label("good", second.id, "2026-11-19T03:00:01Z", "again", evidence))
    store.label(Label("other", first.id, "2026-11-19T03:00:02Z"))

    assert store.load("good").id == second.id
    assert store.load("good").label == "good"
    assert [label.name for label in store.labels()] == ["other", "good"]
    assert store.labels()[1].evidence == evidence


@pytest.mark.parametrize("name", ["latest", "live", "desired", "", "a/b", "..", ".x", "a b", "a\n"])
def test_a_label_that_means_something_else_is_refused(store: Records, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a label"):
        store.label(Label(name, "x", "2026-11-19T03:00:00Z"))


def test_a_snapshot_is_found_by_an_unambiguous_beginning(
    store: Records, clock: Clock, snapshot_of: Callable[..., Snapshot]
) -> None:
    store.save(snapshot_of(n=1))
    clock.move(86400)
    second = store.save(snapshot_of(n=2))

    assert store.load(second.id[:9]).id == second.id
    assert store.load("latest").id == second.id
    with pytest.raises(InvalidInput, match="could be several snapshots"):
        store.load("202611")


@pytest.mark.parametrize("name", ["nowhere", "", "..", "../shop", "*", "good"])
def test_an_unknown_name_is_refused(
    store: Records, snapshot_of: Callable[..., Snapshot], name: str
) -> None:
    store.save(snapshot_of(n=1))

    with pytest.raises(InvalidInput, match="There is no snapshot or label"):
        store.load(name)


def test_a_plan_is_used_once(store: Records, plan_of: Callable[[str], Plan]) -> None:
    plan, undo = plan_of("p1"), plan_of("u1")
    journal = store.begin_run("r1", plan, undo, 1)
    journal.append("started", by="somebody")
    journal.close()

    with pytest.raises(StalePlan, match="used already") as caught:
        store.begin_run("r2", plan, undo, 2)

    assert "Run r1 applied it" in caught.value.detail
    assert store.run_plan("r1") == plan
    assert store.run_undo("r1") == undo
    assert [run.id for run in store.runs()] == ["r1"]


def test_a_run_that_is_not_there_is_refused(store: Records) -> None:
    for name in ("r1", "..", "", "../.."):
        with pytest.raises(InvalidInput, match="There is no run"):
            store.run_plan(name)


def test_of_several_at_once_one_uses_the_plan(
    open_store: Opens, plan_of: Callable[[str], Plan]
) -> None:
    stores = [open_store() for _ in range(4)]
    ready = Barrier(4)

    def attempt(number: int) -> bool:
        ready.wait(20)
        try:
            stores[number].begin_run(f"r{number}", plan_of("p1"), plan_of("u1"), 1).close()
        except StalePlan:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        used = list(pool.map(attempt, range(4)))

    assert used.count(True) == 1
    assert [run.id for run in stores[0].runs()] == [f"r{used.index(True)}"]


def test_a_freeze_ends_by_itself_or_is_ended(store: Records, clock: Clock) -> None:
    freeze = Freeze(until="2026-11-19T04:00:00Z", reason="a fair", by="somebody")
    assert store.freeze() is None

    store.set_freeze(freeze)
    assert store.freeze() == freeze
    clock.move(3600)
    assert store.freeze() is None

    store.set_freeze(freeze.model_copy(update={"until": "2026-11-20T04:00:00Z"}))
    store.set_freeze(None)
    assert store.freeze() is None


def test_a_second_store_sees_what_the_first_wrote(
    open_store: Opens, snapshot_of: Callable[..., Snapshot]
) -> None:
    saved = open_store().save(snapshot_of("applied", n=1))

    assert open_store().base() == saved


def test_there_may_be_more_snapshots_than_fit_on_a_page(
    store: Records, snapshot_of: Callable[..., Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.stores.firestore.connection.PAGE", 3)
    saved = [store.save(snapshot_of(n=number)).id for number in range(7)]

    assert [one for one, _ in store.headers()] == saved[::-1]
    assert store.load(saved[0]).id == saved[0]
