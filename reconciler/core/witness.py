"""What secret references are known to give now, and which of them a wanted value can be had from.

No value comes here: fingerprints and versions only. The engine asks, before a plan is made.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - part of values
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.behaviour import rules_of
from reconciler.core.reference import Reference, Scheme, escape, parse, references
from reconciler.core.secret import SecretValue, same_secret, secrets_in, with_secrets
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
    absent: frozenset[str] = frozenset()
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
    before, live = scene.base.get(item.address), scene.live.get(item.address)
    for name, value in _hidden_values(item, desired):
        applied = dict(_placed(before.values.get(name), name)) if before is not None else {}
        there = dict(_placed(live.values.get(name), name)) if live is not None else {}
        is_shown = live is not None and name in live.digests
        for path, secret in _placed(value, name):
            if secret.fingerprint is None or _holder(secret, scene) is not None:
                is_asked = _is_known(applied.get(path))
            else:
                is_asked = is_shown or not _is_there(secret, there.get(path))
            if is_asked and secret.reference is not None:
                yield from _candidates(secret, scene)
    outputs = _outputs(item.address, scene)
    for name, place in item.capture:
        if name in outputs:
            yield place
            yield from _places_of(outputs[name])
            yield from _elsewhere(outputs[name].fingerprint, scene)


def _is_known(applied: SecretValue | None) -> bool:
    """Tell whether there is something to compare with."""
    return applied is not None and (applied.fingerprint or applied.version) is not None


def _is_there(wanted: SecretValue, there: SecretValue | None) -> bool:
    """Tell whether the live value is known to be the wanted one: then nobody needs to give it."""
    return there is not None and same_secret(wanted, there) is True


def _placed(value: Json, place: str) -> Iterator[tuple[str, SecretValue]]:
    """Yield every secret in ``value`` with the path to it."""
    match value:
        case SecretValue():
            yield place, value
        case dict():
            for key, inner in value.items():
                yield from _placed(inner, f"{place}.{key}")
        case list():
            for number, inner in enumerate(value):
                yield from _placed(inner, f"{place}.{number}")
        case _:
            return


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
            name: agrees
            for name, value in hidden.items()
            if (agrees := _agrees(value, witness.agreeing.get((item.address, name)), witness))
            is not None
        },
    )


def _agrees(wanted: Json, told: bool | None, witness: Witness) -> bool | None:
    """Tell whether the live value is the ``wanted`` one; ``told`` is whether it is what the reference gives now."""
    if told is None or not isinstance(wanted, SecretValue) or wanted.fingerprint is None:
        return told
    now = witness.known.get(wanted.reference or "")
    match _same_value(now, wanted) if now is not None else None:
        case True:
            return told
        case False if told:
            return False
        case _:
            return None


def to_be_kept(item: Declared, scene: Scene, witness: Witness) -> dict[str, SecretValue]:
    """Return the outputs of the live object whose place holds another value, and where the right one can be had.

    An output that can be had nowhere has no reference.
    """
    kept = {}
    outputs = _outputs(item.address, scene)
    for name, place in item.capture:
        right = outputs.get(name)
        there = witness.known.get(place)
        is_other = there is not None and right is not None and same_secret(right, there) is False
        if right is None or not (is_other or place in witness.absent):
            continue
        # Its place is known to give another value: where nothing else is known, it can be had nowhere.
        places = (*_places_of(right), *_elsewhere(right.fingerprint, scene), place)
        kept[name] = _from(place, right, places, witness)
    return kept


def _forgotten(secret: SecretValue) -> SecretValue:
    return SecretValue(secret.reference)


def _settled(secret: SecretValue, scene: Scene, witness: Witness) -> SecretValue:
    if secret.reference is None:
        return secret
    holder = _holder(secret, scene)
    wanted = holder if holder is not None else secret
    unwired = _unwired(secret.reference, scene)
    if unwired is not None and not _is_as_live(secret.reference, scene, witness):
        return secret  # what it gives is put right by this very plan: nothing can be said of it yet
    if wanted.fingerprint is None:
        now = witness.known.get(unwired or secret.reference)
        return secret if now is None else now._replace(reference=secret.reference)
    target = captured_output(secret.reference, scene.captures)
    is_dangling = target is not None and holder is None and target[0] not in scene.live
    if is_dangling and _is_wired(
        secret.reference
    ):  # nobody is there to give it, and nobody is made
        return SecretValue(None, wanted.fingerprint, wanted.version, secret.sealed)
    own = {place for place, output in scene.captures.items() if output == target}
    wanted = wanted._replace(sealed=secret.sealed)
    found = _from(secret.reference, wanted, _candidates(secret, scene), witness)
    # Where the output has a place, the same plan puts it back there before anybody reads it.
    is_there = found.reference is not None and (bool(own) or found.reference == unwired)
    return found._replace(reference=secret.reference) if is_there else found


def _from(
    expression: str, wanted: SecretValue, places: Iterable[str], witness: Witness
) -> SecretValue:
    """Return the wanted value by the first of ``places`` that gives it, sealed, or with no way to it at all."""
    own = frozenset(_places_of(wanted))
    listed = tuple(places)
    asked = [(place, witness.known[place]) for place in listed if place in witness.known]
    told = [(now, _gives(now, wanted, is_own=place in own)) for place, now in asked]
    is_absent = any(place in witness.absent for place in listed)
    if not is_absent and all(gives is None for _, gives in told):
        return wanted._replace(reference=expression, sealed=None)
    right = next((now for now, gives in told if gives), None)
    if right is not None:
        return right._replace(sealed=None)
    return SecretValue(None, wanted.fingerprint, wanted.version, wanted.sealed)


def _gives(now: SecretValue, wanted: SecretValue, *, is_own: bool) -> bool | None:
    """Tell whether ``now`` is the wanted value: by fingerprint; at its own place else by version."""
    same = _same_value(now, wanted)
    if same is not None or not is_own or now.version is None or wanted.version is None:
        return same
    return now.version == wanted.version


def _same_value(one: SecretValue, other: SecretValue) -> bool | None:
    """Compare by fingerprint alone: versions of different places say nothing of each other."""
    return same_secret(one._replace(reference=None), other._replace(reference=None))


def _candidates(secret: SecretValue, scene: Scene) -> Iterator[str]:
    """Yield where the value of ``secret`` might be had, the likeliest first."""
    holder = _holder(secret, scene)
    if holder is not None:
        yield from _places_of(holder)
        yield from _elsewhere(holder.fingerprint, scene)
    elif secret.reference is not None:
        if not _is_wired(secret.reference):
            yield from _places_of(secret)
        elif (unwired := _unwired(secret.reference, scene)) is not None:
            yield unwired
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


def _unwired(text: str, scene: Scene) -> str | None:
    """Return a longer ``text`` with places instead of the outputs in it; ``None`` without any, or without a place."""
    parts = parse(text)
    if len(parts) == 1 or not _is_wired(text):
        return None
    places = {output: place for place, output in scene.captures.items()}
    whole = ""
    for part in parts:
        if isinstance(part, str):
            whole += escape(part)
        elif part.scheme is not Scheme.REF:
            whole += str(part)
        elif part.target in places:
            whole += places[part.target]
        else:
            return None
    return whole


def _is_as_live(text: str, scene: Scene, witness: Witness) -> bool:
    """Tell whether no place of an output in ``text`` is known to hold another value than the live object's."""
    places = {output: place for place, output in scene.captures.items()}
    return all(
        same_secret(right, there) is not False
        for part in references(text)
        if part.scheme is Scheme.REF
        and (right := _outputs(part.target.address, scene).get(part.target.field)) is not None
        and (there := witness.known.get(places.get(part.target, ""))) is not None
    )


def _is_wired(text: str) -> bool:
    return "${ref:" in text


def _hidden_values(item: Declared, desired: DesiredState) -> Iterator[tuple[str, Json]]:
    for name in _hidden_fields(desired.models[item.kind]):
        if name in item.values:
            yield name, item.values[name]


@cache
def _hidden_fields(model: type[Resource]) -> tuple[str, ...]:
    return tuple(rule.name for rule in rules_of(model) if rule.write_only is not None)
