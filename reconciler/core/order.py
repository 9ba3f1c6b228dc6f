"""In which order changes are made, and which of them share a call."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.core.change import Action, Change
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.resource import Resource

_RANK = {Action.UPDATE: 0, Action.CREATE: 1, Action.REPLACE: 2, Action.DELETE: 3, Action.MANUAL: 4}


def dependency_order(dependencies: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """Return addresses in levels: each needs only earlier levels. Sorted within a level.

    Raises InvalidInput on a cycle, naming its members.
    """
    sorter = TopologicalSorter({address: set(needs) for address, needs in dependencies.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        ring = " -> ".join(error.args[1])
        raise InvalidInput(
            [Diagnostic(summary="Resources depend on each other in a ring", detail=ring)]
        ) from None
    levels: list[tuple[str, ...]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        levels.append(tuple(sorted(ready)))
        sorter.done(*ready)
    return tuple(levels)


def in_order(changes: Iterable[Change], models: Mapping[str, type[Resource]]) -> tuple[Change, ...]:
    """Return ``changes`` in the order to make them, with their step numbers (from 1).

    Updates come before creates (an update can make room), deletes come last and in reverse dependency order,
    manual steps at the very end. Changes of one kind that the vendor takes in one call share a step.
    """
    by_address = {change.address: change for change in changes}
    writes = {a: c for a, c in by_address.items() if c.action is not Action.DELETE}
    deletes = {a: c for a, c in by_address.items() if c.action is Action.DELETE}
    levels = [
        *_levels(writes),
        *reversed(_levels(deletes)),
    ]
    ordered: list[Change] = []
    step = 0
    for level in levels:
        for batch in _batches(level, models):
            step += 1
            ordered += [change.model_copy(update={"step": step}) for change in batch]
    return tuple(ordered)


def _levels(changes: Mapping[str, Change]) -> list[list[Change]]:
    needs = {a: [n for n in c.depends_on if n in changes] for a, c in changes.items()}
    return [[changes[address] for address in level] for level in dependency_order(needs)]


def _batches(
    level: Iterable[Change], models: Mapping[str, type[Resource]]
) -> Iterator[list[Change]]:
    ordered = sorted(level, key=lambda change: (_RANK[change.action], change.kind, change.address))
    for (action, kind), group in groupby(ordered, key=lambda change: (change.action, change.kind)):
        members = list(group)
        size = _per_call(action, models[kind])
        yield from (members[start : start + size] for start in range(0, len(members), size))


def _per_call(action: Action, model: type[Resource]) -> int:
    match action:
        case Action.CREATE:
            return model.creates_per_call
        case Action.DELETE:
            return model.deletes_per_call
        case Action.UPDATE | Action.REPLACE | Action.MANUAL:
            return 1
