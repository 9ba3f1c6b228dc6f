"""Fields that follow another resource, and outputs that are put back in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.behaviour import rules_of
from reconciler.core.change import Action, Change, FieldChange, Origin
from reconciler.core.finding import Finding, Weight
from reconciler.core.reversibility import gone
from reconciler.core.secret import SecretValue, is_of_other_key, secrets_in
from reconciler.core.wiring import waits_for
from reconciler.core.witness import to_be_kept

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.state import Declared, Entry
    from reconciler.core.verdict import World


class Sendable(NamedTuple):
    """Field changes parted into those that can be made, and those whose secret can be had nowhere."""

    fields: tuple[FieldChange, ...]
    lost: tuple[FieldChange, ...]


def followers(
    world: World,
    item: Declared,
    live: Entry,
    renewed: frozenset[str],
    already: tuple[FieldChange, ...],
) -> tuple[FieldChange, ...]:
    """Fields that refer to an object this plan makes anew follow it, also when they cannot be read."""
    if not renewed or not item.refers:
        return ()
    model = world.model(item.kind)
    taken = {change.field.partition(".")[0] for change in already}
    return tuple(
        FieldChange(
            field=name,
            before=live.values.get(
                name, SecretValue(None) if isinstance(value, SecretValue) else None
            ),
            after=value,
            origin=Origin.INTENT,
            note=f"follows {source}",
        )
        for name, value in item.values.items()
        if name not in taken and any(rule.name == name for rule in rules_of(model))
        for source in sorted(waits_for(value, world.scene.captures) & renewed)[:1]
    )


def parted(fields: Iterable[FieldChange]) -> Sendable:
    """Part the changes whose secret can be had from those whose secret is known to be nowhere."""
    changes = tuple(fields)
    lost = tuple(
        change
        for change in changes
        if any(not secret.can_be_sent for secret in secrets_in(change.after))
    )
    return Sendable(tuple(change for change in changes if change not in lost), lost)


def lost_findings(address: str, lost: Iterable[FieldChange]) -> tuple[Finding, ...]:
    """Say of fields that stay as they are why nobody can give them back."""
    return tuple(
        Finding(
            weight=Weight.WARNING,
            rule="not_restorable",
            message=f"{change.field} stays as it is: it {gone(change.after)}",
            address=address,
            remedy="set it by hand, or declare a reference that gives the value",
        )
        for change in lost
    )


def put_back(world: World, item: Declared) -> tuple[dict[str, SecretValue], tuple[Finding, ...]]:
    """Return the outputs to be stored in their place again, and what is known of those that cannot be."""
    kept = to_be_kept(item, world.scene, world.witness)
    places = dict(item.capture)
    return (
        {name: secret for name, secret in kept.items() if secret.can_be_sent},
        _not_comparable(world, item)
        + tuple(
            Finding(
                weight=Weight.WARNING,
                rule="agreement",
                message=f"{places[name]} does not hold the {name} of the live object,"
                " which can be had nowhere",
                address=item.address,
                remedy=f"reconciler rotate {world.desired.environment} {item.address}",
            )
            for name, secret in kept.items()
            if not secret.can_be_sent
        ),
    )


def _not_comparable(world: World, item: Declared) -> tuple[Finding, ...]:
    """Say of places whose value was hashed with another key that nothing is known of them."""
    live = world.live.get(item.address)
    outputs = live.outputs if live is not None else {}
    return tuple(
        Finding(
            weight=Weight.NOTE,
            rule="not_compared",
            message=f"{place} is not compared with the {name} of the live object:"
            " its fingerprint was made with another key",
            address=item.address,
            remedy="secrets.fingerprint_key in environment.yaml",
        )
        for name, place in item.capture
        if is_of_other_key(outputs.get(name), world.witness.known.get(place))
    )


def needs_put_back(world: World, item: Declared, change: Change) -> tuple[Finding, ...]:
    """Refuse a change that sends an output whose place is put right by another change, which the plan leaves out."""
    declared = {one.address: one for one in world.desired.resources}
    sources = {
        address
        for value in (*change.values.values(), *change.after().values())
        for address in waits_for(value, world.scene.captures)
    }
    return tuple(
        Finding(
            weight=Weight.REFUSAL,
            rule="needs",
            message=f"it needs {address}, whose place does not hold the right value now; the plan leaves that out",
            address=item.address,
            remedy=f"--only {address} as well",
        )
        for address in sorted(sources & world.left_out)
        if to_be_kept(declared[address], world.scene, world.witness)
    )


def with_put_back(
    change: Change | None, item: Declared, live: Entry, kept: dict[str, SecretValue]
) -> Change | None:
    """Return ``change`` (or one that calls no vendor) which also stores the outputs that are ``kept``."""
    if not kept or (change is not None and change.action is not Action.UPDATE):
        return change
    if change is not None:
        return change.model_copy(update={"keeps": kept})
    places = dict(item.capture)
    listed = ", ".join(f"{name} in {places[name]}" for name in kept)
    return Change(
        address=item.address,
        kind=item.kind,
        action=Action.UPDATE,
        reason=f"what is stored is not that of the live object: {listed}",
        remote_id=live.remote_id,
        criticality=item.criticality,
        protected=item.protected,
        capture=places,
        keeps=kept,
        calls=0,
        place=item.place,
    )
