"""Which values of a document its schema marks as secret, so that no message shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

    from reconciler.files.yaml_positions import Pointer
    from reconciler.files.yaml_scalars import Json

_HIDDEN: Final = ("x-secret", "writeOnly")


def secret_pointers(validator: Validator, value: Json) -> frozenset[Pointer]:
    """Return the pointers that any part of the schema which applies here marks as secret.

    Found by validating once more with the markers as keywords that always fail.
    """
    import attrs
    from jsonschema import ValidationError, validators

    def marked(_: Validator, flag: object, __: Json, ___: object) -> Iterator[ValidationError]:
        if flag is True:
            yield ValidationError("secret")

    kind: Any = type(validator)
    extend: Any = validators.extend
    state = {each.alias: getattr(validator, each.name) for each in attrs.fields(kind) if each.init}
    finder = extend(kind, dict.fromkeys(_HIDDEN, marked))
    errors = [*finder(**state).iter_errors(value)]
    return frozenset(
        tuple(error.absolute_path) for error in _with_context(errors) if _is_hidden(error)
    )


def texts_at(pointers: Iterable[Pointer], value: Json) -> Iterator[str]:
    """Yield every text and number that stands at or below one of ``pointers``."""
    for pointer in pointers:
        yield from _texts(_at(value, pointer))


def _with_context(errors: list[ValidationError]) -> Iterator[ValidationError]:
    for error in errors:
        yield error
        yield from _with_context(error.context or [])


def _is_hidden(error: ValidationError) -> bool:
    schema = error.schema if isinstance(error.schema, dict) else {}
    return error.validator in _HIDDEN or any(schema.get(name) is True for name in _HIDDEN)


def _at(value: Json, pointer: Pointer) -> Json:
    for step in pointer:
        value = value[step]
    return value


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
