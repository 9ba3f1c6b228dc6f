"""The published JSON Schemas, generated from the models: what editors know is what the planner obeys."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from reconciler.core.behaviour import rules_of
from reconciler.core.plan import Plan
from reconciler.core.state import Entry, SnapshotHeader
from reconciler.files.environment import Environment
from reconciler.files.resources import ResourceItem
from reconciler.files.revoked_file import RevokedSecrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.record import Record
    from reconciler.core.resource import Resource

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = {"type": "string", "pattern": r"\$\{", "description": "a reference"}

Schema = dict[str, Any]


def all_schemas(
    models: Mapping[str, type[Resource]],
    settings: Mapping[str, type[Record]],
    stores: Mapping[str, type[Record]],
) -> dict[str, Schema]:
    """Return every published schema by file name."""
    return {
        "environment.json": environment_schema(settings, stores),
        "resources.json": resources_schema(models),
        "revoked.json": _titled(RevokedSecrets.model_json_schema(), "reconciler revoked secrets"),
        "snapshot.json": _titled(
            TypeAdapter[Any](SnapshotHeader | Entry).json_schema(mode="serialization"),
            "reconciler snapshot: each line",
        ),
        "plan.json": _titled(Plan.model_json_schema(mode="serialization"), "reconciler plan"),
    }


def environment_schema(
    settings: Mapping[str, type[Record]], stores: Mapping[str, type[Record]]
) -> Schema:
    """Return the schema of ``environment.yaml``; the models are the settings of vendors and of secret stores."""
    schema = Environment.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    schema["properties"]["providers"] = _one_of_each(
        "providers", "the accounts, by vendor", settings, definitions
    )
    definitions["Secrets"]["properties"]["stores"] = _one_of_each(
        "stores", "settings of secret stores, by the store's name", stores, definitions
    )
    return _titled(schema, "reconciler environment")


def _one_of_each(
    what: str, description: str, models: Mapping[str, type[Record]], definitions: Schema
) -> Schema:
    """Return the schema of settings by name, and put that of each model among ``definitions``."""
    properties = {}
    for name, model in sorted(models.items()):
        written = _with_references(model.model_json_schema())
        definitions |= written.pop("$defs", {})
        definitions[f"{what}.{name}"] = written
        properties[name] = {"$ref": f"#/$defs/{what}.{name}"}
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": False,
    }


def resources_schema(models: Mapping[str, type[Resource]]) -> Schema:
    """Return the schema of a resources file."""
    item = ResourceItem.model_json_schema()
    definitions = item.pop("$defs", {})
    item["properties"]["kind"] |= {"enum": sorted(models)}
    item["allOf"] = []
    for kind, model in sorted(models.items()):
        definitions[kind] = _at_root(spec_schema(model), kind, definitions)
        definitions[f"{kind}.absent"] = {**definitions[kind], "required": []}
        item["allOf"].append(
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {
                    "if": {"properties": {"state": {"const": "absent"}}, "required": ["state"]},
                    "then": {"properties": {"spec": {"$ref": f"#/$defs/{kind}.absent"}}},
                    "else": {"properties": {"spec": {"$ref": f"#/$defs/{kind}"}}},
                },
            }
        )
    schema = {
        "type": "object",
        "properties": {"resources": {"type": "array", "items": item}},
        "required": ["resources"],
        "additionalProperties": False,
        "$defs": definitions,
    }
    return _titled(schema, "reconciler resources")


def item_schema(model: type[Resource] | None, kinds: tuple[str, ...]) -> Schema:
    """Return the schema of one resource of the kind ``model`` (or of any), for explaining what is wrong."""
    item = ResourceItem.model_json_schema()
    if kinds:
        item["properties"]["kind"] |= {"enum": sorted(kinds)}
    if model is not None:
        spec = _at_root(spec_schema(model), model.kind, item.setdefault("$defs", {}))
        item["if"] = {"properties": {"state": {"const": "absent"}}, "required": ["state"]}
        item["then"] = {"properties": {"spec": {**spec, "required": []}}}
        item["else"] = {"properties": {"spec": spec}, "required": ["spec"]}
    return {"$schema": DIALECT, **item}


def spec_schema(model: type[Resource]) -> Schema:
    """Return the schema of a kind's ``spec``. Every value may also be a reference."""
    schema = _with_references(model.model_json_schema())
    for rule in rules_of(model):
        if rule.computed:
            schema["properties"].pop(rule.name, None)
    return schema


def _at_root(spec: Schema, kind: str, definitions: Schema) -> Schema:
    """Return ``spec`` with the schemas that it refers to among ``definitions``, each under the name of its kind."""
    inner = spec.pop("$defs", {})
    moved = {f"#/$defs/{name}": f"#/$defs/{kind}.{name}" for name in inner}
    definitions |= {f"{kind}.{name}": _redirected(one, moved) for name, one in inner.items()}
    found: Schema = _redirected(spec, moved)
    return found


def _redirected(value: Any, moved: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {
            key: moved.get(one, one)
            if key == "$ref" and isinstance(one, str)
            else _redirected(one, moved)
            for key, one in value.items()
        }
    return [_redirected(one, moved) for one in value] if isinstance(value, list) else value


def _with_references(schema: Schema) -> Schema:
    """Let each property also be a ``${…}``, and each item of a list property."""
    result = copy.deepcopy(schema)
    result["properties"] = {
        name: _or_reference(field) for name, field in result.get("properties", {}).items()
    }
    return result


def _or_reference(field: Schema) -> Schema:
    if field.get("type") == "array" and isinstance(field.get("items"), dict):
        field = {**field, "items": _or_reference(field["items"])}
    if field.get("type") == "object" and isinstance(field.get("additionalProperties"), dict):
        field = {**field, "additionalProperties": _or_reference(field["additionalProperties"])}
    if field.get("type") == "string" and not {"pattern", "enum", "const", "maxLength"} & set(field):
        return field
    kept = {
        key: value
        for key, value in field.items()
        if key in {"title", "description", "default", "writeOnly", "readOnly"}
        or key.startswith("x-")
    }
    strict = {key: value for key, value in field.items() if key not in kept}
    branches = strict.pop("anyOf", None) if set(strict) <= {"anyOf"} else None
    return {**kept, "anyOf": [*(branches or [strict]), dict(REFERENCE)]}


def _titled(schema: Schema, title: str) -> Schema:
    return {"$schema": DIALECT, **schema, "title": title}
