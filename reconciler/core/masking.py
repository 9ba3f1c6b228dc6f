"""Replace secret values in text, by value and in every encoding they travel in.

Imports next to nothing: it stands at the entry of every command, and most of them meet no secret.

A value shorter than ``SHORTEST`` cannot be masked by value: ``1`` would blank out half a plan. Such a value is kept out
by its place alone: a secret field is a ``SecretValue`` in every stored thing, and a trace leaves out what stands in a
secret place, or is such a value as a whole (``is_secret``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MASK = "[secret]"

SHORTEST = 6
"""Characters. Shorter values, and shorter forms of values, are not masked by value."""

_GAP = r"(?:\s|\\[nr])*"
"""What a line break may have put into a value: blanks, and the escapes of JSON for them."""

_CHUNK = 1 << 16
"""Bytes that are cut into blocks at a time: the numbers take ten times the memory of the text."""


class Span(NamedTuple):
    """Where in a text a value stands, and the form it has there."""

    start: int
    end: int
    form: str


class Masker:
    """The secret values of this process. Every sink passes its text through ``mask``.

    The one mutable value of the product: values arrive as they are resolved, sinks exist before them. Thread-safe
    without a lock: it only ever grows, one step of a dictionary at a time.

    ``also`` yields further forms of a value: how the sinks of this process escape it.
    """

    def __init__(
        self,
        values: Iterable[str] = (),
        also: Callable[[str], Iterable[str]] = lambda _: (),
    ) -> None:
        self._also = also
        self._known = _Known()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Remember ``value`` in every encoding, and what in it is a secret by itself."""
        known = self._known
        if not value.strip() or value in known.values:
            return
        if len(value) < SHORTEST:
            known.values[value] = None
            return
        from reconciler.core.encodings import encodings, parts, reads_as_words

        for part in parts(value):
            strict = not reads_as_words(part)
            for forms in (encodings(part), self._also(part)):
                for form in forms:
                    if len(form) >= SHORTEST:
                        known.add(form, strict=strict)
        known.values[value] = None

    def forget(self) -> None:
        """Know nothing again: for tests, whose secrets come and go in one process."""
        self._known = _Known()

    def mask(self, text: str) -> str:
        """Return ``text`` without any remembered value, also where values overlap or lines break inside them."""
        if len(text) < SHORTEST:
            return text
        spans = sorted(self._spans(text))
        if not spans:
            return text
        pieces = []
        at = 0
        for start, end in _joined(spans):
            pieces += [text[at:start], MASK]
            at = end
        return "".join([*pieces, text[at:]])

    def hides(self, text: str) -> bool:
        """Tell whether ``text`` holds a remembered value."""
        return next(self._spans(text), None) is not None

    def betrayals(self, text: str) -> Iterator[Span]:
        """Yield where ``text`` holds a value that cannot stand there by chance."""
        strict = self._known.strict
        return (span for span in self._spans(text) if span.form in strict)

    def is_secret(self, value: str) -> bool:
        """Tell whether ``value`` as a whole is a remembered value, however short."""
        return value in self._known.values or self.hides(value)

    def unfinished(self, text: str) -> int:
        """Return how many characters at the end of ``text`` may be the beginning of a value."""
        known = self._known
        # Only a form with a line break in it can go on after one.
        lengths = known.lengths_broken if text.endswith("\n") else known.lengths
        longest = max(tuple(lengths), default=0)
        for at in range(max(0, len(text) - longest + 1), len(text) - SHORTEST + 1):
            tail = text[at:]
            forms = known.starts.get(tail[:SHORTEST], {})
            if any(len(form) > len(tail) and form.startswith(tail) for form in tuple(forms)):
                return len(tail)
        return 0

    def _spans(self, text: str) -> Iterator[Span]:
        known = self._known
        if not known.starts:
            return
        views = tuple(_views(text))
        for form in known.candidates(views):
            yield from _places(form, text, views)


