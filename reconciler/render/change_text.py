"""One change of a plan on a terminal: what, why, which fields, what it costs, and what forbids it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.core.change import Action, Change, FieldChange, Origin
from reconciler.core.finding import Finding, Weight
from reconciler.core.state import Criticality
from reconciler.render.layout import Line, Span, Style, columns, flowed, padded, room_for, span
from reconciler.render.values import delta, pair, shown
from reconciler.render.wording import SYMBOLS, WAY_THROUGH, captures, loss, reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.core.secret import Json

_STYLES: Final = {
    Action.CREATE: Style.ADDED,
    Action.UPDATE: Style.CHANGED,
    Action.REPLACE: Style.REMOVED,
    Action.DELETE: Style.REMOVED,
    Action.MANUAL: Style.CHANGED,
}
_REMARKS: Final = {
    Weight.REFUSAL: ("REFUSED", Style.ALARM),
    Weight.WARNING: ("warning", Style.CHANGED),
    Weight.NOTE: ("note", Style.PLAIN),
}
_INDENT: Final = "    "
_DEEPER: Final = "      "
_WIDEST_NAME: Final = 24
_LONGEST_VALUE: Final = 90
_MOST_ITEMS: Final = 8
_URGENT: Final = frozenset({Criticality.P0, Criticality.P1})


def change_lines(
    change: Change, findings: Iterable[Finding], *, today: str, width: int
) -> Iterator[Line]:
    """Yield the lines of one change. ``today`` is the ISO date from which times are read."""
    yield from flowed(_headline(change, today), width=width, hanging=_INDENT)
    ordered = tuple(findings)
    for finding in ordered:
        if finding.weight is Weight.REFUSAL:
            yield from finding_lines(finding, width=width)
    if costs := loss(change):
        yield from flowed([span(costs, Style.CHANGED)], width=width, indent=_INDENT)
    yield from _field_lines(change, width)
    for finding in ordered:
        if finding.weight is not Weight.REFUSAL:
            yield from finding_lines(finding, width=width)
    for note in (*change.notes, *captures(change)):
        yield from flowed([span(f"note: {note}")], width=width, indent=_INDENT, hanging=_DEEPER)
    for task in change.follow_ups:
        yield from flowed(
            [span(f"to do: {task}", Style.STRONG)], width=width, indent=_INDENT, hanging=_DEEPER
        )


def finding_lines(
    finding: Finding, *, width: int, indent: str = _INDENT, named: bool = False
) -> Iterator[Line]:
    """Yield a remark, and the way through on a line of its own. ``named`` says what it is about."""
    about = f"{finding.address}: " if named and finding.address else ""
    words, style = _REMARKS[finding.weight]
    rule = f" {finding.rule}" if finding.weight is Weight.REFUSAL else ""
    yield from flowed(
        [span(f"{words}{rule}: {about}{finding.message}", style)],
        width=width,
        indent=indent,
        hanging=f"{indent}  ",
    )
    if finding.remedy:
        yield from flowed(
            [span(f"{WAY_THROUGH[finding.weight]}: {finding.remedy}")],
            width=width,
            indent=f"{indent}  ",
            hanging=f"{indent}    ",
        )


def field_rows(action: Action, field: FieldChange, room: int) -> list[list[Span]]:
    """Return one field of a change; of a new or deleted object there is only one side."""
    if action is Action.DELETE:
        return [[Span(shown(field.before, min(room, _LONGEST_VALUE)))]]
    if field.removed:
        return [[Span(f"{shown(field.before, min(room - 12, _LONGEST_VALUE))} → (removed)")]]
    if action is Action.CREATE or (action is Action.MANUAL and field.before is None):
        return [[Span(shown(field.after, min(room, _LONGEST_VALUE)))]]
    return value_rows(field.before, field.after, room)


def value_rows(before: Json, after: Json, room: int) -> list[list[Span]]:
    """Return how a value changes: on one row when it fits, as a set where it is one, else before over after."""
    if (differs := delta(before, after)) is not None:
        return [
            [
                *_delta_spans(differs.added, "+", Style.ADDED),
                *_delta_spans(differs.removed, "-", Style.REMOVED),
                Span(f"({differs.unchanged} unchanged)", Style.FAINT),
            ]
        ]
    old, new = pair(before, after, min(room - 2, _LONGEST_VALUE))
    if columns(old) + columns(new) + 3 <= room:
        return [[Span(f"{old} → {new}")]]
    return [[Span(old)], [Span(f"→ {new}")]]


def named_rows(
    name: str, rows: Sequence[Sequence[Span]], *, room: int, width: int
) -> Iterator[Line]:
    """Yield ``rows`` with ``name`` before the first of them; values begin ``room`` columns further on."""
    hanging = _INDENT + " " * (room + 2)
    first, *others = rows
    yield from flowed(
        first, width=width, lead=(Span(f"{_INDENT}{padded(name, room)}  "),), hanging=hanging
    )
    for row in others:
        yield from flowed(row, width=width, indent=hanging)


def _headline(change: Change, today: str) -> Iterator[Span]:
    yield span(f"{SYMBOLS[change.action]} {change.address}", _STYLES[change.action])
    if change.criticality in _URGENT:
        yield span(str(change.criticality), Style.STRONG)
    if change.protected:
        yield span("protected", Style.STRONG)
    if change.action in {Action.DELETE, Action.REPLACE} and change.remote_id:
        yield span(change.remote_id)
    yield span(reason(change, today))
    if change.place and not any(field.place for field in change.field_changes):
        yield span(change.place, Style.FAINT)


def _field_lines(change: Change, width: int) -> Iterator[Line]:
    fields = [one for one in change.field_changes if says_something(change.action, one)]
    names = [span(field.field).text for field in fields]
    room = room_for(names, _WIDEST_NAME)
    origins = {field.origin for field in change.field_changes}
    for field, name in zip(fields, names, strict=True):
        rows = field_rows(change.action, field, max(width - len(_INDENT) - room - 2, _WIDEST_NAME))
        if len(origins) > 1 and field.origin is Origin.DRIFT:
            rows[-1].append(span("drift", Style.CHANGED))
        if field.note and not field.forces_replacement:
            rows[-1].append(span(f"({field.note})"))
        if field.place:
            rows[-1].append(span(field.place, Style.FAINT))
        yield from named_rows(name, rows, room=room, width=width)


def says_something(action: Action, field: FieldChange) -> bool:
    """An object that goes away is told by what it holds, not by its empty fields."""
    empty: list[Json] = [None, "", [], {}]
    return action is not Action.DELETE or field.before not in empty


def _delta_spans(items: Sequence[str], sign: str, style: Style) -> Iterator[Span]:
    yield from (Span(f"{sign} {item}", style) for item in items[:_MOST_ITEMS])
    if len(items) > _MOST_ITEMS:
        yield Span(f"{sign} {len(items) - _MOST_ITEMS} more", style)
