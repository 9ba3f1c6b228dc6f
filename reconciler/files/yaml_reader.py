"""Read YAML strictly: what readers could understand differently is refused, with what mends it.

Two passes. The first makes plain Python values, quickly, and holds a position only for each
resource. The second, ``spans`` and ``places``, re-reads one resource when something in it must be
shown or changed. Never resolves references and never knows which keys are allowed.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.core.diagnostic import Diagnostic, Place, Severity
from reconciler.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_SCALAR_CHARACTERS: Final = 1024 * 1024
"""A longer value ends the reading of its file. Counted in blocks of 16 KiB: a little more may pass."""
MAX_DEPTH: Final = 64
MAX_DIAGNOSTICS: Final = 100
MAX_LINE_SHOWN: Final = 4096
"""A place in a longer line carries no ``line_text``."""
MAX_VALUE_SHOWN: Final = 60

Json: TypeAlias = Any
"""``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` or ``None``."""
Pointer: TypeAlias = tuple[str | int, ...]
"""Where a value stands in its document: ``("spec", "enabled_events", 0)``."""


class Document(NamedTuple):
    """One whole file. ``value`` is ``None`` when it is empty or holds only comments."""

    file: str
    value: Json


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


def decode(data: bytes, file: str) -> str:
    """Return the text of a file. Raises InvalidInput unless it is UTF-8 within the size limit.

    A byte order mark is dropped.
    """
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput([_too_large(file)])
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or b"\0" in data[:4]:
        detail = "This file is UTF-16 or UTF-32. Save it as UTF-8."
        raise InvalidInput([Diagnostic(summary="Not UTF-8", detail=detail, place=Place(file=file))])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line_start = before.rfind(b"\n") + 1
        place = Place(
            file=file,
            line=before.count(b"\n") + 1,
            column=len(before[line_start:].decode("utf-8", "replace")) + 1,
        )
        byte = error.object[error.start]
        detail = f"Byte 0x{byte:02x} is not part of a UTF-8 character. Save the file as UTF-8."
        raise InvalidInput([Diagnostic(summary="Not UTF-8", detail=detail, place=place)]) from None


def read_document(text: str, file: str) -> Document:
    """Return the value of a whole file. Raises InvalidInput with every error of it."""
    return Document(file, _Composer(text, file).document())


def read_items(text: str, file: str) -> Iterator[Item]:
    """Yield each element of the top-level ``resources:`` list and each other top-level value.

    An element has the pointer ``("resources", 3)``, another value ``("version",)``; a file that is
    not a map is one item with the pointer ``()``. Raises InvalidInput with every error of the file
    *after* the last item: an item may be acted upon only when the iteration has ended.
    """
    return _Composer(text, file).items()


def spans(text: str, item: Item | None = None) -> Spans:
    """Return where everything in ``item``, or in the whole text, stands; pointers start there.

    What the first pass did not accept is covered as far as it can be read.
    """
    item = item or Item((), None, 0, len(text), 1, 1)
    whole = Span(item.start, item.end, item.line, item.column, "block")
    found = Spans({}, {})
    indent = item.column - 1
    try:
        events = _events(_Feed(" " * indent + text[item.start : item.end]))
        walk = _Walk(events, found, item.start - indent, item.line - 1)
        while type(event := events()) not in {StreamEndEvent, *_NODES}:
            pass
        if type(event) is not StreamEndEvent:
            walk.node(event, ())
    except (yaml.YAMLError, UnicodeError, _Stop):
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
        return _place(text, file, span)

    return locate


class AmbiguousScalarError(ValueError):
    """An unquoted text that readers do not agree on, or that would silently change."""


def plain_value(text: str) -> Json:
    """Return what an unquoted scalar means. Raises AmbiguousScalarError, saying what ``text`` is."""
    if text[:1] not in _NOT_SURELY_TEXT:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text.lower() in _BOOLEAN_WORDS:
        raise AmbiguousScalarError("is true or false to some YAML readers and text to others")
    if _WHOLE_NUMBER.fullmatch(text):
        return _whole_number(text)
    if _NUMBER.fullmatch(text):
        return _number(text)
    for pattern, meaning in _AMBIGUOUS:
        if pattern.fullmatch(text):
            raise AmbiguousScalarError(meaning)
    return text


# --- What an unquoted scalar means

_NOT_SURELY_TEXT: Final = frozenset(["", *"0123456789+-.~=<nNyYtTfFoO"])
"""The first characters of everything that is not text, or not text to everybody."""
_WORDS: Final[dict[str, Json]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_BOOLEAN_WORDS: Final = frozenset({"yes", "no", "on", "off", "y", "n"})
_WHOLE_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?")
LARGEST: Final = 2**64 - 1
SMALLEST: Final = -(2**63)
_SOME_NUMBER: Final = "is a number to some YAML readers and text to others"
_DATE: Final = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_TIME: Final = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?"
_ZONE: Final = r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?"
_AMBIGUOUS: Final = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"[-+]?0[0-9_]+", "is an octal number to some YAML readers and a decimal one to others"),
        (r"-0", "is the number 0"),
        (r"[-+]?0[oO][0-7_]+", _SOME_NUMBER),
        (r"[-+]?0[xX][0-9a-fA-F_]+", "is a hexadecimal number"),
        (r"[-+]?0[bB][01_]+", _SOME_NUMBER),
        (r"\+[0-9][0-9_]*(?:\.[0-9_]*)?", "is a number, and its plus sign would be lost"),
        (r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", f"{_SOME_NUMBER} (to the base 60)"),
        (_DATE, "is a date to some YAML readers and text to others"),
        (rf"{_DATE}(?:[Tt]|[ \t]+){_TIME}{_ZONE}", "is a time to some YAML readers, not to all"),
        (r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "is a number that JSON does not have"),
        (r"[-+]?(?:[0-9_]+\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?", _SOME_NUMBER),
        (r"=|<<", "has a meaning of its own to some YAML readers"),
    )
)


def _whole_number(text: str) -> int:
    if len(text) > 20 or not SMALLEST <= int(text) <= LARGEST:
        raise AmbiguousScalarError("is a number of more than 64 bits, which other programs round")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")} or Decimal(text) != Decimal(repr(number)):
        raise AmbiguousScalarError(
            f"has more digits than a number keeps: it would become {number!r}"
        )
    if text.endswith("0") and "e" not in text.lower() and not text.endswith(".0"):
        raise AmbiguousScalarError(f"is the number {number!r}: its last zero would be lost")
    return number


# --- First pass: values

Event: TypeAlias = Any
"""An event of PyYAML. Its stubs say that every mark may be missing, which is not so here."""
_NODES: Final = frozenset({ScalarEvent, MappingStartEvent, SequenceStartEvent, AliasEvent})
FORBIDDEN: Final = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_FORBIDDEN_OR_RETURN: Final = re.compile(FORBIDDEN.pattern + "|\r(?!\n)")
_DIRECTION_MARKS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LONE_TAG: Final = re.compile(r"!(?=\s|$)")
_PLAIN_CACHE: Final = 4096


class _Stop(Exception):
    """The rest of the file cannot be read; why is among the diagnostics."""


class _TooLong(_Stop):
    """A single scalar (or comment) goes on and on."""


class _Feed:
    """The text as a stream. Notices, without looking at values, that one of them does not end."""

    __slots__ = ("_position", "_seen", "_silent", "_text", "event")

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._silent = 0
        self._seen: object = None
        self.event: Event = None
        """The last event; its user sets it."""

    def read(self, size: int) -> str:
        chunk = self._text[self._position : self._position + size]
        self._position += len(chunk)
        if self.event is not self._seen:
            self._seen = self.event
            self._silent = 0
        self._silent += len(chunk)
        if self._silent > MAX_SCALAR_CHARACTERS:
            raise _TooLong
        return chunk


def _events(feed: _Feed) -> Callable[[], Event]:
    """Return a function that gives the next event: of libyaml, or of PyYAML's own parser where it is missing."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    get_event: Callable[[], Event] = loader(feed).get_event
    return get_event


class _Composer:
    """Makes the values of one file and collects what is wrong with it. Used once."""

    def __init__(self, text: str, file: str) -> None:
        if len(text) > MAX_FILE_BYTES:
            raise InvalidInput([_too_large(file)])
        self._file = file
        self._text = text
        self._problems: list[Diagnostic] = []
        self._plain: dict[str, Json] = {}
        readable, self._forbidden = _without_forbidden(text)
        self._feed = _Feed(readable)
        self._next: Callable[[], Event] = _events(self._feed)
        if _LONE_TAG.search(text):
            self._next = self._guarded(self._next)

    def document(self) -> Json:
        value = None
        with self._collecting():
            event = self._open()
            if event is not None:
                value = self._value(event, 1)
                self._close()
        return value

    def items(self) -> Iterator[Item]:
        with self._collecting():
            event = self._open()
            if type(event) is MappingStartEvent:
                yield from self._top_level(event)
            elif event is not None:
                value = self._value(event, 1)
                if value is not None:
                    yield self._item((), event, value)
            if event is not None:
                self._close()

    def _top_level(self, start: Event) -> Iterator[Item]:
        self._refuse_properties(start)
        seen: set[str] = set()
        while type(event := self._take()) is not MappingEndEvent:
            key = self._key(event, 1)
            if key in seen:
                self._duplicate(event, key, start)
            seen.add(key)
            event = self._take()
            if key == "resources" and type(event) is SequenceStartEvent:
                self._refuse_properties(event)
                index = 0
                while type(event := self._take()) is not SequenceEndEvent:
                    yield self._item((key, index), event, self._value(event, 3))
                    index += 1
            else:
                yield self._item((key,), event, self._value(event, 2))

    def _item(self, pointer: Pointer, first: Event, value: Json) -> Item:
        mark = first.start_mark
        end = self._feed.event.end_mark.index
        return Item(pointer, value, mark.index, end, mark.line + 1, mark.column + 1)

    def _take(self) -> Event:
        event = self._feed.event = self._next()
        return event

    def _value(self, event: Event, depth: int) -> Json:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            self._problem(event, *_ALIAS)
            return None
        if depth > MAX_DEPTH:
            self._problem(event, "Nested too deeply", f"Lists and maps may be {MAX_DEPTH} deep.")
            raise _Stop
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event)
        if kind is MappingStartEvent:
            return self._mapping(event, depth)
        return self._sequence(depth)

    def _scalar(self, event: Event) -> Json:
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event)
            return event.value
        if event.style:
            return event.value
        return self._plain_scalar(event)

    def _mapping(self, start: Event, depth: int) -> dict[str, Json]:
        # The inner loop: scalars are read in place, a call for each would cost a third more.
        get_event, feed, depth = self._next, self._feed, depth + 1
        mapping: dict[str, Json] = {}
        while True:
            event = feed.event = get_event()
            if (
                type(event) is ScalarEvent
                and not event.tag
                and not event.anchor
                and event.value[:1] not in _NOT_SURELY_TEXT
            ):
                key = event.value
            elif type(event) is MappingEndEvent:
                return mapping
            else:
                key = self._key(event, depth)
            if key in mapping:
                self._duplicate(event, key, start)
            event = feed.event = get_event()
            if type(event) is ScalarEvent and not event.tag and not event.anchor:
                value = event.value
                if value[:1] in _NOT_SURELY_TEXT and not event.style:
                    value = self._plain_scalar(event)
                mapping[key] = value
            else:
                mapping[key] = self._value(event, depth)

    def _sequence(self, depth: int) -> list[Json]:
        get_event, feed, depth = self._next, self._feed, depth + 1
        items: list[Json] = []
        while True:
            event = feed.event = get_event()
            if type(event) is ScalarEvent:
                items.append(self._scalar(event))
            elif type(event) is SequenceEndEvent:
                return items
            else:
                items.append(self._value(event, depth))

    def _key(self, event: Event, depth: int) -> str:
        if type(event) is not ScalarEvent:
            detail = "A key is one word or a quoted text, not a list, a map or an alias."
            self._problem(event, "Key is not text", detail)
            return str(self._value(event, depth + 1))
        text: str = event.value
        if text == "<<" and not event.style:
            self._problem(event, *_MERGE)
            return text
        value = self._scalar(event)
        if not isinstance(value, str):
            detail = f"{_shown(text)} is {_NAMES[type(value)]} here. As a key, write it in quotes:"
            self._problem(event, "Key is not text", detail, _quoted(text))
        return text

    def _plain_scalar(self, event: Event) -> Json:
        text: str = event.value
        try:
            return self._plain[text]
        except KeyError:
            pass
        try:
            value = plain_value(text)
        except AmbiguousScalarError as error:
            detail = f"{_shown(text)} {error}. {_other_spelling(text)}"
            self._problem(event, "Ambiguous value", detail, _quoted(text))
            return text
        if len(self._plain) < _PLAIN_CACHE:
            self._plain[text] = value
        return value

    def _guarded(self, get_event: Callable[[], Event]) -> Callable[[], Event]:
        """Refuse the tag ``!`` too, which libyaml swallows; only in texts where it may occur."""

        def guarded() -> Event:
            event = get_event()
            begins = event.start_mark.index
            if type(event) is ScalarEvent and not event.tag and self._text.startswith("!", begins):
                self._problem(event, *_TAG)
            return event

        return guarded

    def _open(self) -> Event:
        """Return the first event of the content, ``None`` when there is none."""
        self._take()
        event = self._take()
        if type(event) is not DocumentStartEvent:
            return None
        if event.version or event.tags:
            self._problem(event, *_DIRECTIVE)
        return self._take()

    def _close(self) -> None:
        event = self._take()
        while type(event) is DocumentEndEvent:
            event = self._take()
        if type(event) is not StreamEndEvent:
            detail = "A file holds one document. Put what follows this --- into another file."
            self._problem(event, "More than one document", detail)

    def _refuse_properties(self, event: Event) -> None:
        if event.anchor is not None:
            self._problem(event, *_ANCHOR)
        if event.tag is not None:
            self._problem(event, *_TAG)

    def _duplicate(self, event: Event, key: str, mapping: Event) -> None:
        mark = mapping.start_mark
        before = Item((), None, mark.index, event.start_mark.index, mark.line + 1, mark.column + 1)
        detail = f"{_shown(key)} stands in this map before"
        first = _first_key(self._text, before, key)
        where = f", on line {first.line}" if first else ""
        detail = f"{detail}{where}. Only one of them would count; remove the other."
        self._problem(event, "Duplicate key", detail)

    def _problem(self, event: Event, summary: str, detail: str, mend: str = "") -> None:
        start, end = event.start_mark, event.end_mark
        span = Span(start.index, end.index, start.line + 1, start.column + 1, "")
        self._add(_error(summary, detail, _place(self._text, self._file, span), mend))

    def _add(self, problem: Diagnostic) -> None:
        self._problems.append(problem)
        if len(self._problems) >= MAX_DIAGNOSTICS:
            raise _Stop

    @contextmanager
    def _collecting(self) -> Iterator[None]:
        """Turn what ends the reading into diagnostics, and raise them all."""
        try:
            for offset in self._forbidden:
                self._add(_forbidden_character(self._text, self._file, offset))
            yield
        except _TooLong:
            event = self._feed.event
            offset = event.end_mark.index if event else 0
            detail = f"A value, key or comment may have {MAX_SCALAR_CHARACTERS:,} characters."
            place = _place_at(self._text, self._file, offset)
            self._problems.append(_error("Value too long", detail, place))
        except _Stop:
            pass
        except yaml.YAMLError as error:
            self._problems.append(_syntax_error(self._text, self._file, error))
        if self._problems:
            problems = sorted(self._problems, key=_position)
            if len(problems) >= MAX_DIAGNOSTICS:
                problems.append(_more(problems[-1].place))
            raise InvalidInput(problems)


# --- Second pass: positions


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
    return "flow" if event.flow_style else "block"


def _first_key(text: str, before: Item, key: str) -> Span | None:
    """Return where ``key`` stands in the map of which ``before`` is the beginning, if not too far."""
    if before.end - before.start > MAX_SCALAR_CHARACTERS:
        return None
    return spans(text, before).keys.get((key,))


def _place(text: str, file: str, span: Span) -> Place:
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


def _place_at(text: str, file: str, offset: int) -> Place:
    offset = min(offset, len(text))
    line_start = text.rfind("\n", 0, offset) + 1
    line = text.count("\n", 0, offset) + 1
    return _place(text, file, Span(offset, offset + 1, line, offset - line_start + 1, ""))


def _position(diagnostic: Diagnostic) -> tuple[int, int]:
    place = diagnostic.place
    return (place.line, place.column) if place else (0, 0)


# --- What is said

_NAMES: Final = {bool: "true or false", int: "a number", float: "a number", type(None): "null"}
_REPEAT: Final = (
    "As text, it needs quotes. To use a value twice, declare it under vars: in environment.yaml and "
    "write:"
)
_VARIABLE: Final = "${var:name}"
_ANCHOR: Final = ("YAML anchor", f"A leading & names the value after it. {_REPEAT}", _VARIABLE)
_ALIAS: Final = ("YAML alias", f"A leading * stands for a value elsewhere. {_REPEAT}", _VARIABLE)
_MERGE: Final = (
    "YAML merge key",
    "The key << copies another map into this one. Write the keys out, and repeated values as:",
    _VARIABLE,
)
_CHOOSES: Final = (
    "A leading ! chooses how a value is read, and can run code in other programs. Remove it; as "
    "text, it needs quotes."
)
_TAG: Final = ("YAML tag", _CHOOSES)
_DIRECTIVE: Final = ("YAML directive", "Lines that begin with % are not used here. Remove it.")
_NOT_A_KEY: Final = (
    "A key cannot stand here. Is a line above indented otherwise? A text with a colon and a space "
    "needs quotes:"
)
_EXPECTED: Final = "did not find expected "
_TAB: Final = "YAML is indented with spaces; here is a tab."
_UNCLOSED: Final = "The quote that begins here is never closed."
_START: Final = "A text that begins with this character needs quotes."
_SYNTAX: Final = (
    # words of libyaml, condition, detail, mend; the first that fits
    ("that cannot start any token", "tab", _TAB, ""),
    ("tab character", "", _TAB, ""),
    ("that cannot start any token", "`@%", _START, ""),
    ("alphabetic or numeric", "", "A text that begins with & or * needs quotes.", ""),
    (f"{_EXPECTED}node content", "", _START, ""),
    ("mapping values are not allowed", "", _NOT_A_KEY, 'note: "a: b"'),
    ("unexpected end of stream", "", _UNCLOSED, ""),
    ("unexpected document indicator", "", _UNCLOSED, ""),
    ("unknown escape", "", "In double quotes, write a backslash twice:", "\\\\"),
    ("invalid Unicode", "", "This escape is no character; write the character itself.", ""),
    ("expected ':'", "", "A key needs a colon and a space after it, on one line.", ""),
    (f"{_EXPECTED}','", "${", "Inside [ ] and { } a reference needs quotes:", '"${var:name}"'),
    (f"{_EXPECTED}','", "", "A comma or the closing bracket is missing, or quotes are.", ""),
    (f"{_EXPECTED}'-'", "", "The elements of a list begin with hyphens in one column.", ""),
    ("block sequence entries", "", "A list begins on the line after its key.", ""),
    (f"{_EXPECTED}key", "quote", "The quotes end before this. Put them around all of it.", ""),
    (f"{_EXPECTED}key", "", "The keys of a map begin in one column; this does not.", ""),
    (f"{_EXPECTED}<document start>", "", "This line is indented less than the first.", ""),
    ("undefined tag handle", "", _CHOOSES, ""),
)


