"""The one diff function: a declared resource against a live object, field by field.

Plan, apply, drift and verify all come through here. Nothing here decides what to do about a difference.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.behaviour import FieldRule, defaults_of, rules_of
from reconciler.core.change import FieldChange, Origin, Precondition
from reconciler.core.digest import digest
from reconciler.core.secret import Deferred, Json, SecretValue, is_of_other_key, same_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.resource import Resource
    from reconciler.core.state import Declared, Entry, Observed


class Comparison(NamedTuple):
    """The differing fields, those about which nothing can be said, and remarks."""

    changes: tuple[FieldChange, ...] = ()
    unverifiable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _Sides(NamedTuple):
    """The three sides of a comparison, and the defaults that stand in for absent fields."""

    declared: Declared
    live: Entry | Observed
    base: Entry | None
    defaults: Mapping[str, Json]

    @property
    def owned(self) -> tuple[str, ...]:
        """Return the paths that were declared before, and go back to their defaults when they are not now."""
        return () if self.base is None or self.declared.is_partial else self.base.owned

    def base_value(self, path: str) -> Json:
        return MISSING if self.base is None else value_at(self.base.values, path)

    def origin(self, path: str, rule: FieldRule) -> Origin:
        """A live value that left its base is drift; one that stayed means the declaration moved."""
        base = self.base_value(path)
        if base is MISSING:
            base = self.defaults.get(path, MISSING) if self.base is not None else MISSING
        if base is MISSING:
            return Origin.INTENT
        live = value_at(self.live.values, path)
        if live is MISSING:
            live = self.defaults.get(path)
        moved = rule.normal(live) != rule.normal(base)
        return Origin.DRIFT if moved else Origin.INTENT


class _Missing:
    """The value of a field that is not there; different from ``None``."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


def compare(
    model: type[Resource], declared: Declared, live: Entry | Observed, base: Entry | None
) -> Comparison:
    """List the fields of ``live`` that must change to match ``declared``.

    ``base`` is the entry of the last known good or applied state; it decides drift or intent, and is all that is
    known of fields which the vendor never returns.
    """
    sides = _Sides(declared, live, base, defaults_of(model))
    changes: list[FieldChange] = []
    unverifiable: list[str] = []
    notes: list[str] = []
    for rule in rules_of(model):
        if rule.computed:
            continue
        if rule.name not in declared.values:
            changes += _undeclared(rule, sides, reveals=_reveals(model, rule, sides))
        elif _is_hidden(rule, sides):
            found = _write_only(rule, sides)
            changes += found.changes
            unverifiable += found.unverifiable
            notes += found.notes
        elif rule.merged:
            changes += _merged(rule, sides)
        else:
            changes += _readable(rule, sides, declared.values[rule.name])
    return Comparison(tuple(changes), tuple(unverifiable), tuple(notes))


def owned_paths(model: type[Resource], declared: Declared) -> tuple[str, ...]:
    """Return the field paths that ``declared`` writes; each key of a merged mapping is a path of its own."""
    merged = merged_fields(model)
    paths: list[str] = []
    for name, value in declared.values.items():
        if name in merged and isinstance(value, dict):
            paths += (f"{name}.{key}" for key in value)
        else:
            paths.append(name)
    return _one_object(tuple(paths))


@cache
def merged_fields(model: type[Resource]) -> frozenset[str]:
    """Return the names of the merged mappings of ``model``."""
    return frozenset(rule.name for rule in rules_of(model) if rule.merged)


