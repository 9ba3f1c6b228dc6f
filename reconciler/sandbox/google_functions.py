"""Cloud Functions of both generations, and who may call them. Source: Cloud Functions API v1 and v2.

The state, under ``functions``:

``first``, ``second``
    rows as the API of that generation has them, without what is computed; ``state`` or ``status`` if not ACTIVE.
``policies``
    IAM policies by resource, those of Cloud Run services among them.
``runtimes``
    what ``runtimes.list`` answers.
``unpins``
    whether an update of a function sends all requests to its new revision, pinned or not. Both are documented.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from reconciler.sandbox.google_function_rows import (
    first_as_second,
    first_shown,
    second_shown,
    service_of,
)
from reconciler.sandbox.google_operations import start
from reconciler.sandbox.google_policies import POLICY_ROUTES
from reconciler.sandbox.google_run import add_revision, service_named
from reconciler.sandbox.google_wire import (
    by_id,
    invalid,
    json_object,
    known_only,
    masked,
    not_found,
    page,
    refused,
    route,
    timestamp,
)
from reconciler.sandbox.vendor import Call, Reply, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.google_operations import Finisher

API = "cloudfunctions.googleapis.com"
ONLY_SECOND: Final = 'environment="GEN_2"'

WRITABLE_FIRST: Final = (
    "description",
    "entryPoint",
    "runtime",
    "timeout",
    "availableMemoryMb",
    "serviceAccountEmail",
    "labels",
    "environmentVariables",
    "buildEnvironmentVariables",
    "secretEnvironmentVariables",
    "secretVolumes",
    "maxInstances",
    "minInstances",
    "ingressSettings",
    "vpcConnector",
    "vpcConnectorEgressSettings",
    "kmsKeyName",
    "dockerRepository",
    "dockerRegistry",
    "httpsTrigger",
    "eventTrigger",
    "sourceArchiveUrl",
    "sourceRepository",
    "sourceUploadUrl",
    "automaticUpdatePolicy",
    "name",
)
WRITABLE_SECOND: Final = (
    "description",
    "buildConfig",
    "serviceConfig",
    "eventTrigger",
    "labels",
    "kmsKeyName",
    "environment",
    "name",
)
UNDER_WAY: Final = frozenset({"DEPLOY_IN_PROGRESS", "DEPLOYING", "DELETE_IN_PROGRESS", "DELETING"})


def blank_functions() -> State:
    """Return a project without functions."""
    return {"first": [], "second": [], "policies": {}, "runtimes": [], "unpins": True}


def _list_first(call: Call) -> Reply:
    return _listed(call, [first_shown(row) for row in _rows(call, "first")])


def _list_second(call: Call) -> Reply:
    """List functions; those of the first generation too, unless the filter leaves them out."""
    wanted = call.arguments.get("filter", "")
    if wanted not in {"", ONLY_SECOND}:
        raise invalid(f"The sandbox knows the filter {ONLY_SECOND}.")
    rows = [second_shown(call, row) for row in _rows(call, "second")]
    if not wanted:
        rows += [first_as_second(row) for row in _rows(call, "first")]
    return _listed(call, rows)


def _listed(call: Call, rows: list[dict[str, Any]]) -> Reply:
    silent = call.state.get("unreachable") or []
    reached = [row for row in rows if row["name"].split("/")[3] not in silent]
    reply = page(call, "functions", reached, most=1000)
    if silent and isinstance(reply.body, dict):
        return Reply(reply.status, {**reply.body, "unreachable": silent})
    return reply


def _rows(call: Call, generation: str) -> list[State]:
    location = call.params["location"]
    rows: list[State] = call.state["functions"][generation]
    return [row for row in rows if location in {"-", row["name"].split("/")[3]}]


def _get_first(call: Call) -> Reply:
    return Reply(200, first_shown(_found(call, "first")))


def _get_second(call: Call) -> Reply:
    name = _name(call)
    for row in call.state["functions"]["first"]:
        if row["name"] == name:
            return Reply(200, first_as_second(row))
    return Reply(200, second_shown(call, _found(call, "second")))


def _patch_first(call: Call) -> Reply:
    """Change what the mask names; the body is the whole function. Every attempt counts the version up."""
    row, body, mask = _found(call, "first"), json_object(call), call.arguments.get("updateMask", "")
    known_only(body, WRITABLE_FIRST)
    if not mask:
        raise invalid("The update mask must be set.")
    if not {"runtime", "entryPoint"} <= set(body):
        raise invalid("The body must be the whole function.")
    _refuse_under_way(row, "status")
    changed = masked(row, body, mask, WRITABLE_FIRST)
    row["versionId"] = int(row.get("versionId") or 1) + 1
    metadata = {
        "@type": "type.googleapis.com/google.cloud.functions.v1.OperationMetadataV1",
        "target": row["name"],
        "type": "UPDATE_FUNCTION",
    }
    return start(call, "functions.patch.first", _arguments(row, changed), metadata=metadata)


def _patch_second(call: Call) -> Reply:
    """Change what the mask names, everything without one. Every update makes another revision."""
    row, body = _found(call, "second"), json_object(call)
    known_only(body, WRITABLE_SECOND)
    _refuse_under_way(row, "state")
    changed = masked(row, body, call.arguments.get("updateMask", ""), WRITABLE_SECOND)
    metadata = {
        "@type": "type.googleapis.com/google.cloud.functions.v2.OperationMetadata",
        "target": row["name"],
        "stages": [{"name": "BUILD", "state": "IN_PROGRESS"}],
    }
    parent = f"{by_id(call)}/locations/{call.params['location']}"
    arguments = _arguments(row, changed)
    return start(call, "functions.patch.second", arguments, parent=parent, metadata=metadata)


def _arguments(row: State, changed: State) -> dict[str, Any]:
    return {"name": row["name"], "row": json.loads(json.dumps(changed))}


def _patched_first(call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
    row = _applied(call, "first", arguments, WRITABLE_FIRST)
    kind = "type.googleapis.com/google.cloud.functions.v1.CloudFunction"
    return {"@type": kind, **first_shown(row)}


def _patched_second(call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
    row = _applied(call, "second", arguments, WRITABLE_SECOND)
    service = service_named(call.state, service_of(row["name"]))
    if service is not None:
        made = {"containers": [{"image": f"image-of-{row['name'].rpartition('/')[2]}"}]}
        add_revision(call.state, service, made, unpins=bool(call.state["functions"]["unpins"]))
    kind = "type.googleapis.com/google.cloud.functions.v2.Function"
    return {"@type": kind, **second_shown(call, row)}


def _applied(
    call: Call, generation: str, arguments: Mapping[str, Any], writable: tuple[str, ...]
) -> State:
    for row in call.state["functions"][generation]:
        if row["name"] == arguments["name"]:
            found: State = row
            for name in writable:
                found.pop(name, None)
            found.update({k: v for k, v in arguments["row"].items() if k in writable})
            found["updateTime"] = timestamp(call.now)
            return found
    raise not_found(f"Function {arguments['name']}")


def _refuse_under_way(row: State, field: str) -> None:
    if row.get(field) in UNDER_WAY:
        message = f"Unable to queue the operation: {row['name']} is {row[field]}."
        raise refused("FAILED_PRECONDITION", message)


def _runtimes(call: Call) -> Reply:
    return page(call, "runtimes", call.state["functions"]["runtimes"])


def _name(call: Call) -> str:
    return f"{by_id(call)}/locations/{call.params['location']}/functions/{call.params['function']}"


def _found(call: Call, generation: str) -> State:
    name = _name(call)
    for row in call.state["functions"][generation]:
        if row["name"] == name:
            found: State = row
            return found
    raise not_found(f"Resource '{name}' was")


FUNCTION_FINISHERS: Mapping[str, Finisher] = {
    "functions.patch.first": _patched_first,
    "functions.patch.second": _patched_second,
}

_AT = "/projects/{project}/locations/{location}"
_FIRST, _SECOND = f"/v1{_AT}/functions", f"/v2{_AT}/functions"
_IAM = "cloudfunctions.functions"
FUNCTION_ROUTES = (
    *POLICY_ROUTES,
    route(API, "GET", _FIRST, _list_first, f"{_IAM}.list"),
    route(API, "GET", _SECOND, _list_second, f"{_IAM}.list"),
    route(API, "GET", f"{_FIRST}/{{function}}", _get_first, f"{_IAM}.get"),
    route(API, "GET", f"{_SECOND}/{{function}}", _get_second, f"{_IAM}.get"),
    route(API, "PATCH", f"{_FIRST}/{{function}}", _patch_first, f"{_IAM}.update"),
    route(API, "PATCH", f"{_SECOND}/{{function}}", _patch_second, f"{_IAM}.update"),
    route(API, "GET", f"/v2{_AT}/runtimes", _runtimes, "cloudfunctions.runtimes.list"),
)
