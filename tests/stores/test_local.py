"""Snapshots, labels and runs in a folder."""

from __future__ import annotations

import json
import multiprocessing
from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import CorruptFile, InvalidInput, StalePlan
from reconciler.core.masking import Masker
from reconciler.stores.guarding import Guard
from reconciler.stores.local import Label, LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.core.plan import Plan
    from reconciler.core.state import Snapshot
    from tests.stores.conftest import Clock


def test_a_snapshot_comes_back_as_it_was(
    store: LocalStore, snapshot_of: Callable[..., Snapshot]
) -> None:
    saved = store.save(snapshot_of(url="https://a.example/é\u2028"))

    assert store.load(saved.id) == saved
    assert saved.header.digest.startswith("sha256:")


def test_an_empty_store_has_no_base(store: LocalStore) -> None:
    assert store.base() is None
    assert list(store.headers()) == []
    assert list(store.runs()) == []
    assert store.labels() == ()


def test_the_base_is_the_newest_that_was_taken(
    store: LocalStore, clock: Clock, snapshot_of: Callable[..., Snapshot]
) -> None:
    store.save(snapshot_of(n=1))
    clock.move(1)
    newest = store.save(snapshot_of(n=2))

    assert store.base() == newest


@pytest.mark.parametrize("how", ["applied", "labelled"])
def test_what_was_applied_or_labelled_comes_before_what_was_merely_taken(
    store: LocalStore, clock: Clock, snapshot_of: Callable[..., Snapshot], how: str
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
    store: LocalStore, clock: Clock, snapshot_of: Callable[..., Snapshot]
) -> None:
    taken = store.save(snapshot_of(n=1))
    clock.move(1)
    store.save(snapshot_of("pre_apply", n=2))

    assert store.base() == taken


def test_snapshots_of_one_moment_keep_their_order(
    store: LocalStore, snapshot_of: Callable[..., Snapshot]
) -> None:
    saved = [store.save(snapshot_of("applied", n=number)).id for number in range(20)]

    assert [one for one, _ in store.headers()] == saved[::-1]
    base = store.base()
    assert base is not None
    assert base.id == saved[-1]


def test_a_snapshot_sorts_after_one_of_the_future(
    store: LocalStore, clock: Clock, snapshot_of: Callable[..., Snapshot]
) -> None:
    clock.move(400 * 86400)
    ahead = store.save(snapshot_of("applied", n=1)).id
    clock.move(-400 * 86400)

    now = store.save(snapshot_of("applied", n=2)).id

    assert [one for one, _ in store.headers()] == [now, ahead]


def test_a_foreign_file_does_not_stand_in_the_way_of_saving(
    store: LocalStore, tmp_path: Path, snapshot_of: Callable[..., Snapshot]
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "notes.jsonl").write_text("{}\n")

    assert store.save(snapshot_of(n=1)).id.startswith("2026")


def test_a_label_names_a_snapshot_and_moves(
    store: LocalStore, clock: Clock, snapshot_of: Callable[..., Snapshot]
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
def test_a_label_that_means_something_else_is_refused(store: LocalStore, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a label"):
        store.label(Label(name, "x", "2026-11-19T03:00:00Z"))


def test_a_snapshot_is_found_by_an_unambiguous_beginning(
    store: LocalStore, clock: Clock, snapshot_of: Callable[..., Snapshot]
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
    store: LocalStore, snapshot_of: Callable[..., Snapshot], name: str
) -> None:
    store.save(snapshot_of(n=1))

    with pytest.raises(InvalidInput, match="There is no snapshot or label"):
        store.load(name)


@pytest.mark.parametrize("damage", ["altered", "cut", "added", "bytes", "empty"])
def test_a_damaged_snapshot_is_refused_by_name(
    store: LocalStore, tmp_path: Path, snapshot_of: Callable[..., Snapshot], damage: str
) -> None:
    saved = store.save(snapshot_of(url="https://a.example"))
    path = tmp_path / "shop" / f"{saved.id}.jsonl"
    content = path.read_bytes()
    path.write_bytes(
        {
            "altered": content.replace(b"a.example", b"b.example"),
            "cut": content[: content.index(b"\n") + 1],
            "added": content + content.splitlines(keepends=True)[1],
            "bytes": content.replace(b"a.example", b"\xff.example"),
            "empty": b"",
        }[damage]
    )

    with pytest.raises(CorruptFile, match=saved.id):
        store.load(saved.id)


def test_a_plan_is_used_once(
    store: LocalStore, plan_of: Callable[[str], Plan], tmp_path: Path
) -> None:
    plan, undo = plan_of("p1"), plan_of("u1")
    journal = store.begin_run("r1", plan, undo, 1)
    journal.append("started", by="somebody")
    journal.close()

    with pytest.raises(StalePlan, match="used already") as caught:
        store.begin_run("r2", plan, undo, 2)

    assert "Run r1 applied it" in caught.value.detail
    assert not (tmp_path / "shop" / "runs" / "r2").exists()
    assert store.run_plan("r1") == plan
    assert store.run_undo("r1") == undo
    assert [run.id for run in store.runs()] == ["r1"]


def test_of_two_processes_one_uses_the_plan(
    tmp_path: Path, clock: Clock, plan_of: Callable[[str], Plan]
) -> None:
    context = multiprocessing.get_context("fork")
    ready, results = context.Barrier(4), context.Queue()

    def attempt(run: str) -> None:
        store = LocalStore(tmp_path, "shop", clock, Guard(Masker()))
        ready.wait()
        try:
            store.begin_run(run, plan_of("p1"), plan_of("u1"), 1).close()
        except StalePlan:
            results.put("stale")
        else:
            results.put(run)

    processes = [context.Process(target=attempt, args=(f"r{number}",)) for number in range(4)]
    for process in processes:
        process.start()
    said = [results.get(timeout=20) for _ in processes]
    for process in processes:
        process.join()

    assert said.count("stale") == 3


def test_a_run_that_is_not_there_is_refused(store: LocalStore) -> None:
    for name in ("r1", "..", "", "../.."):
        with pytest.raises(InvalidInput, match="There is no run"):
            store.run_plan(name)


def test_nothing_is_begun_when_the_plan_cannot_be_written(
    store: LocalStore, plan_of: Callable[[str], Plan], tmp_path: Path
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "runs").write_text("a file where a folder should be")

    with pytest.raises(OSError, match="runs"):
        store.begin_run("r1", plan_of("p1"), plan_of("u1"), 1)


def test_labels_are_readable_by_a_person(
    store: LocalStore, tmp_path: Path, snapshot_of: Callable[..., Snapshot]
) -> None:
    saved = store.save(snapshot_of(n=1))
    store.label(Label("good", saved.id, "2026-11-19T03:00:00Z", "before the deploy"))

    found = json.loads((tmp_path / "shop" / "labels.json").read_text())

    assert found["good"]["snapshot"] == saved.id
    assert found["good"]["note"] == "before the deploy"
