"""Vercel deployments: list and read. Source: Vercel REST API, deployments."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.vendor import Call, Refused, Reply, Route, State
from reconciler.sandbox.vercel_wire import bad_request, find_project, not_found, owner

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def find_deployment(state: State, identifier: object) -> State | None:
    """Return the deployment of that id or URL, or None."""
    for deployment in state["deployments"]:
        if identifier in (deployment["uid"], deployment["url"]):
            found: State = deployment
            return found
    return None


def aliases_of(state: State, deployment: State) -> list[str]:
    """Return the hosts that lead to a deployment."""
    uid = deployment["uid"]
    return [row["alias"] for row in state["aliases"] if row["deploymentId"] == uid]


def _list(call: Call) -> Reply:
    """List the deployments of the scope, newest first."""
    arguments = call.arguments
    owned = {row["id"] for row in call.state["projects"] if row["accountId"] == owner(call)}
    if "projectId" in arguments:
        owned = {find_project(call, arguments["projectId"])["id"]}
    found = sorted(
        (
            row
            for row in call.state["deployments"]
            if row["projectId"] in owned and _is_wanted(row, arguments)
        ),
        key=lambda row: -row["created"],
    )
    limit = _number(arguments, "limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise bad_request(f"Invalid request: `limit` should be 1 to {MAX_LIMIT}.")
    page = found[:limit]
    following = page[-1]["created"] if len(found) > len(page) else None
    previous = page[0]["created"] if page and "until" in arguments else None
    pagination = {"count": len(page), "next": following, "prev": previous}
    shown = [_listed(call.state, row) for row in page]
    return Reply(200, {"deployments": shown, "pagination": pagination})


def _is_wanted(row: State, arguments: dict[str, str]) -> bool:
    meta = row.get("meta", {})
    ready_state: str = row["readyState"]
    wanted_states = arguments.get("state", ready_state).split(",")
    checks = (
        ("target", row.get("target") or "preview"),
        ("app", row["name"]),
        ("sha", meta.get("githubCommitSha")),
        ("branch", meta.get("githubCommitRef")),
        ("rollbackCandidate", "true" if row.get("isRollbackCandidate") else "false"),
    )
    return (
        all(arguments.get(name, value) == value for name, value in checks)
        and ready_state in wanted_states
        and row["created"] < _number(arguments, "until", row["created"] + 1)
        and row["created"] > _number(arguments, "since", row["created"] - 1)
    )


def _number(arguments: dict[str, str], name: str, default: int) -> int:
    try:
        return int(arguments.get(name, default))
    except ValueError as error:
        raise bad_request(f"Invalid request: `{name}` should be number.") from error


def _read(call: Call) -> Reply:
    owned = {row["id"] for row in call.state["projects"] if row["accountId"] == owner(call)}
    deployment = find_deployment(call.state, call.params["deployment"])
    if deployment is None or deployment["projectId"] not in owned:
        raise Refused(not_found("Deployment"))
    return Reply(200, _single(call.state, deployment))


def _listed(state: State, row: State) -> dict[str, Any]:
    """Return an item of the list, which calls the id ``uid``."""
    creator = {"uid": state["user"]["id"], "username": state["user"]["username"]}
    return {
        **row,
        "type": "LAMBDAS",
        "state": row["readyState"],
        "createdAt": row["created"],
        "buildingAt": row["created"],
        "creator": creator,
        "inspectorUrl": f"https://vercel.com/{row['name']}/{row['uid']}",
        "aliasAssigned": bool(aliases_of(state, row)),
        "isRollbackCandidate": bool(row.get("isRollbackCandidate")),
    }


def _single(state: State, row: State) -> dict[str, Any]:
    """Return one deployment, which calls the id ``id``."""
    hosts = aliases_of(state, row)
    only_listed = {"uid", "created", "isRollbackCandidate"}
    project = next(item for item in state["projects"] if item["id"] == row["projectId"])
    return {
        **{name: value for name, value in row.items() if name not in only_listed},
        "id": row["uid"],
        "createdAt": row["created"],
        "bootedAt": row["created"],
        "buildingAt": row["created"],
        "createdIn": "iad1",
        "type": "LAMBDAS",
        "version": 2,
        "status": row["readyState"],
        "alias": hosts,
        "aliasAssigned": bool(hosts),
        "buildSkipped": False,
        "public": False,
        "regions": ["iad1"],
        "routes": [],
        "env": [],
        "build": {"env": []},
        "meta": row.get("meta", {}),
        "creator": {"uid": state["user"]["id"], "username": state["user"]["username"]},
        "inspectorUrl": f"https://vercel.com/{row['name']}/{row['uid']}",
        "isInConcurrentBuildsQueue": False,
        "isInSystemBuildsQueue": False,
        "ownerId": project["accountId"],
        "plan": "pro",
        "project": {"id": project["id"], "name": project["name"]},
        "projectSettings": {},
    }


def embedded_deployment(state: State, row: State) -> dict[str, Any]:
    """Return a deployment as a project shows it."""
    user = state["user"]
    hosts = aliases_of(state, row)
    return {
        "id": row["uid"],
        "alias": hosts,
        "aliasAssigned": bool(hosts),
        "createdAt": row["created"],
        "createdIn": "iad1",
        "creator": {"uid": user["id"], "email": user["email"], "username": user["username"]},
        "deploymentHostname": row["url"].partition(".")[0],
        "meta": row.get("meta", {}),
        "name": row["name"],
        "plan": "pro",
        "private": True,
        "readyState": row["readyState"],
        "target": row.get("target"),
        "type": "LAMBDAS",
        "url": row["url"],
        "userId": user["id"],
        **({"readySubstate": row["readySubstate"]} if "readySubstate" in row else {}),
    }


DEPLOYMENT_ROUTES = (
    Route("GET", "/v6/deployments", _list, "read"),
    Route("GET", "/v7/deployments", _list, "read"),
    Route("GET", "/v13/deployments/{deployment}", _read, "read"),
)
