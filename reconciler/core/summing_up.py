"""What a plan says besides its changes: counts, what was left alone, and what apply must remember."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.change import Action
from reconciler.core.compare import MISSING, owned_paths, value_at
from reconciler.core.finding import Finding, Weight
from reconciler.core.identity import rotated_from
from reconciler.core.plan import Managed, Summary, Unmanaged
from reconciler.core.secret import Deferred, Json, SecretValue, same_secret

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from reconciler.core.behaviour import FieldRule
    from reconciler.core.change import Change
    from reconciler.core.resource import Resource
    from reconciler.core.state import Declared, DesiredState, Entry, Snapshot

_NOTHING: dict[str, Json] = {}
"""One empty mapping for all resources: most have no secret and no capture."""


def managed(
    model: type[Resource], item: Declared, live: Entry | None, before: Entry | None
) -> Managed:
    """Return what apply must remember of a declared resource."""
    defaults = defaults_of(model)
    unseen = {
        rule.name: _last_reference(item, before, rule)
        for rule in rules_of(model)
        if rule.name in item.values and rule.is_write_only(item.values, defaults)
    }
    owned = before.owned if item.owns_all and before is not None else owned_paths(model, item)
    return Managed(
        live.remote_id if live else None,
        owned,
        unseen or _NOTHING,
        item.criticality,
        item.protected,
        dict(item.capture) if item.capture else _NOTHING,
    )


def _last_reference(item: Declared, before: Entry | None, rule: FieldRule) -> Json:
    """What the live object is known to hold: what was applied last, else what is declared now."""
    known = value_at(before.values, rule.name) if before is not None else MISSING
    wanted = item.values[rule.name]
    is_same = (
        isinstance(known, SecretValue)
        and isinstance(wanted, SecretValue)
        and same_secret(known, wanted) is True
    )
    return wanted if known is MISSING or isinstance(known, Deferred) or is_same else known


def twins(desired: DesiredState, snapshot: Snapshot) -> Iterator[Finding]:
    """Warn of live objects that nobody declares, and that look just like a managed one.

    Such as an endpoint with the same url: left over, or made by hand, it gets every event a second time.
    """
    loose = [entry for entry in snapshot.entries if entry.address is None]
    kinds = {entry.kind for entry in loose}
    managed_keys = {
        (entry.kind, key): entry.address
        for entry in snapshot.entries
        if entry.address is not None and entry.kind in kinds
        for key in desired.models[entry.kind].natural_keys(entry.values)
    }
    for entry in loose:
        keys = desired.models[entry.kind].natural_keys(entry.values)
        address = next(
            (managed_keys[entry.kind, k] for k in keys if (entry.kind, k) in managed_keys), None
        )
        if address is not None:
            yield Finding(
                weight=Weight.WARNING,
                rule="twin",
                message=f"{entry.remote_id}, which nobody declares, has the same natural key",
                address=address,
                remedy="delete it at the vendor if it was left over",
            )


def rotations(desired: DesiredState, snapshot: Snapshot) -> Iterator[Finding]:
    """Remind of objects that stay beside the ones that were rotated in for them."""
    for entry in snapshot.entries:
        rotated = rotated_from(entry.address or "")
        if entry.address is not None and rotated != entry.address:
            yield Finding(
                weight=Weight.NOTE,
                rule="rotation",
                message=f"{entry.remote_id} stays beside the object that was rotated in for it",
                address=rotated,
                remedy=f"reconciler rotate {desired.environment} {rotated} --retire",
            )


def not_compared(silent: Mapping[str, str]) -> Iterator[Finding]:
    """Say which secrets could not be fetched to compare them; ``silent`` is why, by reference."""
    reasons = sorted(set(silent.values()))
    for why in reasons:
        listed = sorted(reference for reference, said in silent.items() if said == why)
        more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
        yield Finding(
            weight=Weight.NOTE,
            rule="not_compared",
            message=f"not compared with what was applied: {', '.join(listed[:3])}{more}: {why}",
        )


def unmanaged(
    desired: DesiredState, snapshot: Snapshot, changed: Container[str]
) -> tuple[Unmanaged, ...]:
    """Return the live objects that nobody declares, and that this plan leaves alone.

    A snapshot or an undo does not speak for the files: only what was never managed counts then.
    """
    from_files = desired.source.startswith("files")
    declared = {item.address for item in desired.resources}
    return tuple(
        Unmanaged(
            kind=entry.kind,
            remote_id=entry.remote_id,
            what=" ".join(str(part) for part in _natural(desired.models[entry.kind], entry)),
        )
        for entry in snapshot.entries
        if entry.address is None
        or (
            from_files
            and rotated_from(entry.address) not in declared
            and entry.address not in changed
        )
    )


def _natural(model: type[Resource], entry: Entry) -> Iterable[Json]:
    return (entry.values.get(rule.name) or "" for rule in rules_of(model) if rule.key)


def counted(summary: Summary, changes: tuple[Change, ...]) -> Summary:
    """Return ``summary`` with the counts of what it lists and of ``changes``."""
    actions = Counter(str(change.action) for change in changes)
    counts = {str(action): actions[str(action)] for action in Action} | {
        "unchanged": len(summary.unchanged),
        "unknown": len(summary.unknown),
        "unmanaged": len(summary.unmanaged),
        "ignored": len(summary.ignored),
        "unverifiable": len(summary.unverifiable),
        "compared": len(summary.compared),
    }
    return summary.model_copy(update={"counts": counts})
