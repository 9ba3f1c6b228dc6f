"""Secrets as values that can be stored and compared: a reference and a fingerprint, never the value."""

from __future__ import annotations

from sys import intern
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

Json: TypeAlias = Any
"""A JSON value with SecretValue and Deferred as further leaves. Treated as frozen: nothing changes one in place."""


class SecretValue(NamedTuple):
    """What is known of a secret: where its value can be fetched, and what it hashed to.

    ``reference`` is the text from the file (``${secret:gcp/NAME@4}``, perhaps inside a longer string), ``None``
    when the live value was never ours. ``fingerprint`` is ``hmac-sha256:…`` or ``None``.
    """

    reference: str | None
    fingerprint: str | None = None


class Deferred(NamedTuple):
    """A string with ``${ref:…}`` whose value is known only after another resource was applied."""

    expression: str


def encode(value: Json) -> Json:
    """Return ``value`` as plain JSON: the form of snapshots and plans."""
    if isinstance(value, SecretValue):
        return {"secret": value.reference, "fingerprint": value.fingerprint}
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
            case {"secret": reference, "fingerprint": fingerprint} if len(value) == 2:
                return SecretValue(reference, fingerprint)
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
