"""The journal of a run: append-only JSON lines, each on disk before the next call is made."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import LockHeld
from reconciler.core.vendor_text import masked_record
from reconciler.stores.atomic import sync_folder
from reconciler.stores.chain import (
    Record,
    Writer,
    end_of,
    following,
    problems_in,
    records_in,
    whole_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reconciler.core.ports import Clock
    from reconciler.stores.guarding import Guard


class FileJournal:
    """Writes the records of one run, after those that are there already. Thread-safe.

    A last line that a power cut left unfinished is cut off first: it never told anything. ``guard`` masks the texts
    for people in a record, and lets no record through that holds a secret value all the same.
    """

    def __init__(self, path: Path, run: str, clock: Clock, guard: Guard, *, fence: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = whole_lines(lines_of(path))
        self._path = path
        self._guard = guard
        self._file = path.open("ab")
        self._size = sum(map(len, whole))
        self._file.truncate(self._size)
        self._end = end_of(whole)
        self._writer = Writer(run, fence)
        self._clock = clock
        self._lock = threading.Lock()
        sync_folder(path.parent)

    def append(self, event: str, **facts: Any) -> None:  # noqa: ANN401 - facts are JSON
        """Write one record and force it to disk before returning.

        Raises OSError, Refused when a fact holds a secret value, and LockHeld when another process has written here:
        it took the run over.
        """
        facts = masked_record(facts, self._guard.masker)
        self._guard.check(self._path, json.dumps(facts, ensure_ascii=False))
        with self._lock:
            line, end = following(self._end, self._writer, self._clock.now(), event, facts)
            self._write(line)
            self._end = end

    def copy(self, lines: Sequence[bytes]) -> None:
        """Write records of another store as they are, after those that are there. Raises OSError, Refused."""
        for line in lines:
            self._guard.check(self._path, line.decode())
        with self._lock:
            self._write(b"".join(lines))
            self._end = end_of(whole_lines(lines_of(self._path)))

    def close(self) -> None:
        self._file.close()

    def _write(self, data: bytes) -> None:
        if os.fstat(self._file.fileno()).st_size != self._size:
            raise taken_over()
        self._file.write(data)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._size += len(data)


def taken_over() -> LockHeld:
    """Return the error of a process that finds records of another one after its own."""
    return LockHeld(
        "Another process goes on with this run",
        detail="This one was stopped for too long, and does nothing more.",
    )


def read_journal(path: Path) -> tuple[Record, ...]:
    """Return the records of a journal. A last line that was cut off by a power failure is left out."""
    return records_in(lines_of(path))


def problems_of(path: Path) -> Iterator[str]:
    """Yield what shows that a journal was tampered with."""
    return problems_in(lines_of(path))


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of a journal with their ends; none when there is no journal yet."""
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []
