"""Rotation: a second object beside the first, its secret in the place of the old one, the old one retired later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.errors import Refused
from reconciler.core.identity import overlap_of
from reconciler.core.state import Declared
from reconciler.core.wiring import needs, with_captures

if TYPE_CHECKING:
    from reconciler.core.resource import Resource
    from reconciler.core.state import DesiredState, Snapshot


def rotated_with(desired: DesiredState, address: str) -> frozenset[str]:
    """Return ``address`` and the addresses of everything that gets its new secret, directly or through others."""
    resources = with_captures(desired.resources)
    found = {address}
    while more := {
        item.address
        for item in resources
        if item.address not in found and not found.isdisjoint(needs(item))
    }:
        found |= more
    return frozenset(found)


def refuse_rotation(item: Declared, model: type[Resource], base: Snapshot | None, env: str) -> None:
    """Raise Refused when there is nothing to rotate, no place for two, or a rotation is under way."""
    if item.absent:
        raise Refused(
            f"{item.address} is declared absent",
            detail="What is to go away gets no new secret.",
            mend="take `state: absent` out of the file",
        )
    secret = [name for name, one in model.outputs.items() if one.secret and one.only_at_create]
    if not secret:
        raise Refused(
            f"{item.address} has no secret to rotate",
            detail=f"A {item.kind} gives no secret away when it is made.",
        )
    if model.has_unique_keys or model.replaces_by_deleting_first:
        raise Refused(
            f"{item.address} cannot be rotated with an overlap",
            detail="The vendor does not allow two of them at a time.",
        )
    missing = [name for name in secret if name not in dict(item.capture)]
    if missing:
        raise Refused(
            f"{item.address}: there is no place for its new {missing[0]}",
            detail="It is shown once, when the new object is made.",
            mend=f"declare `capture: {{{missing[0]}: ${{secret:…}}}}` on it",
        )
    if base is not None and overlap_of(item.address) in base.by_address():
        raise Refused(
            f"{item.address} is being rotated already",
            detail="The old object is still there.",
            mend=f"reconciler rotate {env} {item.address} --retire   # or: reconciler undo {env}",
        )


def retiring(desired: DesiredState, address: str, base: Snapshot | None) -> DesiredState:
    """Return ``desired`` with the object that was rotated away declared absent. Raises Refused when there is none."""
    name = overlap_of(address)
    entry = base.by_address().get(name) if base is not None else None
    if entry is None:
        raise Refused(
            f"{address} has no old object to retire",
            detail="It was not rotated, or the old object is retired already.",
        )
    old = Declared(name, entry.kind, dict(entry.values), absent=True, remote_id=entry.remote_id)
    return desired._replace(resources=(*desired.resources, old))
