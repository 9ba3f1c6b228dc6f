"""What one look found."""

from __future__ import annotations

from typing import NamedTuple


class Verdict(NamedTuple):
    """Whether what was seen is what was wanted. ``detail`` may hold text of a stranger, of any length."""

    passed: bool
    detail: str


class Unmade(NamedTuple):
    """A check that cannot be made: something that it needs is missing. It has not passed."""

    name: str
    why: str
