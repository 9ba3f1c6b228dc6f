"""A remark on a plan: something that refuses it, warns of it, or explains it."""

from __future__ import annotations

from enum import StrEnum

from reconciler.core.record import Record


class Weight(StrEnum):
    """What a finding does to a plan."""

    REFUSAL = "refusal"
    WARNING = "warning"
    NOTE = "note"


class Finding(Record):
    """One remark. ``rule`` names the guard; ``remedy`` is the flag or edit that leads through."""

    weight: Weight
    rule: str
    message: str
    address: str | None = None
    remedy: str = ""
