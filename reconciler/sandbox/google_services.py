"""Which APIs of a project are enabled. Source: Service Usage API v1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.google_operations import start
from reconciler.sandbox.google_wire import by_number, invalid, json_object, known_only, page, route
from reconciler.sandbox.vendor import Call, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.google_operations import Finisher

API = "serviceusage.googleapis.com"
MOST_AT_ONCE = 20
_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def _shown(call: Call, service: str) -> dict[str, Any]:
    enabled = service in (call.state["services"] or ())
    return {
        "name": f"{by_number(call)}/services/{service}",
        "config": {"name": service, "title": service.partition(".")[0]},
        "state": "ENABLED" if enabled else "DISABLED",
        "parent": by_number(call),
    }


def _list(call: Call) -> Reply:
    """List services; the filter must be ``state:ENABLED``: nothing else is imitated."""
    if call.arguments.get("filter") != "state:ENABLED":
        raise invalid("The sandbox lists services by the filter state:ENABLED.")
    rows = [_shown(call, one) for one in sorted(call.state["services"] or ())]
    return page(call, "services", rows, most=200)


def _read(call: Call) -> Reply:
    return Reply(200, _shown(call, call.params["service"]))


def _enable_many(call: Call) -> Reply:
    """Enable up to 20 services, all or none."""
    body = json_object(call)
    known_only(body, ("serviceIds",))
    wanted = body.get("serviceIds") or []
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise invalid(f"Between 1 and {MOST_AT_ONCE} services can be enabled at once.")
    return _started(call, wanted)


def _enable(call: Call) -> Reply:
    return _started(call, [call.params["service"]])


def _started(call: Call, wanted: list[Any]) -> Reply:
    for one in wanted:
        if not isinstance(one, str) or _NAME.fullmatch(one) is None:
            raise invalid(f"Service name {one} is invalid.")
    return start(call, "services.enable", {"services": wanted})


def _enabled(call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
    wanted = arguments["services"]
    call.state["services"] = sorted({*(call.state["services"] or ()), *wanted})
    return {
        "@type": "type.googleapis.com/google.api.serviceusage.v1.BatchEnableServicesResponse",
        "services": [_shown(call, one) for one in wanted],
    }


SERVICE_FINISHERS: Mapping[str, Finisher] = {"services.enable": _enabled}

_BASE = "/v1/projects/{project}/services"
SERVICE_ROUTES = (
    route(API, "GET", _BASE, _list, "serviceusage.services.list"),
    route(API, "POST", f"{_BASE}:batchEnable", _enable_many, "serviceusage.services.enable"),
    route(API, "GET", f"{_BASE}/{{service}}", _read, "serviceusage.services.get"),
    route(API, "POST", f"{_BASE}/{{service}}:enable", _enable, "serviceusage.services.enable"),
)
