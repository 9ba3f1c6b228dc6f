"""Guess which known word a mistyped one was meant to be."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 100
"""A longer word is no typing error; comparing it would only cost time."""
MOST = 20
"""A list of known words names this many."""


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return the known word nearest to ``word``, ``None`` when none is near."""
    if len(word) > LONGEST:
        return None
    plain: dict[str, str] = {}
    for candidate in sorted(known):
        plain.setdefault(_folded(candidate), candidate)
    nearest = get_close_matches(_folded(word), plain, n=1, cutoff=0.6)
    return plain[nearest[0]] if nearest else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``Did you mean x?``, or the list of what is known, or nothing when nothing is."""
    words = sorted(known)
    nearest = did_you_mean(word, words)
    if nearest is not None:
        return f"Did you mean {nearest}?"
    return f"Known are {listed(words)}." if words else ""


def listed(words: Iterable[str]) -> str:
    """Return ``a, b, c``, cut off when it becomes long."""
    all_words = tuple(words)
    more = len(all_words) - MOST
    return ", ".join(all_words[:MOST]) + (f" and {more} more" if more > 0 else "")


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_")
