"""Say what is wrong: place, summary, the source line with carets, detail, and what mends it."""

from __future__ import annotations

import textwrap
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.diagnostic import Severity
from reconciler.render.escaping import cells, terminal
from reconciler.render.layout import columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.diagnostic import Diagnostic, Place

WIDTH: Final = 100
"""Columns of the terminal that a message may use; a mend command is never broken."""
_SOURCE: Final = "    "
_DETAIL: Final = "  "
_MEND: Final = "      "
_CUT: Final = "…"


def to_text(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the messages for a terminal, a blank line between them; safe for hostile content."""
    return "\n".join("".join(f"{line}\n" for line in _lines(each)) for each in diagnostics)


def to_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return the messages as JSON values, unescaped: the writer of JSON escapes."""
    return [diagnostic.model_dump(mode="json") for diagnostic in diagnostics]


def _lines(diagnostic: Diagnostic) -> Iterable[str]:
    yield _heading(diagnostic)
    if diagnostic.place is not None and diagnostic.place.line_text.strip():
        yield from _excerpt(diagnostic.place)
    for paragraph in diagnostic.detail.splitlines():
        yield from map(terminal, _wrapped(terminal(paragraph)))
    for line in diagnostic.mend.splitlines():
        yield _MEND + terminal(line)


def _heading(diagnostic: Diagnostic) -> str:
    label = "" if diagnostic.severity is Severity.ERROR else f"{diagnostic.severity}: "
    where = [str(part) for part in (diagnostic.place or diagnostic.address,) if part]
    of = f" ({diagnostic.address})" if diagnostic.place and diagnostic.address else ""
    return terminal(": ".join([*where, f"{label}{diagnostic.summary}{of}"]))


def _wrapped(paragraph: str) -> list[str]:
    return textwrap.wrap(
        paragraph,
        WIDTH,
        initial_indent=_DETAIL,
        subsequent_indent=_DETAIL,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _excerpt(place: Place) -> Iterable[str]:
    """Yield the source line and the carets under it, cut to the width of the message."""
    text = place.line_text.rstrip()
    start = place.column - 1
    shown = [*cells(text), *" " * (start + 1 - len(text))]
    widths = [*map(columns, shown)]
    first = min(start, len(text) - len(text.lstrip()))
    room = WIDTH - len(_SOURCE) - 2 * len(_CUT)
    before = ""
    if sum(widths[first:]) > room:
        wanted = _fitting(reversed(widths[: start + 1]), room // 2)
        before = _CUT if start + 1 - wanted > first else ""
        first = max(first, start + 1 - wanted)
    last = first + _fitting(widths[first:], room)
    end = min(start + place.length, last)
    line = before + "".join(shown[first:last]).rstrip() + (_CUT if last < len(shown) else "")
    carets = max(1, sum(widths[start:end]))
    yield _SOURCE + line
    yield _SOURCE + " " * (len(before) + sum(widths[first:start])) + "^" * carets


def _fitting(widths: Iterable[int], room: int) -> int:
    """Return how many of ``widths`` fit into ``room``; at least one."""
    return max(1, sum(1 for used in accumulate(widths) if used <= room))
