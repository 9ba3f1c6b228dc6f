"""Firebase Hosting: sites, channels, versions, and releases, which are only ever added.

Source: Firebase Hosting API v1beta1. The state, under ``hosting``:

``sites``
    ``site``, ``type``, ``defaultUrl``.
``channels``
    ``site``, ``channel``, ``url``; ``release`` is what it serves, absent as long as nothing was released.
``versions``
    ``site``, ``version``, ``status``, ``config``, ``fileCount``, ``versionBytes``. Any that is not FINALIZED cannot
    be released.
``releases``
    every release, those of preview channels among them.
"""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.google_wire import (
    by_number,
    invalid,
    json_object,
    known_only,
    not_found,
    page,
    refused,
    route,
    timestamp,
)
from reconciler.sandbox.vendor import Call, Reply, State, next_number

API = "firebasehosting.googleapis.com"
LONGEST_MESSAGE = 512


def blank_hosting() -> State:
    """Return a project without sites."""
    return {"sites": [], "channels": [], "versions": [], "releases": []}


def _sites(call: Call) -> Reply:
    rows = [
        {
            "name": f"{by_number(call)}/sites/{one['site']}",
            "type": one.get("type", "USER_SITE"),
            "defaultUrl": one.get("defaultUrl", f"https://{one['site']}.web.app"),
        }
        for one in _hosting(call)["sites"]
    ]
    return page(call, "sites", rows, most=100)


def _channels(call: Call) -> Reply:
    site = _site(call)
    rows = [_channel_shown(call, one) for one in _hosting(call)["channels"] if one["site"] == site]
    return page(call, "channels", rows, most=100)


def _read_channel(call: Call) -> Reply:
    return Reply(200, _channel_shown(call, _channel(call)))


def _versions(call: Call) -> Reply:
    """List versions, newest first; the only filter is ``status="…"``."""
    site, wanted = _site(call), call.arguments.get("filter", "")
    if wanted and not (wanted.startswith('status="') and wanted.endswith('"')):
        raise invalid('The sandbox lists versions by the filter status="…".')
    status = wanted.removeprefix('status="').removesuffix('"')
    found = [
        one
        for one in _hosting(call)["versions"]
        if one["site"] == site and status in {"", one["status"]}
    ]
    found.sort(key=lambda one: str(one.get("createTime", "")), reverse=True)
    return page(call, "versions", [_version_shown(call, one) for one in found], most=100)


def _read_version(call: Call) -> Reply:
    return Reply(200, _version_shown(call, _version(call, _site(call), call.params["version"])))


def _releases(call: Call) -> Reply:
    """List the releases of a channel, or those of all channels of a site, newest first."""
    site, channel = _site(call), call.params.get("channel")
    found = [
        one
        for one in _hosting(call)["releases"]
        if one["site"] == site and channel in {None, one["channel"]}
    ]
    found.sort(key=lambda one: str(one["releaseTime"]), reverse=True)
    return page(call, "releases", [_release_shown(call, one) for one in found], most=100)


def _release(call: Call) -> Reply:
    """Release a version, or nothing at all (SITE_DISABLE). What a release is called is not for callers to say."""
    channel, body = _channel(call), json_object(call)
    known_only(body, ("message", "type"))
    if len(body.get("message") or "") > LONGEST_MESSAGE:
        raise invalid(f"message: at most {LONGEST_MESSAGE} characters.")
    name = call.arguments.get("versionName", "")
    version, kind = _released(call, channel, name, body.get("type"))
    row = {
        "name": f"{int(call.now * 1000)}{next_number(call.state):04d}",
        "site": channel["site"],
        "channel": channel["channel"],
        "type": kind,
        "releaseTime": timestamp(call.now),
        "email": "deployer@shop.example",
        **({"version": version} if version else {}),
        **({"message": body["message"]} if body.get("message") else {}),
    }
    _hosting(call)["releases"].append(row)
    channel["release"] = row
    return Reply(200, _release_shown(call, row))


