"""The inverse of a plan: what would take a run back. Made before the run's first call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.change import Action, Change, FieldChange, Origin, Reversibility
from reconciler.core.going_back import expected_after
from reconciler.core.identity import overlap_of, rotated_from
from reconciler.core.plan import DesiredSource, Plan, sealed
from reconciler.core.secret import SecretValue

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from reconciler.core.resource import Resource
    from reconciler.core.state import DesiredState, Entry, Snapshot


def inverse(plan: Plan, before: Snapshot, run: str) -> Plan:
    """Return the plan that takes ``plan`` back to ``before``, the snapshot taken just before it.

    A change whose inverse nobody can make (a value that was never readable) becomes a manual step. The ids of
    objects that the run will create are not known yet: an undo finds them by the binding that the run leaves.
    """
    by_address = before.by_address()
    by_id = {(entry.kind, entry.remote_id): entry for entry in before.entries}
    changes = tuple(
        inverted
        for step, change in enumerate(reversed(plan.changes), start=1)
        if change.action is not Action.MANUAL
        for inverted in _inverses(
            change,
            by_address.get(change.address) or by_id.get((change.kind, change.remote_id or "")),
            step,
        )
    )
    return sealed(
        plan.model_copy(
            update={
                "id": f"undo-{run}",
                "changes": changes,
                "findings": (),
                "desired": DesiredSource(source=f"undo of run {run}", digest=before.header.digest),
            }
        )
    )


def wanted_by(
    undo: Plan, models: Mapping[str, type[Resource]], touched: Container[str]
) -> DesiredState:
    """Return what an undo wants, as desired state: it is planned and applied like anything else.

    Only what the run ``touched`` (addresses) is taken back: what was stale, skipped or failed was never done.
    """
    done = tuple(change for change in undo.changes if rotated_from(change.address) in touched)
    made = undo.model_copy(update={"changes": done})
    return expected_after(made, models)._replace(source=undo.desired.source)


def _inverses(change: Change, before: Entry | None, step: int) -> Iterator[Change]:
    """Yield what takes ``change`` back: mostly one change; of a rotation the old object again, and the new one away."""
    inverted = _inverse(change, before, step)
    if not (change.overlaps and change.action is Action.REPLACE):
        yield inverted
        return
    yield inverted.model_copy(update={"action": Action.UPDATE, "remote_id": change.remote_id})
    yield inverted.model_copy(
        update={
            "address": overlap_of(change.address),
            "action": Action.DELETE,
            "values": {},
            "capture": {},
            "field_changes": tuple(
                FieldChange(field=name, before=value, origin=Origin.INTENT)
                for name, value in change.values.items()
            ),
        }
    )


def _inverse(change: Change, before: Entry | None, step: int) -> Change:
    bare = Change(
        address=change.address,
        kind=change.kind,
        action=Action.DELETE,
        reason=f"takes back: {change.action}",
        criticality=change.criticality,
        protected=change.protected,
        capture=change.capture,
        step=step,
    )
    match change.action:
        case Action.CREATE | Action.MANUAL:
            return bare.model_copy(update={"values": change.values})
        case Action.UPDATE:
            fields = (_as_sealed(field, before) for field in change.field_changes)
            known = tuple(map(_swapped, filter(_is_known, fields)))
            update = {
                "action": Action.UPDATE,
                "remote_id": change.remote_id,
                "field_changes": known,
            }
            return _or_manual(bare.model_copy(update=update), change)
        case Action.REPLACE | Action.DELETE:
            if before is None:
                return _or_manual(bare, change)
            back = {
                "action": Action.CREATE if change.action is Action.DELETE else Action.REPLACE,
                "values": dict(before.values),
                "field_changes": (
                    *(
                        FieldChange(field=name, after=value, origin=Origin.INTENT)
                        for name, value in before.values.items()
                    ),
                    *(_swapped(field) for field in change.field_changes if _is_new_key(field)),
                ),
            }
            return bare.model_copy(update=back)


def _or_manual(inverse: Change, change: Change) -> Change:
    """An inverse that would change nothing is a step that only a person can make."""
    if inverse.field_changes:
        return inverse
    fields = ", ".join(field.field for field in change.field_changes)
    return inverse.model_copy(
        update={
            "action": Action.MANUAL,
            "calls": 0,
            "reversibility": Reversibility.MANUAL,
            "reversibility_reason": f"the value of {fields} before the run is not known",
        }
    )


def _as_sealed(field: FieldChange, before: Entry | None) -> FieldChange:
    """Return ``field`` with the value that the snapshot before the run has sealed, where it was not known else."""
    kept = before.values.get(field.field) if before is not None else None
    if _is_known(field) or not isinstance(kept, SecretValue):
        return field
    return field.model_copy(update={"before": kept})


def _is_known(field: FieldChange) -> bool:
    return not (isinstance(field.before, SecretValue) and not field.before.can_be_sent)


def _is_new_key(field: FieldChange) -> bool:
    """Tell whether a change added a key to a merged mapping: taking it back removes the key."""
    return "." in field.field and field.before is None


def _swapped(field: FieldChange) -> FieldChange:
    is_key = "." in field.field
    return FieldChange(
        field=field.field,
        before=field.after,
        after=field.before,
        origin=Origin.INTENT,
        removed=is_key and field.before is None,
    )
