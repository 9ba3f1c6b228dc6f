"""From what was read to a snapshot: who is who, and what earlier runs know that cannot be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.change import Action
from reconciler.core.compare import MISSING, compare, owned_paths, value_at
from reconciler.core.identity import overlap_of, pair
from reconciler.core.secret import Json, SecretValue, with_secrets
from reconciler.core.state import NOTHING, Criticality, Entry, Observed, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.behaviour import FieldRule
    from reconciler.core.change import Change
    from reconciler.core.plan import Plan
    from reconciler.core.resource import Resource
    from reconciler.core.state import (
        Declared,
        DesiredState,
        Observation,
        SnapshotHeader,
    )


class _Memory(NamedTuple):
    """What a snapshot keeps of a managed object besides what was read.

    ``signals`` are those of fields that were written outside since they were applied: they stay as they were then, or
    the next plan would not notice.
    """

    address: str
    owned: tuple[str, ...] = ()
    unseen: Mapping[str, Json] = {}
    criticality: Criticality = Criticality.P2
    protected: bool = False
    created_by: str | None = None
    outputs: Mapping[str, Json] = {}
    signals: Mapping[str, Json] = {}


class Applied(NamedTuple):
    """What a run made, and what it knows of secrets.

    ``ids`` are the remote ids of new objects by address; ``secrets`` what each reference gave; ``outputs`` where those
    of new objects were kept, ``aside`` where those of the objects are that stay beside new ones; by (address, output).
    """

    ids: Mapping[str, str] = {}
    secrets: Mapping[str, SecretValue] = {}
    outputs: Mapping[tuple[str, str], SecretValue] = {}
    aside: Mapping[tuple[str, str], SecretValue] = {}

    def known(self, secret: SecretValue) -> SecretValue:
        """Return ``secret`` with its fingerprint, if this run used it."""
        return self.secrets.get(secret.reference or "", secret)


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
        for address, remote_id in _addressed(_still_there(ours, live), found).items():
            memories[kind, remote_id] = _remembered(
                model,
                address,
                declared.get(address),
                earlier.get(remote_id) or before.get(address),
                live[remote_id],
            )
    return _snapshot(observation, memories, header)


def after_apply(
    observation: Observation,
    plan: Plan,
    base: Snapshot | None,
    made: Applied,
    header: SnapshotHeader,
    models: Mapping[str, type[Resource]],
) -> Snapshot:
    """Return the snapshot after a run that did what ``plan`` still holds.

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
        remote_id = made.ids.get(address, managed.remote_id or bound)
        if remote_id is None:
            continue
        same = earlier if earlier is not None and earlier.remote_id == remote_id else None
        sent = {**change.values, **change.after()} if change is not None else {}
        memories[address.partition("/")[0], remote_id] = _Memory(
            address=address,
            owned=managed.owned,
            unseen={
                name: with_secrets(sent[name], made.known) if name in sent else value
                for name, value in managed.secrets.items()
            },
            criticality=managed.criticality,
            protected=managed.protected,
            created_by=header.run
            if address in made.ids
            else same.created_by
            if same is not None
            else None,
            outputs={
                **(same.outputs if same is not None else {}),
                **_of_address(made.outputs, address),
            },
            signals=_signals(models, same) if change is None else {},
        )
        if earlier is not None and same is None:
            # The old object, if it is still there: it was rotated, or its end failed.
            kept = {**earlier.outputs, **_of_address(made.aside, address)}
            memories[earlier.kind, earlier.remote_id] = _of_entry(earlier)._replace(
                address=overlap_of(address), outputs=kept
            )
    snapshot = _snapshot(observation, memories, header)
    unknown = {item.kind for item in observation.unreadable}
    carried = (one for one in _carried(before, changes, made, memories) if one.kind in unknown)
    return snapshot._replace(entries=_sorted((*snapshot.entries, *carried)))


def _carried(
    before: Mapping[str, Entry],
    changes: Mapping[str, Change],
    made: Applied,
    memories: Mapping[tuple[str, str], _Memory],
) -> Iterator[Entry]:
    """Yield what is known without a look: the entries of before, but for what the run itself made."""
    renewed = {
        address: change
        for address, change in changes.items()
        if address in made.ids and change.action in {Action.CREATE, Action.REPLACE}
    }
    for address, entry in before.items():
        if address not in renewed:
            yield entry
        elif renewed[address].overlaps:
            kept = {**entry.outputs, **_of_address(made.aside, address)}
            yield replace(entry, address=overlap_of(address), outputs=kept)
    for address, change in renewed.items():
        memory = memories[change.kind, made.ids[address]]
        known = Observed(made.ids[address], {**change.values, **memory.unseen})
        yield _entry(change.kind, known, memory)


def _signals(models: Mapping[str, type[Resource]], before: Entry | None) -> dict[str, Json]:
    """Return the vendor's signals of the fields that cannot be read, as they were when these were applied."""
    if before is None:
        return {}
    names = {
        rule.write_only.signal
        for rule in rules_of(models[before.kind])
        if rule.write_only is not None and isinstance(before.values.get(rule.name), SecretValue)
    }
    return {name: before.evidence[name] for name in names if name in before.evidence}


def _of_address(
    outputs: Mapping[tuple[str, str], SecretValue], address: str
) -> dict[str, SecretValue]:
    return {name: one for (owner, name), one in outputs.items() if owner == address}


def _addressed(bound: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    """Return the remote id of each address.

    Where a rollback takes back the object that was rotated away, the one that came after it changes places with it.
    """
    taken = set(found.values())
    addressed = {address: one for address, one in bound.items() if one not in taken}
    for address, remote_id in found.items():
        other = addressed.get(address)
        if other is not None and other != remote_id:
            addressed[overlap_of(address)] = other
    return {**addressed, **found}


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
        outputs=entry.outputs,
    )


def _remembered(
    model: type[Resource],
    address: str,
    item: Declared | None,
    before: Entry | None,
    live: Observed,
) -> _Memory:
    if item is None:
        memory = _of_entry(before) if before is not None else _Memory(address)
        return memory._replace(address=address)
    defaults = defaults_of(model)
    unseen = {}
    for rule in rules_of(model):
        if rule.is_write_only(item.values, defaults):
            known = value_at(before.values, rule.name) if before is not None else MISSING
            value = item.values.get(rule.name, MISSING) if known is MISSING else known
            if value is not MISSING:
                unseen[rule.name] = _unless_written(value, rule, before, live)
    same = before is not None and before.remote_id == live.remote_id
    return _Memory(
        address=address,
        owned=_owned(model, item, before, live),
        unseen=unseen,
        criticality=item.criticality,
        protected=item.protected,
        created_by=before.created_by if before is not None and same else None,
        outputs=before.outputs if before is not None and same else {},
    )


def _unless_written(value: Json, rule: FieldRule, before: Entry | None, live: Observed) -> Json:
    """Return what is known of a value that cannot be read: no more than its reference, if it was written since."""
    signal = rule.write_only.signal if rule.write_only is not None else None
    if signal is None or before is None:
        return value
    then, now = before.evidence.get(signal), live.evidence.get(signal)
    if then is None or then == now:
        return value
    return with_secrets(value, lambda secret: SecretValue(secret.reference))


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
        evidence={**item.evidence, **known.signals},
        owned=known.owned,
        criticality=known.criticality,
        protected=known.protected,
        created_by=known.created_by,
        read_only=item.read_only,
        outputs=dict(known.outputs) if known.outputs else NOTHING,
        etag=item.etag,
        digests=dict(item.digests) if item.digests else NOTHING,
        marker=item.marker,
    )
