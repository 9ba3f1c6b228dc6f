"""What must agree across vendors: copies of one secret, addresses and what serves them, modes of keys. Pure.

Looks at one state: the live one, or what it is to become. Says what disagrees, naming both places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping  # noqa: TC003 - part of values
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from reconciler.core.change import Action
from reconciler.core.compare import MISSING, value_at
from reconciler.core.finding import Finding, Weight
from reconciler.core.hosts import host_of, is_near
from reconciler.core.identity import rotated_from
from reconciler.core.record import Record
from reconciler.core.reference import references
from reconciler.core.secret import SecretValue, same_secret, secrets_in
from reconciler.core.wiring import capture_places, captured_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.core.change import Change
    from reconciler.core.resource import Resource
    from reconciler.core.secret import Json
    from reconciler.core.state import Account, DesiredState, Snapshot

FieldOf = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+/[A-Za-z0-9][\w.-]*#[\w.-]+$")
]
"""``kind/name#field``, or ``#output``."""


class Served(Record):
    """An address that must lead to something that is deployed."""

    url: FieldOf = Field(examples=["stripe.webhook_endpoint/payments#url"])
    by: str = Field(
        pattern=r"^[a-z0-9_]+\.[a-z0-9_]+/[A-Za-z0-9][\w.-]*$",
        examples=["vercel.production_deployment/shop"],
    )


