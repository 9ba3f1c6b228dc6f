"""How the planner treats one field: the markers that a resource model carries.

The vocabulary is AIP-203 (field behaviour) in Terraform's spelling. Each marker also writes itself into the
generated JSON Schema, so that editors and reviewers see the rule that the planner obeys.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias, TypeVar

from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import PydanticUndefined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel, GetJsonSchemaHandler
    from pydantic.fields import FieldInfo
    from pydantic_core import CoreSchema

    from reconciler.core.secret import Json

Scalar = TypeVar("Scalar", bound=str | int)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A rule about one field, attached with ``Annotated``."""

    keyword: ClassVar[str]

    def schema_value(self) -> Json:
        """Return what the JSON Schema says under the marker's keyword."""
        return True

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), self.keyword: self.schema_value()}


@dataclass(frozen=True, slots=True)
class Key(Behaviour):
    """Part of the natural key: the fields that identify the object to a person."""

    keyword: ClassVar[str] = "x-key"


@dataclass(frozen=True, slots=True)
class Immutable(Behaviour):
    """Fixed at creation: a difference means replace, and the plan says ``why``.

    ``allows`` names the (before, after) pairs that the vendor can change in place after all.
    """

    keyword: ClassVar[str] = "x-immutable"
    why: str = "fixed at creation"
    allows: Callable[[Json, Json], bool] | None = None


@dataclass(frozen=True, slots=True)
class Computed(Behaviour):
    """Chosen by the vendor: declared in YAML it is an error; never compared."""

    keyword: ClassVar[str] = "readOnly"


@dataclass(frozen=True, slots=True)
class WriteOnly(Behaviour):
    """Accepted but never returned: compared by what was last applied; never a reason to replace.

    ``unless`` is a (field, value) pair for which it is returned after all. ``signal`` names a computed field
    that moves whenever the vendor's object is written, such as a time of last update.
    """

    keyword: ClassVar[str] = "writeOnly"
    unless: tuple[str, Json] | None = None
    signal: str | None = None

    def schema_value(self) -> Json:
        return self.unless is None


