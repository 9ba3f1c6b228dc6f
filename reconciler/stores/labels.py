"""Names for snapshots, with the evidence that they were good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.vendor_text import masked_record
from reconciler.stores.medium import NAME

if TYPE_CHECKING:
    from reconciler.core.masking import Masker
    from reconciler.core.secret import Json

_TAKEN = {"latest", "last-good", "live", "desired"}


class Label(NamedTuple):
    """A name for a snapshot, with the evidence that it was good: what was checked, and when."""

    name: str
    snapshot: str
    at: str
    note: str = ""
    evidence: tuple[dict[str, Any], ...] = ()


def check_label(name: str) -> None:
    """Raise InvalidInput unless a snapshot may be labelled ``name``."""
    if not NAME.match(name) or name in _TAKEN:
        told = Diagnostic(
            summary=f"{name!r} cannot be a label", detail="Use letters, digits and . _ -"
        )
        raise InvalidInput([told])


def label_of(name: str, found: Json) -> Label:
    """Return the label that was written down. Raises KeyError, TypeError, AttributeError."""
    evidence = tuple(found.get("evidence", ()))
    return Label(name, found["snapshot"], found["at"], found.get("note", ""), evidence)


def written(label: Label, masker: Masker) -> dict[str, Any]:
    """Return what is written down of a label, beside its name."""
    return {
        "snapshot": label.snapshot,
        "at": label.at,
        "note": label.note,
        "evidence": masked_record(label.evidence, masker),
    }
