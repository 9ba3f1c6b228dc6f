"""Vercel: who is asking, and the operations of the other files put together.

Source: Vercel REST API reference (authentication, errors, rate limits) and its OpenAPI document.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from reconciler.sandbox.vendor import Call, Reply, Route, State, Vendor
from reconciler.sandbox.vercel_deployments import DEPLOYMENT_ROUTES
from reconciler.sandbox.vercel_env import ENV_ROUTES
from reconciler.sandbox.vercel_pointer import POINTER_ROUTES
from reconciler.sandbox.vercel_projects import PROJECT_ROUTES
from reconciler.sandbox.vercel_webhooks import WEBHOOK_ROUTES
from reconciler.sandbox.vercel_wire import failure, next_page, not_found, vercel_error

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r"(?!sk_)[A-Za-z0-9_\-]{8,}")


def _blank() -> State:
    return {
        "user": {
            "id": "usr_sandbox",
            "email": "nobody@example.com",
            "name": None,
            "username": "nobody",
        },
        "teams": [],
        "projects": [],
        "deployments": [],
        "aliases": [],
        "jobs": {"reads_until_done": 2, "outcome": "succeeded"},
        "rate_limit": None,
        "credentials": {},
    }


def _credential(headers: Mapping[str, str]) -> str | None:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def _unauthorized(token: str | None) -> Reply:
    if token is None:
        message = "The request is missing an authentication token"
        return vercel_error(403, "forbidden", message, missingToken=True)
    return vercel_error(403, "forbidden", "Not authorized", invalidToken=True)


def _forbidden(permission: str, _token: str, _state: State) -> Reply:
    message = f"You don't have permission to {permission.replace('_', ' ')} this resource."
    return vercel_error(403, "forbidden", message)


def _rate_limited(wait: float, rate: float) -> Reply:
    seconds = math.ceil(wait)
    limit = {"total": math.floor(rate), "remaining": 0, "reset": seconds}
    reply = vercel_error(429, "rate_limited", "Rate limit exceeded", limit=limit)
    return Reply(reply.status, reply.body, {"retry-after": str(seconds)})


def _user(call: Call) -> Reply:
    """Return the limited form of the user. Source: Vercel REST API, get the user."""
    user = call.state["user"]
    teams = call.state["teams"]
    shown = {"avatar": None, "defaultTeamId": teams[0]["id"] if teams else None, **user}
    return Reply(200, {"user": {"limited": True, **shown}})


def _team(call: Call) -> Reply:
    wanted = call.params["team"]
    for team in call.state["teams"]:
        if wanted in (team["id"], team["slug"]):
            return Reply(200, _shown_team(team, call.state["user"]))
    return not_found("Team")


def _shown_team(team: State, user: State) -> dict[str, object]:
    created = team.get("createdAt", 1_700_000_000_000)
    membership = {
        "uid": user["id"],
        "teamId": team["id"],
        "confirmed": True,
        "role": "OWNER",
        "createdAt": created,
        "created": created,
    }
    return {
        "creatorId": user["id"],
        "createdAt": created,
        "updatedAt": created,
        "avatar": None,
        "description": None,
        "stagingPrefix": "",
        "membership": membership,
        **team,
    }


VERCEL = Vendor(
    name="vercel",
    routes=(
        Route("GET", "/v2/user", _user),
        Route("GET", "/v2/teams/{team}", _team),
        *PROJECT_ROUTES,
        *ENV_ROUTES,
        *DEPLOYMENT_ROUTES,
        *POINTER_ROUTES,
        *WEBHOOK_ROUTES,
    ),
    blank=_blank,
    credential=_credential,
    is_test_credential=lambda token: _TOKEN.fullmatch(token) is not None,
    unauthorized=_unauthorized,
    forbidden=_forbidden,
    unknown_path=lambda _method, _path: vercel_error(
        404, "not_found", "The endpoint was not found"
    ),
    failure=failure,
    rate_limited=_rate_limited,
    headers=lambda _request, number: {"x-vercel-id": f"sandbox::{number:08d}"},
    next_page=next_page,
    cursors=frozenset({"until", "since"}),
)
