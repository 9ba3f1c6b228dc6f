"""The base of every declarable thing: what one kind's model must and may say."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from reconciler.core.behaviour import defaults_of, plain, rules_of
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.secret import Json, is_settled

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pydantic_core import CoreSchema

    from reconciler.core.change import Change


class Capability(StrEnum):
    """What can be done with the objects of a kind."""

    MANAGED = "managed"
    UPDATE_ONLY = "update_only"
    WRITE_ONLY = "write_only"
    OBSERVED = "observed"
    ATTESTED = "attested"


class Output(NamedTuple):
    """A value that an object gives away, for ``${ref:…#output}`` and ``capture``."""

    secret: bool
    only_at_create: bool


class Limit(NamedTuple):
    """How many objects of a kind the vendor allows in one account, and what counts."""

    most: int
    what: str


class Rights(NamedTuple):
    """The least permissions that a credential needs, in the vendor's own words.

    With ``read`` a plan can be made; ``write`` is all that an apply needs, reading included. ``source`` says where
    the vendor names them.
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    source: str = ""


class Expanded(NamedTuple):
    """A spec with its shorthands written out, and what was written out, for the plan."""

    spec: dict[str, Json]
    notes: tuple[str, ...] = ()


class Resource(BaseModel):
    """One declared object. A kind is a subclass whose fields carry behaviour markers.

    The class attributes and class methods below are all that planner, docs, schemas and conformance tests
    know of a kind. They are pure; reading and writing is the provider's.

    ``rights``: what its credential must be allowed, for `reconciler permissions`; every kind names them.
    ``creates_per_call``, ``deletes_per_call``: how many objects one call makes or removes. ``writes_at_once``: how
    many calls may be under way together. ``replays_creates``: a create repeated with its idempotency key gives the
    first answer again, secrets included. ``consistent_reads``: how many reads in a row must agree before a change
    counts as seen. ``has_unique_keys``: the vendor refuses two objects with one natural key. ``called_at``: the field
    with the address that the vendor calls. ``serves``: the evidence that lists the hosts which an object answers for.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    kind: ClassVar[str]
    capability: ClassVar[Capability] = Capability.MANAGED
    outputs: ClassVar[Mapping[str, Output]] = {}
    limit: ClassVar[Limit | None] = None
    rights: ClassVar[Rights] = Rights()
    creates_per_call: ClassVar[int] = 1
    deletes_per_call: ClassVar[int] = 1
    writes_at_once: ClassVar[int] = 1
    replays_creates: ClassVar[bool] = False
    replaces_by_deleting_first: ClassVar[bool] = False
    consistent_reads: ClassVar[int] = 1
    has_unique_keys: ClassVar[bool] = False
    called_at: ClassVar[str | None] = None
    serves: ClassVar[str | None] = None

    @field_validator("*", mode="wrap")
    @classmethod
    def _let_references_pass(cls, value: Json, handler: ValidatorFunctionWrapHandler) -> Json:
        """A value that holds a reference is checked against the schema now and by this model when known."""
        return handler(value) if type(value) is str or is_settled(value) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Json]:
        """Say a set's least size in the words of lists: pydantic loses them behind a validator."""
        written = handler.resolve_ref_schema(handler(schema))
        for field in written.get("properties", {}).values():
            if field.get("type") == "array" and "minLength" in field:
                field["minItems"] = field.pop("minLength")
        return written

    def values(self) -> dict[str, Json]:
        """Return the fields that were written down, as plain JSON. The rest is not ours to change."""
        written = self.model_fields_set
        return {
            name: plain(getattr(self, name)) for name in type(self).model_fields if name in written
        }

    @classmethod
    def natural_keys(cls, values: Mapping[str, Json]) -> tuple[Hashable, ...]:
        """Return the keys that identify an object with ``values`` to a person.

        Two objects are the same when they share a key. Most kinds have one key, the fields marked Key.
        """
        defaults = defaults_of(cls)
        return (
            tuple(
                _hashable(rule.normal(values.get(rule.name, defaults.get(rule.name))))
                for rule in rules_of(cls)
                if rule.key
            ),
        )

    @classmethod
    def expand(cls, spec: dict[str, Json]) -> Expanded:
        """Write out the shorthands of a declared spec, before it is validated."""
        return Expanded(spec)

    @classmethod
    def remaining(
        cls, declared: Mapping[str, Json], observed: Mapping[str, Json]
    ) -> dict[str, Json] | None:
        """Return the field values that stay when ``declared`` goes away; ``None`` deletes the whole object.

        For vendors whose one object serves several declared places.
        """
        del declared, observed
        return None

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Return ``change`` with what only this kind knows: notes, follow-ups, calls, side effects.

        ``declared`` and ``live`` are the field values of both sides, empty where there is none.
        """
        del declared, live
        return change

    @classmethod
    def observed(cls, payload: Mapping[str, Json]) -> dict[str, Json]:
        """Return the fields of this kind in a vendor's ``payload``: tolerant of all else, enums open."""
        return {
            rule.name: sorted(set(payload[rule.name]), key=str)
            if rule.unordered and isinstance(payload[rule.name], list)
            else payload[rule.name]
            for rule in rules_of(cls)
            if not rule.computed and rule.name in payload
        }

    @classmethod
    def suggested(cls, evidence: Mapping[str, Json]) -> dict[str, Json]:
        """Return fields that cannot be read, but that ``evidence`` points to: written down by an import."""
        del evidence
        return {}

    @classmethod
    def settled(cls, values: Mapping[str, Json]) -> Self:
        """Return the model of fully known ``values``. Raises InvalidInput, without any of the values."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            told = error.errors(include_input=False, include_url=False, include_context=False)
            listed = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in told)
            raise InvalidInput(
                [Diagnostic(summary=f"Not a valid {cls.kind}", detail=listed)]
            ) from None


def _hashable(value: Json) -> Hashable:
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
    if isinstance(value, dict):
        return tuple(sorted((key, _hashable(item)) for key, item in value.items()))
    result: Hashable = value
    return result
