"""The local store: ``snapshots/<environment>/`` beside ``desired_state/``, made to live in Git."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import CorruptFile, InvalidInput, StalePlan
from reconciler.core.guard import Freeze
from reconciler.core.stored import (
    parse_header,
    parse_plan,
    parse_snapshot,
    plan_text,
    snapshot_text,
)
from reconciler.core.vendor_text import masked_record, masked_unreadable
from reconciler.stores.atomic import sync_folder, write_text
from reconciler.stores.journal import FileJournal, problems_of, read_journal
from reconciler.stores.lease import Lease, take_lease
from reconciler.stores.runs import RunRecord, cut_off, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.core.plan import Plan
    from reconciler.core.ports import Clock
    from reconciler.core.state import Snapshot, SnapshotHeader
    from reconciler.stores.guarding import Guard

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_STAMP = re.compile(r"\d{8}T\d{6}\.\d{3}Z")


class Label(NamedTuple):
    """A name for a snapshot, with the evidence that it was good: what was checked, and when."""

    name: str
    snapshot: str
    at: str
    note: str = ""
    evidence: tuple[dict[str, Any], ...] = ()


class LocalStore:
    """Snapshots, labels and runs of one environment, in a folder. Everything it writes passes ``guard``."""

    def __init__(self, root: Path, environment: str, clock: Clock, guard: Guard) -> None:
        self._folder = root / environment
        self._guard = guard
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
        """Write ``snapshot`` and return it with its id. Raises Refused when a secret value stands in it."""
        header = snapshot.header
        unreadable = masked_unreadable(header.unreadable, self._guard.masker)
        header = header.model_copy(update={"unreadable": unreadable})
        text = snapshot_text(snapshot._replace(header=header))
        where = "the snapshot just made"
        header = parse_header(text.partition("\n")[0], where)
        short = header.digest.removeprefix("sha256:")[:8]
        snapshot_id = f"{self._next_stamp()}-{short}"
        write_text(self._path(snapshot_id), text, self._guard)
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
        check_label(label.name)
        kept = {one.name: one for one in self.labels()} | {label.name: label}
        content = {
            name: {
                "snapshot": one.snapshot,
                "at": one.at,
                "note": one.note,
                "evidence": masked_record(one.evidence, self._guard.masker),
            }
            for name, one in sorted(kept.items())
        }
        text = f"{json.dumps(content, indent=2)}\n"
        write_text(self._folder / "labels.json", text, self._guard)

    def begin_run(self, run: str, plan: Plan, undo: Plan, fence: int) -> FileJournal:
        """Write the plan of a run and its undo, and open its journal. A run that is there has both.

        Raises StalePlan when a run used this plan before, Refused when a secret value stands in one, OSError when
        it cannot be written.
        """
        texts = {"plan.json": plan_text(plan), "undo.json": plan_text(undo)}
        for name, text in texts.items():
            self._guard.check(self._folder / "runs" / run / name, text)  # before the plan is spent
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
        making = folder.with_name(f".{run}")
        for name, text in texts.items():
            write_text(making / name, text, self._guard)
        making.rename(folder)
        sync_folder(folder.parent)
        return self._journal(run, fence)

    def resume_run(self, run: str, fence: int) -> FileJournal:
        """Open the journal of a run that did not finish, to go on in it."""
        return self._journal(self._run(run), fence)

    def close_run(self, run: str, result: str) -> None:
        """Say of a run that was cut off how it ended after all."""
        journal = self.resume_run(run, 0)
        journal.append("finished", result=result, snapshot=None)
        journal.close()

    def confirm(self, run: str, by: str) -> None:
        """Say that what a run did is to stay."""
        path = self._folder / "runs" / self._run(run) / "confirmed.json"
        at = self._clock.now().isoformat(timespec="seconds")
        write_text(path, f"{json.dumps({'by': by, 'at': at})}\n", self._guard)

    def is_confirmed(self, run: str) -> bool:
        """Tell whether somebody said that what a run did is to stay."""
        return (self._folder / "runs" / self._run(run) / "confirmed.json").exists()

    def freeze(self) -> Freeze | None:
        """Return the freeze in force. Raises CorruptFile: an unreadable freeze must not let changes through."""
        path = self._folder / "freeze.json"
        if not path.exists():
            return None
        try:
            found = Freeze.model_validate_json(_read(path))
        except ValidationError:
            raise CorruptFile(f"{path}: not readable", mend="reconciler freeze ENV --off") from None
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return found if found.until > now else None

    def set_freeze(self, freeze: Freeze | None) -> None:
        """Begin a freeze, or end it."""
        path = self._folder / "freeze.json"
        if freeze is None:
            path.unlink(missing_ok=True)
        else:
            write_text(path, f"{freeze.model_dump_json(indent=2)}\n", self._guard)

    def run_plan(self, run: str) -> Plan:
        """Return the plan of a run. Raises InvalidInput when there is no such run."""
        path = self._folder / "runs" / self._run(run) / "plan.json"
        return parse_plan(_read(path), str(path))

    def run_undo(self, run: str) -> Plan:
        """Return the undo plan of a run. Raises InvalidInput when there is no such run."""
        path = self._folder / "runs" / self._run(run) / "undo.json"
        return parse_plan(_read(path), str(path))

    def journal_problems(self, run: str) -> tuple[str, ...]:
        """Return what shows that the journal of a run was tampered with."""
        return tuple(problems_of(self._folder / "runs" / self._run(run) / "journal.jsonl"))

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
            yield told(run, self.journal(run))

    def cut_off(self) -> tuple[str, ...]:
        """Return the ids of the runs that neither finished nor were taken back, newest first."""
        return tuple(run.id for run in cut_off(tuple(self.runs())))

    def lock(self, purpose: str) -> Lease:
        """Take the environment. Raises LockHeld, naming the holder."""
        return take_lease(self._folder, purpose, self._clock)

    def _journal(self, run: str, fence: int) -> FileJournal:
        path = self._folder / "runs" / run / "journal.jsonl"
        return FileJournal(path, run, self._clock, self._guard, fence=fence)

    def _next_stamp(self) -> str:
        """Return a time in milliseconds that sorts after every snapshot there is, also after one of the future."""
        stamps = (one.partition("-")[0] for one in self._ids())
        newest = next(filter(_STAMP.fullmatch, stamps), "")
        stamp = _stamp(self._clock.now())
        if stamp > newest:
            return stamp
        return _stamp(datetime.strptime(newest, "%Y%m%dT%H%M%S.%f%z") + timedelta(milliseconds=1))

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


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03}Z"


def check_label(name: str) -> None:
    """Raise InvalidInput unless a snapshot may be labelled ``name``."""
    if not _NAME.match(name) or name in {"latest", "last-good", "live", "desired"}:
        raise _invalid(f"{name!r} cannot be a label", "Use letters, digits and . _ -")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise _not_text(path) from None


def _not_text(path: Path) -> CorruptFile:
    return CorruptFile(f"{path}: not readable", detail="It is not UTF-8.")


def _invalid(summary: str, detail: str = "", mend: str = "") -> InvalidInput:
    return InvalidInput([Diagnostic(summary=summary, detail=detail, mend=mend)])
