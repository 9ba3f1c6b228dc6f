"""A snapshot as desired state: what a rollback wants, and what must be there once a plan was carried out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.core.change import Action
from reconciler.core.identity import rotated_from
from reconciler.core.resource import Capability
from reconciler.core.secret import Json, SecretValue
from reconciler.core.state import Declared, DesiredState, Entry, Snapshot
from reconciler.core.wiring import referred

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.change import Change
    from reconciler.core.plan import Plan
    from reconciler.core.resource import Resource


_GOES_BACK = frozenset({Capability.MANAGED, Capability.UPDATE_ONLY, Capability.OBSERVED})
"""What a rollback speaks of. Of what is only observed it says what people have to do: such a kind's ``review``."""


def desired_from(
    snapshot: Snapshot,
    models: Mapping[str, type[Resource]],
    *,
    source: str,
    captures: Mapping[str, tuple[tuple[str, str], ...]],
    only_owned: bool = False,
) -> DesiredState:
    """Return the managed part of ``snapshot`` as desired state.

    A rollback owns every writable field; ``only_owned`` (drift detection) those that were declared. ``captures``
    are the capture references of the files, by address; what they do not say, the snapshot remembers.
    """
    resources = tuple(
        Declared(
            address=entry.address,
            kind=entry.kind,
            values=_owned_values(entry) if only_owned else dict(entry.values),
            criticality=entry.criticality,
            protected=entry.protected,
            capture=captures.get(entry.address) or _captured(entry),
            refers=referred(entry.values),
            owns_all=not only_owned,
            remote_id=entry.remote_id,
        )
        for entry in snapshot.entries
        if entry.address is not None
        and entry.read_only is None
        and entry.kind in models
        and models[entry.kind].capability in _GOES_BACK
    )
    return DesiredState(
        environment=snapshot.header.environment,
        resources=resources,
        source=source,
        digest=snapshot.header.digest,
        git_commit=snapshot.header.git_commit,
        is_whole=not only_owned,
        models=models,
    )


def expected_after(plan: Plan, models: Mapping[str, type[Resource]]) -> DesiredState:
    """Return what must be found live once ``plan`` was carried out: the same diff then finds nothing."""
    resources = tuple(
        Declared(
            address=change.address,
            kind=change.kind,
            values=change.values or _values_wanted(change),
            absent=change.action is Action.DELETE,
            criticality=change.criticality,
            capture=tuple(sorted(change.capture.items())),
            refers=referred(change.values or change.after()),
            is_partial=True,
            remote_id=change.remote_id,
            removed=tuple(field.field for field in change.field_changes if field.removed),
        )
        for change in plan.changes
        if change.action is not Action.MANUAL
    )
    return DesiredState(plan.environment, resources, "plan", plan.digest, models=models)


def _captured(entry: Entry) -> tuple[tuple[str, str], ...]:
    """Return where the outputs of an object were kept; a version says what was kept, not where.

    Those of an object that was rotated away have no place any more: its successor's are there.
    """
    if rotated_from(entry.address or "") != entry.address:
        return ()
    return tuple(
        (name, re.sub(r"@[^@{}]+}$", "}", secret.reference))
        for name, secret in sorted(entry.outputs.items())
        if isinstance(secret, SecretValue) and secret.reference is not None
    )


def _owned_values(entry: Entry) -> dict[str, Json]:
    values: dict[str, Json] = {}
    for path in entry.owned:
        name, dot, key = path.partition(".")
        inner = entry.values.get(name)
        if path in entry.values:
            values[path] = entry.values[path]
        elif dot and isinstance(inner, dict) and key in inner:
            values.setdefault(name, {})[key] = inner[key]
    return values


def _values_wanted(change: Change) -> dict[str, Json]:
    """Return the fields that a change declares; of a delete, those by which the object is known."""
    return change.before() if change.action is Action.DELETE else _as_values(change)


def _as_values(change: Change) -> dict[str, Json]:
    values: dict[str, Json] = {}
    for field in change.field_changes:
        name, dot, key = field.field.partition(".")
        if not dot:
            values[field.field] = field.after
        elif not field.removed:
            values.setdefault(name, {})[key] = field.after
    return values
