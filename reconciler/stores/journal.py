"""The journal of a run: append-only JSON lines, each on disk before the next call is made.

Each record holds the digest of the line before it, so that a record that was altered, added or taken out is noticed.
"""

from __future__ import annotations

import json
import os
import threading
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import LockHeld
from reconciler.core.vendor_text import masked_record
from reconciler.stores.atomic import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.core.ports import Clock
    from reconciler.stores.guarding import Guard

Record = dict[str, Any]
FIRST = "sha256:" + "0" * 64
"""What stands for the line before the first."""


class FileJournal:
    """Writes the records of one run, after those that are there already. Thread-safe.

    A last line that a power cut left unfinished is cut off first: it never told anything. ``guard`` masks the texts
    for people in a record, and lets no record through that holds a secret value all the same.
    """

    def __init__(self, path: Path, run: str, clock: Clock, guard: Guard, *, fence: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = _whole_lines(path)
        self._path = path
        self._guard = guard
        self._file = path.open("ab")
        self._size = sum(map(len, whole))
        self._file.truncate(self._size)
        self._seq = len(whole)
        self._before = _digest(whole[-1]) if whole else FIRST
        self._run = run
        self._clock = clock
        self._fence = fence
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
            if os.fstat(self._file.fileno()).st_size != self._size:
                raise LockHeld(
                    "Another process goes on with this run",
                    detail="This one was stopped for too long, and does nothing more.",
                )
            self._seq += 1
            record = {
                "seq": self._seq,
                "at": self._clock.now().isoformat(timespec="milliseconds"),
                "run": self._run,
                "fence": self._fence,
                "event": event,
                **facts,
                "before": self._before,
            }
            line = f"{json.dumps(record, ensure_ascii=False)}\n".encode()
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._size += len(line)
            self._before = _digest(line)

    def close(self) -> None:
        self._file.close()


def read_journal(path: Path) -> tuple[Record, ...]:
    """Return the records of a journal. A last line that was cut off by a power failure is left out."""
    return tuple(json.loads(line) for line in _whole_lines(path))


def problems_of(path: Path) -> Iterator[str]:
    """Yield what shows that a journal was tampered with: broken links, gaps, lines that are no records."""
    before = FIRST
    for number, line in enumerate(_lines(path), start=1):
        if not line.endswith(b"\n"):
            return  # the last line, cut off by a power failure: it never told anything
        try:
            record = json.loads(line)
        except ValueError:
            yield f"line {number} is not a record"
            return
        if record.get("before") != before:
            yield f"line {number} does not follow from the line before it"
        if record.get("seq") != number:
            yield f"line {number} has the number {record.get('seq')}"
        before = _digest(line)


def _whole_lines(path: Path) -> list[bytes]:
    """Return the lines up to the first that is not a whole record."""
    whole: list[bytes] = []
    for line in _lines(path):
        try:
            json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n"):
            break
        whole.append(line)
    return whole


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def _digest(line: bytes) -> str:
    return f"sha256:{sha256(line).hexdigest()}"
