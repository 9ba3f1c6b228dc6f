"""What differs between two states, field by field. Says nothing of what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from reconciler.core.behaviour import rules_of
from reconciler.core.compare import MISSING
from reconciler.core.secret import Deferred, Json, SecretValue, decode, encode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from deepdiff.model import DiffLevel

    from reconciler.core.behaviour import FieldRule
    from reconciler.core.resource import Resource
    from reconciler.core.state import Entry

What = Literal["added", "removed", "changed"]

REMOTE_ID = "remote_id"
"""The path under which another live object at the same address is told: its secrets and its id are new."""


class FieldDifference(NamedTuple):
    """One value that differs, at a path such as ``rules[0].when``; MISSING where there is none."""

    path: str
    before: Json
    after: Json


class Difference(NamedTuple):
    """One object that differs; ``address`` is ``kind/remote id`` for an object that nobody declared."""

    address: str
    kind: str
    what: What
    fields: tuple[FieldDifference, ...] = ()


def differences(
    before: Sequence[Entry],
    after: Sequence[Entry],
    models: Mapping[str, type[Resource]],
    *,
    unknown: Collection[str] = (),
) -> tuple[Difference, ...]:
    """Return what differs, by address. Of ``unknown`` kinds, which a side could not read, nothing is concluded."""
    found = [
        difference
        for old, new in _paired(
            [entry for entry in before if entry.kind not in unknown],
            [entry for entry in after if entry.kind not in unknown],
        )
        if (difference := _difference(old, new, models)) is not None
    ]
    return tuple(sorted(found, key=lambda difference: (difference.kind, difference.address)))


def _paired(
    before: Sequence[Entry], after: Sequence[Entry]
) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Pair by address, then by remote id: an object that was adopted in between is the same object."""
    by_address = {entry.address: entry for entry in after if entry.address is not None}
    pairs = [(entry, by_address[entry.address]) for entry in before if entry.address in by_address]
    yield from pairs
    told = {old.address for old, _ in pairs}
    by_id: dict[tuple[str, str], list[Entry]] = {}
    for entry in after:
        if entry.address not in told:
            by_id.setdefault((entry.kind, entry.remote_id), []).append(entry)
    for entry in before:
        if entry.address not in told:
            same = by_id.get((entry.kind, entry.remote_id), []) if entry.remote_id else []
            yield entry, same.pop(0) if same else None
    for entries in by_id.values():
        yield from ((None, entry) for entry in entries)


def _difference(
    old: Entry | None, new: Entry | None, models: Mapping[str, type[Resource]]
) -> Difference | None:
    entry = new if new is not None else old
    if entry is None:
        return None
    model = models.get(entry.kind)
    rules = {rule.name: rule for rule in rules_of(model)} if model is not None else {}
    fields = (*_identity(old, new), *_fields(old, new, rules))
    address = entry.address or (old.address if old is not None else None)
    name = address or f"{entry.kind}/{entry.remote_id}"
    if old is None or new is None:
        return Difference(name, entry.kind, "removed" if new is None else "added", fields)
    return Difference(name, entry.kind, "changed", fields) if fields else None


def _identity(old: Entry | None, new: Entry | None) -> Iterator[FieldDifference]:
    if old is None or new is None or not (old.remote_id and new.remote_id):
        return
    if old.remote_id != new.remote_id:
        yield FieldDifference(REMOTE_ID, old.remote_id, new.remote_id)


def _fields(
    old: Entry | None, new: Entry | None, rules: Mapping[str, FieldRule]
) -> Iterator[FieldDifference]:
    before = old.values if old is not None else {}
    after = new.values if new is not None else {}
    for name in {**before, **after}:
        first, second = before.get(name, MISSING), after.get(name, MISSING)
        if first == second:
            continue
        rule = rules.get(name)
        plain = (first, second) if rule is None else (_normal(rule, first), _normal(rule, second))
        if plain[0] == plain[1]:
            continue
        if _is_nested(plain[0]) and _is_nested(plain[1]):
            yield from _nested(name, *plain)
        else:
            yield FieldDifference(name, first, second)


def _normal(rule: FieldRule, value: Json) -> Json:
    """Return the form in which ``value`` is compared; items that pair by a field become a mapping."""
    if value is MISSING:
        return MISSING
    normal = rule.normal(value)
    if rule.keyed_by is None or not isinstance(normal, list):
        return normal
    field = rule.keyed_by.field
    keyed = {str(item.get(field)): item for item in normal if isinstance(item, dict)}
    return keyed if len(keyed) == len(normal) else normal


def _is_nested(value: Json) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)
    )


def _nested(name: str, before: Json, after: Json) -> Iterator[FieldDifference]:
    """Ask deepdiff where two free-form values differ."""
    from deepdiff import DeepDiff

    found = DeepDiff(
        encode(before),
        encode(after),
        view="tree",
        threshold_to_diff_deeper=0,
        ignore_private_variables=False,
    )
    levels = {_path(name, level): level for kind in found.values() for level in map(_leaf, kind)}
    for path in sorted(levels):
        level = levels[path]
        yield FieldDifference(path, _side(level.t1), _side(level.t2))


def _leaf(level: DiffLevel) -> DiffLevel:
    """Return the outermost level that is one value for us: a secret is never taken apart."""
    whole = above = level
    while above.up is not None:
        above = above.up
        if any(isinstance(_side(side), (SecretValue, Deferred)) for side in (above.t1, above.t2)):
            whole = above
    return whole


def _side(value: Json) -> Json:
    from deepdiff.helper import notpresent

    return MISSING if value is notpresent else decode(value)


def _path(name: str, level: DiffLevel) -> str:
    return name + "".join(
        f"[{key}]" if isinstance(key, int) else f".{key}"
        for key in level.path(output_format="list")
    )
