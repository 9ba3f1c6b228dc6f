"""From where the secrets of a snapshot could be had again if their objects were gone. Said before it is needed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.secret import SecretValue, secrets_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.resource import Resource
    from reconciler.core.secret import Json
    from reconciler.core.state import Entry, Snapshot


class Way(StrEnum):
    """How a secret could be had again."""

    REFERENCE = "by reference"
    SEALED = "sealed"
    VENDOR = "readable at the vendor"
    NOWHERE = "not restorable"


class Restorable(NamedTuple):
    """A secret field or output of a managed object, the way to its value, and the reason where there is none."""

    address: str
    field: str
    way: Way
    why: str = ""

    @property
    def is_lost_with_its_object(self) -> bool:
        """Tell whether nobody could set the value again once the object is gone."""
        return self.way in {Way.VENDOR, Way.NOWHERE}


def restorability(snapshot: Snapshot, models: Mapping[str, type[Resource]]) -> Iterator[Restorable]:
    """Yield every secret of the managed objects in ``snapshot``, with the way to its value.

    Of a kind without a model (its package is not installed) nothing can be said.
    """
    for entry in snapshot.entries:
        model = models.get(entry.kind)
        if entry.address is not None and model is not None:
            yield from _fields(entry, entry.address, model)
            yield from _outputs(entry, entry.address, model)


def _fields(entry: Entry, address: str, model: type[Resource]) -> Iterator[Restorable]:
    defaults = defaults_of(model)
    for rule in rules_of(model):
        if not rule.is_secret(entry.values, defaults):
            continue
        way = _way(entry.values.get(rule.name, SecretValue(None)))
        if way is not Way.NOWHERE:
            yield Restorable(address, rule.name, way)
        elif rule.can_be_revealed(entry.values, defaults):
            why = "the vendor shows it while the object exists; `seal` in environment.yaml would keep it"
            yield Restorable(address, rule.name, Way.VENDOR, why)
        else:
            why = "the vendor never shows it, and no reference to it is declared"
            yield Restorable(address, rule.name, Way.NOWHERE, why)


def _outputs(entry: Entry, address: str, model: type[Resource]) -> Iterator[Restorable]:
    for name, output in model.outputs.items():
        if not (output.secret and output.only_at_create):
            continue
        way = _way(entry.outputs.get(name, SecretValue(None)))
        why = "shown once, at creation; an object created again has another"
        yield Restorable(address, name, way, "" if way is not Way.NOWHERE else why)


def _way(value: Json) -> Way:
    """Return the way to ``value``; to the secret that is hardest to have, where it holds several."""
    secrets = tuple(secrets_in(value))
    if any(not one.can_be_sent for one in secrets):
        return Way.NOWHERE
    return Way.SEALED if any(one.reference is None for one in secrets) else Way.REFERENCE