class _Known:
    """Values and their forms, and a quick way to tell which forms may be in a text.

    A text without its blanks is cut into blocks of eight bytes. Wherever a form of at least 15 bytes stands in it,
    one of the blocks lies wholly inside the same 15 bytes of the form, at one of eight offsets. So the blocks of
    the text, which Python makes and compares as numbers, tell the few forms that are worth a search. Shorter forms
    have blocks of four bytes; the shortest are searched for.
    """

    def __init__(self) -> None:
        self.values: dict[str, None] = {}
        self.strict: dict[str, None] = {}
        self.starts: dict[str, dict[str, None]] = {}
        self.lengths: dict[int, None] = {}
        self.lengths_broken: dict[int, None] = {}
        self._forms: dict[str, None] = {}
        self._blocks: dict[int, dict[int, dict[str, None]]] = {8: {}, 4: {}}
        self._tiny: dict[str, None] = {}

    def add(self, form: str, *, strict: bool) -> None:
        if strict:
            self.strict[form] = None
        if form in self._forms:
            return
        raw = _bytes(_squeezed(form))
        width = 8 if len(raw) >= 15 else 4
        if len(raw) < 7:
            self._tiny[form] = None
        else:
            # The middle tells more than the beginning, which many values share: ``postgres://``, ``sk_live_``.
            first = (len(raw) - 2 * width + 1) // 2
            for at in range(first, first + width):
                block = _cut(raw[at : at + width], width)[0]
                self._blocks[width].setdefault(block, {})[form] = None
        self.starts.setdefault(form[:SHORTEST], {})[form] = None
        self.lengths[len(form)] = None
        if "\n" in form:
            self.lengths_broken[len(form)] = None
        self._forms[form] = None

    def candidates(self, views: Iterable[str]) -> Iterator[str]:
        """Yield every form that may be in one of ``views``."""
        yield from tuple(self._tiny)
        seen: set[str] = set()
        for view in views:
            raw = memoryview(_bytes(view))
            for width, blocks in self._blocks.items():
                for at in range(0, len(raw), _CHUNK) if blocks else ():
                    for block in blocks.keys() & _cut(raw[at : at + _CHUNK], width):
                        seen.update(tuple(blocks[block]))
        yield from seen


def _views(text: str) -> Iterator[str]:
    """Yield ``text`` without what a line break puts into a value."""
    yield _squeezed(text)
    if "\\n" in text or "\\r" in text:
        yield _squeezed(text.replace("\\n", "").replace("\\r", ""))


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _cut(raw: bytes | memoryview, width: int) -> list[int]:
    """Return the blocks of ``width`` bytes of ``raw``, as numbers."""
    whole = memoryview(raw)[: len(raw) // width * width]
    return whole.cast("Q" if width == 8 else "I").tolist()


def _places(form: str, text: str, views: Iterable[str]) -> Iterator[Span]:
    """Yield where ``form`` stands in ``text``, perhaps with line breaks in it."""
    at = text.find(form)
    exact = 0
    while at >= 0:
        exact += 1
        if not _is_mask(text, at, len(form)):
            yield Span(at, at + len(form), form)
        # The last of those that overlap with this one: together they are one place.
        further = text.rfind(form, at + 1, at + 2 * len(form) - 1)
        at = further if further > at else text.find(form, at + len(form))
    squeezed = _squeezed(form)
    if len(squeezed) >= SHORTEST and any(view.count(squeezed) > exact for view in views):
        broken = _GAP.join(map(re.escape, squeezed))
        for place in re.finditer(broken, text):
            if not _is_mask(text, place.start(), len(place[0])):
                yield Span(place.start(), place.end(), form)


def _is_mask(text: str, at: int, length: int) -> bool:
    """Tell whether a place lies inside a mask: the word ``secret`` may be a value, too."""
    start = text.find(MASK, max(0, at - len(MASK) + 1), at + len(MASK))
    return start >= 0 and start <= at and at + length <= start + len(MASK)


def _joined(spans: Iterable[Span]) -> Iterator[tuple[int, int]]:
    """Yield the places of ``spans``, sorted before, with those that overlap as one."""
    start = end = -1
    for span in spans:
        if span.start >= end:
            if start >= 0:
                yield start, end
            start, end = span.start, span.end
        end = max(end, span.end)
    if start >= 0:
        yield start, end