@lru_cache(maxsize=1024)
def _one_object(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first tuple that was equal: most resources of a kind declare the same fields."""
    return paths


def value_at(values: Mapping[str, Json], path: str) -> Json:
    """Return the value at a field path, or MISSING."""
    if path in values:
        return values[path]
    name, dot, key = path.partition(".")
    inner = values.get(name) if dot else None
    return inner.get(key, MISSING) if isinstance(inner, dict) else MISSING


def precondition(
    model: type[Resource], live: Entry, changes: Iterable[FieldChange]
) -> Precondition:
    """Return what an update of ``live`` relies on: the fields it changes, and its natural key."""
    rules = {rule.name: rule for rule in rules_of(model)}
    relied = {change.field for change in changes} | {
        rule.name for rule in rules.values() if rule.key
    }
    touched = {path.partition(".")[0] for path in relied}
    others = {
        name
        for name in live.values
        if name in rules and name not in touched and _can_be_seen(rules[name])
    }
    return Precondition(
        fields={path: _field_digest(rules, live, path) for path in sorted(relied)},
        others={name: _field_digest(rules, live, name) for name in sorted(others)},
        etag=live.etag,
    )


def _can_be_seen(rule: FieldRule) -> bool:
    """Tell whether a read says anything of the field: its value, or a signal that it was written."""
    hidden = rule.write_only
    return hidden is None or hidden.signal is not None or hidden.unless is not None


def moved_fields(model: type[Resource], relied: Mapping[str, str], live: Entry) -> tuple[str, ...]:
    """Return the names of the fields in ``relied`` (path to digest) that are no longer what they were."""
    rules = {rule.name: rule for rule in rules_of(model)}
    return tuple(
        path for path, expected in relied.items() if _field_digest(rules, live, path) != expected
    )


def _field_digest(rules: Mapping[str, FieldRule], live: Entry, path: str) -> str:
    rule = rules[path.partition(".")[0]]
    value = value_at(live.values, path)
    if value is MISSING:
        value = rule.default if "." not in path else None
    signal = rule.write_only.signal if rule.write_only is not None else None
    if signal is not None:
        return digest([live.evidence.get(signal)])
    return digest(rule.normal(value))


def _is_hidden(rule: FieldRule, sides: _Sides) -> bool:
    """Tell whether the live value cannot be read, now or once it is as declared.

    A live value that can be read differs from a declared one that cannot: it is compared like any other.
    """
    return rule.is_write_only(sides.declared.values, sides.defaults) and rule.is_write_only(
        sides.live.values, sides.defaults
    )


def _reveals(model: type[Resource], rule: FieldRule, sides: _Sides) -> bool:
    """Tell whether the live object, by its value of this field, would show a secret that is declared for another."""
    shown = (rule.name, sides.live.values.get(rule.name))
    return any(
        other.secret is not None
        and other.secret.unless == shown
        and isinstance(sides.declared.values.get(other.name), SecretValue)
        for other in rules_of(model)
    )


def _undeclared(rule: FieldRule, sides: _Sides, *, reveals: bool) -> Iterator[FieldChange]:
    """A field once applied and then taken out of the file goes back to the kind's default."""
    if rule.required or rule.write_only is not None:
        return
    if rule.merged:
        yield from _keys_taken_out(rule, sides, kept={})
        return
    was_ours = rule.name in sides.owned
    if sides.declared.owns_all or was_ours or reveals:
        note = "" if sides.declared.owns_all else "no longer in the file: back to the default"
        if reveals:
            note = "the secret that is declared would be shown"
        yield from _readable(rule, sides, rule.default, note=note)


def _readable(
    rule: FieldRule, sides: _Sides, after: Json, *, note: str = ""
) -> Iterator[FieldChange]:
    before = sides.live.values.get(rule.name, rule.default)
    if rule.normal(before) == rule.normal(after):
        return
    fixed = rule.immutable is not None and not (
        rule.immutable.allows is not None and rule.immutable.allows(before, after)
    )
    yield FieldChange(
        field=rule.name,
        before=before,
        after=after,
        origin=sides.origin(rule.name, rule),
        forces_replacement=fixed,
        note=rule.immutable.why if fixed and rule.immutable else note,
    )


def _write_only(rule: FieldRule, sides: _Sides) -> Comparison:
    """Compare by what was last applied, and by the vendor's signal that the object was written since."""
    after = sides.declared.values[rule.name]
    base = sides.base_value(rule.name)
    if rule.name in sides.declared.agreeing:
        return _by_digest(rule, base, after, agrees=sides.declared.agreeing[rule.name])
    if base is MISSING or (isinstance(base, SecretValue) and not _is_known(base)):
        return Comparison(unverifiable=(rule.name,))
    signal = rule.write_only.signal if rule.write_only is not None else None
    was_written = signal is not None and _has_moved(sides, signal)
    if _differ(base, after):
        return _declared_otherwise(rule, SecretValue(None) if was_written else base, after)
    notes = _not_comparable(rule, base, after)
    if signal is None or sides.base is None:
        return Comparison(unverifiable=(rule.name,), notes=notes)
    return Comparison((_written_outside(rule, after),) if was_written else (), notes=notes)


def _has_moved(sides: _Sides, signal: str) -> bool:
    """Tell whether the vendor's signal says that the object was written since it was applied."""
    then = sides.base.evidence.get(signal) if sides.base is not None else None
    return then is not None and then != sides.live.evidence.get(signal)


def _declared_otherwise(rule: FieldRule, base: Json, after: Json) -> Comparison:
    if rule.immutable is not None:
        text = f"{rule.name} differs from what was applied, but is {rule.immutable.why} and cannot be read"
        return Comparison(unverifiable=(rule.name,), notes=(text,))
    note = _why_other(base, after)
    change = FieldChange(field=rule.name, before=base, after=after, origin=Origin.INTENT, note=note)
    return Comparison((change,))


def _by_digest(rule: FieldRule, base: Json, after: Json, *, agrees: bool) -> Comparison:
    """The vendor shows a digest of the value: that says more than anything that was applied."""
    if agrees:
        return Comparison()
    if base is not MISSING and _differ(base, after):
        return _declared_otherwise(rule, base, after)
    return Comparison((_written_outside(rule, after),))


def _not_comparable(rule: FieldRule, base: Json, after: Json) -> tuple[str, ...]:
    """Say that nothing can be said of a secret that another key was used for, instead of nothing at all."""
    if not is_of_other_key(base, after):
        return ()
    text = f"{rule.name} is not compared with what was applied: its fingerprint was made with another key"
    return (f"{text} (secrets.fingerprint_key in environment.yaml)",)


def _written_outside(rule: FieldRule, after: Json) -> FieldChange:
    hidden = SecretValue(None) if isinstance(after, SecretValue) else None
    note = "written outside since; the value cannot be read, so it is set again"
    return FieldChange(field=rule.name, before=hidden, after=after, origin=Origin.DRIFT, note=note)


def _is_known(secret: SecretValue) -> bool:
    return secret.reference is not None or secret.fingerprint is not None


def _differ(base: Json, after: Json) -> bool:
    """Tell whether what was applied is another value than what is wanted: by fingerprint, else by reference."""
    match base, after:
        case SecretValue(), SecretValue():
            same = same_secret(base, after)
            return base.reference != after.reference if same is None else not same
        case dict(), dict():
            return base.keys() != after.keys() or any(
                _differ(base[key], after[key]) for key in base
            )
        case list(), list():
            return len(base) != len(after) or any(map(_differ, base, after))
        case _:
            return bool(base != after)


def _why_other(base: Json, after: Json) -> str:
    """Say why a secret is set although its reference is the one that was applied."""
    if not (isinstance(base, SecretValue) and isinstance(after, SecretValue)):
        return ""
    if base.reference != after.reference:
        return ""
    if base.version is not None and after.version is not None:
        return f"version {after.version} now, and {base.version} was applied"
    return "the value behind the reference is another than the one that was applied"


def _merged(rule: FieldRule, sides: _Sides) -> Iterator[FieldChange]:
    declared = sides.declared.values[rule.name] or {}
    if isinstance(declared, Deferred):
        return
    live = sides.live.values.get(rule.name) or {}
    for key, after in declared.items():
        before = live.get(key)
        if before != after:
            path = f"{rule.name}.{key}"
            yield FieldChange(
                field=path, before=before, after=after, origin=_key_origin(sides, path, before)
            )
    yield from _keys_taken_out(rule, sides, kept=declared)


def _keys_taken_out(
    rule: FieldRule, sides: _Sides, *, kept: Mapping[str, Json]
) -> Iterator[FieldChange]:
    if rule.keeps_keys:
        return
    for key, before in (sides.live.values.get(rule.name) or {}).items():
        path = f"{rule.name}.{key}"
        unwanted = sides.declared.owns_all or path in sides.declared.removed
        if key in kept or not (unwanted or path in sides.owned):
            continue
        note = "" if unwanted else "no longer in the file"
        yield FieldChange(
            field=path,
            before=before,
            after=None,
            removed=True,
            origin=_key_origin(sides, path, before),
            note=note,
        )


def _key_origin(sides: _Sides, path: str, before: Json) -> Origin:
    if sides.base is None:
        return Origin.INTENT
    base = sides.base_value(path)
    return Origin.DRIFT if (None if base is MISSING else base) != before else Origin.INTENT
