"""What happened in an environment, newest first: runs, snapshots, and which of them are known to be good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from reconciler.render.layout import WIDTH, Line, Style, painted, span, table
from reconciler.render.wording import counted, short_times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.core.state import SnapshotHeader

_ROLES: Final = {"taken": "snapshot", "pre_apply": "before run", "applied": "after run"}


class Run(Protocol):
    """One run, as the store tells it."""

    @property
    def id(self) -> str: ...
    @property
    def started_at(self) -> str: ...
    @property
    def finished_at(self) -> str | None: ...
    @property
    def result(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def by(self) -> str: ...
    @property
    def source(self) -> str: ...


class Label(Protocol):
    """A name for a snapshot, as the store tells it."""

    @property
    def name(self) -> str: ...
    @property
    def snapshot(self) -> str: ...
    @property
    def at(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def evidence(self) -> Sequence[Mapping[str, Any]]: ...


class _Event(NamedTuple):
    at: str
    what: str
    id: str
    detail: str
    style: Style = Style.PLAIN
    second: str = ""
    """What events are sorted by; ids tell the order within a second."""


def history_text(
    runs: Sequence[Run],
    snapshots: Sequence[tuple[str, SnapshotHeader]],
    labels: Sequence[Label],
    *,
    color: bool = False,
    width: int = WIDTH,
) -> str:
    """Return the events of an environment as a table, newest first. ``snapshots`` are ids and headers."""
    found = [*_runs(runs), *_snapshots(snapshots, labels)]
    events = sorted(found, key=lambda event: (event.second, event.id), reverse=True)
    if not events:
        nothing = "No snapshots and no runs yet. To take the first: reconciler snapshot ENV"
        return painted([(span(nothing),)], color=color)
    return painted(table([_row(event) for event in events], width=width), color=color)


def history_json(
    runs: Sequence[Run],
    snapshots: Sequence[tuple[str, SnapshotHeader]],
    labels: Sequence[Label],
) -> dict[str, Any]:
    """Return the past of an environment as a JSON document, newest first."""
    return {
        "runs": [
            {
                "id": run.id,
                "started_at": run.started_at,
                "finished_at": run.finished_at,
                "result": run.result,
                "done": run.done,
                "failed": run.failed,
                "by": run.by,
                "source": run.source,
            }
            for run in sorted(runs, key=lambda run: (run.started_at, run.id), reverse=True)
        ],
        "snapshots": [
            {"id": name, **header.model_dump(mode="json")}
            for name, header in sorted(
                snapshots, key=lambda one: (one[1].taken_at, one[0]), reverse=True
            )
        ],
        "labels": [
            {
                "name": label.name,
                "snapshot": label.snapshot,
                "at": label.at,
                "note": label.note,
                "evidence": [dict(one) for one in label.evidence],
            }
            for label in sorted(labels, key=lambda label: (label.at, label.name), reverse=True)
        ],
    }


def _row(event: _Event) -> Line:
    return (
        span(event.at or "time not known"),
        span(event.what),
        span(event.id),
        span(event.detail, event.style),
    )


def _runs(runs: Iterable[Run]) -> Iterator[_Event]:
    for run in runs:
        detail = f"{run.result}: {run.done} done, {run.failed} failed"
        by = f", by {run.by}" if run.by else ""
        source = f" · {run.source}" if run.source not in {"", "files"} else ""
        style = Style.PLAIN if run.result == "done" else Style.CHANGED
        yield _Event(
            short_times(run.started_at),
            "run",
            run.id,
            f"{detail}{by}{source}",
            style,
            run.started_at[:19],
        )


def _snapshots(
    snapshots: Iterable[tuple[str, SnapshotHeader]], labels: Iterable[Label]
) -> Iterator[_Event]:
    named: dict[str, list[Label]] = {}
    for label in labels:
        named.setdefault(label.snapshot, []).append(label)
    for name, header in snapshots:
        parts = [_label_words(label) for label in named.get(name, ())]
        parts.append(counted(header.entries, "object"))
        if header.unreadable:
            parts.append(f"{counted(len(header.unreadable), 'kind')} not read")
        if header.run:
            parts.append(f"run {header.run}")
        if header.note and name not in named:
            parts.append(header.note)
        style = Style.ADDED if name in named else Style.PLAIN
        yield _Event(
            short_times(header.taken_at),
            _ROLES[header.role],
            name,
            " · ".join(parts),
            style,
            header.taken_at[:19],
        )


def _label_words(label: Label) -> str:
    checks = len(label.evidence)
    proof = f"proved by {counted(checks, 'check')}" if checks else "no evidence"
    return f"{label.name} ({proof}{f'; {label.note}' if label.note else ''})"
