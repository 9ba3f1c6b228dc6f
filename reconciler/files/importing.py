"""Turn observed objects into the YAML that a person would have written. Secrets become references to fill in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.reference import escape
from reconciler.core.resource import Capability
from reconciler.core.secret import Json, SecretValue
from reconciler.files.yaml_writer import dump

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.resource import Resource
    from reconciler.core.state import Entry, Snapshot

SCHEMA_LINE = "yaml-language-server: $schema=../../schemas/resources.json"


def import_text(snapshot: Snapshot, models: Mapping[str, type[Resource]], taken: set[str]) -> str:
    """Return a resources file with every unmanaged object of ``snapshot``; ``taken`` addresses are not used."""
    environment = snapshot.header.environment
    used = set(taken)
    items: list[Json] = []
    left_out: list[str] = []
    for entry in snapshot.entries:
        if entry.address in taken or entry.kind not in models:
            continue
        why_not = entry.read_only or _owner(entry, environment)
        if why_not:
            left_out.append(f"{entry.kind} {entry.remote_id} left out: {why_not}")
            continue
        model = models[entry.kind]
        name = _name_before(entry) or _free_name(entry, model, used)
        used.add(f"{entry.kind}/{name}")
        items.append({"kind": entry.kind, "name": name, "spec": _spec(entry, model, name)})
    comment = "\n".join([SCHEMA_LINE, *left_out])
    return dump({"resources": items}, header_comment=comment)


def _owner(entry: Entry, environment: str) -> str:
    """Say whose the object is, when its marker names another environment; empty when it is free."""
    owner = (entry.marker or "").partition("/")[0]
    return f"it belongs to {entry.marker}" if owner not in {"", environment} else ""


def _spec(entry: Entry, model: type[Resource], name: str) -> dict[str, Json]:
    """Return the fields that say something: what the vendor fills in by itself is left out."""
    spec: dict[str, Json] = {}
    values = {**model.suggested(entry.evidence), **entry.values}
    defaults = defaults_of(model)
    for rule in rules_of(model):
        if rule.computed:
            continue
        if rule.is_secret(entry.values, defaults):
            known = entry.values.get(rule.name)
            remembered = known.reference if isinstance(known, SecretValue) else None
            spec[rule.name] = remembered or f"${{secret:env/{_variable(name)}}}"
            continue
        value = values.get(rule.name)
        if value is None or isinstance(value, SecretValue):
            continue
        if rule.required or rule.normal(value) != rule.normal(rule.default):
            spec[rule.name] = _escaped(value)
    return spec


def _escaped(value: Json) -> Json:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value


def _name_before(entry: Entry) -> str:
    """Return the name under which the object was declared once; empty when it never was."""
    return (entry.address or "").partition("/")[2]


def _free_name(entry: Entry, model: type[Resource], used: set[str]) -> str:
    words: list[str] = []
    for rule in rules_of(model):
        value = entry.values.get(rule.name)
        if rule.key and value:
            words += value if isinstance(value, list) else [str(value)]
    if model.capability is Capability.UPDATE_ONLY and not words:
        words = [entry.kind.partition(".")[2]]
    text = re.sub(r"^https?://", "", "-".join(map(str, words)).lower())
    name = re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:60] or "imported"
    candidate, number = name, 2
    while f"{entry.kind}/{candidate}" in used:
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def _variable(name: str) -> str:
    variable = re.sub(r"[^A-Z0-9]+", "_", name.upper())
    return variable if not variable[:1].isdigit() else f"SECRET_{variable}"
