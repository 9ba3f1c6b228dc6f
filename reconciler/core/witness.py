"""What secret references are known to give now, and which of them a wanted value can be had from.

No value comes here: fingerprints and versions only. The engine asks, before a plan is made.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - part of values
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.behaviour import rules_of
from reconciler.core.compare import value_at
from reconciler.core.reference import Reference, Scheme, parse
from reconciler.core.secret import SecretValue, key_of, same_secret, secrets_in, with_secrets
from reconciler.core.wiring import capture_places, captured_output, waits_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.core.resource import Resource
    from reconciler.core.secret import Json
    from reconciler.core.state import Declared, DesiredState, Entry


class Witness(NamedTuple):
    """``known`` is what each reference gives now, ``silent`` why one could not be asked; both by the reference's text.

    ``agreeing`` tells of (address, field) whether a digest that the vendor shows is that of the declared value.
    """

    known: Mapping[str, SecretValue] = {}
    silent: Mapping[str, str] = {}
    agreeing: Mapping[tuple[str, str], bool] = {}


class Scene(NamedTuple):
    """What secrets are settled against: live and base entries by address, and what was declared to be captured where.

    ``captures`` maps a place (``${secret:…}``) to the address and output that are kept there; ``places`` are further
    secrets of which it is known where they are.
    """

    live: Mapping[str, Entry]
    base: Mapping[str, Entry]
    captures: Mapping[str, tuple[str, str]]
    places: tuple[SecretValue, ...] = ()


def scene_of(desired: DesiredState, live: Mapping[str, Entry], base: Mapping[str, Entry]) -> Scene:
    """Return what the secrets of ``desired`` are settled against."""
    return Scene(live, base, capture_places(desired.resources), desired.places)


def asked_for(desired: DesiredState, scene: Scene) -> frozenset[str]:
    """Return the references that a comparison cannot do without."""
    return frozenset(
        text
        for item in desired.resources
        if not item.absent
        for text in _asked_by(item, desired, scene)
    )


def _asked_by(item: Declared, desired: DesiredState, scene: Scene) -> Iterator[str]:
    for path, value in _hidden_values(item, desired):
        before = _base_secret(item, path, scene)
        for secret in secrets_in(value):
            if secret.reference is None or before is None:
                continue
            if before.fingerprint is None and before.version is None:
                continue
            if _holder(secret, scene) is None and same_secret(secret, before) is True:
                continue
            yield from _candidates(secret, scene)
    outputs = _outputs(item.address, scene)
    for name, place in item.capture:
        if name in outputs:
            yield place
            yield from _places_of(outputs[name])
            yield from _elsewhere(outputs[name].fingerprint, scene)


def settle(
    item: Declared,
    desired: DesiredState,
    scene: Scene,
    witness: Witness,
    renewed: frozenset[str],
) -> Declared:
    """Return ``item`` with the secrets that cannot be read back as they can be had: by which reference, or sealed.

    One whose value is known to be nowhere any more keeps its fingerprint, and no way to the value. Of what comes from
    an object that is ``renewed`` (addresses), nothing is known yet.
    """
    hidden = dict(_hidden_values(item, desired))
    if not hidden:
        return item
    settled = {
        name: with_secrets(
            value,
            _forgotten
            if renewed and waits_for(value, scene.captures) & renewed
            else lambda secret: _settled(secret, scene, witness),
        )
        for name, value in hidden.items()
    }
    return item._replace(
        values={**item.values, **settled},
        agreeing={
            name: witness.agreeing[item.address, name]
            for name in hidden
            if (item.address, name) in witness.agreeing
        },
    )


def to_be_kept(item: Declared, scene: Scene, witness: Witness) -> dict[str, SecretValue]:
    """Return the outputs of the live object whose place holds another value, and where the right one can be had.

    An output that can be had nowhere has no reference.
    """
    kept = {}
    outputs = _outputs(item.address, scene)
    for name, place in item.capture:
        right = outputs.get(name)
        there = witness.known.get(place)
        if right is None or there is None or same_secret(right, there) is not False:
            continue
        places = (*_places_of(right), *_elsewhere(right.fingerprint, scene))
        kept[name] = _from(place, right, places, witness)
    return kept


def _forgotten(secret: SecretValue) -> SecretValue:
    return SecretValue(secret.reference)


def _settled(secret: SecretValue, scene: Scene, witness: Witness) -> SecretValue:
    if secret.reference is None:
        return secret
    holder = _holder(secret, scene)
    wanted = holder if holder is not None else secret
    if wanted.fingerprint is None:
        now = witness.known.get(secret.reference)
        return secret if now is None else now._replace(reference=secret.reference)
    target = captured_output(secret.reference, scene.captures)
    own = {place for place, output in scene.captures.items() if output == target}
    wanted = wanted._replace(sealed=secret.sealed)
    found = _from(secret.reference, wanted, _candidates(secret, scene), witness)
    # Where the output has a place, the same plan puts it back there before anybody reads it.
    is_there = bool(own) and found.reference is not None
    return found._replace(reference=secret.reference) if is_there else found


def _from(
    expression: str, wanted: SecretValue, places: Iterable[str], witness: Witness
) -> SecretValue:
    """Return the wanted value by the first of ``places`` that gives it, sealed, or with no way to it at all."""
    asked = [(place, witness.known[place]) for place in places if place in witness.known]
    comparable = [(place, now) for place, now in asked if _comparable(now, wanted)]
    if not comparable:
        return wanted._replace(reference=expression, sealed=None)
    for place, now in comparable:
        if same_secret(now._replace(reference=None), wanted._replace(reference=None)):
            return SecretValue(place, wanted.fingerprint, now.version)
    return SecretValue(None, wanted.fingerprint, wanted.version, wanted.sealed)


def _comparable(one: SecretValue, other: SecretValue) -> bool:
    if one.fingerprint is None or other.fingerprint is None:
        return False
    return key_of(one.fingerprint) == key_of(other.fingerprint)


def _candidates(secret: SecretValue, scene: Scene) -> Iterator[str]:
    """Yield where the value of ``secret`` might be had, the likeliest first."""
    holder = _holder(secret, scene)
    if holder is not None:
        yield from _places_of(holder)
    elif secret.reference is not None:
        if not _is_wired(secret.reference):
            yield from _places_of(secret)
        yield from _elsewhere(secret.fingerprint, scene)


def _places_of(secret: SecretValue) -> Iterator[str]:
    if secret.reference is not None:
        yield secret.reference
    pinned = _pinned(secret)
    if pinned is not None:
        yield pinned


def _pinned(secret: SecretValue) -> str | None:
    """Return the reference to just the version that ``secret`` had; ``None`` where it names one or has none."""
    if secret.reference is None or secret.version is None:
        return None
    parts = parse(secret.reference)
    part = parts[0] if len(parts) == 1 else None
    if not isinstance(part, Reference) or part.scheme is not Scheme.SECRET:
        return None
    name = part.secret
    return None if name.version else f"${{secret:{name._replace(version=secret.version)}}}"


def _elsewhere(fingerprint: str | None, scene: Scene) -> Iterator[str]:
    """Yield the references under which the same value is known to be."""
    if fingerprint is None:
        return
    entries = [*scene.base.values(), *scene.live.values()]
    everywhere = chain(
        scene.places,
        *(chain(secrets_in(one.values), secrets_in(one.outputs)) for one in entries),
    )
    for known in everywhere:
        if known.fingerprint == fingerprint:
            yield from (one for one in _places_of(known) if not _is_wired(one))


def _holder(secret: SecretValue, scene: Scene) -> SecretValue | None:
    """Return what is known of the output that ``secret`` is: of the object that lives now, not of an earlier one."""
    if secret.reference is None:
        return None
    target = captured_output(secret.reference, scene.captures)
    return None if target is None else _outputs(target[0], scene).get(target[1])


def _outputs(address: str, scene: Scene) -> Mapping[str, SecretValue]:
    entry = scene.live.get(address)
    outputs = entry.outputs if entry is not None else {}
    return {name: one for name, one in outputs.items() if isinstance(one, SecretValue)}


def _is_wired(text: str) -> bool:
    return "${ref:" in text


def _hidden_values(item: Declared, desired: DesiredState) -> Iterator[tuple[str, Json]]:
    for name in _hidden_fields(desired.models[item.kind]):
        if name in item.values:
            yield name, item.values[name]


@cache
def _hidden_fields(model: type[Resource]) -> tuple[str, ...]:
    return tuple(rule.name for rule in rules_of(model) if rule.write_only is not None)


def _base_secret(item: Declared, path: str, scene: Scene) -> SecretValue | None:
    entry = scene.base.get(item.address)
    value = value_at(entry.values, path) if entry is not None else None
    return value if isinstance(value, SecretValue) else None