def _error(summary: str, detail: str, place: Place, mend: str = "") -> Diagnostic:
    return Diagnostic(summary=summary, detail=detail, mend=mend, place=place)


def _more(place: Place | None) -> Diagnostic:
    detail = "There may be more; mend these first."
    return Diagnostic(severity=Severity.NOTE, summary="Stopped here", detail=detail, place=place)


def _syntax_error(text: str, file: str, error: yaml.YAMLError) -> Diagnostic:
    problem = str(getattr(error, "problem", None) or "cannot be read")
    mark = getattr(error, "problem_mark", None)
    if mark is None or mark.index >= len(text.rstrip()) or "unexpected document" in problem:
        mark = getattr(error, "context_mark", None) or mark
    offset = mark.index if mark else 0
    place = _place_at(text, file, offset)
    holds = {
        "": True,
        "tab": "\t" in place.line_text[: place.column],
        "`@%": text[offset : offset + 1] in {"`", "@", "%"},
        "${": "${" in place.line_text,
        "quote": text[:offset].rstrip().endswith(("'", '"')),
    }
    for words, condition, detail, mend in _SYNTAX:
        if words in problem and holds[condition]:
            return _error("Invalid YAML", detail, place, mend)
    return _error("Invalid YAML", f"{problem[:1].upper()}{problem[1:]}.", place)


