"""Stripe: the account, webhook endpoints, events.

Source: Stripe API reference (errors, pagination, idempotent requests, webhook endpoints, events)
and the types of stripe-python 16.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from reconciler.sandbox.stripe_webhooks import WEBHOOK_ROUTES
from reconciler.sandbox.stripe_wire import failure, list_page, query_arguments, stripe_error
from reconciler.sandbox.vendor import Call, Idempotency, Reply, Route, State, Vendor

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_VERSION = "2026-10-28.endive"
_TEST_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9_]+")


def _blank() -> State:
    return {
        "account": {"id": "acct_sandbox", "object": "account"},
        "livemode": False,
        "rate_limit": None,
        "webhook_endpoints": [],
        "events": [],
        "credentials": {},
    }


def _credential(headers: Mapping[str, str]) -> str | None:
    """Return the key: a bearer token, or the user of Basic authentication."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded.partition(":")[0] or None


def _masked(key: str) -> str:
    """Return a key as error messages show it: ``sk_test_****1234``."""
    prefix = re.match(r"[a-z]{2}_(test|live)_", key)
    return f"{prefix[0] if prefix else ''}****{key[-4:] if len(key) > 16 else ''}"


def _unauthorized(key: str | None) -> Reply:
    if key is None:
        message = (
            "You did not provide an API key. Provide it in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    else:
        message = f"Invalid API Key provided: {_masked(key)}"
    return stripe_error(401, message)


def _forbidden(permission: str, key: str, state: State) -> Reply:
    message = (
        f"The provided key '{_masked(key)}' does not have the required permissions for this "
        f"endpoint on account '{state['account']['id']}'. Having the 'rak_{permission}' "
        "permission would allow this request to continue."
    )
    return stripe_error(403, message)


def _unknown_path(method: str, path: str) -> Reply:
    return stripe_error(404, f"Unrecognized request URL ({method}: {path}).")


def _rate_limited(_wait: float, _rate: float) -> Reply:
    """Refuse for the rate. Stripe names no time to wait."""
    return stripe_error(429, "Request rate limit exceeded.", code="rate_limit")


def _idempotency_conflict(key: str) -> Reply:
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first "
        f"used with. Try using a key other than '{key}' if you meant to execute a different request."
    )
    return stripe_error(400, message, kind="idempotency_error")


def _headers(request: Mapping[str, str], number: int) -> Mapping[str, str]:
    echoed = {
        "request-id": f"req_Sandbox{number:08d}",
        "stripe-version": request.get("stripe-version", DEFAULT_VERSION),
    }
    key = request.get("idempotency-key")
    return {**echoed, "idempotency-key": key} if key else echoed


def _next_page(body: object) -> Mapping[str, str] | None:
    if isinstance(body, dict) and body.get("has_more"):
        return {"starting_after": body["data"][-1]["id"]}
    return None


def _account(call: Call) -> Reply:
    return Reply(200, call.state["account"])


def _events(call: Call) -> Reply:
    """List events, newest first. Source: Stripe API reference, list all events."""
    known = {"type", "types", "delivery_success", "created"}
    arguments = query_arguments(call, also=known)
    wanted = arguments.get("types") or ([arguments["type"]] if "type" in arguments else None)
    events = [
        event
        for event in reversed(call.state["events"])
        if (wanted is None or event["type"] in wanted)
        and _created_within(event["created"], arguments.get("created"))
        and arguments.get("delivery_success") in (None, _delivery_success(event))
    ]
    return list_page("event", "/v1/events", events, arguments)


def _created_within(created: int, bounds: object) -> bool:
    if isinstance(bounds, str):
        return created == int(bounds)
    checks = {
        "gt": created.__gt__,
        "gte": created.__ge__,
        "lt": created.__lt__,
        "lte": created.__le__,
    }
    named = bounds if isinstance(bounds, dict) else {}
    return all(checks[name](int(value)) for name, value in named.items() if name in checks)


def _delivery_success(event: State) -> str:
    return "false" if event.get("pending_webhooks") else "true"


STRIPE = Vendor(
    name="stripe",
    routes=(
        Route("GET", "/v1/account", _account),
        Route("GET", "/v1/events", _events, "event_read"),
        *WEBHOOK_ROUTES,
    ),
    blank=_blank,
    credential=_credential,
    is_test_credential=lambda key: _TEST_KEY.fullmatch(key) is not None,
    unauthorized=_unauthorized,
    forbidden=_forbidden,
    unknown_path=_unknown_path,
    failure=failure,
    rate_limited=_rate_limited,
    headers=_headers,
    next_page=_next_page,
    cursors=frozenset({"starting_after", "ending_before"}),
    idempotency=Idempotency(
        header="idempotency-key",
        methods=frozenset({"POST"}),
        conflict=_idempotency_conflict,
        replay_headers={"idempotent-replayed": "true"},
    ),
)
