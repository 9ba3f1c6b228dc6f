"""Vercel account webhooks: list, read, make, delete. There is no change in place.

Source: Vercel REST API, webhooks (creates a webhook, get a list of webhooks, get a webhook, deletes a webhook);
types of @vercel/sdk 1.28.21 for the shapes. The references give neither a limit on their number nor uniqueness.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import urlsplit

from reconciler.sandbox.vendor import Call, Refused, Reply, Route, State, next_number
from reconciler.sandbox.vercel_wire import (
    bad_request,
    find_project,
    json_object,
    not_found,
    owner,
)

MAX_PROJECTS = 50

_WRITABLE = ("url", "events", "projectIds")
# Vercel takes the names of a list that grows with its products; this takes every well-formed one.
_EVENT = re.compile(r"[a-z0-9]+([.\-][a-z0-9]+)*")
# Source: Vercel REST API, get a list of webhooks, the pattern of projectId.
_PROJECT_ID = re.compile(r"[A-Za-z0-9_]+")


def _list(call: Call) -> Reply:
    """List all webhooks of the scope in one array, without pages; ``projectId`` narrows it to one project's."""
    project = call.arguments.get("projectId")
    if project is not None and _PROJECT_ID.fullmatch(project) is None:
        raise bad_request("Invalid request: `projectId` should match pattern.")
    rows = [
        row for row in _owned(call) if project is None or project in (row.get("projectIds") or ())
    ]
    return Reply(
        200, [{**_shown(row), "projectsMetadata": _projects(call.state, row)} for row in rows]
    )


def _read(call: Call) -> Reply:
    return Reply(200, _shown(_found(call)))


def _create(call: Call) -> Reply:
    """Make a webhook. Only this answer has the secret that signs its deliveries."""
    given = json_object(call, _WRITABLE)
    for name in ("url", "events"):
        if name not in given:
            raise bad_request(f"Invalid request: missing required property `{name}`.")
    fields = {"url": _url(given["url"]), "events": _events(given["events"])}
    if "projectIds" in given:
        fields["projectIds"] = _project_ids(call, given["projectIds"])
    identifier = f"account_hook_sandbox{next_number(call.state):06d}"
    row = {
        "id": identifier,
        **fields,
        "ownerId": owner(call),
        "createdAt": call.now_ms,
        "updatedAt": call.now_ms,
        "secret": _signing_secret(identifier),
    }
    call.state.setdefault("webhooks", []).append(row)
    return Reply(200, {**_shown(row), "secret": row["secret"]})


def _delete(call: Call) -> Reply:
    call.state["webhooks"].remove(_found(call))
    return Reply(204)


def _owned(call: Call) -> list[State]:
    """Return the webhooks of the scope; a seed need not speak of webhooks at all."""
    owner_id = owner(call)
    return [row for row in call.state.get("webhooks", ()) if row["ownerId"] == owner_id]


def _found(call: Call) -> State:
    """Return the webhook that the path names.

    The reference has no 404, the vendor's Terraform provider counts on one.
    """
    for row in _owned(call):
        if row["id"] == call.params["webhook"]:
            return row
    raise Refused(not_found("Webhook"))


def _shown(row: State) -> dict[str, Any]:
    """Return what a read shows: no secret, and no ``projectIds`` for a webhook of the whole account."""
    return {
        name: value
        for name, value in row.items()
        if name != "secret" and (name != "projectIds" or value)
    }


def _projects(state: State, row: State) -> list[dict[str, Any]] | None:
    """Return what a list says of the webhook's projects; null for one of the whole account."""
    wanted = row.get("projectIds")
    if not wanted:
        return None
    return [
        {"id": project["id"], "name": project["name"], "framework": project.get("framework")}
        for project in state["projects"]
        if project["id"] in wanted
    ]


def _url(value: object) -> str:
    if not isinstance(value, str):
        raise bad_request("Invalid request: `url` should be string.")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", value):
        raise bad_request('Invalid request: `url` should match pattern "^https?://".')
    return value


def _events(value: object) -> list[str]:
    if not isinstance(value, list) or not value:
        raise bad_request("Invalid request: `events` should NOT have fewer than 1 items.")
    for index, name in enumerate(value):
        if not isinstance(name, str) or _EVENT.fullmatch(name) is None:
            message = (
                f"Invalid request: `events[{index}]` should be equal to one of the allowed values."
            )
            raise bad_request(message)
    return value


def _project_ids(call: Call, value: object) -> list[str]:
    """Return ids of projects in the scope; names are no ids.

    That a stranger is a 400 is assumed: of the documented answers it is the one about values of the body.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_PROJECTS:
        raise bad_request(f"Invalid request: `projectIds` should have 1 to {MAX_PROJECTS} items.")
    for index, name in enumerate(value):
        if not isinstance(name, str) or not _is_id(call, name):
            raise bad_request(f"Invalid request: `projectIds[{index}]` is not a project.")
    return value


def _is_id(call: Call, name: str) -> bool:
    try:
        return bool(find_project(call, name)["id"] == name)
    except Refused:
        return False


def _signing_secret(identifier: str) -> str:
    """Return a secret that says that it is none, and differs for each webhook."""
    return f"sandboxFAKE{hashlib.sha256(identifier.encode()).hexdigest()[:24]}"


WEBHOOK_ROUTES = (
    Route("GET", "/v1/webhooks", _list, "read"),
    Route("POST", "/v1/webhooks", _create, "write"),
    Route("GET", "/v1/webhooks/{webhook}", _read, "read"),
    Route("DELETE", "/v1/webhooks/{webhook}", _delete, "write"),
)
