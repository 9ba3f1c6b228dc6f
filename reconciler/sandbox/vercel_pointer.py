"""Which deployment production points to: rollback, promote, aliases.

Source: Vercel REST API (request promote, list promote aliases, get an alias) and Vercel CLI 64
for the rollback paths, which the public OpenAPI document lacks.
"""

from __future__ import annotations

from reconciler.sandbox.vendor import Call, Refused, Reply, Route, State
from reconciler.sandbox.vercel_deployments import aliases_of, find_deployment
from reconciler.sandbox.vercel_jobs import Verb, is_busy, start_job
from reconciler.sandbox.vercel_wire import not_found, owner, project_of, vercel_error

_CONFLICT = "There is another promote or rollback request of this project in progress."


def _rollback(call: Call) -> Reply:
    """Ask to point production back. The answer has no body, and nothing has moved yet."""
    project = project_of(call)
    if is_busy(project) or project.get("activeRollingRelease"):
        raise Refused(vercel_error(409, "conflict", _CONFLICT))
    target = _ready(call, project, 422)
    if not target.get("isRollbackCandidate"):
        message = "The deployment is not a rollback candidate."
        raise Refused(vercel_error(422, "invalid_rollback_target", message))
    start_job(call, project, "rollback", target["uid"], call.arguments.get("description"))
    return Reply(201)


def _promote(call: Call) -> Reply:
    """Ask to point production to a deployment, without building it again."""
    project = project_of(call)
    if is_busy(project):
        raise Refused(vercel_error(409, "conflict", _CONFLICT))
    target = _ready(call, project, 400)
    if target.get("target") != "production":
        message = "Only deployments of the production target can be promoted without a build."
        raise Refused(vercel_error(400, "bad_request", message))
    if project.get("activeRollingRelease"):
        return Reply(202)
    start_job(call, project, "promote", target["uid"], None)
    return Reply(201)


def _ready(call: Call, project: State, refusal: int) -> State:
    """Return the deployment that the path names, if production could run on it."""
    target = find_deployment(call.state, call.params["deployment"])
    if target is None or target["projectId"] != project["id"]:
        raise Refused(vercel_error(400, "bad_request", "The deployment was not found."))
    if target.get("softDeletedByRetention"):
        message = "The deployment was deleted by the retention policy."
        raise Refused(vercel_error(refusal, "deployment_deleted", message))
    if target["readyState"] != "READY":
        message = f"The deployment is {target['readyState']}, not READY."
        raise Refused(vercel_error(refusal, "deployment_not_ready", message))
    return target


def _rollback_aliases(call: Call) -> Reply:
    return _job_aliases(call, "rollback")


def _promote_aliases(call: Call) -> Reply:
    return _job_aliases(call, "promote")


def _job_aliases(call: Call, verb: Verb) -> Reply:
    """List what became of each production host in the last job of that kind."""
    project = project_of(call)
    request = project.get("lastAliasRequest") or {}
    rows: list[dict[str, str]] = []
    if request.get("type") == verb:
        status = {"succeeded": "completed"}.get(request["jobStatus"], request["jobStatus"])
        rows = [
            {"status": status, "alias": row["alias"], "id": row["uid"]}
            for row in call.state["aliases"]
            if row["projectId"] == project["id"] and row.get("target") == "production"
        ]
    if call.arguments.get("failedOnly") == "true":
        rows = [row for row in rows if row["status"] == "failed"]
    pagination = {"count": len(rows), "next": None, "prev": None}
    return Reply(200, {"aliases": rows, "pagination": pagination})


def _alias(call: Call) -> Reply:
    """Return where a host leads: the best proof that production moved."""
    owned = {row["id"] for row in call.state["projects"] if row["accountId"] == owner(call)}
    wanted = call.params["host"]
    for row in call.state["aliases"]:
        if row["projectId"] in owned and wanted in (row["alias"], row["uid"]):
            return Reply(200, _shown_alias(call.state, row))
    raise Refused(not_found("Alias"))


def _shown_alias(state: State, row: State) -> dict[str, object]:
    user = state["user"]
    deployment = find_deployment(state, row["deploymentId"])
    embedded = (
        {"id": deployment["uid"], "url": deployment["url"], "alias": aliases_of(state, deployment)}
        if deployment
        else None
    )
    return {
        "redirect": None,
        "creator": {"uid": user["id"], "email": user["email"], "username": user["username"]},
        **{name: value for name, value in row.items() if name != "target"},
        "createdAt": row["created"],
        "updatedAt": row["created"],
        "deployment": embedded,
    }


POINTER_ROUTES = (
    Route("POST", "/v1/projects/{project}/rollback/{deployment}", _rollback, "write"),
    Route("POST", "/v9/projects/{project}/rollback/{deployment}", _rollback, "write"),
    Route("GET", "/v9/projects/{project}/rollback/aliases", _rollback_aliases, "read"),
    Route("POST", "/v10/projects/{project}/promote/{deployment}", _promote, "write"),
    Route("GET", "/v1/projects/{project}/promote/aliases", _promote_aliases, "read"),
    Route("GET", "/v4/aliases/{host}", _alias, "read"),
)
