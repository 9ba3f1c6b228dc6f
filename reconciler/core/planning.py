"""From desired state and a snapshot to changes: the heart of the product, and pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from reconciler.core.behaviour import rules_of
from reconciler.core.change import (
    Action,
    Change,
    FieldChange,
    Origin,
)
from reconciler.core.compare import compare, precondition
from reconciler.core.finding import Finding, Weight
from reconciler.core.following import (
    followers,
    lost_findings,
    needs_put_back,
    parted,
    put_back,
    with_put_back,
)
from reconciler.core.handing_over import with_handovers
from reconciler.core.order import dependency_order, in_order
from reconciler.core.plan import Ignored, Managed, Summary, Unverifiable
from reconciler.core.removing import deletion, read_only_finding, removals
from reconciler.core.resource import Capability
from reconciler.core.reversibility import classified, manual, unsendable_field
from reconciler.core.secret import Json, SecretValue
from reconciler.core.summing_up import (
    counted,
    managed,
    not_compared,
    rotations,
    twins,
    unmanaged,
)
from reconciler.core.verdict import Verdict, World
from reconciler.core.wiring import needs, resolve_known, with_captures
from reconciler.core.witness import Witness, scene_of, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.core.resource import Resource
    from reconciler.core.state import Declared, DesiredState, Entry, Snapshot


class Decisions(NamedTuple):
    """What planning decided, before guards look at it."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    summary: Summary
    managed: dict[str, Managed]


def decide(  # noqa: PLR0913 - what a plan depends on, each by its name
    desired: DesiredState,
    snapshot: Snapshot,
    base: Snapshot | None,
    *,
    today: str,
    prune: bool = False,
    selected: Callable[[str], bool] = lambda _: True,
    witness: Witness = Witness(),  # noqa: B008 - a frozen value
    rotating: frozenset[str] = frozenset(),
) -> Decisions:
    """Compare every declared resource with its live object and choose the smallest set of changes.

    ``today`` is an ISO date: an ``ignore`` holds until then. Resources of a kind that could not be read are
    *unknown*: they get no change at all. Addresses that are not ``selected`` get none either. ``witness`` tells what
    secret references give now; addresses in ``rotating`` get a second object beside the first.
    """
    base_entries = base.by_address() if base is not None else {}
    desired = desired._replace(resources=with_captures(desired.resources))
    world = World(
        desired,
        scene_of(desired, snapshot.by_address(), base_entries),
        base.header.taken_at if base else None,
        today,
        witness,
        rotating,
        frozenset(item.address for item in desired.resources if not selected(item.address)),
    )
    unknown_kinds = snapshot.unreadable_kinds()
    readable = {item.address: item for item in desired.resources if item.kind not in unknown_kinds}
    known = {address: item for address, item in readable.items() if selected(address)}
    verdicts = _verdicts(world, known)
    removed = {
        address: verdict
        for address, verdict in removals(world, readable, unknown_kinds, prune=prune).items()
        if selected(address)
    }
    changes = [v.change for v in (*verdicts.values(), *removed.values()) if v.change is not None]
    ordered = in_order(with_handovers(changes, desired.models, world.live), desired.models)
    findings = (
        *(one for v in (*verdicts.values(), *removed.values()) for one in v.findings),
        *twins(desired, snapshot),
        *rotations(desired, snapshot),
        *not_compared(witness.silent),
    )
    remembered = {
        address: managed(
            world.model(item.kind), item, world.live.get(address), base_entries.get(address)
        )
        for address, item in readable.items()
        if not item.absent
    }
    summary = _summary(world, snapshot, known, verdicts, ordered)
    return Decisions(ordered, findings, summary, remembered)


def _summary(
    world: World,
    snapshot: Snapshot,
    known: Mapping[str, Declared],
    verdicts: Mapping[str, Verdict],
    ordered: tuple[Change, ...],
) -> Summary:
    """Return what is not changed, and why."""
    changed = {change.address for change in ordered}
    unknown_kinds = snapshot.unreadable_kinds()
    summary = Summary(
        unchanged=tuple(
            sorted(a for a, item in known.items() if a not in changed and not item.absent)
        ),
        unknown=tuple(
            sorted(i.address for i in world.desired.resources if i.kind in unknown_kinds)
        ),
        unmanaged=unmanaged(world.desired, snapshot, changed),
        ignored=tuple(one for verdict in verdicts.values() for one in verdict.ignored),
        unverifiable=tuple(one for verdict in verdicts.values() for one in verdict.unverifiable),
        compared=tuple(sorted(world.witness.known)),
    )
    return counted(summary, ordered)


