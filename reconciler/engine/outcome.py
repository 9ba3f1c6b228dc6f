"""What happened to one change."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reconciler.core.change import Action


class Result(StrEnum):
    """The end of a change. ``unknown``: the vendor did not answer, and reading did not tell either."""

    DONE = "done"
    FAILED = "failed"
    STALE = "stale"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    MANUAL = "manual"

    @property
    def is_good(self) -> bool:
        """Tell whether what depends on the change may go on."""
        return self in {Result.DONE, Result.MANUAL}


class Outcome(NamedTuple):
    """The end of one change."""

    address: str
    action: Action
    result: Result
    detail: str = ""
    mend: str = ""
    remote_id: str | None = None
