"""What a kind is and how each of its fields behaves, from the model itself: there is no other manual."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.behaviour import FieldRule, rules_of
from reconciler.core.resource import Capability
from reconciler.render.layout import WIDTH, Line, Style, flowed, painted, span, table
from reconciler.render.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.resource import Output, Resource
    from reconciler.core.secret import Json

_CAPABILITIES: Final = {
    Capability.MANAGED: "created, changed and deleted",
    Capability.UPDATE_ONLY: "changed, never created or deleted",
    Capability.WRITE_ONLY: "written, cannot be read back",
    Capability.OBSERVED: "read only",
    Capability.ATTESTED: "has no API: a person confirms it",
}
_BOUNDS: Final = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "matches {}",
}


def explain_text(
    model: type[Resource],
    field: str | None = None,
    *,
    color: bool = False,
    width: int = WIDTH,
) -> str:
    """Return what there is to know of a kind, or of one ``field`` or output. Raises KeyError."""
    _known(model, field)
    lines = [*_kind_lines(model, width)] if field is None else []
    prefix = f"{model.kind}." if field is not None else ""
    for rule in rules_of(model):
        if field in {None, rule.name}:
            lines += _field_lines(model, rule, width, prefix=prefix)
    for name, output in model.outputs.items():
        if field in {None, name}:
            spans = [span(f"{prefix}{name}", Style.STRONG), span(_output_words(output))]
            lines += flowed(spans, width=width, indent="  ", hanging="      ")
    return painted(lines, color=color)


def explain_json(model: type[Resource], field: str | None = None) -> dict[str, Any]:
    """Return a kind, or one ``field`` or output of it, as a JSON document. Raises KeyError."""
    _known(model, field)
    schema = model.model_json_schema()
    return {
        "kind": model.kind,
        "capability": str(model.capability),
        "description": inspect.getdoc(model) or "",
        "limit": model.limit._asdict() if model.limit is not None else None,
        "outputs": {
            name: output._asdict()
            for name, output in model.outputs.items()
            if field in {None, name}
        },
        "fields": {
            rule.name: {
                "description": model.model_fields[rule.name].description or "",
                "required": rule.required,
                "behaviour": [*_behaviour(rule)],
                "schema": schema["properties"][rule.name],
            }
            for rule in rules_of(model)
            if field in {None, rule.name}
        },
    }


def kinds_text(models: Iterable[type[Resource]], *, color: bool = False, width: int = WIDTH) -> str:
    """Return all kinds with what can be done with them."""
    rows = [
        (span(model.kind, Style.STRONG), span(str(model.capability)), span(_first_line(model)))
        for model in _sorted(models)
    ]
    return painted(table(rows, width=width), color=color)


def kinds_json(models: Iterable[type[Resource]]) -> dict[str, Any]:
    """Return all kinds as a JSON document."""
    return {
        "kinds": [
            {
                "kind": model.kind,
                "capability": str(model.capability),
                "description": _first_line(model),
            }
            for model in _sorted(models)
        ]
    }


def _sorted(models: Iterable[type[Resource]]) -> list[type[Resource]]:
    return sorted(models, key=lambda model: model.kind)


def _known(model: type[Resource], field: str | None) -> None:
    if field is not None and field not in {*model.model_fields, *model.outputs}:
        raise KeyError(field)


def _kind_lines(model: type[Resource], width: int) -> Iterator[Line]:
    able = f"{model.capability}: {_CAPABILITIES[model.capability]}"
    yield from flowed([span(model.kind, Style.STRONG), span(able)], width=width)
    for paragraph in (inspect.getdoc(model) or "").split("\n\n"):
        yield from flowed([span(_plain(paragraph))], width=width)
    if model.limit is not None:
        words = f"The vendor allows {model.limit.most} {model.limit.what}."
        yield from flowed([span(words)], width=width)
    yield ()


def _field_lines(
    model: type[Resource], rule: FieldRule, width: int, *, prefix: str
) -> Iterator[Line]:
    schema = model.model_json_schema()["properties"][rule.name]
    need = "required" if rule.required else f"default {shown(rule.default)}"
    if rule.computed:
        need = "chosen by the vendor"
    facts = f"{_type_words(schema)}, {need}"
    yield from flowed(
        [span(f"{prefix}{rule.name}", Style.STRONG), span(facts)],
        width=width,
        indent="  ",
        hanging="      ",
    )
    for words in (_plain(model.model_fields[rule.name].description), *_behaviour(rule)):
        yield from flowed([span(words)] if words else [], width=width, indent="      ")


def _behaviour(rule: FieldRule) -> Iterator[str]:
    """Yield the markers of a field in words."""
    if rule.key:
        yield "Identifies the object to a person (natural key)."
    if rule.computed:
        yield "Never declared and never compared."
    if rule.immutable is not None:
        unless = ", unless the vendor can change it in place" if rule.immutable.allows else ""
        yield f"A difference means replace ({rule.immutable.why}){unless}."
    if rule.secret is not None:
        unless = _unless(rule.secret.unless)
        yield f"Secret{unless}: a reference in files, masked in every output, never stored."
    if rule.write_only is not None:
        unless = _unless(rule.write_only.unless)
        yield f"Never returned by the vendor{unless}: compared by what was last applied."
    yield from _comparison(rule)


def _comparison(rule: FieldRule) -> Iterator[str]:
    """Yield what counts as equal."""
    if rule.unordered:
        yield "A set: order and repetition mean nothing."
    if rule.keyed_by is not None:
        yield f"Items pair by {rule.keyed_by.field}; their order means nothing."
    if rule.merged:
        yield "Each key is a field of its own; keys that are not declared are left alone."
    if rule.normalisers:
        yield f"Compared in one form: {', '.join(one.form for one in rule.normalisers)}."
    if rule.write_only is not None and rule.write_only.signal is not None:
        yield f"A write from outside is noticed by {rule.write_only.signal}."


def _unless(condition: tuple[str, Json] | None) -> str:
    return f" (unless {condition[0]} is {shown(condition[1])})" if condition is not None else ""


def _output_words(output: Output) -> str:
    secret = "secret, " if output.secret else ""
    when = "known only at creation" if output.only_at_create else "always known"
    return f"output, {secret}{when}; for ${{ref:…}} and capture"


def _first_line(model: type[Resource]) -> str:
    return _plain((inspect.getdoc(model) or "").partition("\n")[0])


def _plain(docstring: str | None) -> str:
    """Return the words of a docstring on one line."""
    return " ".join((docstring or "").replace("``", "`").split())


def _type_words(schema: Mapping[str, Any]) -> str:
    """Return the type of a field for a reader who writes YAML."""
    bounds = [words.format(schema[key]) for key, words in _BOUNDS.items() if key in schema]
    return ", ".join([_type_word(schema), *bounds])


def _type_word(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(shown(one) for one in schema['enum'])}"
    if "const" in schema:
        return shown(schema["const"])
    if "anyOf" in schema:
        return " or ".join(_type_words(one) for one in schema["anyOf"])
    kind = str(schema.get("type", "mapping" if "$ref" in schema else "any value"))
    if kind == "array":
        return f"list of {_type_words(schema.get('items', {}))}"
    names = {
        "string": "text",
        "object": "mapping",
        "integer": "whole number",
        "boolean": "true or false",
    }
    return names.get(kind, kind)
