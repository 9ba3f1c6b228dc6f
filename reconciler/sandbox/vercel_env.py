"""Vercel environment variables: the operations. The rules for a row are in ``vercel_rows``.

Source: Vercel REST API, project environment variables.
"""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.vendor import Call, Refused, Reply, Route, State, next_number
from reconciler.sandbox.vercel_rows import (
    CREATE_NAMES,
    UPDATE_NAMES,
    conflict_error,
    conflicting_row,
    created_fields,
    refuse_managed,
    same_place,
    shown_row,
    updated_fields,
)
from reconciler.sandbox.vercel_wire import (
    bad_request,
    json_body,
    json_object,
    known_object,
    not_found,
    project_of,
)

__all__ = ["ENV_ROUTES", "shown_row"]


def _list(call: Call) -> Reply:
    """List all rows in one page. Values are never decrypted."""
    return _listing(call, decrypt=False)


def _list_decrypting(call: Call) -> Reply:
    """List all rows; these older versions still honour ``decrypt=true``."""
    return _listing(call, decrypt=call.arguments.get("decrypt") == "true")


def _listing(call: Call, *, decrypt: bool) -> Reply:
    project, arguments = project_of(call), call.arguments
    custom = arguments.get("customEnvironmentId") or _custom_id(project, arguments)
    rows = [
        row
        for row in project["env"]
        if arguments.get("gitBranch") in (None, row.get("gitBranch"))
        and (custom is None or custom in row.get("customEnvironmentIds", []))
    ]
    body: dict[str, Any] = {"envs": [shown_row(row, decrypt=decrypt) for row in rows]}
    if project.get("hiddenProductionEnvCount"):
        body["hiddenProductionEnvCount"] = project["hiddenProductionEnvCount"]
    return Reply(200, body)


def _custom_id(project: State, arguments: dict[str, str]) -> str | None:
    slug = arguments.get("customEnvironmentSlug")
    if slug is None:
        return None
    matches = (row["id"] for row in project.get("customEnvironments", []) if row["slug"] == slug)
    return next(matches, "")


def _read(call: Call) -> Reply:
    """Return one row with its value decrypted; that of a sensitive row is never shown."""
    shown = shown_row(_row(call, project_of(call)), decrypt=True)
    if shown["type"] == "sensitive":
        del shown["value"]
    return Reply(200, shown)


def _create(call: Call) -> Reply:
    """Create one row or many. Of many, those that conflict are in ``failed`` of a 201."""
    project, body = project_of(call), json_body(call)
    is_many = isinstance(body, list)
    given = body if isinstance(body, list) else [body]
    if not given:
        raise bad_request("Invalid request: should NOT have fewer than 1 items.")
    wanted = [created_fields(call, project, known_object(item, CREATE_NAMES)) for item in given]
    upsert = call.arguments.get("upsert") == "true"
    created: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for fields in wanted:
        other = conflicting_row(project, fields)
        if other is None:
            created.append(shown_row(_added(call, project, fields)))
        elif upsert and same_place(other, fields) and not other.get("configurationId"):
            other.update({**fields, **_changed(call)})
            created.append(shown_row(other))
        elif is_many:
            failed.append({"error": conflict_error(fields)})
        else:
            raise bad_request(**conflict_error(fields))
    return Reply(201, {"created": created if is_many else created[0], "failed": failed})


def _added(call: Call, project: State, fields: State) -> State:
    user = call.state["user"]["id"]
    row = {
        "id": f"env_sandbox{next_number(call.state):06d}",
        **fields,
        "configurationId": None,
        "createdAt": call.now_ms,
        "createdBy": user,
        "updatedAt": call.now_ms,
        "updatedBy": None,
    }
    project["env"].append(row)
    return row


def _changed(call: Call) -> State:
    return {"updatedAt": call.now_ms, "updatedBy": call.state["user"]["id"]}


def _update(call: Call) -> Reply:
    project = project_of(call)
    row = _row(call, project)
    refuse_managed(row)
    fields = updated_fields(call, project, row, json_object(call, UPDATE_NAMES))
    if conflicting_row(project, fields, besides=row) is not None:
        raise bad_request(**conflict_error(fields))
    row.update({**fields, **_changed(call)})
    return Reply(200, shown_row(row))


def _delete(call: Call) -> Reply:
    project = project_of(call)
    row = _row(call, project)
    refuse_managed(row)
    project["env"].remove(row)
    return Reply(200, shown_row(row))


def _delete_many(call: Call) -> Reply:
    """Delete the rows of those ids; ids of no row are passed over."""
    project = project_of(call)
    identifiers = json_object(call, {"ids"}).get("ids")
    if not isinstance(identifiers, list) or not 1 <= len(identifiers) <= 1000:
        raise bad_request("Invalid request: `ids` should have 1 to 1000 items.")
    doomed = [row for row in project["env"] if row["id"] in identifiers]
    for row in doomed:
        refuse_managed(row)
    project["env"] = [row for row in project["env"] if row["id"] not in identifiers]
    return Reply(200, {"deleted": len(doomed), "ids": [row["id"] for row in doomed]})


def _row(call: Call, project: State) -> State:
    for row in project["env"]:
        if row["id"] == call.params["id"]:
            found: State = row
            return found
    raise Refused(not_found("Environment Variable"))


ENV_ROUTES = (
    Route("GET", "/v8/projects/{project}/env", _list_decrypting, "read"),
    Route("GET", "/v9/projects/{project}/env", _list_decrypting, "read"),
    Route("GET", "/v10/projects/{project}/env", _list, "read"),
    Route("GET", "/v1/projects/{project}/env/{id}", _read, "read"),
    Route("POST", "/v10/projects/{project}/env", _create, "write"),
    Route("PATCH", "/v9/projects/{project}/env/{id}", _update, "write"),
    Route("PATCH", "/v10/projects/{project}/env/{id}", _update, "write"),
    Route("DELETE", "/v9/projects/{project}/env/{id}", _delete, "write"),
    Route("DELETE", "/v10/projects/{project}/env/{id}", _delete, "write"),
    Route("DELETE", "/v1/projects/{project}/env", _delete_many, "write"),
)
