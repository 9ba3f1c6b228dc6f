"""The local store: ``snapshots/<environment>/`` beside ``desired_state/``, made to live in Git."""

from __future__ import annotations

import json
import os
import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import CorruptFile, InvalidInput, LockHeld, StalePlan
from reconciler.core.stored import (
    parse_header,
    parse_plan,
    parse_snapshot,
    plan_text,
    snapshot_text,
)
from reconciler.stores.atomic import sync_folder, write_text
from reconciler.stores.journal import FileJournal, read_journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.core.plan import Plan
    from reconciler.core.ports import Clock
    from reconciler.core.state import Snapshot, SnapshotHeader

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class Label(NamedTuple):
    """A name for a snapshot, with the evidence that it was good: what was checked, and when."""

    name: str
    snapshot: str
    at: str
    note: str = ""
    evidence: tuple[dict[str, Any], ...] = ()


class RunRecord(NamedTuple):
    """One run as its journal tells it."""

    id: str
    started_at: str
    finished_at: str | None
    result: str
    done: int
    failed: int
    by: str


class LocalStore:
    """Snapshots, labels and runs of one environment, in a folder."""

    def __init__(self, root: Path, environment: str, clock: Clock) -> None:
        self._folder = root / environment
        self._environment = environment
        self._clock = clock

    def base(self) -> Snapshot | None:
        """Return the newest snapshot that was applied or labelled; else the newest of all."""
        labelled = {label.snapshot: label.name for label in self.labels()}
        ids = self._ids()
        for snapshot_id in ids:
            if snapshot_id in labelled or self._header(snapshot_id).role == "applied":
                return self.load(snapshot_id)
        taken = next((one for one in ids if self._header(one).role == "taken"), None)
        return self.load(taken) if taken is not None else None

    def load(self, name: str) -> Snapshot:
        """Return a snapshot by id, unambiguous beginning of an id, label, or ``latest``.

        Raises InvalidInput when there is none, CorruptFile when it was altered.
        """
        labels = {label.name: label.snapshot for label in self.labels()}
        snapshot_id = self._resolve(name, labels)
        path = self._path(snapshot_id)
        try:
            with path.open(encoding="utf-8", newline="\n") as file:
                snapshot = parse_snapshot(file, str(path))
        except UnicodeDecodeError:
            raise _not_text(path) from None
        if snapshot.header.environment != self._environment:
            raise CorruptFile(
                f"{path}: a snapshot of {snapshot.header.environment}, not of {self._environment}"
            )
        named = next((label for label, target in labels.items() if target == snapshot_id), None)
        return snapshot._replace(id=snapshot_id, label=named)

    def headers(self) -> Iterator[tuple[str, SnapshotHeader]]:
        """Yield id and header of every snapshot, newest first."""
        for snapshot_id in self._ids():
            yield snapshot_id, self._header(snapshot_id)

    def save(self, snapshot: Snapshot) -> Snapshot:
        """Write ``snapshot`` and return it with its id."""
        text = snapshot_text(snapshot)
        where = "the snapshot just made"
        header = parse_header(text.partition("\n")[0], where)
        short = header.digest.removeprefix("sha256:")[:8]
        stamp = re.sub(r"[-:]|\.\d+", "", header.taken_at)
        snapshot_id = f"{stamp}-{short}"
        write_text(self._path(snapshot_id), text)
        return snapshot._replace(header=header, id=snapshot_id)

    def labels(self) -> tuple[Label, ...]:
        """Return the labels, newest first. Raises CorruptFile."""
        path = self._folder / "labels.json"
        if not path.exists():
            return ()
        try:
            found = json.loads(_read(path))
            labels = [
                Label(
                    name,
                    value["snapshot"],
                    value["at"],
                    value.get("note", ""),
                    tuple(value.get("evidence", ())),
                )
                for name, value in found.items()
            ]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CorruptFile(f"{path}: not readable", mend="restore it from Git") from None
        return tuple(sorted(labels, key=lambda label: label.at, reverse=True))

    def label(self, label: Label) -> None:
        """Give a snapshot a name; a name that was used moves."""
        if not _NAME.match(label.name) or label.name in {"latest", "live", "desired"}:
            raise _invalid(f"{label.name!r} cannot be a label", "Use letters, digits and . _ -")
        kept = {one.name: one for one in self.labels()} | {label.name: label}
        content = {
            name: {
                "snapshot": one.snapshot,
                "at": one.at,
                "note": one.note,
                "evidence": list(one.evidence),
            }
            for name, one in sorted(kept.items())
        }
        write_text(self._folder / "labels.json", f"{json.dumps(content, indent=2)}\n")

    def begin_run(self, run: str, plan: Plan, undo: Plan | None = None) -> FileJournal:
        """Write the plan (and its undo) of a run and open its journal.

        Raises StalePlan when a run used this plan before, OSError when it cannot be written.
        """
        used = self._folder / "runs" / ".plans" / plan.id
        used.parent.mkdir(parents=True, exist_ok=True)
        try:
            with used.open("x", encoding="utf-8") as file:
                file.write(run)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            earlier = used.read_text(encoding="utf-8")
            raise StalePlan(
                "This plan was used already",
                detail=f"Run {earlier} applied it. A plan is applied at most once.",
                mend=f"reconciler plan {plan.environment}",
            ) from None
        sync_folder(used.parent)
        folder = self._folder / "runs" / run
        write_text(folder / "plan.json", plan_text(plan))
        if undo is not None:
            write_text(folder / "undo.json", plan_text(undo))
        return FileJournal(folder / "journal.jsonl", run, self._clock)

    def run_plan(self, run: str) -> Plan:
        """Return the plan of a run. Raises InvalidInput when there is no such run."""
        path = self._folder / "runs" / self._run(run) / "plan.json"
        return parse_plan(_read(path), str(path))

    def journal(self, run: str) -> tuple[dict[str, Any], ...]:
        """Return the records of a run's journal."""
        return read_journal(self._folder / "runs" / self._run(run) / "journal.jsonl")

    def runs(self) -> Iterator[RunRecord]:
        """Yield all runs, newest first."""
        folder = self._folder / "runs"
        found = (
            [one.name for one in folder.iterdir() if not one.name.startswith(".")]
            if folder.exists()
            else []
        )
        for run in sorted(found, reverse=True):
            yield _told(run, self.journal(run))

    @contextmanager
    def lock(self, purpose: str) -> Iterator[None]:
        """Hold the environment against other applies on this machine. Raises LockHeld."""
        from filelock import FileLock, Timeout

        self._folder.mkdir(parents=True, exist_ok=True)
        held = FileLock(self._folder / ".lock", timeout=0)
        holder = self._folder / ".lock.json"
        try:
            held.acquire()
        except Timeout:
            raise LockHeld(
                f"{self._environment} is being changed by someone else",
                detail=_holder(holder),
                mend="wait until it has finished: reconciler history " + self._environment,
            ) from None
        try:
            write_text(holder, json.dumps(self._me(purpose)))
            yield
        finally:
            holder.unlink(missing_ok=True)
            held.release()

    def _me(self, purpose: str) -> dict[str, Any]:
        return {
            "purpose": purpose,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "since": self._clock.now().isoformat(timespec="seconds"),
        }

    def _ids(self) -> list[str]:
        if not self._folder.exists():
            return []
        return sorted((path.stem for path in self._folder.glob("*.jsonl")), reverse=True)

    def _path(self, snapshot_id: str) -> Path:
        return self._folder / f"{snapshot_id}.jsonl"

    def _header(self, snapshot_id: str) -> SnapshotHeader:
        path = self._path(snapshot_id)
        try:
            with path.open(encoding="utf-8", newline="\n") as file:
                return parse_header(file.readline(), str(path))
        except UnicodeDecodeError:
            raise _not_text(path) from None

    def _resolve(self, name: str, labels: dict[str, str]) -> str:
        if name in labels:
            return labels[name]
        ids = self._ids()
        if name == "latest" and ids:
            return ids[0]
        matching = [one for one in ids if one.startswith(name)] if _NAME.match(name) else []
        if name in ids or len(matching) == 1:
            return name if name in ids else matching[0]
        if matching:
            raise _invalid(f"{name!r} could be several snapshots", ", ".join(matching))
        known = ", ".join([*sorted(labels), *ids[:3]]) or "none yet"
        raise _invalid(
            f"There is no snapshot or label {name!r} of {self._environment}",
            f"There are: {known}.",
            f"reconciler history {self._environment}",
        )

    def _run(self, run: str) -> str:
        if not _NAME.match(run) or not (self._folder / "runs" / run).is_dir():
            raise _invalid(
                f"There is no run {run!r} of {self._environment}",
                "",
                f"reconciler history {self._environment}",
            )
        return run


def _told(run: str, records: tuple[dict[str, Any], ...]) -> RunRecord:
    """Tell a run's story from its journal alone."""
    outcomes = [one for one in records if one["event"] == "outcome"]
    end = next((one for one in records if one["event"] == "finished"), None)
    start = records[0] if records else {}
    return RunRecord(
        id=run,
        started_at=start.get("at", ""),
        finished_at=end["at"] if end else None,
        result=end["result"] if end else "not finished",
        done=sum(one.get("outcome") == "done" for one in outcomes),
        failed=sum(one.get("outcome") in {"failed", "unknown"} for one in outcomes),
        by=str(start.get("by", "")),
    )


def _holder(path: Path) -> str:
    try:
        found = json.loads(_read(path))
        return f"{found['purpose']} by process {found['pid']} on {found['host']} since {found['since']}"
    except (OSError, ValueError, KeyError, CorruptFile):
        return "Its holder is not known."


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise _not_text(path) from None


def _not_text(path: Path) -> CorruptFile:
    return CorruptFile(f"{path}: not readable", detail="It is not UTF-8.")


def _invalid(summary: str, detail: str = "", mend: str = "") -> InvalidInput:
    return InvalidInput([Diagnostic(summary=summary, detail=detail, mend=mend)])
