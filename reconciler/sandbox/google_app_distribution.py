"""Firebase App Distribution, read only, and the apps of a project.

Source: Firebase App Distribution API v1; Firebase Management API v1beta1, projects.searchApps. The state, under
``app_distribution``:

``apps``
    ``appId``, ``platform``, ``displayName``.
``releases``
    ``appId``, ``id``, ``displayVersion``, ``buildVersion``, ``createTime``, ``notes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.google_wire import by_number, invalid, not_found, page, route

if TYPE_CHECKING:
    from reconciler.sandbox.vendor import Call, Reply, State

API = "firebaseappdistribution.googleapis.com"
ORDERS = ("", "createTime", "createTime desc")


def blank_app_distribution() -> State:
    """Return a project without apps."""
    return {"apps": [], "releases": []}


def _apps(call: Call) -> Reply:
    project = call.state["project"]["projectId"]
    rows = [
        {
            "name": f"projects/{project}/{one['platform'].lower()}Apps/{one['appId']}",
            "displayName": one.get("displayName", ""),
            "platform": one["platform"],
            "appId": one["appId"],
            "state": "ACTIVE",
        }
        for one in call.state["app_distribution"]["apps"]
    ]
    return page(call, "apps", rows, most=100)


def _releases(call: Call) -> Reply:
    """List the releases of an app. The project goes by its number here."""
    project, app = call.state["project"], call.params["app"]
    if call.params["project"] != project["projectNumber"]:
        raise invalid("Invalid project number.")
    if all(one["appId"] != app for one in call.state["app_distribution"]["apps"]):
        raise not_found(f"App {app}")
    order = call.arguments.get("orderBy", "")
    if order not in ORDERS:
        raise invalid(f"orderBy: {order}")
    found = [one for one in call.state["app_distribution"]["releases"] if one["appId"] == app]
    found.sort(key=lambda one: str(one["createTime"]), reverse=order != "createTime")
    return page(call, "releases", [_shown(call, one) for one in found], most=100)


def _shown(call: Call, row: State) -> dict[str, Any]:
    app, project = row["appId"], call.state["project"]["projectId"]
    links = "https://appdistribution.firebase.google.com"
    shown = {
        "name": f"{by_number(call)}/apps/{app}/releases/{row['id']}",
        "displayVersion": row["displayVersion"],
        "buildVersion": row["buildVersion"],
        "createTime": row["createTime"],
        "firebaseConsoleUri": f"https://console.firebase.google.com/project/{project}/appdistribution/app/{app}",
        "testingUri": f"{links}/testerapps/{app}/releases/{row['id']}",
        "binaryDownloadUri": f"{links}/app-binary-downloads/{row['id']}?token=sandboxFAKEsigned",
    }
    return shown | ({"releaseNotes": {"text": row["notes"]}} if row.get("notes") else {})


APP_DISTRIBUTION_ROUTES = (
    route(
        "firebase.googleapis.com",
        "GET",
        "/v1beta1/projects/{project}:searchApps",
        _apps,
        "firebase.clients.list",
    ),
    route(
        API,
        "GET",
        "/v1/projects/{project}/apps/{app}/releases",
        _releases,
        "firebaseappdistro.releases.list",
    ),
)