def _without_forbidden(text: str) -> tuple[str, list[int]]:
    """Return ``text`` with other characters for the forbidden ones, and where the first are."""
    pattern = _FORBIDDEN_OR_RETURN if "\r" in text else FORBIDDEN
    offsets = [match.start() for match in islice(pattern.finditer(text), MAX_DIAGNOSTICS)]
    return (pattern.sub("\ufffd", text), offsets) if offsets else (text, offsets)


def _forbidden_character(text: str, file: str, offset: int) -> Diagnostic:
    character = text[offset]
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "")
    escape = f"\\x{ord(character):02x}" if character < "\u0100" else f"\\u{ord(character):04x}"
    called = f"{code} ({name})" if name else code
    if character in _DIRECTION_MARKS:
        summary, harm = "Text direction mark", "makes text look different from what it is"
    else:
        summary, harm = "Invisible character", "cannot be seen in an editor"
    detail = f"{called} {harm}. Remove it, or in a quoted text write the escape:"
    return _error(summary, detail, _place_at(text, file, offset), f'"{escape}"')


def _too_large(file: str) -> Diagnostic:
    most = MAX_FILE_BYTES // 1024 // 1024
    detail = f"A file may have {most} MiB. Spread the resources over several files."
    return _error("File too large", detail, Place(file=file))


def _shown(text: str) -> str:
    return text if len(text) <= MAX_VALUE_SHOWN else f"{text[: MAX_VALUE_SHOWN - 1]}…"


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= MAX_VALUE_SHOWN else '"…"'


def _other_spelling(text: str) -> str:
    lower = text.lower()
    if lower in _BOOLEAN_WORDS:
        return f"Write {'true' if lower in {'yes', 'on', 'y'} else 'false'}, or for the text:"
    return "If it is meant as text, write it in quotes:"