def _verdicts(world: World, known: Mapping[str, Declared]) -> dict[str, Verdict]:
    """Decide in dependency order, so that a resource knows what happens to those it refers to."""
    dependencies = {
        address: [n for n in needs(item) if n in known] for address, item in known.items()
    }
    levels = (
        dependency_order(dependencies) if any(dependencies.values()) else (tuple(sorted(known)),)
    )
    verdicts: dict[str, Verdict] = {}
    for level in levels:
        renewed = _renewed(verdicts)
        for address in level:
            item = known[address]
            if dependencies[address]:
                item = resolve_known(item, world.live, known, renewed)
            verdicts[address] = _verdict(world, item, renewed, dependencies[address])
    return verdicts


def _renewed(verdicts: Mapping[str, Verdict]) -> frozenset[str]:
    """Return the addresses that get a new live object in this plan."""
    return frozenset(
        address
        for address, verdict in verdicts.items()
        if verdict.change is not None and verdict.change.action in {Action.CREATE, Action.REPLACE}
    )


def _verdict(
    world: World, item: Declared, renewed: frozenset[str], depends_on: Iterable[str]
) -> Verdict:
    live = world.live.get(item.address)
    if item.absent:
        return _absent(world, item, live)
    item = settle(item, world.desired, world.scene, world.witness, renewed)
    if live is None:
        return _missing(world, item, tuple(depends_on))
    model = world.model(item.kind)
    found = compare(model, item, live, world.base.get(item.address))
    every = found.changes + followers(world, item, live, renewed, found.changes)
    ignored, every = _split_ignored(item, every, world.today)
    differing, lost = parted(every)
    unverifiable = tuple(
        Unverifiable(address=item.address, field=field, since=world.base_at)
        for field in found.unverifiable
        if field not in {change.field for change in differing}
    )
    findings = tuple(
        Finding(weight=Weight.NOTE, rule="kind", message=note, address=item.address)
        for note in (*found.notes, *(item.notes if differing else ()))
    )
    change: Change | None = None
    if differing or item.address in world.rotating:
        change = _changed(world, model, item, live, differing, tuple(depends_on))
        findings += (*lost_findings(item.address, lost), *_unfit(model, change, live))
    elif lost:
        change = manual(_changed(world, model, item, live, lost, tuple(depends_on)), lost[0].field)
    kept, unkept = put_back(world, item)
    change = with_put_back(change, item, live, kept)
    if change is not None:
        findings += (*read_only_finding(change, live), *needs_put_back(world, item, change))
    return Verdict(change, findings + unkept, ignored, unverifiable)


def _changed(
    world: World,
    model: type[Resource],
    item: Declared,
    live: Entry,
    fields: tuple[FieldChange, ...],
    depends_on: tuple[str, ...],
) -> Change:
    overlaps = item.address in world.rotating
    replaces = overlaps or any(field.forces_replacement for field in fields)
    change = Change(
        address=item.address,
        kind=item.kind,
        action=Action.REPLACE if replaces else Action.UPDATE,
        reason="rotation: a second one beside it" if overlaps else _reason(world, fields),
        remote_id=live.remote_id,
        criticality=item.criticality,
        protected=item.protected,
        field_changes=fields,
        values=_replacement(item, live, fields) if replaces else {},
        precondition=precondition(model, live, fields),
        depends_on=depends_on,
        capture=dict(item.capture),
        calls=2 if replaces and not overlaps else 1,
        overlaps=overlaps,
        place=item.place,
    )
    if replaces and (unsendable := unsendable_field(model, change.values)):
        return manual(change, unsendable)
    return model.review(classified(model, change), declared=item.values, live=live.values)


def _missing(world: World, item: Declared, depends_on: tuple[str, ...]) -> Verdict:
    model = world.model(item.kind)
    if model.capability is not Capability.MANAGED:
        message = (
            f"{item.kind} objects exist already and are never created, but this one was not found"
        )
        return Verdict(
            findings=(
                Finding(
                    weight=Weight.REFUSAL,
                    rule="missing",
                    message=message,
                    address=item.address,
                    remedy="check the account and project that environment.yaml names",
                ),
            )
        )
    if item.is_partial and (problem := _problem(model, item.values, whole=True)) is not None:
        gone = Finding(
            weight=Weight.WARNING,
            rule="gone",
            message=f"the object is gone, and what is known of it makes no new one: {problem}",
            address=item.address,
            remedy="roll back to a snapshot that has it",
        )
        return Verdict(findings=(gone,))
    before = world.base.get(item.address)
    origin = Origin.DRIFT if before is not None else Origin.INTENT
    change = Change(
        address=item.address,
        kind=item.kind,
        action=Action.CREATE,
        reason=f"deleted outside since {world.base_at}" if before else "declared, and not there",
        criticality=item.criticality,
        protected=item.protected,
        field_changes=_initial(model, item, origin),
        values=item.values,
        depends_on=depends_on,
        capture=dict(item.capture),
        place=item.place,
    )
    notes = tuple(
        Finding(weight=Weight.NOTE, rule="kind", message=note, address=item.address)
        for note in item.notes
    )
    if unsendable := unsendable_field(model, item.values):
        return Verdict(manual(change, unsendable), notes)
    change = model.review(classified(model, change), declared=item.values, live={})
    return Verdict(change, notes)


