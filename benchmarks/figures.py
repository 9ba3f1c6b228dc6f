"""One measured number, what it may be, and how a page of them reads. Never measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Figure(NamedTuple):
    """A number. ``at_most`` or ``exactly`` is the target; without either it only informs."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    exactly: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Tell whether the target is met; a figure without one always is."""
        if self.exactly is not None and self.value != self.exactly:
            return False
        return self.at_most is None or self.value <= self.at_most

    @property
    def target(self) -> str:
        """Return the target in words; empty when there is none."""
        if self.exactly is not None:
            return f"= {number(self.exactly)}"
        return f"<= {number(self.at_most)}" if self.at_most is not None else ""

    @property
    def verdict(self) -> str:
        """Return ``ok`` or ``MISSED``; empty for a figure without a target."""
        if not self.target:
            return ""
        return "ok" if self.is_met else "MISSED"


def table(figures: Iterable[Figure]) -> str:
    """Return figures as aligned lines."""
    rows = [(f.name, f"{number(f.value)} {f.unit}", f.target, f.verdict, f.note) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {target:<{widths[2]}}  "
        f"{verdict:<{widths[3]}}  {note}".rstrip()
        for name, value, target, verdict, note in rows
    )


def number(value: float) -> str:
    """Return ``value`` with three significant digits; whole numbers as they are."""
    if value == int(value):
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
