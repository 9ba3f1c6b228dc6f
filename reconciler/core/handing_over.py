"""Which change must wait for another because it takes the natural key that the other gives up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.change import Action, Change
from reconciler.core.errors import InvalidInput
from reconciler.core.order import dependency_order

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from reconciler.core.resource import Resource
    from reconciler.core.secret import Json
    from reconciler.core.state import Entry


def with_handovers(
    changes: Iterable[Change],
    models: Mapping[str, type[Resource]],
    live: Mapping[str, Entry],
) -> tuple[Change, ...]:
    """Return ``changes`` where each depends on those that free a key it takes.

    Only for kinds whose vendor allows one object for each key. Two changes that swap keys cannot wait for each
    other; they are left as they are.
    """
    planned = tuple(changes)
    keyed = [change for change in planned if models[change.kind].has_unique_keys]
    if len(keyed) < 2:
        return planned
    gives: dict[tuple[str, Hashable], str] = {}
    takes: dict[str, set[tuple[str, Hashable]]] = {}
    for change in keyed:
        model = models[change.kind]
        entry = live.get(change.address)
        before = set(model.natural_keys(entry.values)) if entry is not None else set()
        after = set(model.natural_keys(_values_after(change, entry)))
        takes[change.address] = {(change.kind, key) for key in after - before}
        gives |= {(change.kind, key): change.address for key in before - after}
    waits = {
        address: {gives[key] for key in keys if key in gives} - {address}
        for address, keys in takes.items()
    }
    if not any(waits.values()) or not _is_possible(planned, waits):
        return planned
    return tuple(
        change.model_copy(
            update={"depends_on": tuple(sorted({*change.depends_on, *waits[change.address]}))}
        )
        if waits.get(change.address)
        else change
        for change in planned
    )


def _values_after(change: Change, entry: Entry | None) -> dict[str, Json]:
    if change.action is Action.DELETE:
        return {}
    kept = dict(entry.values) if entry is not None else {}
    return {**kept, **change.values, **{k: v for k, v in change.after().items() if "." not in k}}


def _is_possible(changes: tuple[Change, ...], waits: Mapping[str, set[str]]) -> bool:
    """Tell whether an order exists in which every change comes after those it waits for."""
    needed = {
        change.address: {*change.depends_on, *waits.get(change.address, ())} for change in changes
    }
    try:
        dependency_order(needed)
    except InvalidInput:
        return False
    return True
