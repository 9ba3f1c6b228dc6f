"""Secret Manager: secrets, their versions and states. Source: Secret Manager API v1.

A row of ``secrets`` is a Secret with its ``id``, and ``versions``, oldest first: ``state``, ``createTime``, ``data``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from reconciler.sandbox.google_wire import (
    by_number,
    invalid,
    json_object,
    known_only,
    masked,
    not_found,
    page,
    refuse_stale,
    refused,
    route,
    timestamp,
)
from reconciler.sandbox.vendor import Call, Reply, State, next_number

API = "secretmanager.googleapis.com"
WRITABLE = (
    "annotations",
    "expireTime",
    "labels",
    "rotation",
    "topics",
    "versionAliases",
    "versionDestroyTtl",
)
MOST_ALIASES = 50


def _list(call: Call) -> Reply:
    rows = [_shown(call, row) for row in call.state.get("secrets") or ()]
    reply = page(call, "secrets", rows, most=25000)
    body: Any = reply.body
    return Reply(200, {**body, "totalSize": len(rows)} if rows else body)


def _read(call: Call) -> Reply:
    return Reply(200, _shown(call, _found(call)))


def _create(call: Call) -> Reply:
    body = json_object(call)
    known_only(body, (*WRITABLE, "replication", "ttl", "tags", "secretType"))
    identifier = call.arguments.get("secretId", "")
    if not identifier or not body.get("replication"):
        raise invalid("secret_id and secret.replication are required.")
    if any(row["id"] == identifier for row in call.state.get("secrets") or ()):
        name = f"{by_number(call)}/secrets/{identifier}"
        raise refused("ALREADY_EXISTS", f"Secret [{name}] already exists.")
    _refuse_bad(body)
    row = {
        "id": identifier,
        "versions": [],
        "createTime": timestamp(call.now),
        "etag": _next_etag(call),
        **body,
    }
    call.state.setdefault("secrets", []).append(row)
    return Reply(200, _shown(call, row))


def _change(call: Call) -> Reply:
    """Change the fields of the mask, which is required. Every write moves the etag, one that changes nothing too."""
    row, body = _found(call), json_object(call)
    mask = call.arguments.get("updateMask", "")
    known_only(body, ("name", "etag", "createTime", *WRITABLE, "replication"))
    if not mask:
        raise invalid("update_mask must be set.")
    refuse_stale(body.get("etag"), row, f"Secret [{by_number(call)}/secrets/{row['id']}]")
    changed = masked(row, body, mask, WRITABLE)
    _refuse_bad(changed)
    row.clear()
    row.update({**changed, "etag": _next_etag(call)})
    return Reply(200, _shown(call, row))


def _delete(call: Call) -> Reply:
    row = _found(call)
    refuse_stale(call.arguments.get("etag"), row, f"Secret [{row['id']}]")
    call.state["secrets"].remove(row)
    return Reply(200, {})


def _versions(call: Call) -> Reply:
    """List versions, the newest first."""
    row = _found(call)
    numbers = range(len(row["versions"]), 0, -1)
    shown = [_shown_version(call, row, number) for number in numbers]
    reply = page(call, "versions", shown, most=25000)
    body: Any = reply.body
    return Reply(200, {**body, "totalSize": len(shown)} if shown else body)


def _version(call: Call) -> Reply:
    row = _found(call)
    return Reply(200, _shown_version(call, row, _number(call, row)))


def _add_version(call: Call) -> Reply:
    row, body = _found(call), json_object(call)
    data = (body.get("payload") or {}).get("data")
    if not data:
        raise invalid("The secret payload must not be empty.")
    row["versions"].append({"state": "ENABLED", "createTime": timestamp(call.now), "data": data})
    return Reply(200, _shown_version(call, row, len(row["versions"])))


def _access(call: Call) -> Reply:
    row = _found(call)
    number = _number(call, row)
    version = row["versions"][number - 1]
    name = f"{by_number(call)}/secrets/{row['id']}/versions/{number}"
    if version["state"] != "ENABLED":
        message = f"Secret Version [{name}] is in {version['state']} state."
        raise refused("FAILED_PRECONDITION", message)
    return Reply(200, {"name": name, "payload": {"data": version.get("data", "")}})


def _set_state(state: str, call: Call) -> Reply:
    """Enable, disable or destroy a version; what is destroyed stays so."""
    row = _found(call)
    number = _number(call, row)
    version = row["versions"][number - 1]
    if version["state"] == "DESTROYED" and state != "DESTROYED":
        name = f"{by_number(call)}/secrets/{row['id']}/versions/{number}"
        raise refused("FAILED_PRECONDITION", f"Secret Version [{name}] is in DESTROYED state.")
    version["state"] = state
    if state == "DESTROYED":
        version["destroyTime"] = timestamp(call.now)
        version.pop("data", None)
    return Reply(200, _shown_version(call, row, number))


def _found(call: Call) -> State:
    for row in call.state.get("secrets") or ():
        if row["id"] == call.params["secret"]:
            found: State = row
            return found
    raise not_found(f"Secret [{by_number(call)}/secrets/{call.params['secret']}]")


def _number(call: Call, row: State) -> int:
    """Return the number that the path means: ``latest`` is the newest version, whatever its state."""
    wanted = call.params["version"]
    wanted = (row.get("versionAliases") or {}).get(wanted, wanted)
    number = (
        len(row["versions"]) if wanted == "latest" else int(wanted) if wanted.isdecimal() else 0
    )
    if not 1 <= number <= len(row["versions"]):
        name = f"{by_number(call)}/secrets/{row['id']}/versions/{wanted}"
        raise not_found(f"Secret Version [{name}]")
    return number


def _shown(call: Call, row: State) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in {"id", "versions"} and value}
    return {"name": f"{by_number(call)}/secrets/{row['id']}", **shown}


def _shown_version(call: Call, row: State, number: int) -> dict[str, Any]:
    version = row["versions"][number - 1]
    shown = {name: value for name, value in version.items() if name != "data"}
    return {
        "name": f"{by_number(call)}/secrets/{row['id']}/versions/{number}",
        "etag": f'"v{number}{version["state"][:2]}"',
        "replicationStatus": {"automatic": {}},
        **shown,
    }


def _refuse_bad(body: State) -> None:
    """Refuse what Secret Manager documents as invalid: rotation without topics or time, too many aliases."""
    rotation = body.get("rotation") or {}
    if rotation.get("rotationPeriod") and not rotation.get("nextRotationTime"):
        raise invalid("next_rotation_time must be set when rotation_period is set.")
    if rotation and not body.get("topics"):
        raise invalid("At least one topic is needed to rotate a secret.")
    if len(body.get("versionAliases") or ()) > MOST_ALIASES:
        raise invalid(f"A secret has at most {MOST_ALIASES} version aliases.")


def _next_etag(call: Call) -> str:
    return f'"{next_number(call.state):014x}"'


_ALL = "/v1/projects/{project}/secrets"
_ONE = f"{_ALL}/{{secret}}"
_VERSION = f"{_ONE}/versions/{{version}}"
SECRET_ROUTES = (
    route(API, "GET", _ALL, _list, "secretmanager.secrets.list"),
    route(API, "POST", _ALL, _create, "secretmanager.secrets.create"),
    route(API, "POST", f"{_ONE}:addVersion", _add_version, "secretmanager.versions.add"),
    route(API, "GET", _ONE, _read, "secretmanager.secrets.get"),
    route(API, "PATCH", _ONE, _change, "secretmanager.secrets.update"),
    route(API, "DELETE", _ONE, _delete, "secretmanager.secrets.delete"),
    route(API, "GET", f"{_ONE}/versions", _versions, "secretmanager.versions.list"),
    route(API, "GET", f"{_VERSION}:access", _access, "secretmanager.versions.access"),
    route(API, "GET", _VERSION, _version, "secretmanager.versions.get"),
    *(
        route(API, "POST", f"{_VERSION}:{verb}", partial(_set_state, state), permission)
        for verb, state, permission in (
            ("enable", "ENABLED", "secretmanager.versions.enable"),
            ("disable", "DISABLED", "secretmanager.versions.disable"),
            ("destroy", "DESTROYED", "secretmanager.versions.destroy"),
        )
    ),
)
