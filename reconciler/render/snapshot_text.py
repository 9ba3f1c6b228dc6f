"""A snapshot for a person: which one it is, what it holds, and what could not be had back from it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from reconciler.core.restoring import Way
from reconciler.core.state import Criticality, Entry
from reconciler.render.change_text import named_rows
from reconciler.render.layout import (
    WIDTH,
    Line,
    Span,
    Style,
    flowed,
    painted,
    room_for,
    span,
    table,
)
from reconciler.render.values import shown
from reconciler.render.wording import account_words, counted, short_times, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.core.restoring import Restorable
    from reconciler.core.state import Snapshot

_ENTRIES: Final = TypeAdapter(tuple[Entry, ...])
_WIDEST_NAME: Final = 24
_MOST_NAMED: Final = 4


def snapshot_text(
    snapshot: Snapshot,
    secrets: Sequence[Restorable] = (),
    *,
    entries: bool = False,
    color: bool = False,
    width: int = WIDTH,
) -> str:
    """Return what a snapshot holds and lacks, and with ``entries`` its objects and their fields."""
    lines = [*_summary(snapshot, secrets, width)]
    for entry in snapshot.entries if entries else ():
        lines += [(), *_entry(entry, width)]
    return painted(lines, color=color)


def snapshot_json(
    snapshot: Snapshot,
    secrets: Sequence[Restorable] = (),
    *,
    entries: bool = False,
) -> dict[str, Any]:
    """Return a snapshot as a JSON document, with its objects if ``entries``."""
    document = {
        "id": snapshot.id,
        "label": snapshot.label,
        "header": snapshot.header.model_dump(mode="json"),
        "counts": dict(sorted(Counter(entry.kind for entry in snapshot.entries).items())),
        "secrets": [one._asdict() for one in secrets],
    }
    if entries:
        document["entries"] = _ENTRIES.dump_python(snapshot.entries, mode="json")
    return document


def _summary(snapshot: Snapshot, secrets: Sequence[Restorable], width: int) -> Iterator[Line]:
    header = snapshot.header
    title = [span(f"snapshot {snapshot.id or '(not saved)'}", Style.STRONG)]
    title += [span(snapshot.label)] if snapshot.label else []
    yield from flowed(title, width=width)
    parts = [
        header.environment,
        short_times(header.taken_at),
        *map(account_words, header.accounts),
        counted(len(snapshot.entries), "object"),
        f"run {header.run}" if header.run else "",
        f"commit {header.git_commit[:10]}" if header.git_commit else "",
    ]
    yield from flowed(map(span, filter(None, parts)), width=width, hanging="  ", gap=" · ")
    if header.note:
        yield from flowed([span(header.note)], width=width, indent="  ")
    for item in header.unreadable:
        words = f"unknown: {item.kind} could not be read: {item.reason}"
        yield from flowed([span(words, Style.ALARM)], width=width, hanging="    ")
        yield from flowed(
            [span(f"to mend it: {item.mend}")] if item.mend else [], width=width, indent="    "
        )
    yield from table([*_count_rows(snapshot.entries)], width=width)
    yield from _secrets(secrets, width)


def _count_rows(entries: Iterable[Entry]) -> Iterator[Line]:
    everything = Counter[str]()
    unmanaged = Counter[str]()
    for entry in entries:
        everything[entry.kind] += 1
        unmanaged[entry.kind] += entry.address is None
    for kind, count in sorted(everything.items()):
        aside = f"   ({unmanaged[kind]} not managed)" if unmanaged[kind] else ""
        yield (span(f"  {kind}"), Span(f"{count:4}{aside}"))


def _secrets(secrets: Sequence[Restorable], width: int) -> Iterator[Line]:
    """Say in how many ways its secrets could be had again, and which could not, one reason at a time."""
    counts = Counter(one.way for one in secrets)
    ways = [f"{counts[way]} {way}" for way in Way if counts[way]]
    lost = [one for one in secrets if one.is_lost_with_its_object]
    if ways:
        style = Style.CHANGED if lost else Style.PLAIN
        yield from flowed([Span(f"secrets: {', '.join(ways)}", style)], width=width, hanging="  ")
    by_reason: dict[str, list[str]] = {}
    for one in lost:
        by_reason.setdefault(one.why, []).append(f"{one.address}#{one.field}")
    for why, names in by_reason.items():
        yield from flowed([span(f"{why}:")], width=width, indent="  ")
        yield from flowed([span(some(names, _MOST_NAMED))], width=width, indent="    ")


def _entry(entry: Entry, width: int) -> Iterator[Line]:
    name = entry.address or f"{entry.kind} (not managed)"
    marks = [
        str(entry.criticality) if entry.criticality in {Criticality.P0, Criticality.P1} else "",
        "protected" if entry.protected else "",
        entry.remote_id,
        f"made by run {entry.created_by}" if entry.created_by else "",
        f"read only: {entry.read_only}" if entry.read_only else "",
    ]
    spans = [span(name, Style.STRONG), *map(span, filter(None, marks))]
    yield from flowed(spans, width=width, hanging="    ")
    fields = {**entry.values, **{f"{name} (kept)": one for name, one in entry.outputs.items()}}
    names = [(span(field).text, value) for field, value in fields.items()]
    room = room_for((field for field, _ in names), _WIDEST_NAME)
    for field, value in names:
        text = shown(value, max(width - room - 6, _WIDEST_NAME))
        yield from named_rows(field, [[Span(text)]], room=room, width=width)
