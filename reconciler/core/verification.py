"""Whether a plan was really carried out: the same diff, against what is live now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.behaviour import rules_of
from reconciler.core.change import Action
from reconciler.core.compare import moved_fields
from reconciler.core.going_back import expected_after
from reconciler.core.planning import decide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.change import Change
    from reconciler.core.plan import Plan
    from reconciler.core.resource import Resource
    from reconciler.core.state import Snapshot


def still_differing(
    plan: Plan, after: Snapshot, models: Mapping[str, type[Resource]], *, today: str
) -> tuple[Change, ...]:
    """Return what would have to be done again; empty when every change took effect.

    ``after`` was made from what was read after the last call, by ``snapshotting.after_apply``. It does not know
    objects that are no longer ours, such as one that lost a part that was declared absent.
    """
    changed = {(change.kind, change.remote_id): change.address for change in plan.changes}
    entries = tuple(
        replace(entry, address=changed.get((entry.kind, entry.remote_id)))
        if entry.address is None
        else entry
        for entry in after.entries
    )
    known = after._replace(entries=entries)
    found = decide(expected_after(plan, models), known, known, today=today).changes
    told = {change.address for change in found}
    return (
        *found,
        *(
            change
            for change in plan.changes
            if change.address not in told and _left_no_trace(change, known, models[change.kind])
        ),
    )


def _left_no_trace(change: Change, after: Snapshot, model: type[Resource]) -> bool:
    """Tell whether what cannot be compared shows that a change did nothing.

    The old object of a replace is still there; or the signal of a write to a value that cannot be read has not
    moved since the plan was made.
    """
    entry = next((one for one in after.entries if one.remote_id == change.remote_id), None)
    if entry is None or entry.kind != change.kind:
        return False
    if change.action is Action.REPLACE:
        return not change.overlaps
    hidden = {
        rule.name
        for rule in rules_of(model)
        if rule.write_only is not None and rule.write_only.signal is not None
    }
    relied = {
        path: digest
        for path, digest in change.precondition.fields.items()
        if path in hidden and change.changes_field(path)
    }
    moved = moved_fields(model, relied, entry)
    return change.action is Action.UPDATE and bool(relied) and not moved
