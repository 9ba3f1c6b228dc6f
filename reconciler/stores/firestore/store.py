"""The records of an environment as documents, for several machines."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Final

from reconciler.core.errors import Conflict, CorruptFile
from reconciler.stores.chain import records_in
from reconciler.stores.firestore.connection import Connection, creating, listing, setting
from reconciler.stores.firestore.journal import STORY, DocumentJournal, lines_of
from reconciler.stores.firestore.slot import DocumentSlot
from reconciler.stores.firestore.texts import Texts
from reconciler.stores.holder import LASTS
from reconciler.stores.lease import Lease, take
from reconciler.stores.records import Records
from reconciler.stores.runs import RunRecord, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from google.cloud.firestore import CollectionReference, DocumentReference, Query

    from reconciler.core.ports import Clock
    from reconciler.core.secret import Json
    from reconciler.stores.firestore.failures import Place
    from reconciler.stores.guarding import Guard
    from reconciler.stores.holder import Holder

_LAST: Final = "\uf8ff"
"""Sorts after everything that an id may hold."""


class FirestoreStore(Records):
    """Snapshots, labels and runs of one environment, in Firestore."""

    def __init__(self, place: Place, environment: str, clock: Clock, guard: Guard) -> None:
        super().__init__(Documents(place, environment, clock, guard), clock, guard)


class Documents:
    """Keeps records as documents below ``<collection>/<environment>``.

    ``time`` makes the time by which a lease runs out of the server's; ``lasts`` is how long one holds.
    """

    def __init__(
        self,
        place: Place,
        environment: str,
        clock: Clock,
        guard: Guard,
        *,
        time: Callable[[datetime], datetime] = lambda server: server,
        lasts: timedelta = LASTS,
    ) -> None:
        self._connection = Connection(place, clock)
        self._environment = environment
        self._clock = clock
        self._guard = guard
        self._texts = Texts(self._connection, guard)
        self._time = time
        self._lasts = lasts

    @property
    def environment(self) -> str:
        return self._environment

    @property
    def is_distant(self) -> bool:
        return True

    @property
    def place(self) -> str:
        place = self._connection.place
        return f"{place}, {place.collection}/{self._environment}"

    def where(self, name: str) -> str:
        return f"{self.place}/{name}"

    def snapshot_ids(self, beginning: str = "") -> Iterator[str]:
        for one in self._connection.pages(self._named("snapshots", beginning)):
            yield one.get("id")

    def snapshot_headers(self) -> Iterator[tuple[str, str]]:
        for one in self._connection.pages(self._named("snapshots"), "header"):
            content = one.to_dict()
            yield content["id"], str(content.get("header", ""))

    def snapshot_lines(self, snapshot_id: str) -> Iterator[str]:
        where = self.where(f"{snapshot_id}.jsonl")
        text = self._texts.read(self._document("snapshots", snapshot_id), where)
        if text is None:
            raise CorruptFile(f"{where}: not there", detail="A label names it.")
        yield from io.StringIO(text, newline="\n")

    def add_snapshot(self, snapshot_id: str, text: str) -> None:
        document = self._document("snapshots", snapshot_id)
        header = text.partition("\n")[0] + "\n"
        self._texts.create(document, text, id=snapshot_id, header=header)

    def labels(self) -> Mapping[str, Json]:
        query = self._connection.collection(self._environment, "labels")
        try:
            return {
                one.id: json.loads((one.to_dict() or {})["text"])
                for one in self._connection.call(listing(query))
            }
        except (ValueError, KeyError, TypeError):
            raise CorruptFile(f"{self.where('labels')}: not readable") from None

    def set_label(self, name: str, content: Json) -> None:
        self._put("labels", name, json.dumps(content))

    def freeze(self) -> str | None:
        found = self._connection.call(self._document("state", "freeze").get).to_dict()
        return None if found is None else str(found.get("text", ""))

    def set_freeze(self, text: str | None) -> None:
        if text is None:
            self._connection.call(self._document("state", "freeze").delete)
        else:
            self._put("state", "freeze", text)

    def spend(self, plan: str, run: str) -> str:
        used = self._document("plans", plan)
        try:
            self._connection.call(creating(used, {"id": plan, "run": run}))
        except Conflict:
            found = self._connection.call(used.get).to_dict() or {}
            return str(found.get("run", ""))
        return run

    def spent(self) -> Mapping[str, str]:
        pages = self._connection.pages(self._named("plans"), "run")
        return {one.get("id"): one.get("run") for one in pages}

    def add_run(self, run: str, texts: Mapping[str, str]) -> None:
        for name, text in texts.items():
            self._texts.create(self._text(run, name), text)
        document = self._document("runs", run)
        try:
            self._connection.call(creating(document, {"id": run}))
        except Conflict:
            return  # it is there already, with these texts

    def has_run(self, run: str) -> bool:
        return bool(self._connection.call(self._document("runs", run).get).exists)

    def run_ids(self) -> list[str]:
        return [one.get("id") for one in self._connection.pages(self._named("runs"))]

    def stories(self) -> Iterator[RunRecord]:
        for one in self._connection.pages(self._named("runs"), STORY):
            content = one.to_dict()
            if STORY in content:
                yield RunRecord(**content[STORY])
            else:
                yield told(one.id, records_in(self.journal_lines(one.id)))

    def run_text(self, run: str, name: str) -> str | None:
        return self._texts.read(self._text(run, name), self.where(f"runs/{run}/{name}"))

    def put_run_text(self, run: str, name: str, text: str) -> None:
        self._texts.put(self._text(run, name), text)

    def journal_lines(self, run: str) -> list[bytes]:
        return lines_of(self._connection, self._document("runs", run))

    def open_journal(self, run: str, fence: int) -> DocumentJournal:
        document = self._document("runs", run)
        return DocumentJournal(self._connection, document, self._clock, self._guard, fence=fence)

    def copy_journal(self, run: str, lines: Sequence[bytes]) -> None:
        self.open_journal(run, 0).copy(lines)

    def lock(self, purpose: str) -> Lease:
        return take(self._slot, purpose, self._lasts)

    def holder(self) -> Holder | None:
        return self._slot.read().holder

    def check_writable(self) -> None:
        self.holder()

    def close(self) -> None:
        self._connection.close()

    @property
    def _slot(self) -> DocumentSlot:
        document = self._document("state", "lock")
        return DocumentSlot(self._connection, document, self._environment, self._time)

    def _put(self, kind: str, name: str, text: str) -> None:
        """Write a short text that people gave. Raises Refused when a secret value stands in it."""
        from pathlib import Path

        self._guard.check(Path(name), text)
        self._connection.call(setting(self._document(kind, name), {"text": text}))

    def _named(self, kind: str, beginning: str = "") -> Query | CollectionReference:
        """Return the query for the documents whose id begins so."""
        collection = self._connection.collection(self._environment, kind)
        if not beginning:
            return collection
        from google.cloud.firestore import FieldFilter

        since = collection.where(filter=FieldFilter("id", ">=", beginning))
        return since.where(filter=FieldFilter("id", "<", beginning + _LAST))

    def _document(self, kind: str, name: str) -> DocumentReference:
        found: DocumentReference = self._connection.collection(self._environment, kind).document(
            name
        )
        return found

    def _text(self, run: str, name: str) -> DocumentReference:
        found: DocumentReference = self._document("runs", run).collection("texts").document(name)
        return found
