"""Vercel projects: read, and change the writable properties.

Source: Vercel REST API, find a project and update an existing project.
"""

from __future__ import annotations

import re
from typing import Any

from reconciler.sandbox.vendor import Call, Reply, Route, State
from reconciler.sandbox.vercel_deployments import embedded_deployment, find_deployment
from reconciler.sandbox.vercel_env import shown_row
from reconciler.sandbox.vercel_jobs import advance_job
from reconciler.sandbox.vercel_wire import bad_request, json_object, project_of

_BOOLEAN: tuple[type, ...] = (bool,)
_TEXT: tuple[type, ...] = (str,)
_TEXT_OR_NULL: tuple[type, ...] = (str, type(None))
_BOOLEAN_OR_NULL: tuple[type, ...] = (bool, type(None))
_OBJECT_OR_NULL: tuple[type, ...] = (dict, type(None))

WRITABLE: dict[str, tuple[type, ...]] = {
    "autoAssignCustomDomains": _BOOLEAN,
    "autoAssignCustomDomainsUpdatedBy": _TEXT,
    "autoExposeSystemEnvs": _BOOLEAN,
    "buildCommand": _TEXT_OR_NULL,
    "commandForIgnoringBuildStep": _TEXT_OR_NULL,
    "connectConfigurations": (list, type(None)),
    "customerSupportCodeVisibility": _BOOLEAN,
    "devCommand": _TEXT_OR_NULL,
    "directoryListing": _BOOLEAN,
    "enableAffectedProjectsDeployments": _BOOLEAN,
    "enablePreviewFeedback": _BOOLEAN_OR_NULL,
    "enableProductionFeedback": _BOOLEAN_OR_NULL,
    "framework": _TEXT_OR_NULL,
    "gitForkProtection": _BOOLEAN,
    "gitLFS": _BOOLEAN,
    "installCommand": _TEXT_OR_NULL,
    "name": _TEXT,
    "nodeVersion": _TEXT,
    "oidcTokenConfig": (dict,),
    "optionsAllowlist": _OBJECT_OR_NULL,
    "outputDirectory": _TEXT_OR_NULL,
    "passwordProtection": _OBJECT_OR_NULL,
    "previewDeploymentsDisabled": _BOOLEAN_OR_NULL,
    "publicSource": _BOOLEAN_OR_NULL,
    "resourceConfig": (dict,),
    "rootDirectory": _TEXT_OR_NULL,
    "serverlessFunctionRegion": _TEXT_OR_NULL,
    "serverlessFunctionZeroConfigFailover": _BOOLEAN,
    "skewProtectionBoundaryAt": (int,),
    "skewProtectionMaxAge": (int,),
    "skipGitConnectDuringLink": _BOOLEAN,
    "sourceFilesOutsideRootDirectory": _BOOLEAN,
    "ssoProtection": _OBJECT_OR_NULL,
    "staticIps": (dict,),
    "trustedIps": _OBJECT_OR_NULL,
}
"""The 35 properties that may be written, and the JSON types they take."""

PRIVATE = frozenset(
    {"env", "production", "job", "hiddenProductionEnvCount", "activeRollingRelease"}
)
"""What a project has in the sandbox's state but never shows as such."""

_NAME = re.compile(r"(?!.*---)[a-z0-9._\-]{1,100}")
_NODE = re.compile(r"(10|12|14|16|18|20|22|24)\.x")


def _read(call: Call) -> Reply:
    project = project_of(call)
    advance_job(call, project)
    return Reply(200, _shown(call, project))


def _update(call: Call) -> Reply:
    project = project_of(call)
    changes = json_object(call, WRITABLE)
    for name, value in changes.items():
        if not isinstance(value, WRITABLE[name]) or (
            isinstance(value, bool) and bool not in WRITABLE[name]
        ):
            raise bad_request(f"Invalid request: `{name}` has a wrong type.")
    if _NAME.fullmatch(str(changes.get("name", project["name"]))) is None:
        raise bad_request("Invalid request: `name` is not a project name.", "invalid_name")
    if "nodeVersion" in changes and _NODE.fullmatch(changes["nodeVersion"]) is None:
        raise bad_request("Invalid request: `nodeVersion` is not one of the allowed values.")
    if isinstance(changes.get("resourceConfig"), dict):
        merged = {**project.get("resourceConfig", {}), **changes["resourceConfig"]}
        changes = {**changes, "resourceConfig": merged}
    project.update(changes)
    project["updatedAt"] = call.now_ms
    return Reply(200, _shown(call, project))


def _shown(call: Call, project: State) -> dict[str, Any]:
    """Return what a read shows: it embeds the variables and the deployment in production."""
    state = call.state
    resources = {"functionDefaultRegions": ["iad1"]}
    shown = {
        "directoryListing": False,
        "nodeVersion": "22.x",
        "resourceConfig": resources,
        "defaultResourceConfig": resources,
        "live": True,
        **{name: value for name, value in project.items() if name not in PRIVATE},
        "env": [shown_row(row) for row in project.get("env", []) if not row.get("system")],
    }
    current = find_deployment(state, project.get("production"))
    shown["targets"] = {"production": embedded_deployment(state, current)} if current else {}
    newest = sorted(
        (row for row in state["deployments"] if row["projectId"] == project["id"]),
        key=lambda row: -row["created"],
    )
    shown["latestDeployments"] = [embedded_deployment(state, row) for row in newest[:2]]
    return shown


PROJECT_ROUTES = (
    Route("GET", "/v9/projects/{project}", _read, "read"),
    Route("PATCH", "/v9/projects/{project}", _update, "write"),
)
