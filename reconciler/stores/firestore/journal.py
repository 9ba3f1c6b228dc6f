"""The journal of a run as documents: one a record, named by its number, so that none is written twice.

A record is durable before ``append`` returns. One that may or may not have been written is written again: that it is
there already, just so, is success.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.errors import Conflict, VendorError
from reconciler.core.vendor_text import masked_record
from reconciler.stores.chain import (
    End,
    Record,
    Writer,
    digest_of,
    end_of,
    following,
    records_in,
    whole_lines,
)
from reconciler.stores.firestore.connection import LONG, listing
from reconciler.stores.firestore.failures import JournalNotWritten
from reconciler.stores.journal import taken_over
from reconciler.stores.runs import told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.api_core.retry import Retry
    from google.cloud.firestore import DocumentReference

    from reconciler.core.ports import Clock
    from reconciler.stores.firestore.connection import Connection
    from reconciler.stores.guarding import Guard

RECORDS: Final = "journal"
STORY: Final = "story"
"""The field of a run in which stands what its journal tells, once the run has ended."""


class DocumentJournal:
    """Writes the records of one run, after those that are there already. Thread-safe."""

    def __init__(
        self,
        connection: Connection,
        run: DocumentReference,
        clock: Clock,
        guard: Guard,
        *,
        fence: int,
    ) -> None:
        whole = whole_lines(lines_of(connection, run))
        self._connection = connection
        self._run = run
        self._clock = clock
        self._guard = guard
        self._writer = Writer(run.id, fence)
        self._end = end_of(whole)
        self._records = list(records_in(whole))
        self._lock = threading.Lock()

    def append(self, event: str, **facts: Any) -> None:  # noqa: ANN401 - facts are JSON
        """Write one record, durably.

        Raises JournalNotWritten, Refused when a fact holds a secret value, and LockHeld when a later holder of the
        environment has written here: it took the run over.
        """
        facts = masked_record(facts, self._guard.masker)
        self._guard.check(Path(RECORDS), json.dumps(facts, ensure_ascii=False))
        with self._lock:
            while True:
                line, end = following(self._end, self._writer, self._clock.now(), event, facts)
                found = self._written(end.seq, line)
                if found == line:
                    self._go_on(end, line)
                    return
                if json.loads(found).get("fence", 0) >= self._writer.fence:
                    raise taken_over()
                # A holder that was fenced off was quicker, once: its record stands, and ours comes after it.
                self._go_on(End(end.seq, digest_of(found)), found)

    def copy(self, lines: Sequence[bytes]) -> None:
        """Write records of another store as they are, after those that are there. Raises Refused, LockHeld."""
        with self._lock:
            for line in lines:
                self._guard.check(Path(RECORDS), line.decode())
                if self._written(self._end.seq + 1, line) != line:
                    raise taken_over()
                self._go_on(End(self._end.seq + 1, digest_of(line)), line)

    def close(self) -> None:
        """There is nothing to give back."""

    def _go_on(self, end: End, line: bytes) -> None:
        self._end = end
        self._records.append(json.loads(line))

    def _written(self, seq: int, line: bytes) -> bytes:
        """Write a record unless there is one of its number; return the one that is there then."""
        document = self._run.collection(RECORDS).document(f"{seq:08}")
        data = {"seq": seq, "line": line.decode()}
        story = self._story(json.loads(line))

        def commit(*, retry: Retry, timeout: float) -> object:
            batch = self._connection.client.batch()
            batch.create(document, data)
            if story is not None:
                batch.set(self._run, {STORY: story}, merge=True)
            return batch.commit(retry=retry, timeout=timeout)

        try:
            try:
                self._connection.call(commit)
            except Conflict:
                found = self._connection.call(document.get).to_dict() or {}
                return str(found.get("line", "")).encode()
        except VendorError as error:
            raise JournalNotWritten(error) from None
        return line

    def _story(self, record: Record) -> dict[str, Any] | None:
        """Return what the run tells when ``record`` is its last; ``None`` while it has not ended."""
        story = told(self._run.id, [*self._records, record])
        return story._asdict() if story.is_finished else None


def lines_of(connection: Connection, run: DocumentReference) -> list[bytes]:
    """Return the lines of a run's journal with their ends."""
    found = connection.call(listing(run.collection(RECORDS).order_by("seq")), seconds=LONG)
    return [str((one.to_dict() or {}).get("line", "")).encode() for one in found]
