"""How resources refer to each other: ``${ref:address#field}``, known now or only after apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.reference import Reference, Scheme, parse, references
from reconciler.core.secret import Deferred, Json, SecretValue, is_settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.state import Declared, Entry


def capture_places(resources: Iterable[Declared]) -> dict[str, tuple[str, str]]:
    """Return which output of which address is kept at each place (``${secret:…}``)."""
    return {
        place: (item.address, name)
        for item in resources
        if not item.absent
        for name, place in item.capture
    }


def captured_output(text: str, captures: Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    """Return (address, output) when ``text`` is an output and nothing else: by ``${ref:…}``, or by its place."""
    if text in captures:
        return captures[text]
    parts = parse(text)
    part = parts[0] if len(parts) == 1 else None
    if isinstance(part, Reference) and part.scheme is Scheme.REF:
        return part.target.address, part.target.field
    return None


def with_captures(resources: Iterable[Declared]) -> tuple[Declared, ...]:
    """Return ``resources`` where each refers to those whose output is kept at a place that it reads."""
    declared = tuple(resources)
    places = capture_places(declared)
    if not places:
        return declared
    return tuple(
        item._replace(refers=(*item.refers, *sorted(found)))
        if (found := _reads(item, places) - set(item.refers))
        else item
        for item in declared
    )


def _reads(item: Declared, places: Mapping[str, tuple[str, str]]) -> set[tuple[str, str]]:
    return {
        places[str(reference)]
        for value in item.values.values()
        for text in _expressions(value)
        for reference in references(text)
        if str(reference) in places and places[str(reference)][0] != item.address
    }


def needs(item: Declared) -> tuple[str, ...]:
    """Return the addresses that must be settled before ``item``: declared, or referred to."""
    if not item.depends_on and not item.refers:
        return ()
    return tuple(sorted({*item.depends_on, *(address for address, _ in item.refers)}))


def referred(values: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    """Return (address, field) of every ``${ref:…}`` in ``values``."""
    return tuple(
        (reference.target.address, reference.target.field)
        for value in values.values()
        for text in _expressions(value)
        for reference in references(text)
        if reference.scheme is Scheme.REF
    )


def waits_for(value: Json, captures: Mapping[str, tuple[str, str]]) -> frozenset[str]:
    """Return the addresses that ``value`` refers to, also by the places in ``captures``."""
    return frozenset(
        reference.target.address if reference.scheme is Scheme.REF else captures[str(reference)][0]
        for text in _expressions(value)
        for reference in references(text)
        if reference.scheme is Scheme.REF or str(reference) in captures
    )


def resolve_known(
    item: Declared,
    live: Mapping[str, Entry],
    declared: Mapping[str, Declared],
    renewed: frozenset[str],
) -> Declared:
    """Return ``item`` with every reference filled in whose value is known before apply.

    The id and computed fields of an object that this plan makes anew stay Deferred.
    """

    def fill(value: Json) -> Json:
        match value:
            case Deferred(expression=text):
                return _filled(text, live, declared, renewed)
            case dict():
                return {key: fill(inner) for key, inner in value.items()}
            case list():
                return [fill(inner) for inner in value]
            case _:
                return value

    return item._replace(values={name: fill(value) for name, value in item.values.items()})


def _filled(
    text: str,
    live: Mapping[str, Entry],
    declared: Mapping[str, Declared],
    renewed: frozenset[str],
) -> Json:
    filled: list[Json] = []
    for part in parse(text):
        if isinstance(part, str):
            filled.append(part)
            continue
        value = _value(part, live, declared, renewed)
        if value is None or not is_settled(value):
            return Deferred(text)
        filled.append(value)
    return filled[0] if len(filled) == 1 else "".join(map(str, filled))


def _value(
    reference: Reference,
    live: Mapping[str, Entry],
    declared: Mapping[str, Declared],
    renewed: frozenset[str],
) -> Json:
    address, field = reference.target
    wanted = declared.get(address)
    if wanted is not None and field in wanted.values:
        return wanted.values[field]
    entry = live.get(address)
    if entry is None or address in renewed:
        return None
    if field == "id":
        return entry.remote_id
    return entry.values.get(field, entry.evidence.get(field))


def _expressions(value: Json) -> Iterator[str]:
    match value:
        case Deferred(expression=text) | SecretValue(reference=str(text)):
            yield text
        case dict():
            for inner in value.values():
                yield from _expressions(inner)
        case list():
            for inner in value:
                yield from _expressions(inner)
        case _:
            return
