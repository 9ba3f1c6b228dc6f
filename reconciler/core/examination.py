"""What `reconciler doctor` finds: one value for each thing that was looked at. Holds no secret value."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.errors import (
    LiveStateDenied,
    LiveStateUnknown,
    PartialRead,
    PermissionDenied,
    SecretUnavailable,
    Unauthenticated,
    VendorError,
)
from reconciler.core.record import Record

if TYPE_CHECKING:
    from reconciler.core.errors import ReconcilerError


class Standing(StrEnum):
    """How something is. What was ``untried`` could not be looked at, or was not to be."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNTRIED = "untried"


class Trouble(StrEnum):
    """What kind of failure it is, where that decides the exit code."""

    NONE = ""
    DENIED = "denied"
    """A credential or permission is missing or not accepted."""
    UNKNOWN = "unknown"
    """It could not be found out."""


class Examined(Record):
    """One thing that was looked at: what was found, and the command or edit that mends it."""

    subject: str
    standing: Standing
    found: str
    mend: str = ""
    trouble: Trouble = Trouble.NONE


def fine(subject: str, found: str) -> Examined:
    """Return that something is as it should be."""
    return Examined(subject=subject, standing=Standing.OK, found=found)


def doubtful(subject: str, found: str, mend: str = "") -> Examined:
    """Return that something works and may not be meant."""
    return Examined(subject=subject, standing=Standing.WARN, found=found, mend=mend)


def wrong(subject: str, found: str, mend: str = "", trouble: Trouble = Trouble.NONE) -> Examined:
    """Return that something has to be mended."""
    return Examined(
        subject=subject, standing=Standing.FAIL, found=found, mend=mend, trouble=trouble
    )


def untried(subject: str, why: str) -> Examined:
    """Return that something was not looked at."""
    return Examined(subject=subject, standing=Standing.UNTRIED, found=f"not tried: {why}")


def failed(subject: str, error: ReconcilerError, *, further: str = "") -> Examined:
    """Return what ``error`` says of ``subject``; ``further`` is one more line that helps."""
    first, *others = error.diagnostics
    more = f" ({len(others)} more)" if others else ""
    place = f"{first.place}: " if first.place is not None else ""
    words = [f"{place}{first.summary}{more}", *first.detail.splitlines()]
    mend = "\n".join(line for line in (first.mend, further) if line)
    return wrong(subject, _sentences(words), mend, trouble_of(error))


def trouble_of(error: Exception) -> Trouble:
    """Return what kind of failure an error is."""
    if isinstance(error, Unauthenticated | PermissionDenied | SecretUnavailable | LiveStateDenied):
        return Trouble.DENIED
    if isinstance(error, VendorError | PartialRead | LiveStateUnknown):
        return Trouble.UNKNOWN
    return Trouble.NONE


def _sentences(lines: list[str]) -> str:
    """Return lines as one paragraph."""
    ended = [line if line.endswith((".", "!", "?", ":")) else f"{line}." for line in lines if line]
    return " ".join(ended).removesuffix(".")