@dataclass(frozen=True, slots=True)
class Secret(Behaviour):
    """The value is a secret: a reference in files, masked in every output, never stored.

    ``unless`` is a (field, value) pair for which it is not secret. ``revealed_for`` is a (field, value) pair for which
    the vendor gives the value out to whoever asks for just this object.
    """

    keyword: ClassVar[str] = "x-secret"
    unless: tuple[str, Json] | None = None
    revealed_for: tuple[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Merged(Behaviour):
    """A mapping that the vendor merges: each key is a field of its own, and keys not declared are left alone.

    ``keeps``: nobody can take a key away, so none that is no longer declared is a difference.
    """

    keyword: ClassVar[str] = "x-merged"
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class KeyedBy(Behaviour):
    """List items pair by ``field``; their order means nothing."""

    keyword: ClassVar[str] = "x-list-key"
    field: str = "key"

    def schema_value(self) -> Json:
        return self.field


@dataclass(frozen=True, slots=True)
class Normalise(Behaviour):
    """Both sides of a comparison are brought to one form first; never used on the way to the vendor."""

    keyword: ClassVar[str] = "x-normalise"
    form: ClassVar[str]

    def schema_value(self) -> Json:
        return self.form

    def normal(self, value: Json) -> Json:
        """Return the one form of ``value``."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class EmptyIsNone(Normalise):
    """The vendor reads the empty string back as null."""

    form: ClassVar[str] = "empty-is-null"

    def normal(self, value: Json) -> Json:
        return None if value == "" else value


@dataclass(frozen=True, slots=True)
class CaseInsensitive(Normalise):
    """Upper and lower case mean the same."""

    form: ClassVar[str] = "case"

    def normal(self, value: Json) -> Json:
        return value.casefold() if isinstance(value, str) else value


_DURATION = re.compile(r"(\d+)(?:\.(\d+))?s\Z")


@dataclass(frozen=True, slots=True)
class Duration(Normalise):
    """Seconds as Google writes them: ``60s`` and ``60.000s`` are the same duration."""

    form: ClassVar[str] = "duration"

    def normal(self, value: Json) -> Json:
        match = _DURATION.match(value) if isinstance(value, str) else None
        if match is None:
            return value
        fraction = (match[2] or "").rstrip("0")
        return f"{int(match[1])}.{fraction}s" if fraction else f"{int(match[1])}s"


@dataclass(frozen=True, slots=True)
class JsonText(Normalise):
    """A string that holds JSON: compared as JSON, so that formatting is no difference."""

    form: ClassVar[str] = "json-text"

    def normal(self, value: Json) -> Json:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            return value


@dataclass(frozen=True, slots=True)
class _Unordered(Behaviour):
    keyword: ClassVar[str] = "uniqueItems"


def _as_set(value: Json) -> Json:
    """Let a list through to a set type: vendors and files repeat items, and mean the set."""
    if isinstance(value, list) and all(isinstance(item, (str, int)) for item in value):
        return frozenset(value)
    return value


Unordered: TypeAlias = Annotated[
    frozenset[Scalar],
    BeforeValidator(_as_set),
    PlainSerializer(sorted, return_type=list),
    _Unordered(),
]
"""A collection whose order the vendor does not keep: compared as a set, always written sorted."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """All that the planner knows of one field. ``default`` is plain JSON; meaningless when ``required``."""

    name: str
    required: bool
    default: Json
    key: bool
    computed: bool
    unordered: bool
    merged: bool
    keeps_keys: bool
    immutable: Immutable | None
    write_only: WriteOnly | None
    secret: Secret | None
    keyed_by: KeyedBy | None
    normalisers: tuple[Normalise, ...]

    def is_secret(self, values: Mapping[str, Json], defaults: Mapping[str, Json]) -> bool:
        """Tell whether the value is secret beside the other ``values`` of the object."""
        return self.secret is not None and not _excepted(self.secret.unless, values, defaults)

    def can_be_revealed(self, values: Mapping[str, Json], defaults: Mapping[str, Json]) -> bool:
        """Tell whether the vendor gives the secret out on request, beside the other ``values``."""
        return self.secret is not None and _excepted(self.secret.revealed_for, values, defaults)

    def is_write_only(self, values: Mapping[str, Json], defaults: Mapping[str, Json]) -> bool:
        """Tell whether the vendor never returns the value, beside the other ``values``."""
        return self.write_only is not None and not _excepted(
            self.write_only.unless, values, defaults
        )

    def normal(self, value: Json) -> Json:
        """Return the form in which two values of this field are compared."""
        if self.unordered and isinstance(value, list):
            return sorted(set(value), key=str)
        if self.keyed_by is not None and isinstance(value, list):
            name = self.keyed_by.field
            return sorted(
                value, key=lambda item: str(item.get(name)) if isinstance(item, dict) else ""
            )
        for normaliser in self.normalisers:
            value = normaliser.normal(value)
        return value


@cache
def rules_of(model: type[BaseModel]) -> tuple[FieldRule, ...]:
    """Return one rule per field of ``model``, in the order of its fields."""
    return tuple(_rule(name, field) for name, field in model.model_fields.items())


@cache
def defaults_of(model: type[BaseModel]) -> dict[str, Json]:
    """Return the declared default of each optional field of ``model``, as plain JSON."""
    return {rule.name: rule.default for rule in rules_of(model) if not rule.required}


def plain(value: Json) -> Json:
    """Return a validated field value as JSON: sets sorted, models as mappings."""
    if isinstance(value, (frozenset, set)):
        return sorted(value, key=str)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if type(value) in {list, tuple}:
        return [plain(item) for item in value]
    if hasattr(value, "model_fields_set"):
        return {name: plain(getattr(value, name)) for name in sorted(value.model_fields_set)}
    return value


def _rule(name: str, field: FieldInfo) -> FieldRule:
    def the(marker: type[Any]) -> Any:  # noqa: ANN401 - the marker's own type
        return next((found for found in field.metadata if isinstance(found, marker)), None)

    mapping: Merged | None = the(Merged)
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return FieldRule(
        name=name,
        required=field.is_required(),
        default=plain(None if default is PydanticUndefined else default),
        key=the(Key) is not None,
        computed=the(Computed) is not None,
        unordered=the(_Unordered) is not None,
        merged=mapping is not None,
        keeps_keys=mapping is not None and mapping.keeps,
        immutable=the(Immutable),
        write_only=the(WriteOnly),
        secret=the(Secret),
        keyed_by=the(KeyedBy),
        normalisers=tuple(found for found in field.metadata if isinstance(found, Normalise)),
    )


def _excepted(
    unless: tuple[str, Json] | None, values: Mapping[str, Json], defaults: Mapping[str, Json]
) -> bool:
    if unless is None:
        return False
    name, value = unless
    return bool(values.get(name, defaults.get(name)) == value)
