"""Cloud Run services, their revisions and images. Source: Cloud Run Admin API v2, Artifact Registry API v1.

The state, under ``run``:

``services``
    ``name`` (with the project's id), ``latestReadyRevision``, ``traffic`` (absent: all to the latest), ``labels``;
    ``pending``: how many reads still show requests where they went before (``was``).
``revisions``
    ``name``, ``containers``, ``volumes``; ``ready`` is false for one that never started.
``images``, ``repositories``
    names of dockerImages that are still there, and repositories with their clean-up policies.
``settling``
    after how many reads a move of traffic shows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from reconciler.sandbox.google_operations import start
from reconciler.sandbox.google_wire import (
    by_id,
    etag_of,
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
    from collections.abc import Mapping, Sequence

    from reconciler.sandbox.google_operations import Finisher

API = "run.googleapis.com"
IMAGES_API = "artifactregistry.googleapis.com"
TO_LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
TO_REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"

WRITABLE = ("traffic", "labels", "annotations", "template", "description", "ingress", "scaling")
SHOWN = (
    "name",
    "uid",
    "generation",
    "createTime",
    "updateTime",
    "uri",
    "urls",
    "etag",
    "conditions",
    "terminalCondition",
    "trafficStatuses",
    "reconciling",
    "observedGeneration",
    "latestReadyRevision",
    "latestCreatedRevision",
)


def blank_run() -> State:
    """Return a project without services."""
    return {"services": [], "revisions": [], "images": [], "repositories": [], "settling": 1}


def service_named(state: State, name: str) -> State | None:
    """Return the service ``projects/ID/…``, to look at or to change."""
    found: list[State] = [row for row in state["run"]["services"] if row["name"] == name]
    return found[0] if found else None


def add_revision(state: State, service: State, revision: State, *, unpins: bool) -> str:
    """A deployment made another revision: it is the newest, and it gets the requests unless traffic is pinned."""
    known = [
        row for row in state["run"]["revisions"] if row["name"].startswith(f"{service['name']}/")
    ]
    short = f"{service['name'].rpartition('/')[2]}-{len(known) + 1:05d}-new"
    name = f"{service['name']}/revisions/{short}"
    state["run"]["revisions"].append({**revision, "name": name})
    service["latestReadyRevision"] = short
    service["generation"] = int(service.get("generation") or 1) + 1
    if unpins:
        service["traffic"] = [{"type": TO_LATEST, "percent": 100}]
    return short


def _list(call: Call) -> Reply:
    location = call.params["location"]
    if location == "-":
        raise invalid("The location must be named: - is not supported.")
    prefix = f"{by_id(call)}/locations/{location}/services/"
    rows = [row for row in call.state["run"]["services"] if row["name"].startswith(prefix)]
    return page(call, "services", [_shown(call, row) for row in rows], most=1000)


def _get(call: Call) -> Reply:
    row = _found(call)
    answer = _shown(call, row)
    left = int(row.get("pending") or 0)
    if left > 1:
        row["pending"] = left - 1
    elif left:
        row.pop("pending")
        row.pop("was", None)
    return Reply(200, answer)


def _patch(call: Call) -> Reply:
    """Change what the mask names. An etag that is not the present one is a conflict."""
    row, body = _found(call), json_object(call)
    known_only(body, (*WRITABLE, *SHOWN, "client", "clientVersion", "launchStage"))
    if body.get("etag") and body["etag"] != etag_of(_stable(row)):
        message = (
            f"Conflict for resource '{call.params['service']}': the etag is not the present one."
        )
        raise refused("ABORTED", message)
    changed = masked(row, body, call.arguments.get("updateMask", ""), WRITABLE)
    _refuse_bad_traffic(call, row, changed.get("traffic") or [])
    return start(
        call, "run.services.patch", {"name": row["name"], "row": changed}, parent=_parent(call)
    )


def _patched(call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
    row = service_named(call.state, arguments["name"])
    if row is None:
        raise not_found(f"Service {arguments['name']}")
    was = row.get("traffic") or []
    for name in WRITABLE:
        row.pop(name, None)
    row.update({name: arguments["row"][name] for name in WRITABLE if name in arguments["row"]})
    row["generation"] = int(row.get("generation") or 1) + 1
    row["updateTime"] = timestamp(call.now)
    pending = int(call.state["run"].get("settling") or 0)
    if pending and row.get("traffic") != was:
        row.update({"pending": pending, "was": was})
    return {"@type": "type.googleapis.com/google.cloud.run.v2.Service", **_shown(call, row)}


def _refuse_bad_traffic(call: Call, row: State, traffic: Sequence[Mapping[str, Any]]) -> None:
    if traffic and sum(int(one.get("percent") or 0) for one in traffic) != 100:
        raise invalid("spec.traffic: The sum of the traffic percentages must be 100.")
    tags = [one["tag"] for one in traffic if one.get("tag")]
    if len(set(tags)) != len(tags):
        raise invalid("spec.traffic: A tag can be used once.")
    known = {one["name"] for one in call.state["run"]["revisions"] if one.get("ready", True)}
    for one in traffic:
        named = one.get("revision")
        if (one.get("type") == TO_REVISION) != bool(named):
            raise invalid("spec.traffic: A revision is named for targets of type REVISION alone.")
        if named and f"{row['name']}/revisions/{named}" not in known:
            raise invalid(f"Revision named '{named}' not found or not ready.")


def _revision(call: Call) -> Reply:
    name = f"{_name(call)}/revisions/{call.params['revision']}"
    for row in call.state["run"]["revisions"]:
        if row["name"] == name:
            return Reply(200, _shown_revision(call, row))
    raise not_found(f"Resource '{call.params['revision']}' of kind 'REVISION'")


def _revisions(call: Call) -> Reply:
    rows = [
        row
        for row in call.state["run"]["revisions"]
        if row["name"].startswith(f"{_name(call)}/revisions/")
    ]
    newest = sorted(rows, key=lambda row: str(row["name"]), reverse=True)
    return page(call, "revisions", [_shown_revision(call, row) for row in newest], most=1000)


def _shown_revision(call: Call, row: State) -> dict[str, Any]:
    ready = row.get("ready", True)
    condition = {
        "type": "Ready",
        "state": "CONDITION_SUCCEEDED" if ready else "CONDITION_FAILED",
        **({} if ready else {"message": "The container failed to start."}),
    }
    service = row["name"].split("/")[5]
    return {
        **{name: value for name, value in row.items() if name != "ready"},
        "uid": f"uid-{row['name'].rpartition('/')[2]}",
        "service": service,
        "generation": "1",
        "createTime": row.get("createTime") or timestamp(call.now),
        "conditions": [condition],
        "etag": etag_of(row),
    }


def _image(call: Call) -> Reply:
    wanted = unquote(call.path).removeprefix("/v1/")
    wanted = re.sub(r"^projects/[^/]+", by_id(call), wanted)
    if wanted not in call.state["run"]["images"]:
        raise not_found("Requested entity was")
    return Reply(200, {"name": wanted, "uri": wanted})


def _repository(call: Call) -> Reply:
    location, repository = call.params["location"], call.params["repository"]
    wanted = f"{by_id(call)}/locations/{location}/repositories/{repository}"
    for row in call.state["run"]["repositories"]:
        if row["name"] == wanted:
            return Reply(200, row)
    raise not_found("Requested entity was")


def _parent(call: Call) -> str:
    return f"{by_id(call)}/locations/{call.params['location']}"


def _name(call: Call) -> str:
    return f"{_parent(call)}/services/{call.params['service']}"


def _found(call: Call) -> State:
    row = service_named(call.state, _name(call))
    if row is None:
        raise not_found(f"Resource '{call.params['service']}' of kind 'SERVICE'")
    return row


def _stable(row: State) -> State:
    return {name: value for name, value in row.items() if name not in {"pending", "was"}}


def _shown(call: Call, row: State) -> dict[str, Any]:
    """Return a service as it is answered: generations as strings, where requests go, its etag."""
    name, stable = str(row["name"]), _stable(row)
    latest = f"{name}/revisions/{row['latestReadyRevision']}"
    short, location = name.rpartition("/")[2], name.split("/")[3]
    number = call.state["project"]["projectNumber"]
    url = f"https://{short}-{number}.{location}.run.app"
    moving = "was" in row
    generation = str(row.get("generation") or 1)
    ready = {"type": "Ready", "state": "CONDITION_RECONCILING" if moving else "CONDITION_SUCCEEDED"}
    hidden = {"latestReadyRevision", "generation"}
    return {
        **{key: value for key, value in stable.items() if key not in hidden},
        "uid": f"uid-{short}",
        "generation": generation,
        "observedGeneration": generation,
        "createTime": row.get("createTime") or "2026-01-05T09:00:00.123456Z",
        "uri": url,
        "urls": [url],
        "etag": etag_of(stable),
        "latestReadyRevision": latest,
        "latestCreatedRevision": latest,
        "trafficStatuses": _statuses(row.get("was" if moving else "traffic") or [], url),
        "terminalCondition": ready,
        **({"reconciling": True} if moving else {}),
    }


def _statuses(traffic: Sequence[Mapping[str, Any]], url: str) -> list[dict[str, Any]]:
    rows = traffic or [{"type": TO_LATEST, "percent": 100}]
    return [
        {**one, **({"uri": url.replace("://", f"://{one['tag']}---")} if one.get("tag") else {})}
        for one in rows
    ]


RUN_FINISHERS: Mapping[str, Finisher] = {"run.services.patch": _patched}

_PARENT = "/v2/projects/{project}/locations/{location}/services"
_REPOSITORY = "/v1/projects/{project}/locations/{location}/repositories/{repository}"
RUN_ROUTES = (
    route(API, "GET", _PARENT, _list, "run.services.list"),
    route(API, "GET", f"{_PARENT}/{{service}}", _get, "run.services.get"),
    route(API, "PATCH", f"{_PARENT}/{{service}}", _patch, "run.services.update"),
    route(API, "GET", f"{_PARENT}/{{service}}/revisions", _revisions, "run.revisions.list"),
    route(
        API, "GET", f"{_PARENT}/{{service}}/revisions/{{revision}}", _revision, "run.revisions.get"
    ),
    route(IMAGES_API, "GET", _REPOSITORY, _repository, "artifactregistry.repositories.get"),
    route(
        IMAGES_API,
        "GET",
        f"{_REPOSITORY}/dockerImages/{{image}}",
        _image,
        "artifactregistry.dockerimages.get",
    ),
)
