"""What is particular about the store in Firestore: its limits, its errors, and what it never waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from reconciler.core.errors import (
    Conflict,
    CorruptFile,
    LockHeld,
)
from reconciler.core.masking import Masker
from reconciler.core.state import Entry
from reconciler.stores.firestore import connection, texts
from reconciler.stores.firestore.failures import JournalNotWritten, Place, Unreached
from reconciler.stores.firestore.store import Documents
from reconciler.stores.guarding import Guard
from reconciler.stores.records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.cloud.firestore import DocumentReference

    from reconciler.core.plan import Plan
    from reconciler.core.state import Snapshot
    from tests.stores.conftest import Clock


@pytest.fixture
def documents(place: Place, clock: Clock) -> Iterator[Documents]:
    found = Documents(place, "shop", clock, Guard(Masker()), time=lambda _: clock.now())
    yield found
    found.close()


@pytest.fixture
def store(documents: Documents, clock: Clock) -> Records:
    return Records(documents, clock, Guard(Masker()))


def wide(snapshot: Snapshot, number: int) -> Snapshot:
    """Return a snapshot of many objects that cannot be compressed much."""
    kind = "stripe.webhook_endpoint"
    entries = (Entry(f"{kind}/a{n}", kind, f"we_{n}", {"x": uuid4().hex}) for n in range(number))
    return snapshot._replace(entries=tuple(entries))


def head(documents: Documents, snapshot_id: str) -> DocumentReference:
    return documents._document("snapshots", snapshot_id)  # noqa: SLF001 - what somebody else does to it


def test_a_snapshot_of_several_parts_comes_back_as_it_was(
    store: Records, snapshot_of: Callable[..., Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "PART", 1000)

    saved = store.save(wide(snapshot_of(), 200))

    assert store.load(saved.id) == saved


def test_a_snapshot_beyond_one_document_comes_back_as_it_was(
    store: Records, documents: Documents, snapshot_of: Callable[..., Snapshot]
) -> None:
    saved = store.save(wide(snapshot_of(), 40_000))

    assert store.load(saved.id) == saved
    assert head(documents, saved.id).get().get("parts") > 1


@pytest.mark.parametrize("damage", ["altered", "cut", "without a part", "of another", "no text"])
def test_a_damaged_document_is_refused_by_name(
    store: Records,
    documents: Documents,
    snapshot_of: Callable[..., Snapshot],
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
) -> None:
    monkeypatch.setattr(texts, "PART", 1000)
    saved = store.save(wide(snapshot_of(), 200))
    document = head(documents, saved.id)
    first, *_, last = document.collection("parts").stream()
    match damage:
        case "altered":
            first.reference.set({"data": b"x" + first.get("data")[1:]})
        case "cut":
            last.reference.set({"data": last.get("data")[:-9]})
        case "without a part":
            last.reference.delete()
        case "of another":
            document.update({"sha256": "0" * 64})
        case _:
            first.reference.set({"data": "words"})

    with pytest.raises(CorruptFile, match=saved.id):
        store.load(saved.id)


def test_nobody_sees_a_snapshot_that_is_only_half_written(
    store: Records, snapshot_of: Callable[..., Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "PART", 1000)
    monkeypatch.setattr(texts, "creating", _fails)

    with pytest.raises(RuntimeError):
        store.save(wide(snapshot_of(), 200))

    assert list(store.headers()) == []
    assert store.base() is None


def _fails(*_: object) -> None:
    raise RuntimeError


def test_what_was_written_is_not_overwritten(documents: Documents) -> None:
    documents.add_snapshot("20261119T030000.000Z-1", "{}\n")
    documents.add_snapshot("20261119T030000.000Z-1", "{}\n")

    with pytest.raises(Conflict):
        documents.add_snapshot("20261119T030000.000Z-1", "{'other'}\n")


def test_a_record_whose_answer_was_lost_is_written_once(
    store: Records, plan_of: Callable[[str], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = store.begin_run("r1", plan_of("p1"), plan_of("u1"), 1)
    attempted = connection.Connection._attempted  # noqa: SLF001 - the one place where answers come in
    lost = [True, True]

    def loses(self: Any, request: Any, seconds: float) -> Any:
        answer = attempted(self, request, seconds)
        if lost:
            lost.pop()
            raise Unreached("lost", vendor="firestore")
        return answer

    monkeypatch.setattr(connection.Connection, "_attempted", loses)
    journal.append("started", by="somebody")
    lost.append(True)
    journal.append("finished", result="done")

    assert [one["seq"] for one in store.journal("r1")] == [1, 2]
    assert [run.result for run in store.runs()] == ["done"]
    assert store.journal_problems("r1") == ()


def test_a_record_that_was_not_written_stops_everything(
    store: Records, plan_of: Callable[[str], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = store.begin_run("r1", plan_of("p1"), plan_of("u1"), 1)

    def lose(*_: Any, **__: Any) -> None:
        raise Unreached("The shared store cannot be reached", vendor="firestore", mend="wait")

    monkeypatch.setattr(connection.Connection, "_attempted", lose)

    with pytest.raises(JournalNotWritten, match="cannot be reached") as caught:
        journal.append("intent", address="a.b/c")

    assert isinstance(caught.value, OSError), "no vendor error, which would be journalled"
    assert caught.value.diagnostics[0].mend == "wait"


def test_a_late_record_of_a_fenced_holder_does_not_stop_its_successor(
    store: Records, documents: Documents, plan_of: Callable[[str], Plan]
) -> None:
    stale = store.begin_run("r1", plan_of("p1"), plan_of("u1"), 1)
    successor = documents.open_journal("r1", 2)
    stale.append("outcome", address="a.b/c", outcome="done")

    successor.append("recovering")

    with pytest.raises(LockHeld):
        stale.append("finished", result="done")
    assert [one["fence"] for one in store.journal("r1")] == [1, 2]
    assert store.journal_problems("r1") == ()


def test_a_journal_that_was_tampered_with_is_noticed(
    store: Records, documents: Documents, plan_of: Callable[[str], Plan]
) -> None:
    journal = store.begin_run("r1", plan_of("p1"), plan_of("u1"), 1)
    for number in range(3):
        journal.append("intent", address=f"a.b/{number}")
    run = documents._document("runs", "r1")  # noqa: SLF001

    run.collection("journal").document("00000002").delete()

    assert store.journal_problems("r1") != ()
