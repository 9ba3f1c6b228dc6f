"""The local store: ``snapshots/<environment>/`` beside ``desired_state/``, made to live in Git."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from reconciler.core.errors import CorruptFile, ReconcilerError
from reconciler.stores.atomic import sync_folder, write_text
from reconciler.stores.journal import FileJournal, lines_of, read_journal
from reconciler.stores.lease import read_holder, take_lease
from reconciler.stores.records import Records
from reconciler.stores.runs import RunRecord, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from reconciler.core.ports import Clock
    from reconciler.core.secret import Json
    from reconciler.stores.guarding import Guard
    from reconciler.stores.holder import Holder
    from reconciler.stores.lease import Lease


class LocalStore(Records):
    """Snapshots, labels and runs of one environment, in a folder below ``root``."""

    def __init__(self, root: Path, environment: str, clock: Clock, guard: Guard) -> None:
        super().__init__(Folder(root / environment, clock, guard), clock, guard)


class Folder:
    """Keeps records as files that a person can read."""

    def __init__(self, folder: Path, clock: Clock, guard: Guard) -> None:
        self._folder = folder
        self._runs = folder / "runs"
        self._clock = clock
        self._guard = guard

    @property
    def environment(self) -> str:
        return self._folder.name

    @property
    def is_distant(self) -> bool:
        return False

    @property
    def place(self) -> str:
        return f"{self._folder.parent.name}/{self._folder.name}"

    def where(self, name: str) -> str:
        return str(self._folder / name)

    def snapshot_ids(self, beginning: str = "") -> Iterator[str]:
        found = (path.stem for path in self._folder.glob("*.jsonl"))
        yield from sorted((one for one in found if one.startswith(beginning)), reverse=True)

    def snapshot_headers(self) -> Iterator[tuple[str, str]]:
        for snapshot_id in self.snapshot_ids():
            yield snapshot_id, next(self.snapshot_lines(snapshot_id), "")

    def snapshot_lines(self, snapshot_id: str) -> Iterator[str]:
        path = self._snapshot(snapshot_id)
        try:
            with path.open(encoding="utf-8", newline="\n") as file:
                yield from file
        except UnicodeDecodeError:
            raise _not_text(path) from None

    def add_snapshot(self, snapshot_id: str, text: str) -> None:
        write_text(self._snapshot(snapshot_id), text, self._guard)

    def labels(self) -> Mapping[str, Json]:
        path = self._folder / "labels.json"
        text = _text(path)
        if text is None:
            return {}
        try:
            found: dict[str, Json] = dict(json.loads(text).items())
        except (ValueError, AttributeError):
            raise CorruptFile(f"{path}: not readable", mend="restore it from Git") from None
        return found

    def set_label(self, name: str, content: Json) -> None:
        kept = dict(sorted({**self.labels(), name: content}.items()))
        text = f"{json.dumps(kept, indent=2)}\n"
        write_text(self._folder / "labels.json", text, self._guard)

    def freeze(self) -> str | None:
        return _text(self._folder / "freeze.json")

    def set_freeze(self, text: str | None) -> None:
        path = self._folder / "freeze.json"
        if text is None:
            path.unlink(missing_ok=True)
        else:
            write_text(path, text, self._guard)

    def spend(self, plan: str, run: str) -> str:
        used = self._runs / ".plans" / plan
        used.parent.mkdir(parents=True, exist_ok=True)
        try:
            with used.open("x", encoding="utf-8") as file:
                file.write(run)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            return used.read_text(encoding="utf-8")
        sync_folder(used.parent)
        return run

    def spent(self) -> Mapping[str, str]:
        return {
            path.name: path.read_text(encoding="utf-8")
            for path in sorted((self._runs / ".plans").glob("*"))
        }

    def add_run(self, run: str, texts: Mapping[str, str]) -> None:
        folder = self._runs / run
        making = folder.with_name(f".{run}")
        for name, text in texts.items():
            write_text(making / name, text, self._guard)
        making.rename(folder)
        sync_folder(folder.parent)

    def has_run(self, run: str) -> bool:
        return (self._runs / run).is_dir()

    def run_ids(self) -> list[str]:
        found = self._runs.iterdir() if self._runs.exists() else ()
        return sorted((one.name for one in found if not one.name.startswith(".")), reverse=True)

    def stories(self) -> Iterator[RunRecord]:
        for run in self.run_ids():
            yield told(run, read_journal(self._journal(run)))

    def run_text(self, run: str, name: str) -> str | None:
        return _text(self._runs / run / name)

    def put_run_text(self, run: str, name: str, text: str) -> None:
        write_text(self._runs / run / name, text, self._guard)

    def journal_lines(self, run: str) -> list[bytes]:
        return lines_of(self._journal(run))

    def open_journal(self, run: str, fence: int) -> FileJournal:
        return FileJournal(self._journal(run), run, self._clock, self._guard, fence=fence)

    def copy_journal(self, run: str, lines: Sequence[bytes]) -> None:
        journal = self.open_journal(run, 0)
        try:
            journal.copy(lines)
        finally:
            journal.close()

    def lock(self, purpose: str) -> Lease:
        return take_lease(self._folder, purpose, self._clock)

    def holder(self) -> Holder | None:
        return read_holder(self._folder)

    def check_writable(self) -> None:
        folder = self._folder
        while not folder.exists():
            folder = folder.parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ReconcilerError(f"{self.place} cannot be written", mend=f"chmod u+wx {folder}")

    def close(self) -> None:
        """There is nothing to give back."""

    def _snapshot(self, snapshot_id: str) -> Path:
        return self._folder / f"{snapshot_id}.jsonl"

    def _journal(self, run: str) -> Path:
        return self._runs / run / "journal.jsonl"


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise _not_text(path) from None


def _not_text(path: Path) -> CorruptFile:
    return CorruptFile(f"{path}: not readable", detail="It is not UTF-8.")
