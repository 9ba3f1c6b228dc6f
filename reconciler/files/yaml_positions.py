"""Where the keys and values of a YAML text stand. Reads one item again, when a place in it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

import yaml
from yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.core.diagnostic import Place
from reconciler.files.yaml_events import MAX_SCALAR_CHARACTERS, NODES, Feed, Stop, events

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.diagnostic import Diagnostic
    from reconciler.files.yaml_events import Event
    from reconciler.files.yaml_scalars import Json

MAX_LINE_SHOWN: Final = 4096
"""A place in a longer line carries no ``line_text``."""

Pointer: TypeAlias = tuple[str | int, ...]
"""Where a value stands in its document: ``("spec", "enabled_events", 0)``."""


class Item(NamedTuple):
    """One value of a file and its slice ``text[start:end]``; line and column are 1-based."""

    pointer: Pointer
    value: Json
    start: int
    end: int
    line: int
    column: int


class Span(NamedTuple):
    """Where a key or a value stands: offsets into the text, and 1-based line and column.

    ``style`` is ``plain``, ``quoted`` or ``block_text``, and for collections ``flow`` or ``block``.
    """

    start: int
    end: int
    line: int
    column: int
    style: str


class Spans(NamedTuple):
    """The spans of all keys and values, by pointer."""

    values: dict[Pointer, Span]
    keys: dict[Pointer, Span]


class Locator(Protocol):
    """Gives the place of a value or of its key; of the nearest thing around it if there is none."""

    def __call__(self, pointer: Pointer, *, key: bool = False) -> Place: ...


def spans(text: str, item: Item | None = None) -> Spans:
    """Return where everything in ``item``, or in the whole text, stands; pointers start there.

    What the reader did not accept is covered as far as it can be read.
    """
    item = item or Item((), None, 0, len(text), 1, 1)
    whole = Span(item.start, item.end, item.line, item.column, "block")
    found = Spans({}, {})
    indent = item.column - 1
    try:
        take = events(Feed(" " * indent + text[item.start : item.end]))
        walk = _Walk(take, found, item.start - indent, item.line - 1)
        while type(event := take()) not in {StreamEndEvent, *NODES}:
            pass
        if type(event) is not StreamEndEvent:
            walk.node(event, ())
    except (yaml.YAMLError, UnicodeError, Stop):
        pass
    found.values.setdefault((), whole)
    return found


def places(text: str, file: str, item: Item | None = None) -> Locator:
    """Return a function that gives places in ``item``. Costs nothing until it is first called."""
    found: Spans | None = None

    def locate(pointer: Pointer, *, key: bool = False) -> Place:
        nonlocal found
        if found is None:
            found = spans(text, item)
        span = found.keys.get(pointer) if key else None
        while span is None:
            span = found.values.get(pointer)
            if not pointer:
                break
            pointer = pointer[:-1]
        if span is None:
            return Place(file=file)
        return place_of(text, file, span)

    return locate


def first_key(text: str, before: Item, key: str) -> Span | None:
    """Return where ``key`` stands in the map of which ``before`` is the beginning, if not too far."""
    if before.end - before.start > MAX_SCALAR_CHARACTERS:
        return None
    return spans(text, before).keys.get((key,))


def place_of(text: str, file: str, span: Span) -> Place:
    """Return the place of ``span``, with its line."""
    line_start = span.start - (span.column - 1)
    line_end = text.find("\n", line_start)
    line_end = len(text) if line_end < 0 else line_end
    long = line_end - line_start > MAX_LINE_SHOWN
    line = "" if long else text[line_start:line_end].rstrip("\r")
    last = min(span.end, line_start + len(line.rstrip()))
    return Place(
        file=file,
        line=span.line,
        column=span.column,
        line_text=line,
        length=max(1, last - span.start),
    )


def place_at(text: str, file: str, offset: int) -> Place:
    """Return the place of one character, or of the end."""
    offset = min(offset, len(text))
    line_start = text.rfind("\n", 0, offset) + 1
    line = text.count("\n", 0, offset) + 1
    return place_of(text, file, Span(offset, offset + 1, line, offset - line_start + 1, ""))


def by_place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    """Return what sorts messages in the order of the files; those without a place come first."""
    place = diagnostic.place
    return (place.file, place.line, place.column) if place is not None else ("", 0, 0)


class _Walk(NamedTuple):
    """Records the span of every node, in coordinates of the whole text."""

    events: Callable[[], Event]
    found: Spans
    offset: int
    lines: int

    def node(self, event: Event, pointer: Pointer) -> None:
        kind = type(event)
        end = event
        if kind is MappingStartEvent:
            while type(end := self.events()) is not MappingEndEvent:
                name: Pointer = (*pointer, end.value if type(end) is ScalarEvent else "")
                if type(end) is ScalarEvent:
                    self.found.keys.setdefault(name, self.span(end, end))
                else:
                    self.node(end, name)
                self.node(self.events(), name)
        elif kind is SequenceStartEvent:
            index = 0
            while type(end := self.events()) is not SequenceEndEvent:
                self.node(end, (*pointer, index))
                index += 1
        self.found.values.setdefault(pointer, self.span(event, end))

    def span(self, first: Event, last: Event) -> Span:
        start = first.start_mark
        return Span(
            start.index + self.offset,
            last.end_mark.index + self.offset,
            start.line + self.lines + 1,
            start.column + 1,
            _style(first),
        )


_STYLES: Final = {"'": "quoted", '"': "quoted", "|": "block_text", ">": "block_text"}


def _style(event: Event) -> str:
    if type(event) is ScalarEvent:
        return _STYLES.get(event.style or "", "plain")
    return "flow" if getattr(event, "flow_style", False) else "block"