class Invariant(Record):
    """One thing that must hold between resources: a name, and one of the rest."""

    name: str = Field(min_length=1, max_length=200)
    same_secret: Annotated[tuple[FieldOf, ...], Field(min_length=2)] | SkipJsonSchema[None] = Field(
        default=None, description="secret fields or captured outputs that must have one value"
    )
    equal: Annotated[tuple[FieldOf, ...], Field(min_length=2)] | SkipJsonSchema[None] = Field(
        default=None, description="readable fields that must have one value"
    )
    served: Served | SkipJsonSchema[None] = Field(
        default=None, description="an address, and the resource whose hosts must serve it"
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if sum(one is not None for one in (self.same_secret, self.equal, self.served)) != 1:
            raise ValueError("an invariant has exactly one of same_secret, equal, served")
        return self


class Thing(NamedTuple):
    """One managed object in the state that is looked at. ``place`` is ``file:line`` of its declaration."""

    kind: str
    values: Mapping[str, Json]
    evidence: Mapping[str, Json] = {}
    outputs: Mapping[str, Json] = {}
    place: str | None = None


class Sight(NamedTuple):
    """The state that is looked at.

    ``things`` are by address; ``captures`` maps places of captured outputs to (address, output). ``modes`` tells by
    vendor of which mode a key is, ``None`` for a text that is no key of that vendor.
    """

    things: Mapping[str, Thing]
    captures: Mapping[str, tuple[str, str]]
    accounts: tuple[Account, ...]
    models: Mapping[str, type[Resource]]
    modes: Mapping[str, Callable[[str], str | None]]


class Rules(NamedTuple):
    """What is looked for: the declared invariants, and how each vendor's keys tell their mode."""

    invariants: tuple[Invariant, ...] = ()
    modes: Mapping[str, Callable[[str], str | None]] = {}


def sight_of(
    snapshot: Snapshot,
    desired: DesiredState,
    rules: Rules,
    changes: Iterable[Change] = (),
) -> Sight:
    """Return what ``snapshot`` is once ``changes`` are made. What is captured where, and places, ``desired`` says.

    Objects of which nothing could be said are left out: there may be 100,000 of them.
    """
    matters = _relevance(desired, rules)
    things = {
        entry.address: Thing(entry.kind, entry.values, entry.evidence, entry.outputs)
        for entry in snapshot.entries
        if entry.address is not None
        and rotated_from(entry.address) == entry.address
        and matters(entry.address, entry.kind, entry.values)
    }
    for change in changes:
        if change.action is Action.MANUAL:
            continue  # a person may make it; the plan does not
        before = things.pop(change.address, None)
        if change.action is Action.DELETE:
            continue
        if before is None and not matters(change.address, change.kind, change.values):
            continue
        is_new = change.action in {Action.CREATE, Action.REPLACE}
        things[change.address] = Thing(
            change.kind,
            _values_after(change, before.values if before is not None else {}),
            before.evidence if before is not None else {},
            {} if is_new or before is None else before.outputs,
        )
    for item in desired.resources:
        if item.address in things:
            things[item.address] = things[item.address]._replace(place=item.place)
    captures = capture_places(desired.resources)
    return Sight(things, captures, snapshot.header.accounts, desired.models, rules.modes)


def _relevance(
    desired: DesiredState, rules: Rules
) -> Callable[[str, str, Mapping[str, Json]], bool]:
    """Return a function that tells of an address, its kind and its values whether anything could be said of it."""
    named = {
        field.partition("#")[0]
        for one in rules.invariants
        for field in (*(one.same_secret or ()), *(one.equal or ()), *_of_served(one.served))
    }
    tellers = tuple(rules.modes.values())

    def matters(address: str, kind: str, values: Mapping[str, Json]) -> bool:
        model = desired.models.get(kind)
        if model is None:
            return False
        if address in named or model.outputs or model.called_at or model.serves:
            return True
        return any(
            any(tell(value) is not None for tell in tellers)
            if isinstance(value, str)
            else next(secrets_in(value), None) is not None
            for value in values.values()
        )

    return matters


def _of_served(served: Served | None) -> tuple[str, ...]:
    return () if served is None else (served.url, served.by)


def _values_after(change: Change, before: Mapping[str, Json]) -> dict[str, Json]:
    values = {**before, **change.values}
    for field in change.field_changes:
        name, dot, key = field.field.partition(".")
        if not dot:
            values[name] = field.after
        elif not change.values:
            inner = {one: value for one, value in (values.get(name) or {}).items() if one != key}
            values[name] = inner if field.removed else {**inner, key: field.after}
    return values


def disagreements(sight: Sight, invariants: Iterable[Invariant]) -> Iterator[Finding]:
    """Yield what does not hold, built in or declared."""
    yield from _copies(sight)
    yield from _wired(sight)
    yield from _unserved(sight)
    yield from _modes(sight)
    for one in invariants:
        yield from _declared(sight, one)


def _finding(rule: str, message: str, address: str, remedy: str = "") -> Finding:
    return Finding(
        weight=Weight.WARNING, rule=rule, message=message, address=address, remedy=remedy
    )


def _named(sight: Sight, what: str) -> str:
    """Return an address (perhaps with a field) with the place of its declaration."""
    thing = sight.things.get(what.partition("#")[0])
    return f"{what} ({thing.place})" if thing is not None and thing.place else what


def _copies(sight: Sight) -> Iterator[Finding]:
    """Every copy of one secret must be the same version of it."""
    by_reference: dict[str, list[tuple[str, SecretValue]]] = {}
    for address, name, secret in _secrets(sight):
        if secret.reference is not None and secret.reference not in sight.captures:
            by_reference.setdefault(secret.reference, []).append((f"{address}#{name}", secret))
    for reference, copies in by_reference.items():
        for (one, first), (other, second) in combinations(copies, 2):
            if same_secret(first, second) is False:
                yield _finding(
                    "same_version",
                    f"holds another value of {reference} than {_named(sight, other)}"
                    f"{_versions(first, second)}",
                    one,
                    "plan and apply: both get the value that the reference gives now",
                )
                break


def _versions(first: SecretValue, second: SecretValue) -> str:
    if first.version is None or second.version is None:
        return ""
    return f": version {first.version} here, {second.version} there"


def _wired(sight: Sight) -> Iterator[Finding]:
    """A consumer of an output must hold that of the object which is there now."""
    for address, name, secret in _secrets(sight):
        target = (
            captured_output(secret.reference, sight.captures)
            if secret.reference is not None
            else None
        )
        thing = sight.things.get(target[0]) if target is not None else None
        output = thing.outputs.get(target[1]) if thing is not None and target is not None else None
        if target is None or not isinstance(output, SecretValue):
            continue
        if same_secret(secret._replace(reference=None), output._replace(reference=None)) is False:
            yield _finding(
                "same_secret",
                f"holds another value than the {target[1]} of {_named(sight, target[0])}",
                f"{address}#{name}",
                "plan and apply: it gets the one that is stored",
            )


def _unserved(sight: Sight) -> Iterator[Finding]:
    """An address on a domain that is deployed here must be one of those that the deployment serves."""
    served = {
        address: _hosts(thing.evidence.get(field))
        for address, thing in sight.things.items()
        if (field := sight.models[thing.kind].serves) is not None
    }
    for address, thing in sight.things.items():
        field = sight.models[thing.kind].called_at
        host = host_of(thing.values.get(field)) if field is not None else None
        if host is None or any(host in hosts for hosts in served.values()):
            continue
        near = next((a for a, hosts in served.items() if is_near(host, hosts)), None)
        if near is not None:
            yield _finding(
                "served",
                f"leads to {host}, which {_named(sight, near)} does not serve",
                f"{address}#{field}",
                f"it serves {', '.join(sorted(served[near]))}",
            )


def _hosts(shown: Json) -> frozenset[str]:
    return frozenset(str(host).casefold() for host in shown or ())


_KEY = re.compile(r"[A-Za-z0-9_]{8,}\Z")


def _modes(sight: Sight) -> Iterator[Finding]:
    """A key that can be read must be of the mode of the account that is managed here."""
    accounts = {account.vendor: account.mode for account in sight.accounts if account.mode}
    for address, thing in sight.things.items():
        for name, value in thing.values.items():
            if not isinstance(value, str) or not _KEY.match(value):
                continue
            for vendor, mode in accounts.items():
                found = sight.modes[vendor](value) if vendor in sight.modes else None
                if found is not None and found != mode:
                    yield _finding(
                        "mode",
                        f"is a {vendor} key of {found} mode; the {vendor} account of this environment is"
                        f" in {mode} mode (providers.{vendor})",
                        f"{address}#{name}",
                    )


def _declared(sight: Sight, one: Invariant) -> Iterator[Finding]:
    if one.served is not None:
        yield from _not_served(sight, one, one.served)
        return
    fields = one.same_secret or one.equal or ()
    found = [(field, _value(sight, field)) for field in fields]
    for field, value in found:
        if value is MISSING:
            yield _finding("invariant", f"{one.name}: nothing is known of it", field)
            return
    first, value = found[0]
    for other, against in found[1:]:
        agree = _agree(value, against, secret=one.same_secret is not None)
        if agree is None:
            yield _finding(
                "invariant",
                f"{one.name}: whether it is the same as {_named(sight, other)} cannot be told",
                first,
                "apply once with a fingerprint key: what is applied from then on can be compared",
            )
        elif not agree:
            yield _finding("invariant", f"{one.name}: it is not as {_named(sight, other)}", first)


def _not_served(sight: Sight, one: Invariant, served: Served) -> Iterator[Finding]:
    thing = sight.things.get(served.by)
    field = sight.models[thing.kind].serves if thing is not None else None
    host = host_of(_value(sight, served.url))
    hosts = _hosts(thing.evidence.get(field) if thing is not None and field is not None else None)
    if host not in hosts:
        yield _finding(
            "invariant",
            f"{one.name}: {host or 'no address'} is not served by {_named(sight, served.by)}",
            served.url,
            f"it serves {', '.join(sorted(hosts)) or 'nothing that is known'}",
        )


def _agree(one: Json, other: Json, *, secret: bool) -> bool | None:
    known = [isinstance(value, SecretValue) for value in (one, other)]
    if not secret and not any(known):
        return bool(one == other)
    if not all(known):
        return None
    return same_secret(one._replace(reference=None), other._replace(reference=None))


def _value(sight: Sight, what: str) -> Json:
    address, _, field = what.partition("#")
    thing = sight.things.get(address)
    if thing is None:
        return MISSING
    return thing.outputs.get(field, value_at(thing.values, field))


def _secrets(sight: Sight) -> Iterator[tuple[str, str, SecretValue]]:
    for address, thing in sight.things.items():
        for name, value in thing.values.items():
            for secret in secrets_in(value):
                if secret.reference is None or references(secret.reference):
                    yield address, name, secret
