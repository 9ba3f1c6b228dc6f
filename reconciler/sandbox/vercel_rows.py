"""One environment variable of Vercel: what it may be, and what is shown of it.

Source: Vercel REST API, create and edit project environment variables; Vercel documentation,
sensitive environment variables.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

from reconciler.sandbox.vendor import Call, Refused, State
from reconciler.sandbox.vercel_wire import bad_request, vercel_error

UPDATE_NAMES = frozenset(
    {"key", "value", "type", "target", "gitBranch", "customEnvironmentIds", "comment"}
)
CREATE_NAMES = UPDATE_NAMES | {"visibility"}
TYPES = ("system", "secret", "encrypted", "plain", "sensitive")
TARGETS = ("production", "preview", "development")
MAX_VALUE_BYTES = 65_536

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OMITTED_WHEN_EMPTY = ("gitBranch", "comment", "customEnvironmentIds", "visibility")


def shown_row(row: State, *, decrypt: bool = False) -> dict[str, Any]:
    """Return a row as a list shows it: plain values, ciphertext, or '' for a sensitive one."""
    kept = {
        name: value
        for name, value in row.items()
        if value is not None or name not in _OMITTED_WHEN_EMPTY
    }
    match row["type"]:
        case "plain" | "system":
            value, is_decrypted = row["value"], True
        case "sensitive":
            value, is_decrypted = "", False
        case _:
            value, is_decrypted = (row["value"], True) if decrypt else (_ciphertext(row), False)
    return {**kept, "value": value, "decrypted": is_decrypted}


def _ciphertext(row: State) -> str:
    """Return a string that changes with every write and tells nothing about the value."""
    seal = hashlib.sha256(f"{row['id']}:{row.get('updatedAt')}".encode()).hexdigest()
    envelope = json.dumps({"v": "v2", "c": seal, "i": row["id"]}, separators=(",", ":"))
    return base64.b64encode(envelope.encode()).decode()


def created_fields(call: Call, project: State, given: State) -> State:
    """Return the fields of a row to create, or refuse them."""
    for name in ("key", "value", "type"):
        if name not in given:
            raise bad_request(f"Invalid request: missing required property `{name}`.")
    fields = {"target": [], "gitBranch": None, "comment": None, **given}
    _refuse_unfit(call, project, fields)
    return fields


def updated_fields(call: Call, project: State, row: State, given: State) -> State:
    """Return the row's writable fields after a change, or refuse it.

    The type and the key of a sensitive row are fixed.
    """
    if row["type"] == "sensitive":
        for name in ("type", "key"):
            if given.get(name, row[name]) != row[name]:
                message = f"You cannot change the {name} of a Sensitive Environment Variable."
                raise bad_request(message, envVarId=row["id"], envVarKey=row["key"])
    fields = {name: row[name] for name in UPDATE_NAMES if name in row} | given
    _refuse_unfit(call, project, fields)
    return fields


def refuse_managed(row: State) -> None:
    """Refuse to write a row that an integration owns."""
    if row.get("configurationId"):
        message = f"The Environment Variable {row['key']} is managed by an integration."
        raise Refused(vercel_error(403, "forbidden", message, envVarKey=row["key"]))


def conflicting_row(project: State, fields: State, besides: State | None = None) -> State | None:
    """Return a row of the same key and branch that shares an environment, or None."""
    for row in project["env"]:
        if (
            row is not besides
            and row["key"] == fields["key"]
            and row.get("gitBranch") == fields.get("gitBranch")
            and _places(row) & _places(fields)
        ):
            found: State = row
            return found
    return None


def same_place(row: State, fields: State) -> bool:
    """Whether both are for exactly the same environments."""
    return _places(row) == _places(fields)


def conflict_error(fields: State) -> dict[str, Any]:
    """Return the error of a row that overlaps another."""
    error: dict[str, Any] = {
        "code": "ENV_CONFLICT",
        "message": (
            f"Another Environment Variable with the key {fields['key']} exists "
            "for one of the environments."
        ),
        "key": fields["key"],
        "envVarKey": fields["key"],
        "target": fields["target"],
    }
    return error | ({"gitBranch": fields["gitBranch"]} if fields.get("gitBranch") else {})


def _places(row: State) -> frozenset[str]:
    return frozenset(_texts(row.get("target"))) | frozenset(row.get("customEnvironmentIds") or [])


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for text in value if isinstance(text, str)] if isinstance(value, Iterable) else []


def _refuse_unfit(call: Call, project: State, fields: State) -> None:
    _refuse_wrong_shapes(fields)
    _refuse_wrong_places(project, fields)
    if fields["type"] == "sensitive" and "development" in fields["target"]:
        message = "You cannot set a Sensitive Environment Variable's target to development."
        raise bad_request(message, key=fields["key"])
    if fields["type"] in ("plain", "encrypted") and _must_be_sensitive(call, project, fields):
        message = "The team's policy allows only Sensitive Environment Variables here."
        raise bad_request(message, key=fields["key"])


def _refuse_wrong_shapes(fields: State) -> None:
    key, value = fields["key"], fields["value"]
    if not isinstance(key, str) or _KEY.fullmatch(key) is None:
        message = (
            "The name contains invalid characters. Only letters, digits, and underscores are "
            "allowed. Furthermore, the name should not start with a digit."
        )
        raise bad_request(message, "INVALID_KEY", key=str(key))
    if not isinstance(value, str):
        raise bad_request("Invalid request: `value` should be string.", key=key)
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise bad_request("The value is too long.", "VALUE_INVALID_LENGTH", key=key)
    if fields["type"] not in TYPES:
        raise bad_request("Invalid request: `type` is not one of the allowed values.", key=key)
    for name, longest in (("gitBranch", 250), ("comment", 500)):
        text = fields.get(name)
        if text is not None and (not isinstance(text, str) or len(text) > longest):
            message = f"Invalid request: `{name}` should be string of at most {longest} characters."
            raise bad_request(message, key=key)


def _refuse_wrong_places(project: State, fields: State) -> None:
    key, target = fields["key"], fields["target"]
    custom = fields.get("customEnvironmentIds") or []
    if not isinstance(target, list) or any(name not in TARGETS for name in target):
        message = "Invalid request: `target` should be an array of the allowed values."
        raise bad_request(message, key=key)
    known = {row["id"] for row in project.get("customEnvironments", [])}
    if not isinstance(custom, list) or any(name not in known for name in custom):
        raise bad_request("Invalid request: unknown custom environment.", key=key)
    if not target and not custom:
        raise bad_request("Invalid request: a target or custom environment is required.", key=key)
    if fields.get("gitBranch") and target != ["preview"]:
        raise bad_request("Invalid request: `gitBranch` requires target preview.", key=key)


def _must_be_sensitive(call: Call, project: State, fields: State) -> bool:
    has_policy = any(
        team["id"] == project["accountId"]
        and team.get("sensitiveEnvironmentVariablePolicy") == "on"
        for team in call.state["teams"]
    )
    return has_policy and "development" not in fields["target"]
