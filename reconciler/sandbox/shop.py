"""The shop that the vendors serve: it answers for its health, and takes the events that Stripe delivers.

No vendor, but served like one: its requests are listed, its state can be put, and faults strike it. The state:

``webhook_secret``
    what its handler verifies signatures with; ``None``: the production value of the variable STRIPE_WEBHOOK_SECRET at
    Vercel, as it is now, as an application has it that reads its configuration at run time.
``webhooks``
    how the handler does that: ``strict``, or wrongly: ``accept_everything``, ``ignore_timestamps``,
    ``reject_everything``.
``health``, ``payments``
    ``ok``, or what the pages ``/health`` (then 503) and ``/health/payments`` (200 all the same) say instead.
``events``
    the events taken, oldest first; ``handled`` tells whether it was of a type that the shop knows.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from reconciler.sandbox.vendor import Call, Reply, Route, State, Vendor

TOLERANCE: Final = 300
"""Seconds. Source: Stripe documentation, verify webhook signatures."""

_KNOWN: Final = ("charge.", "checkout.session.", "customer.", "invoice.", "payment_intent.")


def _blank() -> State:
    return {
        "webhook_secret": "",
        "webhooks": "strict",
        "health": "ok",
        "payments": "ok",
        "events": [],
        "rate_limit": None,
        "credentials": {},
    }


def _health(call: Call) -> Reply:
    status = call.state["health"]
    return Reply(200 if status == "ok" else 503, {"status": status})


def _payments(call: Call) -> Reply:
    """Tell of payments in the body alone: the page itself is there as long as the shop is."""
    state = call.state
    secret = "configured" if _webhook_secret(call) else "missing"
    stripe = {"webhook_secret": secret, "events": len(state["events"])}
    return Reply(200, {"status": state["payments"], "stripe": stripe})


def _take_event(call: Call) -> Reply:
    """Take an event as a shop does: verify, answer at once, leave unknown types alone."""
    match call.state["webhooks"]:
        case "strict":
            refusal = _refusal(call, TOLERANCE)
        case "ignore_timestamps":
            refusal = _refusal(call, None)
        case "accept_everything":
            refusal = None
        case "reject_everything":
            refusal = "events are not taken"
        case other:
            return _error(500, f"webhooks is {other!r}")
    if refusal is not None:
        return _error(400, refusal)
    try:
        event = call.json()
    except ValueError:
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return _error(400, "the body is no event")
    handled = event["type"].startswith(_KNOWN)
    call.state["events"].append({"id": event.get("id"), "type": event["type"], "handled": handled})
    return Reply(200, {"received": True})


def _refusal(call: Call, tolerance: int | None) -> str | None:
    """Return what speaks against the signature. Source: Stripe documentation, verify webhook signatures."""
    pairs = [
        part.partition("=")[::2] for part in call.headers.get("stripe-signature", "").split(",")
    ]
    stamps = [value for name, value in pairs if name.strip() == "t" and value.isdecimal()]
    signatures = [value for name, value in pairs if name.strip() == "v1"]
    secret = _webhook_secret(call)
    if not stamps or not signatures:
        return "there is no signature"
    if not secret:
        return "there is no webhook secret"
    signed = stamps[0].encode() + b"." + call.body
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
    if not any(hmac.compare_digest(wanted, one.encode()) for one in signatures):
        return "no signature is the expected one"
    if tolerance is not None and call.now - int(stamps[0]) > tolerance:
        return "the timestamp is outside the tolerance"
    return None


def _webhook_secret(call: Call) -> str:
    given = call.state["webhook_secret"]
    if given is not None:
        return str(given)
    rows = (
        row
        for project in call.around.get("vercel", {}).get("projects", [])
        for row in project["env"]
        if row["key"] == "STRIPE_WEBHOOK_SECRET" and "production" in row["target"]
    )
    return next((str(row["value"]) for row in rows), "")


def _error(status: int, message: str) -> Reply:
    return Reply(status, {"error": {"message": message}})


SHOP = Vendor(
    name="shop",
    routes=(
        Route("GET", "/health", _health),
        Route("GET", "/health/payments", _payments),
        Route("POST", "/api/webhooks/stripe", _take_event),
    ),
    blank=_blank,
    credential=lambda _: "anyone",
    is_test_credential=lambda _: True,
    unauthorized=lambda _: _error(401, "not allowed"),
    forbidden=lambda *_: _error(403, "not allowed"),
    unknown_path=lambda method, path: _error(404, f"there is no {method} {path}"),
    failure=lambda status: _error(status, "something failed"),
    rate_limited=lambda _wait, _rate: _error(429, "too many requests"),
    headers=lambda _request, _number: {},
    next_page=lambda _: None,
    cursors=frozenset(),
    neighbours=("vercel",),
)
