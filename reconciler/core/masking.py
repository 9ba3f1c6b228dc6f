"""Replace secret values in text, by value and in every encoding they travel in."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK = "[secret]"
SHORTEST = 6
"""Values shorter than this are not masked by value: ``1`` would blank out half a plan."""


class Masker:
    """The secret values of this process. Every sink passes its text through ``mask``.

    The one mutable value of the product: values arrive as they are resolved, sinks exist before them.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Remember ``value`` in every encoding; longest forms are replaced first."""
        if len(value) < SHORTEST:
            return
        forms = {*self._forms, *encodings(value)}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def mask(self, text: str) -> str:
        """Return ``text`` without any remembered value."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def hides(self, text: str) -> bool:
        """Tell whether ``text`` holds a remembered value."""
        return any(form in text for form in self._forms)


def encodings(value: str) -> Iterator[str]:
    """Yield ``value`` raw, URL-encoded, JSON-escaped, base64 (three alignments) and line by line."""
    yield value
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    raw = value.encode()
    for shift in range(3):
        # Inside a longer base64 text the value starts at one of three bit positions; the characters that
        # mix with its neighbours are cut off.
        encoded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=").decode()
        inner = encoded[(0, 2, 3)[shift] : len(encoded) - 1 if (shift + len(raw)) % 3 else None]
        if len(inner) >= SHORTEST:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
    if "\n" in value:
        yield from (line for line in value.splitlines() if len(line) >= SHORTEST)
