"""One declared resource: from a YAML item to ``Declared``, or to everything that is wrong with it.

A valid item costs one validation by pydantic. Only an invalid one is run through JSON Schema, which explains it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field, StrictBool, StringConstraints, ValidationError

from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.diagnostic import Diagnostic, Severity
from reconciler.core.record import Record
from reconciler.core.secret import Deferred, Json, SecretValue, is_settled
from reconciler.core.state import Criticality, Declared, Ignore
from reconciler.core.wiring import referred
from reconciler.files.references import Problem, Scope, interpolate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema.protocols import Validator

    from reconciler.core.diagnostic import Place
    from reconciler.core.resource import Resource
    from reconciler.files.yaml_positions import Locator

ResourceName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)
]


class IgnoreItem(Record):
    """A field whose drift is expected for a while."""

    path: str = Field(description="the field, or metadata.key")
    reason: str = Field(min_length=1)
    until: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")] = Field(
        description='the last day, quoted: "2026-12-31"'
    )


class ResourceItem(Record):
    """One resource of a file: what it is, how it is treated, and its fields under ``spec``."""

    kind: str = Field(description="vendor.noun, see `reconciler kinds`")
    name: ResourceName = Field(description="a stable name of your own; kind/name is the address")
    state: Literal["present", "absent"] = "present"
    criticality: Literal["P0", "P1", "P2", "P3"] = Field(
        default="P2",
        description="P0 resources are never deleted or replaced unless named on the command line",
    )
    protect: StrictBool = Field(default=False, description="never deleted or replaced unless named")
    ignore: list[IgnoreItem] = Field(default_factory=list)
    depends_on: list[str] = Field(
        default_factory=list, description="addresses that must be settled before"
    )
    tags: list[str] = Field(default_factory=list)
    capture: dict[str, Annotated[str, StringConstraints(pattern=r"^\$\{secret:[^{}]+\}$")]] = Field(
        default_factory=dict,
        description="outputs that exist only at creation, and the secret store each goes to",
    )
    spec: dict[str, Any] = Field(default_factory=dict, description="the fields of the kind")


class Read(NamedTuple):
    """A resource that was read, or why not."""

    declared: Declared | None
    diagnostics: tuple[Diagnostic, ...] = ()


def read_resource(
    value: Json,
    *,
    has_references: bool,
    models: Callable[[str], type[Resource]],
    kinds: tuple[str, ...],
    scope: Scope,
    locate: Locator,
    place: str,
) -> Read:
    """Turn one item into a Declared. ``models`` raises KeyError for an unknown kind."""
    try:
        item = ResourceItem.model_validate(value)
        model = models(item.kind)
    except (ValidationError, KeyError):
        return Read(None, tuple(_explained_item(value, models, kinds, locate)))
    spec: dict[str, Json] = item.spec
    problems: list[Problem] = []
    if has_references:
        spec, problems = interpolate(spec, scope, ("spec",))
    expanded = model.expand(spec)
    misread = {problem.pointer[1] for problem in problems}
    readable = {name: one for name, one in expanded.spec.items() if name not in misread}
    literals = tuple(_literal_secrets(model, readable, locate))
    try:
        if item.state == "absent":
            values = _partial(model, expanded.spec)
        else:
            values = model.model_validate(expanded.spec).values()
    except ValidationError as error:
        told = _explained(
            {**item.model_dump(exclude_unset=True), "spec": _shown(spec)}, model, locate
        )
        already = [_start(locate(problem.pointer)) for problem in problems]
        found = [one for one in told if one.place is None or _start(one.place) not in already]
        if not found and not problems:
            found = [*_from_pydantic(error, locate)]
        return Read(None, (*located(problems, locate), *literals, *found))
    misplaced = _misplaced_secrets(model, values, locate) if has_references else ()
    wrong = (*located(problems, locate), *literals, *misplaced)
    if has_references and not wrong and any(map(_holds_reference_inside, values.values())):
        wrong = tuple(
            _explained(
                {**item.model_dump(exclude_unset=True), "spec": _shown(expanded.spec)},
                model,
                locate,
            )
        )
    if wrong:
        return Read(None, wrong)
    declared = _declared(item, values, expanded.notes, place)
    return Read(declared._replace(refers=referred(values)) if has_references else declared)


def _start(place: Place) -> tuple[int, int]:
    return place.line, place.column


def _holds_reference_inside(value: Json) -> bool:
    """Tell whether a list or map holds a reference: the model let it pass unseen, and the schema must look."""
    return isinstance(value, (list, dict)) and not is_settled(value)


def _declared(
    item: ResourceItem, values: dict[str, Json], notes: tuple[str, ...], place: str
) -> Declared:
    return Declared(
        address=f"{item.kind}/{item.name}",
        kind=item.kind,
        values=values,
        absent=item.state == "absent",
        criticality=Criticality(item.criticality),
        protected=item.protect,
        ignore=tuple(Ignore(one.path, one.reason, one.until) for one in item.ignore),
        depends_on=tuple(item.depends_on),
        tags=tuple(item.tags),
        capture=tuple(sorted(item.capture.items())),
        notes=notes,
        place=place,
    )


def _partial(model: type[Resource], spec: dict[str, Json]) -> dict[str, Json]:
    """A resource that is to be absent needs no more than what identifies it."""
    rules = {rule.name: rule for rule in rules_of(model)}
    filled = {
        name: _stand_in(rule.name)
        for name, rule in rules.items()
        if rule.required and name not in spec
    }
    checked = model.model_validate(
        {**spec, **{n: v for n, v in filled.items() if not rules[n].key}}
    )
    return {name: value for name, value in checked.values().items() if name in spec}


def _stand_in(name: str) -> Json:
    return SecretValue(f"${{{name}}}")


def _shown(spec: Json) -> Json:
    """Return a spec as JSON Schema sees it: values that are known later as the references they are."""
    match spec:
        case SecretValue(reference=text) | Deferred(expression=text):
            return text
        case dict():
            return {key: _shown(value) for key, value in spec.items()}
        case list():
            return [_shown(value) for value in spec]
        case _:
            return spec


@cache
def _validator(model: type[Resource] | None, kinds: tuple[str, ...] = ()) -> Validator:
    from jsonschema import Draft202012Validator

    from reconciler.files.schemas import item_schema

    validator: Validator = Draft202012Validator(item_schema(model, kinds))
    return validator


def _explained(value: Json, model: type[Resource], locate: Locator) -> Iterator[Diagnostic]:
    from reconciler.files.schema_errors import schema_diagnostics

    yield from schema_diagnostics(_validator(model), value, locate)


def _explained_item(
    value: Json, models: Callable[[str], type[Resource]], kinds: tuple[str, ...], locate: Locator
) -> Iterator[Diagnostic]:
    """Say what is wrong around and inside the spec of an item that is not even well-formed."""
    from reconciler.files.schema_errors import schema_diagnostics

    kind = value.get("kind") if isinstance(value, dict) else None
    model = models(kind) if kind in kinds else None
    yield from schema_diagnostics(_validator(model, kinds), value, locate)


def located(problems: list[Problem], locate: Locator) -> Iterator[Diagnostic]:
    """Give references that cannot be understood their places."""
    for problem in problems:
        where = locate(problem.pointer)
        caret = where.line_text.find("${", where.column - 1)
        if caret >= 0 and where.length > problem.length:
            where = where.model_copy(
                update={"column": where.column + problem.start, "length": problem.length}
            )
        yield Diagnostic(
            summary=problem.summary, detail=problem.detail, mend=problem.mend, place=where
        )


def _literal_secrets(
    model: type[Resource], spec: Mapping[str, Json], locate: Locator
) -> Iterator[Diagnostic]:
    """A secret that stands in the file itself is refused, without being shown."""
    defaults = defaults_of(model)
    for rule in rules_of(model):
        value = spec.get(rule.name)
        if (
            value is None
            or not rule.is_secret(spec, defaults)
            or isinstance(value, (SecretValue, Deferred))
        ):
            continue
        where = locate(("spec", rule.name), key=True)
        hidden = where.model_copy(update={"line_text": ""})
        if isinstance(value, dict) and {"secret", "fingerprint"} >= set(value):
            yield Diagnostic(
                summary="A redaction marker is no value",
                detail=f"{rule.name} holds what a snapshot shows instead of a secret; it cannot be applied.",
                mend=f"{rule.name}: ${{secret:env/NAME}}",
                place=hidden,
            )
            continue
        unless = rule.secret.unless if rule.secret is not None else None
        otherwise = f" Or say {unless[0]}: {unless[1]} if it is no secret." if unless else ""
        yield Diagnostic(
            summary="A secret stands in the file",
            detail=f"{rule.name} is secret here: write where its value is kept.{otherwise}",
            mend=f"{rule.name}: ${{secret:env/NAME}}",
            place=hidden,
        )


def _misplaced_secrets(
    model: type[Resource], values: Mapping[str, Json], locate: Locator
) -> Iterator[Diagnostic]:
    """A secret in a field that the vendor shows would stand in every plan and snapshot."""
    defaults = defaults_of(model)
    for rule in rules_of(model):
        value = values.get(rule.name)
        if value is None or rule.is_secret(values, defaults):
            continue
        if _holds_secret(value):
            yield Diagnostic(
                summary="A secret in a field that anyone can read",
                detail=f"The vendor shows {rule.name}; plans and snapshots would hold the secret.",
                place=locate(("spec", rule.name)),
            )


def _holds_secret(value: Json) -> bool:
    if isinstance(value, SecretValue):
        return True
    if isinstance(value, dict):
        return any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


def _from_pydantic(error: ValidationError, locate: Locator) -> Iterator[Diagnostic]:
    """Rules across fields, which no schema tells. Their messages begin with the field's name."""
    for found in error.errors(include_input=False, include_url=False, include_context=False):
        message = found["msg"].removeprefix("Value error, ")
        field, colon, rest = message.partition(": ")
        path = ("spec", *found["loc"], *([field] if colon and not found["loc"] else []))
        yield Diagnostic(
            severity=Severity.ERROR,
            summary="Fields that do not fit together" if not found["loc"] else "Not a valid value",
            detail=f"{field}: {rest}" if colon else message,
            place=locate(path),
        )
