"""What differs between two states, for a terminal, a comment or a program. Says nothing of what to do."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.core.compare import MISSING
from reconciler.core.secret import encode
from reconciler.render.change_text import named_rows, value_rows
from reconciler.render.folding import COMMENT_LIMIT, Escape, Foldable, code, folded, inert
from reconciler.render.layout import WIDTH, Line, Span, Style, flowed, painted, room_for, span
from reconciler.render.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.core.differing import Difference, FieldDifference

_LOOK: Final = {
    "added": ("+", Style.ADDED),
    "removed": ("-", Style.REMOVED),
    "changed": ("~", Style.CHANGED),
}
_ORDER: Final = ("changed", "added", "removed")
_WIDEST_NAME: Final = 28
_LEAST_ROOM: Final = 24
_VALUE: Final = 120
_MOST_FIELDS: Final = 50
_RESERVE: Final = 200


class _Story(NamedTuple):
    """The sides, named as the reader asked for them, how they differ, and what nobody knows of."""

    before: str
    after: str
    differences: Sequence[Difference]
    unknown: Sequence[str]

    @property
    def headline(self) -> str:
        sides = f"{self.before} → {self.after}"
        if not self.differences:
            return f"{sides}: no differences{' in what could be read' if self.unknown else ''}"
        counts = Counter(one.what for one in self.differences)
        return f"{sides}: " + ", ".join(f"{counts[what]} {what}" for what in _ORDER)

    @property
    def warning(self) -> str:
        if not self.unknown:
            return ""
        return f"unknown: {', '.join(self.unknown)}: not read on at least one side, so nothing is concluded"


def diff_text(
    differences: Sequence[Difference],
    before: str,
    after: str,
    *,
    unknown: Sequence[str] = (),
    color: bool = False,
    width: int = WIDTH,
) -> str:
    """Return how the states named ``before`` and ``after`` differ, as a person reads it.

    ``unknown`` are the kinds that one side could not read: nothing is concluded about them.
    """
    return painted(_lines(_Story(before, after, differences, unknown), width), color=color)


def diff_markdown(
    differences: Sequence[Difference],
    before: str,
    after: str,
    *,
    unknown: Sequence[str] = (),
    limit: int = COMMENT_LIMIT,
) -> str:
    """Return the differences as GitHub Markdown under ``limit`` characters, which should be 10,000 or more."""
    story = _Story(before, after, differences, unknown)
    head = f"### {inert(story.headline)}\n"
    warning = f"\n**{inert(story.warning, 400)}**\n" if unknown else ""
    items = [Foldable(0, partial(_summary, one), partial(_details, one)) for one in differences]
    shown_items = folded(items, limit - len(head) - len(warning) - _RESERVE)
    left = shown_items.left_out
    aside = f"\n**{left} more left out here.**\n" if left else ""
    return f"{head}{warning}\n{shown_items.text}{aside}"


def diff_json(
    differences: Sequence[Difference], before: str, after: str, *, unknown: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the differences as a JSON document; a side that has no value has no key."""
    return {
        "before": before,
        "after": after,
        "differences": [
            {
                "address": one.address,
                "kind": one.kind,
                "what": one.what,
                "fields": [_field_json(field) for field in one.fields],
            }
            for one in differences
        ],
        "unknown": [*unknown],
    }


def _lines(story: _Story, width: int) -> Iterator[Line]:
    yield from flowed([span(story.headline, Style.STRONG)], width=width, hanging="  ")
    if story.warning:
        yield from flowed([span(story.warning, Style.ALARM)], width=width, hanging="    ")
    if story.differences:
        yield ()
    for one in story.differences:
        symbol, style = _LOOK[one.what]
        yield from flowed([span(f"{symbol} {one.address}", style)], width=width)
        names = [span(field.path).text for field in one.fields]
        room = room_for(names, _WIDEST_NAME)
        for field, name in zip(one.fields, names, strict=True):
            rows = _rows(field, max(width - room - 6, _LEAST_ROOM))
            yield from named_rows(name, rows, room=room, width=width)


def _rows(field: FieldDifference, room: int) -> Sequence[Sequence[Span]]:
    if field.before is MISSING:
        return [[Span(f"+ {shown(field.after, room - 2)}", Style.ADDED)]]
    if field.after is MISSING:
        return [[Span(f"- {shown(field.before, room - 2)}", Style.REMOVED)]]
    return value_rows(field.before, field.after, room)


def _summary(one: Difference, escape: Escape) -> str:
    symbol, _ = _LOOK[one.what]
    return f"<code>{symbol}</code> <code>{escape(one.address)}</code> {one.what}"


def _details(one: Difference) -> str:
    lines = [
        f"- {code(field.path)}: {code(' '.join(part.text for row in _rows(field, _VALUE) for part in row), 480)}"
        for field in one.fields[:_MOST_FIELDS]
    ]
    if len(one.fields) > _MOST_FIELDS:
        lines.append(f"- and {len(one.fields) - _MOST_FIELDS} more")
    return "\n".join(lines) + "\n"


def _field_json(field: FieldDifference) -> dict[str, Any]:
    sides = {"before": field.before, "after": field.after}
    known = {side: encode(value) for side, value in sides.items() if value is not MISSING}
    return {"path": field.path, **known}
