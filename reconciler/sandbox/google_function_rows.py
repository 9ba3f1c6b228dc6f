"""How rows of functions are answered: with what the server fills in. Source: Cloud Functions API v1 and v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.sandbox.google_run import TO_LATEST, service_named
from reconciler.sandbox.google_wire import by_id, by_number

if TYPE_CHECKING:
    from reconciler.sandbox.vendor import Call, State

CREATED: Final = "2026-01-05T09:00:00.123456789Z"


def first_shown(row: State) -> dict[str, Any]:
    """Return a function of the first generation, with what the server fills in."""
    location, name = row["name"].split("/")[3], row["name"].rpartition("/")[2]
    shown: dict[str, Any] = {
        "status": "ACTIVE",
        "timeout": "60s",
        "availableMemoryMb": 256,
        "ingressSettings": "ALLOW_ALL",
        "dockerRegistry": "ARTIFACT_REGISTRY",
        "automaticUpdatePolicy": {},
        "updateTime": CREATED,
        **row,
        "versionId": str(row.get("versionId") or 1),
    }
    if "httpsTrigger" in row:
        project = row["name"].split("/")[1]
        url = f"https://{location}-{project}.cloudfunctions.net/{name}"
        shown["httpsTrigger"] = {
            "securityLevel": "SECURE_ALWAYS",
            **row["httpsTrigger"],
            "url": url,
        }
    return shown


def first_as_second(row: State) -> dict[str, Any]:
    """Return how the second API answers a function of the first generation: shortly."""
    return {
        "name": row["name"],
        "environment": "GEN_1",
        "state": row.get("status") or "ACTIVE",
        "updateTime": row.get("updateTime") or CREATED,
        "buildConfig": {"runtime": row["runtime"], "entryPoint": row["entryPoint"]},
    }


def second_shown(call: Call, row: State) -> dict[str, Any]:
    """Return a function of the second generation, with what the server fills in and its service."""
    name = service_of(row["name"])
    service = service_named(call.state, name)
    location, short = row["name"].split("/")[3], row["name"].rpartition("/")[2]
    number = call.state["project"]["projectNumber"]
    config = {
        "availableMemory": "256M",
        "timeoutSeconds": 60,
        "maxInstanceCount": 100,
        "ingressSettings": "ALLOW_ALL",
        "serviceAccountEmail": f"{number}-compute@developer.gserviceaccount.com",
        "availableCpu": "0.1666",
        "maxInstanceRequestConcurrency": 1,
        **row.get("serviceConfig", {}),
        "service": name.replace(by_id(call), by_number(call)),
        "uri": f"https://{name.rpartition('/')[2]}-{number}.{location}.run.app",
    }
    if service is not None:
        config["revision"] = service["latestReadyRevision"]
        rows = service.get("traffic") or [{"type": TO_LATEST, "percent": 100}]
        follows = all(one["type"] == TO_LATEST for one in rows if one.get("percent"))
        config["allTrafficOnLatestRevision"] = follows
    return {
        "state": "ACTIVE",
        "createTime": CREATED,
        "updateTime": CREATED,
        "environment": "GEN_2",
        "url": f"https://{location}-{call.state['project']['projectId']}.cloudfunctions.net/{short}",
        **{key: value for key, value in row.items() if key != "source"},
        "buildConfig": {**row.get("buildConfig", {}), **_provenance(row)},
        "serviceConfig": config,
    }


def _provenance(row: State) -> dict[str, Any]:
    found = row.get("source")
    return {"sourceProvenance": {"resolvedStorageSource": found}} if found else {}


def service_of(function: str) -> str:
    """Return the name of the service that a function of the second generation is."""
    parent, _, name = function.rpartition("/")
    return f"{parent.removesuffix('/functions')}/services/{name.lower().replace('_', '-')}"
