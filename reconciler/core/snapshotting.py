"""From what was read to a snapshot: who is who, and what earlier runs know that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.compare import MISSING, compare, owned_paths, value_at
from reconciler.core.identity import pair
from reconciler.core.secret import Json, SecretValue
from reconciler.core.state import Criticality, Entry, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.core.plan import Plan
    from reconciler.core.resource import Resource
    from reconciler.core.state import (
        Declared,
        DesiredState,
        Observation,
        Observed,
        SnapshotHeader,
    )


class _Memory(NamedTuple):
    """What a snapshot keeps of a managed object besides what was read."""

    address: str
    owned: tuple[str, ...] = ()
    unseen: Mapping[str, Json] = {}
    criticality: Criticality = Criticality.P2
    protected: bool = False
    created_by: str | None = None


def take(
    observation: Observation,
    desired: DesiredState,
    base: Snapshot | None,
    header: SnapshotHeader,
) -> Snapshot:
    """Pair what was read with what is declared. Raises AmbiguousIdentity."""
    before = base.by_address() if base is not None else {}
    bindings = {address: entry.remote_id for address, entry in before.items()}
    declared = {item.address: item for item in desired.resources}
    memories: dict[tuple[str, str], _Memory] = {}
    for kind, objects in observation.objects.items():
        model = desired.models[kind]
        mine = [item for item in desired.resources if item.kind == kind]
        ours = {a: one for a, one in bindings.items() if before[a].kind == kind}
        found = pair(model, mine, objects, environment=desired.environment, bindings=ours)
        live = {item.remote_id: item for item in objects}
        earlier = {entry.remote_id: entry for entry in before.values() if entry.kind == kind}
        for address, remote_id in {**_still_there(ours, live), **found}.items():
            memories[kind, remote_id] = _remembered(
                model,
                address,
                declared.get(address),
                before.get(address) or earlier.get(remote_id),
                live[remote_id],
            )
    return _snapshot(observation, memories, header)


def after_apply(
    observation: Observation,
    plan: Plan,
    base: Snapshot | None,
    made: Mapping[str, str],
    header: SnapshotHeader,
) -> Snapshot:
    """Return the snapshot after a run. ``made`` maps the addresses it created to their remote ids.

    What could not be read is carried over from ``base``: who is who, and what was applied, must not be forgotten.
    """
    before = base.by_address() if base is not None else {}
    changes = {change.address: change for change in plan.changes}
    memories: dict[tuple[str, str], _Memory] = {}
    for address, entry in before.items():
        if address not in plan.managed:
            memories[entry.kind, entry.remote_id] = _of_entry(entry)
    for address, managed in plan.managed.items():
        change = changes.get(address)
        earlier = before.get(address)
        bound = earlier.remote_id if earlier is not None else None
        remote_id = made.get(address, managed.remote_id or bound)
        if remote_id is None:
            continue
        after = change.after() if change is not None else {}
        unseen = {name: after.get(name, value) for name, value in managed.secrets.items()}
        kept = (
            earlier.created_by if earlier is not None and earlier.remote_id == remote_id else None
        )
        memories[address.partition("/")[0], remote_id] = _Memory(
            address=address,
            owned=managed.owned,
            unseen=unseen,
            criticality=managed.criticality,
            protected=managed.protected,
            created_by=header.run if address in made else kept,
        )
    snapshot = _snapshot(observation, memories, header)
    unknown = {item.kind for item in observation.unreadable}
    carried = tuple(entry for entry in before.values() if entry.kind in unknown)
    return snapshot._replace(entries=_sorted((*snapshot.entries, *carried)))


def _sorted(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return entries in the order of a snapshot file, which diffs well."""
    return tuple(
        sorted(entries, key=lambda entry: (entry.kind, entry.address or "~", entry.remote_id))
    )


def _still_there(bindings: Mapping[str, str], live: Mapping[str, Observed]) -> dict[str, str]:
    """Objects that were managed and are no longer declared stay known by their address."""
    return {address: remote_id for address, remote_id in bindings.items() if remote_id in live}


def _of_entry(entry: Entry) -> _Memory:
    return _Memory(
        address=entry.address or "",
        owned=entry.owned,
        unseen={n: v for n, v in entry.values.items() if isinstance(v, SecretValue)},
        criticality=entry.criticality,
        protected=entry.protected,
        created_by=entry.created_by,
    )


def _remembered(
    model: type[Resource],
    address: str,
    item: Declared | None,
    before: Entry | None,
    live: Observed,
) -> _Memory:
    if item is None:
        return _of_entry(before) if before is not None else _Memory(address)
    defaults = defaults_of(model)
    unseen = {}
    for rule in rules_of(model):
        if rule.is_write_only(item.values, defaults):
            known = value_at(before.values, rule.name) if before is not None else MISSING
            value = item.values.get(rule.name, MISSING) if known is MISSING else known
            if value is not MISSING:
                unseen[rule.name] = value
    same = before is not None and before.remote_id == live.remote_id
    return _Memory(
        address=address,
        owned=_owned(model, item, before, live),
        unseen=unseen,
        criticality=item.criticality,
        protected=item.protected,
        created_by=before.created_by if before is not None and same else None,
    )


def _owned(
    model: type[Resource], item: Declared, before: Entry | None, live: Observed
) -> tuple[str, ...]:
    """A declared field is owned once the live object has it; what was owned stays so until applied otherwise."""
    if item.owns_all:
        return before.owned if before is not None else ()
    differing = {change.field for change in compare(model, item, live, None).changes}
    declared = {path for path in owned_paths(model, item) if path not in differing}
    return tuple(sorted(declared | set(before.owned if before is not None else ())))


def _snapshot(
    observation: Observation,
    memories: Mapping[tuple[str, str], _Memory],
    header: SnapshotHeader,
) -> Snapshot:
    entries = [
        _entry(kind, item, memories.get((kind, item.remote_id)))
        for kind, objects in observation.objects.items()
        for item in objects
    ]
    complete = header.model_copy(
        update={
            "accounts": observation.accounts,
            "unreadable": observation.unreadable,
            "entries": len(entries),
        }
    )
    return Snapshot(complete, _sorted(entries))


def _entry(kind: str, item: Observed, memory: _Memory | None) -> Entry:
    known = memory if memory is not None else _Memory("")
    return Entry(
        address=known.address or None,
        kind=kind,
        remote_id=item.remote_id,
        values={**known.unseen, **item.values},
        evidence=item.evidence,
        owned=known.owned,
        criticality=known.criticality,
        protected=known.protected,
        created_by=known.created_by,
        read_only=item.read_only,
        etag=item.etag,
        marker=item.marker,
    )
