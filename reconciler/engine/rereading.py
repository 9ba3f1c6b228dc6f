"""Look at the objects of a step right before its write, and after a call whose answer never came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.behaviour import rules_of
from reconciler.core.change import Action
from reconciler.core.compare import MISSING, moved_fields, value_at
from reconciler.core.secret import is_settled
from reconciler.core.state import Entry

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from reconciler.core.change import Change
    from reconciler.core.ports import Provider
    from reconciler.core.resource import Resource
    from reconciler.core.state import Observed


def read_again(provider: Provider, step: Sequence[Change]) -> dict[str, Observed]:
    """Return what is live now: the objects of the step by id; all of the kind where an object is to be made."""
    if step[0].action in {Action.CREATE, Action.REPLACE}:
        return {found.remote_id: found for found in provider.observe()}
    return dict(provider.read([change.remote_id for change in step if change.remote_id]))


def what_moved(
    model: type[Resource], change: Change, live: Mapping[str, Observed], marker: str
) -> str | None:
    """Say what is no longer as the plan saw it; ``None`` when the change may be made."""
    if change.action is Action.CREATE:
        there = same_object(model, change, live.values(), marker)
        return None if there is None else f"{there.remote_id} has appeared since the plan was made"
    found = live.get(change.remote_id or "")
    if found is None:
        return None if change.action is Action.DELETE else f"{change.remote_id} is gone"
    fields = moved_fields(model, change.precondition.fields, entry_of(change, found))
    if fields:
        return f"changed since the plan was made: {', '.join(fields)}"
    if change.precondition.etag is not None and change.precondition.etag != found.etag:
        return "changed since the plan was made (another version at the vendor)"
    return None


def also_changed(model: type[Resource], change: Change, live: Mapping[str, Observed]) -> str:
    """Say which fields moved that the change does not touch; empty when none did."""
    found = live.get(change.remote_id or "")
    if found is None:
        return ""
    fields = moved_fields(model, change.precondition.others, entry_of(change, found))
    return f"meanwhile changed and left alone: {', '.join(fields)}" if fields else ""


def same_object(
    model: type[Resource],
    change: Change,
    found: Iterable[Observed],
    marker: str,
    others: Container[str] = frozenset(),
) -> Observed | None:
    """Return the live object that ``change`` would make a second time.

    None of ``others``: one that was rotated away carries the same marker, and is known by another address.
    """
    keys = set(model.natural_keys(change.values))
    for item in found:
        if item.remote_id == change.remote_id or item.remote_id in others:
            continue
        if item.marker == marker:
            return item
        if item.marker is None and keys & set(model.natural_keys(item.values)):
            return item
    return None


def bound_to_others(bindings: Mapping[str, str], address: str) -> frozenset[str]:
    """Return the remote ids that are known to be those of other addresses."""
    return frozenset(remote_id for other, remote_id in bindings.items() if other != address)


def is_as_wanted(model: type[Resource], change: Change, found: Observed) -> bool | None:
    """Tell whether an update took effect: wholly, not (wholly), or ``None`` when somebody else wrote meanwhile.

    A field that cannot be read tells nothing, so an update with such a field is never known to be done.
    """
    rules = {rule.name: rule for rule in rules_of(model)}
    wholly = True
    for field in change.field_changes:
        rule = rules[field.field.partition(".")[0]]
        live = value_at(found.values, field.field)
        now = rule.normal(None if live is MISSING else live)
        if not is_settled(field.after):
            wholly = False
        elif now != rule.normal(field.after):
            wholly = False
            if now != rule.normal(field.before):
                return None
    return wholly


def entry_of(change: Change, found: Observed) -> Entry:
    """Return a live object in the form that comparisons take."""
    return Entry(
        address=change.address,
        kind=change.kind,
        remote_id=found.remote_id,
        values=found.values,
        evidence=found.evidence,
    )
