"""Lines of a terminal: spans of escaped text, how they wrap, and their colours. Knows nothing of what they say."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from reconciler.render.escaping import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WIDTH: Final = 100
"""Columns where nobody says how many there are."""
NARROWEST: Final = 40
"""Columns that are used even when the terminal claims to have fewer."""
GAP: Final = "   "


class Style(StrEnum):
    """How a span stands out, as SGR parameters. Never the only bearer of a meaning."""

    PLAIN = ""
    STRONG = "1"
    FAINT = "2"
    REMOVED = "31"
    ADDED = "32"
    CHANGED = "33"
    ALARM = "1;31"


class Span(NamedTuple):
    """A piece of a line; made by ``span``, so that its text is inert."""

    text: str
    style: Style = Style.PLAIN

    @property
    def columns(self) -> int:
        return columns(self.text)


Line: TypeAlias = tuple[Span, ...]


def span(text: str, style: Style = Style.PLAIN) -> Span:
    """Return ``text`` as a span in which nothing acts on the terminal."""
    return Span(terminal(text), style)


def columns(text: str) -> int:
    """Return the columns that ``text`` takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of, text))


def padded(text: str, room: int) -> str:
    """Return ``text`` with spaces up to ``room`` columns."""
    return text + " " * (room - columns(text))


def room_for(names: Iterable[str], widest: int) -> int:
    """Return the columns of the longest of ``names``, leaving out those that take more than ``widest``."""
    return max((taken for taken in map(columns, names) if taken <= widest), default=0)


def flowed(
    spans: Iterable[Span],
    *,
    width: int,
    indent: str = "",
    hanging: str | None = None,
    lead: Line = (),
    gap: str = GAP,
) -> Iterator[Line]:
    """Yield lines of ``spans`` with ``gap`` between them, broken between spans where they can be.

    A span that does not fit on a line of its own is broken between words; a word never is, so that commands and
    addresses can be copied. The first line begins with ``indent`` and ``lead``, the others with ``hanging``.
    """
    width = max(width, NARROWEST)
    after = indent if hanging is None else hanging
    line: list[Span] = [Span(indent), *lead]
    used = start = sum(each.columns for each in line)
    for each in spans:
        if used > start and used + columns(gap) + each.columns > width:
            yield tuple(line)
            line, used = [Span(after)], columns(after)
            start = used
        if used > start:
            line.append(Span(gap))
            used += columns(gap)
        *full, last = _broken(each, width - used, width - columns(after))
        for part in full:
            yield (*line, part)
            line, used = [Span(after)], columns(after)
            start = used
        line.append(last)
        used += last.columns
    if used > start:
        yield tuple(line)


def table(rows: Sequence[Line], *, width: int) -> Iterator[Line]:
    """Yield ``rows`` of equal length with their spans in columns; only the last column wraps."""
    rooms = [max(cell.columns for cell in column) for column in zip(*rows, strict=True)][:-1]
    before = sum(room + 2 for room in rooms)
    hanging = " " * (before if before <= width // 2 else 4)
    for *cells, last in rows:
        lead = tuple(
            Span(padded(f"{cell.text}  ", room + 2), cell.style)
            for cell, room in zip(cells, rooms, strict=True)
        )
        yield from flowed([last], width=width, lead=lead, hanging=hanging)


def painted(lines: Iterable[Line], *, color: bool) -> str:
    """Return ``lines`` as text, each ended by a line feed; with SGR colours only when ``color``."""
    return "".join(f"{_painted(line, color=color)}\n" for line in lines)


def _painted(line: Line, *, color: bool) -> str:
    # Escaped again: wrapping can bring to the start of a line what is only obeyed there.
    spans = [Span(terminal(each.text), each.style) for each in line if each.text]
    if spans and spans[-1].style is Style.PLAIN:
        spans[-1] = Span(spans[-1].text.rstrip())
    if not color:
        return "".join(each.text for each in spans).rstrip()
    return "".join(
        f"\x1b[{each.style}m{each.text}\x1b[0m" if each.style and each.text.strip() else each.text
        for each in spans
    )


def _broken(each: Span, first: int, others: int) -> Sequence[Span]:
    """Break ``each`` between words to lines of ``first`` columns, then ``others``; at least one line."""
    if each.columns <= first:
        return (each,)
    lines: list[str] = []
    line = ""
    for word in each.text.split(" "):
        joined = f"{line} {word}" if line else word
        if line and columns(joined) > (others if lines else first):
            lines.append(line)
            line = word
        else:
            line = joined
    return [Span(text, each.style) for text in (*lines, line)]


def _columns_of(character: str) -> int:
    if unicodedata.east_asian_width(character) in {"W", "F"}:
        return 2
    return 0 if unicodedata.category(character) in {"Mn", "Me"} else 1