def _released(call: Call, channel: State, name: str, kind: object) -> tuple[str, str]:
    """Return the version to release and the type of the release, which is computed."""
    if kind == "SITE_DISABLE":
        if name:
            raise invalid("versionName must be empty for a release of type SITE_DISABLE.")
        return "", "SITE_DISABLE"
    if kind is not None:
        raise invalid("type: only SITE_DISABLE can be set.")
    site, _, version = name.partition("sites/")[2].partition("/versions/")
    if not version or site != channel["site"]:
        raise invalid(f"versionName: {name!r} is no version of the site {channel['site']}.")
    found = _version(call, site, version)
    if found["status"] != "FINALIZED":
        raise refused("FAILED_PRECONDITION", f"{name} is {found['status']}, not FINALIZED.")
    served = {
        one.get("version")
        for one in _hosting(call)["releases"]
        if (one["site"], one["channel"]) == (channel["site"], channel["channel"])
    }
    return version, "ROLLBACK" if version in served else "DEPLOY"


def _hosting(call: Call) -> State:
    found: State = call.state["hosting"]
    return found


def _site(call: Call) -> str:
    wanted = call.params["site"]
    if all(one["site"] != wanted for one in _hosting(call)["sites"]):
        raise not_found(f"Site {wanted}")
    return wanted


def _channel(call: Call) -> State:
    site, wanted = _site(call), call.params["channel"]
    for one in _hosting(call)["channels"]:
        if (one["site"], one["channel"]) == (site, wanted):
            found: State = one
            return found
    raise not_found(f"Channel {wanted}")


def _version(call: Call, site: str, wanted: str) -> State:
    for one in _hosting(call)["versions"]:
        if (one["site"], one["version"]) == (site, wanted):
            found: State = one
            return found
    raise not_found(f"Version {wanted}")


def _channel_shown(call: Call, row: State) -> dict[str, Any]:
    shown = {
        "name": f"{by_number(call)}/sites/{row['site']}/channels/{row['channel']}",
        "url": row.get("url", f"https://{row['site']}--{row['channel']}.web.app"),
        "createTime": row.get("createTime", "2026-01-05T08:00:00Z"),
        "updateTime": row.get("updateTime", "2026-01-05T08:00:00Z"),
        "retainedReleaseCount": row.get("retainedReleaseCount", 10),
        **({"expireTime": row["expireTime"]} if "expireTime" in row else {}),
    }
    return shown | ({"release": _release_shown(call, row["release"])} if row.get("release") else {})


def _release_shown(call: Call, row: State) -> dict[str, Any]:
    channel = f"{by_number(call)}/sites/{row['site']}/channels/{row['channel']}"
    shown = {
        "name": f"{channel}/releases/{row['name']}",
        "type": row["type"],
        "releaseTime": row["releaseTime"],
        "releaseUser": {"email": row.get("email", "deployer@shop.example")},
        **({"message": row["message"]} if row.get("message") else {}),
    }
    if not row.get("version"):
        return shown
    return {**shown, "version": _version_shown(call, _version(call, row["site"], row["version"]))}


def _version_shown(call: Call, row: State) -> dict[str, Any]:
    made = row.get("createTime", "2026-01-05T08:00:00Z")
    shown = {
        "name": f"{by_number(call)}/sites/{row['site']}/versions/{row['version']}",
        "status": row["status"],
        "config": row.get("config", {}),
        "createTime": made,
        "createUser": {"email": row.get("email", "deployer@shop.example")},
        **{name: str(row[name]) for name in ("fileCount", "versionBytes") if row.get(name)},
    }
    return shown | ({"finalizeTime": made} if row["status"] == "FINALIZED" else {})


_PERMISSION = "firebasehosting.sites.{}"


def _both(method: str, below: str, handler: Any, verb: str) -> tuple[Any, ...]:  # noqa: ANN401 - a handler
    """Return the operation at both of its paths: a site goes by its name alone, too."""
    return tuple(
        route(API, method, f"/v1beta1/{parent}{below}", handler, _PERMISSION.format(verb))
        for parent in ("projects/{project}/sites/{site}", "sites/{site}")
    )


HOSTING_ROUTES = (
    route(API, "GET", "/v1beta1/projects/{project}/sites", _sites, _PERMISSION.format("list")),
    *_both("GET", "/channels", _channels, "get"),
    *_both("GET", "/channels/{channel}", _read_channel, "get"),
    *_both("GET", "/versions", _versions, "get"),
    *_both("GET", "/versions/{version}", _read_version, "get"),
    *_both("GET", "/releases", _releases, "get"),
    *_both("GET", "/channels/{channel}/releases", _releases, "get"),
    *_both("POST", "/channels/{channel}/releases", _release, "update"),
)
