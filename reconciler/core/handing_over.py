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

    For kinds whose vendor allows one object for each key; and for every create, which is not made while an object
    with its key is there. Two changes that swap keys cannot wait for each other; they are left as they are.
    """
    planned = tuple(changes)
    if len(planned) < 2:
        return planned
    gives: dict[tuple[str, Hashable], str] = {}
    takes: dict[str, set[tuple[str, Hashable]]] = {}
    for change in planned:
        model = models[change.kind]
        entry = live.get(change.address)
        before = set(model.natural_keys(entry.values)) if entry is not None else set()
        after = set(model.natural_keys(_values_after(change, entry)))
        if model.has_unique_keys or change.action is Action.CREATE:
            takes[change.address] = {(change.kind, key) for key in after - before}
        if model.has_unique_keys or change.action is not Action.DELETE:
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
