"""Mask what others say: texts for people alone, never what code goes by.

What a vendor says is masked where it comes in. This is for what comes in another way: an error of a provider that
somebody else wrote, a note that somebody typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.masking import Masker
    from reconciler.core.secret import Json
    from reconciler.core.state import Unreadable

FOR_PEOPLE: Final = frozenset({"detail", "mend", "note", "reason", "why"})
"""Keys of records under which such texts stand. An address, an id or a digest that was masked would name nothing."""


def masked_record(value: Json, masker: Masker) -> Json:
    """Return ``value`` with every text for people masked, however deep it stands."""
    if isinstance(value, dict):
        return {
            name: masker.mask(item)
            if name in FOR_PEOPLE and isinstance(item, str)
            else masked_record(item, masker)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [masked_record(item, masker) for item in value]
    return value


def masked_unreadable(kinds: Iterable[Unreadable], masker: Masker) -> tuple[Unreadable, ...]:
    """Return ``kinds`` with the reasons masked for which they could not be read."""
    return tuple(
        kind.model_copy(update=masked_record(kind.model_dump(include=set(FOR_PEOPLE)), masker))
        for kind in kinds
    )
