"""Read YAML strictly: what readers could understand differently is refused, with what mends it.

Makes plain Python values, quickly, and holds a position only for each resource; ``yaml_positions``
finds the others. Never resolves references and never knows which keys are allowed.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

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

from reconciler.core.errors import InvalidInput
from reconciler.files.yaml_events import MAX_SCALAR_CHARACTERS, Feed, Stop, TooLong, events
from reconciler.files.yaml_positions import Item, Span, by_place, first_key, place_at, place_of
from reconciler.files.yaml_refusals import (
    ALIAS,
    ANCHOR,
    DIRECTIVE,
    KEY_IS_COLLECTION,
    MAX_DIAGNOSTICS,
    MERGE,
    SECOND_DOCUMENT,
    TAG,
    Refusal,
    ambiguous,
    duplicate,
    not_text,
    stopped_here,
    syntax_error,
)
from reconciler.files.yaml_scalars import NOT_SURELY_TEXT, AmbiguousScalarError, plain_value
from reconciler.files.yaml_text import check_size, forbidden_character, without_forbidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.core.diagnostic import Diagnostic
    from reconciler.files.yaml_events import Event
    from reconciler.files.yaml_positions import Pointer
    from reconciler.files.yaml_scalars import Json

MAX_DEPTH: Final = 64
_TOO_DEEP: Final = Refusal("Nested too deeply", f"Lists and maps may be {MAX_DEPTH} deep.")
_TOO_LONG: Final = Refusal(
    "Value too long",
    f"A value, key or comment may have {MAX_SCALAR_CHARACTERS:,} characters.",
)
_LONE_TAG: Final = re.compile(r"!(?=\s|$)")
_PLAIN_CACHE: Final = 4096


class Document(NamedTuple):
    """One whole file. ``value`` is ``None`` when it is empty or holds only comments."""

    file: str
    value: Json


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


class _Composer:
    """Makes the values of one file and collects what is wrong with it. Used once."""

    def __init__(self, text: str, file: str) -> None:
        check_size(len(text), file)
        self._file = file
        self._text = text
        self._problems: list[Diagnostic] = []
        self._plain: dict[str, Json] = {}
        readable, self._forbidden = without_forbidden(text)
        self._feed = Feed(readable)
        self._next: Callable[[], Event] = events(self._feed)
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
            self._refuse(event, ALIAS)
            return None
        if depth > MAX_DEPTH:
            self._refuse(event, _TOO_DEEP)
            raise Stop
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
                and event.value[:1] not in NOT_SURELY_TEXT
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
                if value[:1] in NOT_SURELY_TEXT and not event.style:
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
            self._refuse(event, KEY_IS_COLLECTION)
            return str(self._value(event, depth + 1))
        text: str = event.value
        if text == "<<" and not event.style:
            self._refuse(event, MERGE)
            return text
        value = self._scalar(event)
        if not isinstance(value, str):
            self._refuse(event, not_text(text, value))
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
            self._refuse(event, ambiguous(text, error))
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
                self._refuse(event, TAG)
            return event

        return guarded

    def _open(self) -> Event:
        """Return the first event of the content, ``None`` when there is none."""
        self._take()
        event = self._take()
        if type(event) is not DocumentStartEvent:
            return None
        if event.version or event.tags:
            self._refuse(event, DIRECTIVE)
        return self._take()

    def _close(self) -> None:
        event = self._take()
        while type(event) is DocumentEndEvent:
            event = self._take()
        if type(event) is not StreamEndEvent:
            self._refuse(event, SECOND_DOCUMENT)

    def _refuse_properties(self, event: Event) -> None:
        if event.anchor is not None:
            self._refuse(event, ANCHOR)
        if event.tag is not None:
            self._refuse(event, TAG)

    def _duplicate(self, event: Event, key: str, mapping: Event) -> None:
        mark = mapping.start_mark
        before = Item((), None, mark.index, event.start_mark.index, mark.line + 1, mark.column + 1)
        first = first_key(self._text, before, key)
        self._refuse(event, duplicate(key, first.line if first else None))

    def _refuse(self, event: Event, refusal: Refusal) -> None:
        start, end = event.start_mark, event.end_mark
        span = Span(start.index, end.index, start.line + 1, start.column + 1, "")
        self._add(refusal.at(place_of(self._text, self._file, span)))

    def _add(self, problem: Diagnostic) -> None:
        self._problems.append(problem)
        if len(self._problems) >= MAX_DIAGNOSTICS:
            raise Stop

    @contextmanager
    def _collecting(self) -> Iterator[None]:
        """Turn what ends the reading into diagnostics, and raise them all."""
        try:
            for offset in self._forbidden:
                self._add(forbidden_character(self._text, self._file, offset))
            yield
        except TooLong:
            event = self._feed.event
            offset = event.end_mark.index if event else 0
            self._problems.append(_TOO_LONG.at(place_at(self._text, self._file, offset)))
        except Stop:
            pass
        except yaml.YAMLError as error:
            self._problems.append(syntax_error(self._text, self._file, error))
        if self._problems:
            problems = sorted(self._problems, key=by_place)
            if len(problems) >= MAX_DIAGNOSTICS:
                problems.append(stopped_here(problems[-1].place))
            raise InvalidInput(problems)
