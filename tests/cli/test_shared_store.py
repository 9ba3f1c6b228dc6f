"""An environment whose records live in Firestore."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud.firestore import Client

from reconciler.cli.workspace import SystemClock
from reconciler.core.masking import Masker
from reconciler.stores import holder
from reconciler.stores.firestore import connection
from reconciler.stores.firestore.failures import Unreached
from reconciler.stores.firestore.store import FirestoreStore
from reconciler.stores.guarding import Guard
from tests.cli.conftest import ENVIRON
from tests.cli.sharing import name_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud.firestore import DocumentReference

    from reconciler.stores.firestore.failures import Place
    from tests.cli.conftest import Shop

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shared(shop: Shop, place: Place) -> Shop:
    """Return a shop whose records live in Firestore, with a good snapshot."""
    name_store(shop, place)
    shop.done("snapshot", "sandbox", "--label", "good")
    return shop


@pytest.fixture
def beside(place: Place) -> Iterator[FirestoreStore]:
    """Return the store of the shop as another machine opens it."""
    found = FirestoreStore(place, "sandbox", SystemClock(), Guard(Masker()))
    yield found
    found.close()


def test_a_night_leaves_nothing_on_this_machine(shared: Shop) -> None:
    shared.click(url="https://old.example/stripe")
    before = shared.endpoint()["url"]

    applied = shared.done("apply", "sandbox", "--yes", "--format", "json").json
    shared.done("show", applied["run"])
    shared.done("history", "sandbox", "--verify")
    assert "Nothing to recover" in shared.done("recover", "sandbox", "--yes").all
    assert shared.endpoint()["url"] != before
    shared.done("undo", "sandbox", "--yes")
    assert shared.endpoint()["url"] == before
    shared.done("rollback", "sandbox", "--to", "good", "--yes")

    assert shared.endpoint()["url"] != before
    assert len(shared.done("history", "sandbox", "--format", "json").json["runs"]) == 3
    assert not shared.snapshots.exists()


def test_no_secret_reaches_the_shared_store(shared: Shop, place: Place) -> None:
    shared.lose("DATABASE_URL")
    shared.done("apply", "sandbox", "--yes")
    shared.done("freeze", "sandbox", "--until", "6h", "--reason", "a fair")
    client = Client(project=place.project, database=place.database)

    written = list(texts_below(client.collection(place.collection).document("sandbox")))

    client.close()  # type: ignore[no-untyped-call]  # Google's client
    assert len(written) > 20
    assert any("DATABASE_URL" in text for text in written), "parts are read, too"
    assert [text for text in written for value in ENVIRON.values() if value in text] == []


def texts_below(document: DocumentReference) -> Iterator[str]:
    """Yield every field of every document, however deep, as text."""
    for collection in document.collections():
        for found in collection.list_documents():
            for value in (found.get().to_dict() or {}).values():
                yield gzip.decompress(value).decode() if isinstance(value, bytes) else str(value)
            yield from texts_below(found)


class Breaks:
    """Lets Firestore go away after so many requests, answered or not, until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        attempted = connection.Connection._attempted  # noqa: SLF001 - where every answer comes in

        def counted(one: connection.Connection, request: Any, seconds: float) -> Any:
            if self.left is None:
                return attempted(one, request, seconds)
            self.left -= 1
            answer = attempted(one, request, seconds) if self.left >= 0 else None
            if self.left <= 0:
                raise Unreached("The shared store cannot be reached", vendor="firestore")
            return answer

        monkeypatch.setattr(connection.Connection, "_attempted", counted)


@pytest.mark.parametrize("after", range(3, 45, 3))
def test_a_store_that_goes_away_during_an_apply_loses_nothing(
    shared: Shop, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    breaks = Breaks(monkeypatch)
    shared.click(url="https://old.example/stripe", description="Nobody's")
    shared.world.forget()

    breaks.left = after
    cut = shared.run("apply", "sandbox", "--yes")
    breaks.left = None
    monkeypatch.setattr(holder, "_runs", lambda _: False)  # the process has ended
    recovered = shared.run("recover", "sandbox", "--yes")
    if "Nothing to recover" in recovered.all:
        shared.done("apply", "sandbox", "--yes")

    assert cut.code in {0, 1}, cut.all
    assert cut.code == 0 or "cannot be reached" in cut.err
    assert recovered.code == 0, recovered.all
    assert len(shared.world.writes()) == 1
    assert shared.done("plan", "sandbox", "--exit-code").code == 0
    shared.done("history", "sandbox", "--verify")


def test_an_apply_on_another_machine_keeps_this_one_waiting(
    shared: Shop, beside: FirestoreStore
) -> None:
    shared.click(url="https://old.example/stripe")
    shared.world.forget()

    with beside.lock("apply elsewhere"):
        ran = shared.run("apply", "sandbox", "--yes")

    assert ran.code == 6
    assert "apply elsewhere" in ran.err
    assert shared.world.writes() == ()


def test_a_freeze_holds_for_all_machines(shared: Shop, beside: FirestoreStore) -> None:
    shared.done("freeze", "sandbox", "--until", "6h", "--reason", "a fair")

    freeze = beside.freeze()
    assert freeze is not None
    assert freeze.reason == "a fair"
    shared.done("freeze", "sandbox", "--off")
    assert beside.freeze() is None


def test_doctor_looks_at_the_shared_store(shared: Shop, place: Place) -> None:
    found = {one["subject"]: one for one in doctor(shared)}

    assert found["lock"]["found"] == "free"
    assert f"project {place.project}" in found["store"]["found"]
    assert "in the emulator at" in found["store"]["found"]
    assert found["records"]["found"].startswith("intact: snapshot")


def test_doctor_does_not_ask_a_distant_store_when_it_is_to_ask_nobody(
    shared: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection.Connection, "call", None)

    found = {one["subject"]: one for one in doctor(shared, "--offline")}

    assert {found[one]["standing"] for one in ("lock", "store", "base", "runs")} == {"untried"}


def test_doctor_tells_once_that_the_store_is_down(
    shop: Shop, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    name_store(shop, place)

    found = {one["subject"]: one for one in doctor(shop)}

    assert "cannot be reached" in found["lock"]["found"]
    assert {found[one]["standing"] for one in ("store", "base", "runs", "freeze")} == {"untried"}


def doctor(shop: Shop, *options: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = shop.run("doctor", "sandbox", "--format", "json", *options).json[
        "checks"
    ]
    return found
