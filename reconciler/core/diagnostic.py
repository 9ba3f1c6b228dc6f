"""What the product says about something that is wrong, and where it stands."""

from __future__ import annotations

from enum import StrEnum

from reconciler.core.record import Record


class Severity(StrEnum):
    """How much a diagnostic weighs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Place(Record):
    """A position in a file: path relative to the working folder, 1-based line and column.

    ``line_text`` and ``length`` (columns) are for the caret; empty and 1 when unknown.
    """

    file: str
    line: int = 1
    column: int = 1
    line_text: str = ""
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def short(self) -> str:
        """Return ``file:line``, as plans show it."""
        return f"{self.file.rsplit('/', 1)[-1]}:{self.line}"


class Diagnostic(Record):
    """A message: fixed summary, detail of this case, the place, and the command that mends it."""

    severity: Severity = Severity.ERROR
    summary: str
    detail: str = ""
    mend: str = ""
    place: Place | None = None
    address: str | None = None
