"""Fill in, at the last moment, what a plan only refers to: secrets, and what this run has made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.errors import SecretUnavailable
from reconciler.core.reference import Reference, Scheme, parse
from reconciler.core.secret import Deferred, Json, SecretValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.core.change import Change
    from reconciler.core.ports import SecretSource


@dataclass(frozen=True, slots=True)
class Made:
    """What a run created: ids and outputs by address. Outputs are secret and live here alone.

    ``captured`` says under which reference an output was kept.
    """

    ids: dict[str, str] = field(default_factory=dict)
    outputs: dict[tuple[str, str], str] = field(default_factory=dict)
    captured: dict[tuple[str, str], str] = field(default_factory=dict)


def filled_values(change: Change, secrets: SecretSource, made: Made) -> dict[str, Json]:
    """Return all fields of a create or replace, fully known. Raises SecretUnavailable."""
    return {name: _filled(value, secrets, made) for name, value in change.values.items()}


def filled_fields(change: Change, secrets: SecretSource, made: Made) -> dict[str, Json]:
    """Return the new value of each changed field; the changed keys alone of a merged mapping."""
    fields: dict[str, Json] = {}
    for item in change.field_changes:
        name, dot, key = item.field.partition(".")
        after = None if item.removed else _filled(item.after, secrets, made)
        if dot:
            fields.setdefault(name, {})[key] = after
        else:
            fields[name] = after
    return fields


def resolve_all(changes: Iterable[Change], secrets: SecretSource) -> None:
    """Fetch every secret that ``changes`` need, before the first of them is made. Raises SecretUnavailable.

    Not those that the changes themselves are going to store.
    """
    planned = tuple(changes)
    stored = {reference for change in planned for reference in change.capture.values()}
    for change in planned:
        for value in (*change.values.values(), *change.after().values()):
            for reference in _secret_references(value):
                if reference not in stored:
                    secrets.resolve(reference)


def _secret_references(value: Json) -> Iterator[str]:
    match value:
        case SecretValue(reference=str(text)):
            parts = (part for part in parse(text) if isinstance(part, Reference))
            yield from (str(part) for part in parts if part.scheme is Scheme.SECRET)
        case dict():
            for item in value.values():
                yield from _secret_references(item)
        case list():
            for item in value:
                yield from _secret_references(item)
        case _:
            return


def _filled(value: Json, secrets: SecretSource, made: Made) -> Json:
    match value:
        case SecretValue(reference=None):
            raise SecretUnavailable("A secret without a reference cannot be applied")
        case SecretValue(reference=str(text)) | Deferred(expression=text):
            parts = parse(text)
            return "".join(
                part if isinstance(part, str) else _fetched(part, secrets, made) for part in parts
            )
        case dict():
            return {key: _filled(item, secrets, made) for key, item in value.items()}
        case list():
            return [_filled(item, secrets, made) for item in value]
        case _:
            return value


def _fetched(part: Reference, secrets: SecretSource, made: Made) -> str:
    if part.scheme is Scheme.SECRET:
        return secrets.resolve(str(part))
    address, name = part.target
    if name == "id" and address in made.ids:
        return made.ids[address]
    if (address, name) in made.outputs:
        return made.outputs[address, name]
    if (address, name) in made.captured:
        return secrets.resolve(made.captured[address, name])
    raise SecretUnavailable(
        f"{part} is known only when {address} is created",
        detail="That happened in an earlier run, or not at all.",
        mend=f"declare `capture: {{{name}: ${{secret:…}}}}` on {address} and refer to that secret",
    )
