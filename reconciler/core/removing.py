"""Deletes: which objects a plan removes, and what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.change import Action, Change, FieldChange, Origin
from reconciler.core.compare import precondition
from reconciler.core.finding import Finding, Weight
from reconciler.core.identity import rotated_from
from reconciler.core.reference import references
from reconciler.core.resource import Capability
from reconciler.core.reversibility import classified
from reconciler.core.secret import SecretValue
from reconciler.core.verdict import Verdict, World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.state import Declared, Entry


def removals(
    world: World, known: Mapping[str, Declared], unknown_kinds: frozenset[str], *, prune: bool
) -> dict[str, Verdict]:
    """Return deletes that no ``state: absent`` asks for: a rollback goes back before them, or they are pruned."""
    verdicts = {}
    for address, live in world.live.items():
        before = world.base.get(address)
        if address in known or live.kind in unknown_kinds:
            continue
        if world.desired.is_whole and live.created_by is not None:
            reason = f"created by run {live.created_by}, which this goes back before"
        elif prune:
            reason = "no longer declared (--prune)"
        else:
            continue
        verdicts[address] = deletion(world, live, address, reason, None, before)
    return verdicts


def deletion(
    world: World,
    live: Entry,
    address: str,
    reason: str,
    item: Declared | None,
    before: Entry | None = None,
) -> Verdict:
    """Return the delete of ``live``; criticality and protection are the strictest of file and last snapshot."""
    remembered = before or world.base.get(address)
    model = world.model(live.kind)
    is_old = rotated_from(address) != address
    criticality = [one.criticality for one in (item, remembered) if one is not None]
    change = Change(
        address=address,
        kind=live.kind,
        action=Action.DELETE,
        reason=f"ends the rotation of {rotated_from(address)}" if is_old else reason,
        remote_id=live.remote_id,
        criticality=min(criticality, default=live.criticality),
        protected=any(one.protected for one in (item, remembered) if one is not None),
        field_changes=tuple(
            FieldChange(field=name, before=value, origin=Origin.INTENT)
            for name, value in live.values.items()
        ),
        precondition=precondition(
            model,
            live,
            [FieldChange(field=name, origin=Origin.INTENT) for name in live.values],
        ),
        retires=_only_its_own(live) if is_old else {},
        overlaps=is_old,
        place=item.place if item is not None else None,
    )
    if model.capability is not Capability.MANAGED:
        return Verdict(
            findings=(
                Finding(
                    weight=Weight.REFUSAL,
                    rule="capability",
                    message=f"{live.kind} objects are never deleted",
                    address=address,
                    remedy="take `state: absent` out of the file",
                ),
            )
        )
    change = model.review(classified(model, change), declared={}, live=live.values)
    return Verdict(change, read_only_finding(change, live))


def _only_its_own(live: Entry) -> dict[str, str]:
    """Return the outputs of a rotated object that were set aside: nobody needs these versions once it is gone."""
    return {
        name: secret.reference
        for name, secret in live.outputs.items()
        if isinstance(secret, SecretValue)
        and secret.reference is not None
        and any(one.secret.version is not None for one in references(secret.reference))
    }


def read_only_finding(change: Change, live: Entry) -> tuple[Finding, ...]:
    """Return the refusal of a change to an object that may not be written; nothing for any other."""
    if live.read_only is None:
        return ()
    return (
        Finding(
            weight=Weight.REFUSAL,
            rule="read_only",
            message=live.read_only,
            address=change.address,
            remedy="change it where it is managed, or take it out of the file",
        ),
    )
