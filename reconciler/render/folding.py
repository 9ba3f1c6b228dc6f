"""Markdown that stays under a limit: what matters most is kept longest, and what is left out is counted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from reconciler.render.escaping import html, markdown
from reconciler.render.values import clipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMENT_LIMIT: Final = 60_000
"""Characters. GitHub takes 65,536 in a comment; the rest is for what a workflow puts around it."""


_DETAILS: Final = 4
"""One part in so many is kept for showing items in full."""
_MENTION: Final = re.compile(r"(?i)(?<=[@#:])|(?<=\bgh)(?=-\d)")
"""Where GitHub would see a person, an issue or an address, and must not."""

Escape: TypeAlias = "Callable[[str], str]"


class Foldable(NamedTuple):
    """One item of a list: in one line, or in full behind that line. Both are finished Markdown.

    ``line`` is given what makes text inert: a summary is HTML, a list item is Markdown. Items of a smaller
    ``rank`` are kept before others.
    """

    rank: int
    line: Callable[[Escape], str]
    full: Callable[[], str]


class Folded(NamedTuple):
    """The text of the items that fit, in their order, and how many did not."""

    text: str
    left_out: int


def inert(text: str, room: int = 200) -> str:
    """Return untrusted ``text`` cut to ``room`` columns, as Markdown that shows it and does nothing."""
    return markdown(clipped(text, room))


def inert_html(text: str, room: int = 200) -> str:
    """Return untrusted ``text`` for a block of HTML within Markdown, where no backslash escapes."""
    parts = _MENTION.split(clipped(text, room))
    return "<!-- -->".join(html(part) for part in parts)


def code(text: str, room: int = 200) -> str:
    """Return untrusted ``text`` in a code font."""
    return f"<code>{inert(text, room)}</code>"


def fitting(items: Sequence[str], room: int) -> Folded:
    """Return the first ``items``, a line each, that take at most ``room`` characters."""
    taken: list[str] = []
    for item in items:
        room -= len(item) + 1
        if room < 0:
            break
        taken.append(f"{item}\n")
    return Folded("".join(taken), len(items) - len(taken))


def folded(items: Sequence[Foldable], room: int) -> Folded:
    """Return as many ``items`` as fit into ``room`` characters, the most important of them in full."""
    by_rank = sorted(range(len(items)), key=lambda at: items[at].rank)
    kept_for_details = room // _DETAILS
    shown: dict[int, str] = {}
    for at in by_rank:
        line = f"- {items[at].line(inert)}\n"
        if len(line) > room - kept_for_details:
            break
        room -= len(line)
        shown[at] = line
    for at in by_rank[: len(shown)]:
        summary = items[at].line(inert_html)
        full = f"\n<details><summary>{summary}</summary>\n\n{items[at].full()}\n</details>\n\n"
        if len(full) - len(shown[at]) > room:
            break
        room -= len(full) - len(shown[at])
        shown[at] = full
    return Folded("".join(shown[at] for at in sorted(shown)), len(items) - len(shown))
