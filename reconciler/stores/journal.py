"""The journal of a run: append-only JSON lines, each on disk before the next call is made."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

from reconciler.stores.atomic import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.core.ports import Clock


class FileJournal:
    """Writes the records of one run. Thread-safe."""

    def __init__(self, path: Path, run: str, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self._path = path
        self._run = run
        self._clock = clock
        self._seq = 0
        self._lock = threading.Lock()
        sync_folder(path.parent)

    def append(self, event: str, **facts: Any) -> None:  # noqa: ANN401 - facts are JSON
        """Write one record and force it to disk before returning. Raises OSError."""
        with self._lock:
            self._seq += 1
            record = {
                "seq": self._seq,
                "at": self._clock.now().isoformat(timespec="milliseconds"),
                "run": self._run,
                "event": event,
                **facts,
            }
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(record, ensure_ascii=False)}\n")
                file.flush()
                os.fsync(file.fileno())


def read_journal(path: Path) -> tuple[dict[str, Any], ...]:
    """Return the records of a journal. A last line that was cut off by a power failure is left out."""
    records: list[dict[str, Any]] = []
    if not path.exists():
        return ()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            break
        records.append(record)
    return tuple(records)
