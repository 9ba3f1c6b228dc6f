"""The events of libyaml, of a text that may be hostile: a value that does not end is noticed, not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml
from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SCALAR_CHARACTERS: Final = 1024 * 1024
"""A longer value ends the reading of its file. Counted in blocks of 16 KiB: a little more may pass."""

Event: TypeAlias = Any
"""An event of PyYAML. Its stubs say that every mark may be missing, which is not so here."""
NODES: Final = frozenset({ScalarEvent, MappingStartEvent, SequenceStartEvent, AliasEvent})


class Stop(Exception):
    """The rest of the file cannot be read; why is among the diagnostics."""


class TooLong(Stop):
    """A single scalar (or comment) goes on and on."""


class Feed:
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
            raise TooLong
        return chunk


def events(feed: Feed) -> Callable[[], Event]:
    """Return a function that gives the next event: of libyaml, or of PyYAML's own parser where it is missing."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    get_event: Callable[[], Event] = loader(feed).get_event
    return get_event
