"""The job that moves production from one deployment to another, one read at a time.

A job is in the project's state as ``job``: ``{"reads": int, "description": str | null}``; what the
vendor shows of it is ``lastAliasRequest``. Source: Vercel REST API, find a project; Vercel
documentation, instant rollback (it turns automatic assignment of production domains off) and
promoting deployments (it turns it on again).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from reconciler.sandbox.vercel_deployments import find_deployment

if TYPE_CHECKING:
    from reconciler.sandbox.vendor import Call, State

Verb = Literal["promote", "rollback"]
UNFINISHED = ("pending", "in-progress")


def is_busy(project: State) -> bool:
    """Whether a job of the project has not ended."""
    request = project.get("lastAliasRequest") or {}
    return request.get("jobStatus") in UNFINISHED


def start_job(call: Call, project: State, verb: Verb, to: str, description: str | None) -> None:
    """Begin to move production. It ends after ``jobs.reads_until_done`` reads of the project."""
    project["lastAliasRequest"] = {
        "fromDeploymentId": project.get("production") or to,
        "toDeploymentId": to,
        "jobStatus": "pending",
        "requestedAt": call.now_ms,
        "type": verb,
    }
    project["job"] = {"reads": 0, "description": description}
    if _reads_until_done(call.state) == 0:
        _finish(call, project)


def advance_job(call: Call, project: State) -> None:
    """Let a read of the project bring its job one step on."""
    if not is_busy(project):
        return
    job = project.setdefault("job", {"reads": 0, "description": None})
    job["reads"] += 1
    left = _reads_until_done(call.state) - job["reads"]
    if left <= 0:
        _finish(call, project)
    elif left == 1:
        project["lastAliasRequest"]["jobStatus"] = "in-progress"


def _reads_until_done(state: State) -> int:
    return int(state.get("jobs", {}).get("reads_until_done", 2))


def _finish(call: Call, project: State) -> None:
    request = project["lastAliasRequest"]
    outcome = call.state.get("jobs", {}).get("outcome", "succeeded")
    request["jobStatus"] = outcome
    job = project.pop("job")
    if outcome == "succeeded":
        _move(call, project, request["toDeploymentId"])
        _note(call, project, request, job["description"])


def _move(call: Call, project: State, to: str) -> None:
    """Give the production hosts and the production target to another deployment."""
    state = call.state
    for row in state["aliases"]:
        if row["projectId"] == project["id"] and row.get("target") == "production":
            row["deploymentId"] = to
    previous = find_deployment(state, project.get("production"))
    current = find_deployment(state, to)
    if previous is not None:
        previous["isRollbackCandidate"] = True
    if current is not None:
        current["isRollbackCandidate"] = True
        current["readySubstate"] = "PROMOTED"
    project["production"] = to
    project["updatedAt"] = call.now_ms


def _note(call: Call, project: State, request: State, description: str | None) -> None:
    user = call.state["user"]
    project["autoAssignCustomDomains"] = request["type"] == "promote"
    project["autoAssignCustomDomainsUpdatedBy"] = user["id"]
    project.pop("rollbackDescription", None)
    if request["type"] == "promote":
        project["lastRollbackTarget"] = None
        return
    project["lastRollbackTarget"] = {"id": request["toDeploymentId"]}
    if description:
        project["rollbackDescription"] = {
            "userId": user["id"],
            "username": user["username"],
            "description": description,
            "createdAt": call.now_ms,
        }
