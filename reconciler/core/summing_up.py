"""What a plan says besides its changes: counts, what was left alone, and what apply must remember."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.change import Action
from reconciler.core.compare import MISSING, owned_paths, value_at
from reconciler.core.plan import Managed, Summary, Unmanaged
from reconciler.core.secret import Deferred, Json

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

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
    return item.values[rule.name] if known is MISSING or isinstance(known, Deferred) else known


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
        or (from_files and entry.address not in declared and entry.address not in changed)
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
    }
    return summary.model_copy(update={"counts": counts})
