"""Google: one project, who is asking, and the APIs of the other files put together. One address serves them all.

Source: discovery documents of the APIs; google.rpc.Status. The state:

``project``
    ``projectId``, ``projectNumber`` (paths take both, answers name either), ``name``, ``lifecycleState``.
``services``
    the enabled APIs; calls to any other are refused. ``None``: all are enabled.
``lro``, ``paging``, ``unreachable``
    how operations go on and end, how lists are cut up, and which locations do not answer.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from reconciler.sandbox.google_app_distribution import (
    APP_DISTRIBUTION_ROUTES,
    blank_app_distribution,
)
from reconciler.sandbox.google_functions import (
    FUNCTION_FINISHERS,
    FUNCTION_ROUTES,
    blank_functions,
)
from reconciler.sandbox.google_hosting import HOSTING_ROUTES, blank_hosting
from reconciler.sandbox.google_operations import operation_routes
from reconciler.sandbox.google_remote_config import REMOTE_CONFIG_ROUTES, blank_remote_config
from reconciler.sandbox.google_rules import RULES_ROUTES, blank_rules
from reconciler.sandbox.google_run import RUN_FINISHERS, RUN_ROUTES, blank_run
from reconciler.sandbox.google_scheduler import SCHEDULER_ROUTES
from reconciler.sandbox.google_secrets import SECRET_ROUTES
from reconciler.sandbox.google_services import SERVICE_FINISHERS, SERVICE_ROUTES
from reconciler.sandbox.google_tasks import TASK_ROUTES
from reconciler.sandbox.google_wire import failure, google_error, route
from reconciler.sandbox.vendor import Call, Reply, State, Vendor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.google_operations import Finisher

_TOKEN = re.compile(r"(?!ya29\.)[A-Za-z0-9_.\-]{8,}")

FINISHERS: Mapping[str, Finisher] = {**FUNCTION_FINISHERS, **RUN_FINISHERS, **SERVICE_FINISHERS}
"""What operations do when they end."""


def _blank() -> State:
    return {
        "project": {
            "projectId": "sandbox",
            "projectNumber": "1",
            "name": "Sandbox",
            "lifecycleState": "ACTIVE",
        },
        "services": None,
        "lro": {"polls": 2, "error": None},
        "paging": {},
        "unreachable": [],
        "operations": {},
        "app_distribution": blank_app_distribution(),
        "hosting": blank_hosting(),
        "remote_config": blank_remote_config(),
        "rules": blank_rules(),
        "functions": blank_functions(),
        "run": blank_run(),
        "secrets": [],
        "queues": [],
        "jobs": [],
        "rate_limit": None,
        "credentials": {},
    }


def _credential(headers: Mapping[str, str]) -> str | None:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def _unauthorized(_token: str | None) -> Reply:
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid"
        " authentication credential."
    )
    return google_error("UNAUTHENTICATED", message, reason="ACCESS_TOKEN_TYPE_UNSUPPORTED")


def _forbidden(permission: str, _token: str, state: State) -> Reply:
    project = state["project"]["projectId"]
    message = (
        f"Permission '{permission}' denied on resource '//cloudresourcemanager.googleapis.com/projects/{project}'"
        " (or it may not exist)."
    )
    return google_error(
        "PERMISSION_DENIED", message, reason="IAM_PERMISSION_DENIED", permission=permission
    )


def _rate_limited(wait: float, _rate: float) -> Reply:
    reply = google_error("RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Requests'.")
    return Reply(reply.status, reply.body, {"retry-after": str(math.ceil(wait))})


def _next_page(body: object) -> Mapping[str, str] | None:
    token = body.get("nextPageToken") if isinstance(body, dict) else None
    return {"pageToken": str(token)} if token else None


def _project(call: Call) -> Reply:
    """Return the project. Source: Cloud Resource Manager API v1, projects.get."""
    return Reply(200, {"createTime": "2025-10-14T04:26:40.000Z", **call.state["project"]})


GOOGLE = Vendor(
    name="google",
    routes=(
        route(
            "cloudresourcemanager.googleapis.com",
            "GET",
            "/v1/projects/{project}",
            _project,
            "resourcemanager.projects.get",
        ),
        *FUNCTION_ROUTES,
        *RUN_ROUTES,
        *SERVICE_ROUTES,
        *HOSTING_ROUTES,
        *REMOTE_CONFIG_ROUTES,
        *RULES_ROUTES,
        *APP_DISTRIBUTION_ROUTES,
        *SECRET_ROUTES,
        *TASK_ROUTES,
        *SCHEDULER_ROUTES,
        *operation_routes(FINISHERS),
    ),
    blank=_blank,
    credential=_credential,
    is_test_credential=lambda token: _TOKEN.fullmatch(token) is not None,
    unauthorized=_unauthorized,
    forbidden=_forbidden,
    unknown_path=lambda method, path: google_error(
        "NOT_FOUND", f"The requested URL {method} {path} was not found on this server."
    ),
    failure=failure,
    rate_limited=_rate_limited,
    headers=lambda _request, number: {"x-cloud-trace-context": f"{number:032x}"},
    next_page=_next_page,
    cursors=frozenset({"pageToken"}),
)
