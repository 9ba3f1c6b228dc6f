"""How one value is shown: on one line, inert, short. A secret is its reference, never its value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.core.compare import MISSING
from reconciler.core.secret import Deferred, Json, SecretValue
from reconciler.render.escaping import cells
from reconciler.render.layout import columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOM: Final = 60
"""Columns of a value where nothing else decides."""
NOT_THERE: Final = "(not there)"
_LEAST: Final = 12
_DEEPEST: Final = 6
_CONTEXT: Final = 12
_MORE: Final = len("[…  9999 more]")
_BARE: Final = re.compile(r"[A-Za-z_*][\w.*/-]*\Z", re.ASCII)
_WORDS_OF_JSON: Final = frozenset({"null", "true", "false"})
_QUOTED: Final = {'"': '\\"', "\\": "\\\\"}


class Pair(NamedTuple):
    """A value before and after, as shown; always different texts."""

    before: str
    after: str


class Delta(NamedTuple):
    """How two lists differ as sets, item by item as shown."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int


def shown(value: Json, room: int = ROOM) -> str:
    """Return ``value`` on one line of about ``room`` columns, safe for a terminal."""
    return _shown(value, max(room, _LEAST), 0)


def pair(before: Json, after: Json, room: int = ROOM) -> Pair:
    """Return both values such that the reader sees where they differ, however long they are."""
    first, second = shown(before, room), shown(after, room)
    if first != second:
        return Pair(first, second)
    hashed = _by_fingerprint(before, after)
    if hashed is not None:
        return hashed
    if isinstance(before, str) and isinstance(after, str):
        at = _first_difference(before, after)
        first, second = _around(before, at, room), _around(after, at, room)
    if first == second:
        second = f"{second} (different in what is not shown)"
    return Pair(first, second)


def delta(before: Json, after: Json) -> Delta | None:
    """Return how two lists differ, when they are plain sets of words; ``None`` when order or nesting counts."""
    if not (_is_set(before) and _is_set(after)):
        return None
    old, new = set(before), set(after)
    if old == new or [i for i in before if i in new] != [i for i in after if i in old]:
        return None
    return Delta(
        added=tuple(_item(one, ROOM, 1) for one in after if one not in old),
        removed=tuple(_item(one, ROOM, 1) for one in before if one not in new),
        unchanged=len(old & new),
    )


def clipped(text: str, room: int) -> str:
    """Return unquoted ``text``, inert, cut in the middle when it is longer than ``room`` columns."""
    return _cut(text, room, cells)


def _shown(value: Json, room: int, depth: int) -> str:
    match value:
        case SecretValue():
            return _secret(value, room)
        case Deferred(expression=expression):
            return f"(known after apply: {clipped(expression, room)})"
        case str():
            return f'"{_cut(value, room - 2, _quoted)}"'
        case list() | tuple():
            items = (_item(item, room, depth + 1) for item in value)
            return f"[{_listed(items, len(value), room, depth)}]"
        case dict():
            items = (f"{_key(key)}: {_shown(item, room, depth + 1)}" for key, item in value.items())
            return f"{{{_listed(items, len(value), room, depth)}}}"
        case _:
            return NOT_THERE if value is MISSING else clipped(json.dumps(value, default=str), room)


def _secret(secret: SecretValue, room: int) -> str:
    if secret.reference is None:
        return (
            "[secret, not known]" if secret.sealed is None else "[secret, sealed in the snapshot]"
        )
    pinned = secret.version is None or secret.reference.endswith(f"@{secret.version}}}")
    version = "" if pinned else f" version {clipped(str(secret.version), _LEAST)}"
    return f"[secret {clipped(secret.reference, room)}{version}]"


def _by_fingerprint(before: Json, after: Json) -> Pair | None:
    """Return two secrets that look alike such that their fingerprints tell them apart."""
    if not (isinstance(before, SecretValue) and isinstance(after, SecretValue)):
        return None
    if before.fingerprint is None or after.fingerprint is None:
        one = _shown(after, ROOM, 0)
        return Pair(_shown(before, ROOM, 0), f"{one} (another value)")
    first, second = (
        f"{_shown(one, ROOM, 0)} #{clipped(str(one.fingerprint).rpartition(':')[2][:8], _LEAST)}"
        for one in (before, after)
    )
    return Pair(first, second) if first != second else None


def _listed(items: Iterable[str], count: int, room: int, depth: int) -> str:
    """Join as many ``items`` as fit, at least one, and say how many more there are."""
    if depth >= _DEEPEST:
        return f"… {count} items" if count else ""
    taken: list[str] = []
    used = 0
    for item in items:
        used += columns(item) + 2
        if taken and used > room - _MORE:
            return f"{', '.join(taken)}, … {count - len(taken)} more"
        taken.append(item)
    return ", ".join(taken)


def _item(value: Json, room: int, depth: int) -> str:
    """Show a word without quotes, where nothing else could be meant."""
    if isinstance(value, str) and _is_bare(value) and len(value) <= room:
        return value
    return _shown(value, room, depth)


def _key(key: Json) -> str:
    text = str(key)
    return text if _is_bare(text) and len(text) <= ROOM else f'"{_cut(text, ROOM, _quoted)}"'


def _is_bare(text: str) -> bool:
    return _BARE.match(text) is not None and text not in _WORDS_OF_JSON


def _quoted(text: str) -> list[str]:
    """Return what stands for each character of ``text`` between quotes."""
    return [_QUOTED.get(c, inert) for c, inert in zip(text, cells(text), strict=True)]


def _cut(text: str, room: int, cells_of: Callable[[str], list[str]]) -> str:
    """Return the start and the end of ``text``, with its length between them, when it is too long."""
    if len(text) <= 2 * room:
        whole = "".join(cells_of(text))
        if columns(whole) <= room:
            return whole
    note = f"…({len(text)} characters)…"
    keep = max(room - len(note), _LEAST)
    head = _fitting(cells_of(text[:keep]), keep - keep // 2)
    tail = _fitting(reversed(cells_of(text[-keep:])), keep // 2)
    return f"{''.join(head)}{note}{''.join(reversed(tail))}"


def _fitting(shown_cells: Iterable[str], room: int) -> list[str]:
    taken: list[str] = []
    used = 0
    for cell in shown_cells:
        used += columns(cell)
        if used > room:
            break
        taken.append(cell)
    return taken


def _first_difference(before: str, after: str) -> int:
    shorter = min(len(before), len(after))
    return next((at for at in range(shorter) if before[at] != after[at]), shorter)


def _around(text: str, at: int, room: int) -> str:
    """Show the part of a long ``text`` about the place ``at``."""
    start = max(0, at - _CONTEXT)
    seen = _fitting(_quoted(text[start : start + room]), max(room - 24, 2 * _CONTEXT))
    before = "…" if start else ""
    after = "…" if start + len(seen) < len(text) else ""
    return f'"{before}{"".join(seen)}{after}" ({len(text)} characters)'


def _is_set(value: Json) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(type(item) in {str, int} for item in value)
        and len(set(value)) == len(value)
    )
