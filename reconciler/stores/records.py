"""Snapshots, labels and runs of one environment: what holds of them, wherever they are kept."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from reconciler.core.vendor_text import masked_unreadable
from reconciler.stores.chain import problems_in, records_in
from reconciler.stores.labels import Label, check_label, label_of, written
from reconciler.stores.medium import CONFIRMED, NAME, PLAN, UNDO
from reconciler.stores.runs import RunRecord, cut_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.core.plan import Plan
    from reconciler.core.ports import Clock, Journal
    from reconciler.core.state import Snapshot, SnapshotHeader
    from reconciler.stores.guarding import Guard
    from reconciler.stores.holder import Holder
    from reconciler.stores.lease import Lease
    from reconciler.stores.medium import Medium

_STAMP = re.compile(r"\d{8}T\d{6}\.\d{3}Z")


class Records:
    """The store of one environment. Everything that is written passes ``guard``."""

    def __init__(self, medium: Medium, clock: Clock, guard: Guard) -> None:
        self.medium = medium
        self._guard = guard
        self._environment = medium.environment
        self._clock = clock

    @property
    def is_distant(self) -> bool:
        """Tell whether the store is not on this machine."""
        return self.medium.is_distant

    def base(self) -> Snapshot | None:
        """Return the newest snapshot that was applied or labelled; else the newest of all."""
        labels = self.labels()
        labelled = {label.snapshot for label in labels}
        taken = None
        for snapshot_id, header in self._headers():
            if snapshot_id in labelled or header().role == "applied":
                return self._loaded(snapshot_id, labels)
            if taken is None and header().role == "taken":
                taken = snapshot_id
        return self._loaded(taken, labels) if taken is not None else None

    def load(self, name: str) -> Snapshot:
        """Return a snapshot by id, unambiguous beginning of an id, label, or ``latest``.

        Raises InvalidInput when there is none, CorruptFile when it was altered.
        """
        labels = self.labels()
        return self._loaded(self._resolve(name, labels), labels)

    def headers(self) -> Iterator[tuple[str, SnapshotHeader]]:
        """Yield id and header of every snapshot, newest first."""
        for snapshot_id, header in self._headers():
            yield snapshot_id, header()

    def save(self, snapshot: Snapshot) -> Snapshot:
        """Write ``snapshot`` and return it with its id. Raises Refused when a secret value stands in it."""
        header = snapshot.header
        unreadable = masked_unreadable(header.unreadable, self._guard.masker)
        header = header.model_copy(update={"unreadable": unreadable})
        text = snapshot_text(snapshot._replace(header=header))
        header = parse_header(text.partition("\n")[0], "the snapshot just made")
        short = header.digest.removeprefix("sha256:")[:8]
        snapshot_id = f"{self._next_stamp()}-{short}"
        self.medium.add_snapshot(snapshot_id, text)
        return snapshot._replace(header=header, id=snapshot_id)

    def labels(self) -> tuple[Label, ...]:
        """Return the labels, newest first. Raises CorruptFile."""
        try:
            labels = [label_of(name, found) for name, found in self.medium.labels().items()]
        except (KeyError, TypeError, AttributeError):
            where = self.medium.where("labels.json")
            raise CorruptFile(f"{where}: not readable", mend="restore it from Git") from None
        return tuple(sorted(labels, key=lambda label: label.at, reverse=True))

    def label(self, label: Label) -> None:
        """Give a snapshot a name; a name that was used moves."""
        check_label(label.name)
        self.medium.set_label(label.name, written(label, self._guard.masker))

    def begin_run(self, run: str, plan: Plan, undo: Plan, fence: int) -> Journal:
        """Write the plan of a run and its undo, and open its journal. A run that is there has both.

        Raises StalePlan when a run used this plan before, Refused when a secret value stands in one, and what the
        medium raises when it cannot be written.
        """
        texts = {PLAN: plan_text(plan), UNDO: plan_text(undo)}
        for name, text in texts.items():
            self._guard.check(Path(name), text)  # before the plan is spent
        earlier = self.medium.spend(plan.id, run)
        if earlier != run:
            raise StalePlan(
                "This plan was used already",
                detail=f"Run {earlier} applied it. A plan is applied at most once.",
                mend=f"reconciler plan {plan.environment}",
            )
        self.medium.add_run(run, texts)
        return self.medium.open_journal(run, fence)

    def resume_run(self, run: str, fence: int) -> Journal:
        """Open the journal of a run that did not finish, to go on in it."""
        return self.medium.open_journal(self._run(run), fence)

    def close_run(self, run: str, result: str) -> None:
        """Say of a run that was cut off how it ended after all."""
        journal = self.resume_run(run, 0)
        journal.append("finished", result=result, snapshot=None)
        journal.close()

    def confirm(self, run: str, by: str) -> None:
        """Say that what a run did is to stay."""
        at = self._clock.now().isoformat(timespec="seconds")
        text = f"{json.dumps({'by': by, 'at': at})}\n"
        self.medium.put_run_text(self._run(run), CONFIRMED, text)

    def is_confirmed(self, run: str) -> bool:
        """Tell whether somebody said that what a run did is to stay."""
        return self.medium.run_text(self._run(run), CONFIRMED) is not None

    def freeze(self) -> Freeze | None:
        """Return the freeze in force. Raises CorruptFile: an unreadable freeze must not let changes through."""
        text = self.medium.freeze()
        if text is None:
            return None
        try:
            found = Freeze.model_validate_json(text)
        except ValidationError:
            where = self.medium.where("freeze.json")
            raise CorruptFile(
                f"{where}: not readable", mend="reconciler freeze ENV --off"
            ) from None
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return found if found.until > now else None

    def set_freeze(self, freeze: Freeze | None) -> None:
        """Begin a freeze, or end it."""
        text = None if freeze is None else f"{freeze.model_dump_json(indent=2)}\n"
        self.medium.set_freeze(text)

    def run_plan(self, run: str) -> Plan:
        """Return the plan of a run. Raises InvalidInput when there is no such run."""
        return self._plan(run, PLAN)

    def run_undo(self, run: str) -> Plan:
        """Return the undo plan of a run. Raises InvalidInput when there is no such run."""
        return self._plan(run, UNDO)

    def journal_problems(self, run: str) -> tuple[str, ...]:
        """Return what shows that the journal of a run was tampered with."""
        return tuple(problems_in(self.medium.journal_lines(self._run(run))))

    def journal(self, run: str) -> tuple[dict[str, Any], ...]:
        """Return the records of a run's journal."""
        return records_in(self.medium.journal_lines(self._run(run)))

    def runs(self) -> Iterator[RunRecord]:
        """Yield all runs, newest first."""
        return self.medium.stories()

    def cut_off(self) -> tuple[str, ...]:
        """Return the ids of the runs that neither finished nor were taken back, newest first."""
        return tuple(run.id for run in cut_off(tuple(self.runs())))

    def lock(self, purpose: str) -> Lease:
        """Take the environment. Raises LockHeld, naming the holder."""
        return self.medium.lock(purpose)

    def holder(self) -> Holder | None:
        """Return who holds the environment, or held it last. Raises LockHeld when that cannot be read."""
        return self.medium.holder()

    def close(self) -> None:
        """Give connections back."""
        self.medium.close()

    def _headers(self) -> Iterator[tuple[str, _Header]]:
        for snapshot_id, line in self.medium.snapshot_headers():
            yield snapshot_id, _Header(line, self._where(snapshot_id))

    def _loaded(self, snapshot_id: str, labels: tuple[Label, ...]) -> Snapshot:
        where = self._where(snapshot_id)
        snapshot = parse_snapshot(self.medium.snapshot_lines(snapshot_id), where)
        if snapshot.header.environment != self._environment:
            raise CorruptFile(
                f"{where}: a snapshot of {snapshot.header.environment}, not of {self._environment}"
            )
        named = next((one.name for one in labels if one.snapshot == snapshot_id), None)
        return snapshot._replace(id=snapshot_id, label=named)

    def _where(self, snapshot_id: str) -> str:
        return self.medium.where(f"{snapshot_id}.jsonl")

    def _next_stamp(self) -> str:
        """Return a time in milliseconds that sorts after every snapshot there is, also after one of the future."""
        stamps = (one.partition("-")[0] for one in self.medium.snapshot_ids())
        newest = next(filter(_STAMP.fullmatch, stamps), "")
        stamp = _stamp(self._clock.now())
        if stamp > newest:
            return stamp
        return _stamp(datetime.strptime(newest, "%Y%m%dT%H%M%S.%f%z") + timedelta(milliseconds=1))

    def _resolve(self, name: str, labels: tuple[Label, ...]) -> str:
        named = next((one.snapshot for one in labels if one.name == name), None)
        if named is not None:
            return named
        newest = next(self.medium.snapshot_ids(), None)
        if name == "latest" and newest is not None:
            return newest
        matching = list(self.medium.snapshot_ids(name)) if NAME.match(name) else []
        if name in matching or len(matching) == 1:
            return name if name in matching else matching[0]
        if matching:
            raise _invalid(f"{name!r} could be several snapshots", ", ".join(matching))
        ids = [one for one, _ in zip(self.medium.snapshot_ids(), range(3), strict=False)]
        known = ", ".join([*sorted(one.name for one in labels), *ids]) or "none yet"
        raise _invalid(
            f"There is no snapshot or label {name!r} of {self._environment}",
            f"There are: {known}.",
            f"reconciler history {self._environment}",
        )

    def _plan(self, run: str, name: str) -> Plan:
        text = self.medium.run_text(self._run(run), name)
        where = self.medium.where(f"runs/{run}/{name}")
        if text is None:
            raise CorruptFile(f"{where}: not there", detail="A run that was begun has it.")
        return parse_plan(text, where)

    def _run(self, run: str) -> str:
        if not NAME.match(run) or not self.medium.has_run(run):
            raise _invalid(
                f"There is no run {run!r} of {self._environment}",
                "",
                f"reconciler history {self._environment}",
            )
        return run


class _Header:
    """The first line of a snapshot, read when it is asked for."""

    def __init__(self, line: str, where: str) -> None:
        self._line = line
        self._where = where

    def __call__(self) -> SnapshotHeader:
        return parse_header(self._line, self._where)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03}Z"


def _invalid(summary: str, detail: str = "", mend: str = "") -> InvalidInput:
    return InvalidInput([Diagnostic(summary=summary, detail=detail, mend=mend)])
