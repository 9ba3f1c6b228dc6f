"""Secrets as values that can be stored and compared: a reference and a fingerprint, never the value."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json: TypeAlias = Any
"""A JSON value with SecretValue and Deferred as further leaves. Treated as frozen: nothing changes one in place."""


class SecretValue(NamedTuple):
    """What is known of a secret: where its value can be fetched, and what it hashed to.

    ``reference`` is the text from the file (``${secret:gcp/NAME@4}``, perhaps inside a longer string), ``None``
    when the live value was never ours. ``fingerprint`` is ``hmac-sha256:<key id>:<hash>`` or ``None``. ``version`` is
    the one that the store gave, where it has versions. ``sealed`` is the value itself, encrypted with age for the
    recipients that environment.yaml names.
    """

    reference: str | None
    fingerprint: str | None = None
    version: str | None = None
    sealed: str | None = None

    @property
    def can_be_sent(self) -> bool:
        """Tell whether there is a way to the value."""
        return self.reference is not None or self.sealed is not None


class Deferred(NamedTuple):
    """A string with ``${ref:…}`` whose value is known only after another resource was applied."""

    expression: str


_MARKER = frozenset({"secret", "fingerprint", "version", "sealed"})
"""The keys of a secret in a snapshot or plan."""


def _is_marker(value: dict[str, Json]) -> bool:
    texts = all(one is None or isinstance(one, str) for one in value.values())
    return texts and value.keys() <= _MARKER


def same_secret(one: SecretValue, other: SecretValue) -> bool | None:
    """Tell whether two secrets have the same value; ``None`` when that cannot be told.

    Fingerprints count only when the same key made them. Versions of a store never change their value.
    """
    if one.fingerprint is not None and other.fingerprint is not None:
        if one.fingerprint == other.fingerprint:
            return True
        if key_of(one.fingerprint) == key_of(other.fingerprint):
            return False
    if one.reference is None or one.version is None or other.version is None:
        return None
    return one.version == other.version if one.reference == other.reference else None


def is_of_other_key(one: Json, other: Json) -> bool:
    """Tell whether two secrets cannot be compared because different keys made their fingerprints."""
    if not (isinstance(one, SecretValue) and isinstance(other, SecretValue)):
        return False
    if one.fingerprint is None or other.fingerprint is None:
        return False
    return key_of(one.fingerprint) != key_of(other.fingerprint)


def key_of(fingerprint: str) -> str:
    """Return which key made ``fingerprint``: all of it but the hash."""
    return fingerprint.rpartition(":")[0]


def secrets_in(value: Json) -> Iterator[SecretValue]:
    """Yield every secret in ``value``, however deep."""
    match value:
        case SecretValue():
            yield value
        case dict():
            for inner in value.values():
                yield from secrets_in(inner)
        case list():
            for inner in value:
                yield from secrets_in(inner)
        case _:
            return


def with_secrets(value: Json, known: Callable[[SecretValue], SecretValue]) -> Json:
    """Return ``value`` with ``known`` in the place of each secret."""
    match value:
        case SecretValue():
            return known(value)
        case dict():
            return {key: with_secrets(inner, known) for key, inner in value.items()}
        case list():
            return [with_secrets(inner, known) for inner in value]
        case _:
            return value


def encode(value: Json) -> Json:
    """Return ``value`` as plain JSON: the form of snapshots and plans."""
    if isinstance(value, SecretValue):
        known = {"version": value.version, "sealed": value.sealed}
        return {
            "secret": value.reference,
            "fingerprint": value.fingerprint,
            **{name: one for name, one in known.items() if one is not None},
        }
    if isinstance(value, Deferred):
        return {"known_after_apply": value.expression}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [encode(item) for item in value]
    return value


def decode(value: Json) -> Json:
    """Return the value that ``encode`` wrote."""
    if isinstance(value, dict):
        match value:
            case {"secret": _, "fingerprint": _} if _is_marker(value):
                return SecretValue(
                    value["secret"], value["fingerprint"], value.get("version"), value.get("sealed")
                )
            case {"known_after_apply": str(expression)} if len(value) == 1:
                return Deferred(expression)
            case _:
                # Field names come back in every entry of a file: one copy of each is enough.
                return {intern(key): decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value


def is_settled(value: Json) -> bool:
    """Tell whether ``value`` holds no secret and nothing that is known only later."""
    if isinstance(value, (SecretValue, Deferred)):
        return False
    if isinstance(value, dict):
        return all(is_settled(item) for item in value.values())
    if isinstance(value, list):
        return all(is_settled(item) for item in value)
    return True


Stored: TypeAlias = Annotated[
    Any, BeforeValidator(decode), PlainSerializer(encode), WithJsonSchema({})
]
"""A Json value as a field of a record that is written to a file."""

StoredValues: TypeAlias = Annotated[
    dict[str, Any],
    BeforeValidator(decode),
    PlainSerializer(encode),
    WithJsonSchema({"type": "object"}),
]
"""Field values by name, as a field of a record that is written to a file."""
