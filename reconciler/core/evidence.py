"""What a declared check found: the evidence that an environment works."""

from __future__ import annotations

from reconciler.core.record import Record


class CheckResult(Record):
    """One check: whether it passed, what was seen, and how long it took in seconds."""

    name: str
    passed: bool
    detail: str
    seconds: float
    at: str