def _initial(model: type[Resource], item: Declared, origin: Origin) -> tuple[FieldChange, ...]:
    """Return the fields of a new object that differ from what the vendor fills in by itself."""
    return tuple(
        FieldChange(field=rule.name, after=item.values[rule.name], origin=origin)
        for rule in rules_of(model)
        if rule.name in item.values
        and (rule.required or rule.normal(item.values[rule.name]) != rule.normal(rule.default))
    )


def _absent(world: World, item: Declared, live: Entry | None) -> Verdict:
    if live is None:
        return Verdict()
    model = world.model(item.kind)
    remaining = model.remaining(item.values, live.values)
    if remaining is None:
        return deletion(world, live, item.address, "declared absent", item)
    fields = tuple(
        FieldChange(
            field=name,
            before=live.values.get(name),
            after=value,
            origin=Origin.INTENT,
            note="the rest stays",
        )
        for name, value in remaining.items()
    )
    if not fields:  # the object does not serve the declared place any more
        return Verdict()
    return Verdict(_changed(world, model, item._replace(absent=False), live, fields, ()))


def _replacement(item: Declared, live: Entry, fields: tuple[FieldChange, ...]) -> dict[str, Json]:
    """A new object keeps what the old one had, but for the fields that change."""
    values = {
        name: value for name, value in live.values.items() if not isinstance(value, SecretValue)
    }
    values |= {name: value for name, value in item.values.items() if name not in values}
    for field in fields:
        name, dot, key = field.field.partition(".")
        if not dot:
            values[name] = field.after
            continue
        kept = {one: value for one, value in (values.get(name) or {}).items() if one != key}
        values[name] = kept if field.removed else {**kept, key: field.after}
    return values


def _reason(world: World, fields: tuple[FieldChange, ...]) -> str:
    drifted = any(field.origin is Origin.DRIFT for field in fields)
    intended = any(field.origin is Origin.INTENT for field in fields)
    since = f"changed outside since {world.base_at}"
    match drifted, intended:
        case True, False:
            return f"drift, {since}"
        case True, True:
            return f"declared otherwise, and also {since}"
        case _:
            return (
                "declared otherwise" if world.desired.source == "files" else "back to the snapshot"
            )


def _split_ignored(
    item: Declared, fields: tuple[FieldChange, ...], today: str
) -> tuple[tuple[Ignored, ...], tuple[FieldChange, ...]]:
    ignored: list[Ignored] = []
    kept: list[FieldChange] = []
    for change in fields:
        rule = next(
            (
                one
                for one in item.ignore
                if one.until >= today
                and (change.field == one.path or change.field.startswith(f"{one.path}."))
            ),
            None,
        )
        if rule is None:
            kept.append(change)
        else:
            ignored.append(
                Ignored(
                    address=item.address, field=change.field, reason=rule.reason, until=rule.until
                )
            )
    return tuple(ignored), tuple(kept)


def _unfit(model: type[Resource], change: Change, live: Entry) -> tuple[Finding, ...]:
    """What was not declared stays as it is live: both together may be no valid object."""
    values = change.values
    if change.action is Action.UPDATE:
        after = {name: value for name, value in change.after().items() if "." not in name}
        values = {**live.values, **after}
    problem = _problem(model, values)
    is_new = change.action is Action.REPLACE or _problem(model, live.values) is None
    if problem is None or not is_new:
        return ()
    return (
        Finding(
            weight=Weight.REFUSAL,
            rule="invalid",
            message=f"together with what the live object keeps, it would not be valid: {problem}",
            address=change.address,
            remedy="declare that field as well",
        ),
    )


def _problem(
    model: type[Resource], values: Mapping[str, Json], *, whole: bool = False
) -> str | None:
    """Say why ``values`` are no valid object; what is not there counts as valid, unless they are the ``whole``."""
    required = () if whole else [rule.name for rule in rules_of(model) if rule.required]
    unread = {name: SecretValue(None) for name in required}
    try:
        model.model_validate({**unread, **values})
    except ValidationError as error:
        said = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in said["loc"])
        return f"{field} {said['msg'].removeprefix('Value error, ')}".strip()
    return None
