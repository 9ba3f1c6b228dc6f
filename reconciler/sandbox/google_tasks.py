"""Cloud Tasks queues: limits, retries, and whether they run. Source: Cloud Tasks API v2, projects.locations.queues.

A row of ``queues`` is a Queue with its ``id`` and ``location``; it holds what the server filled in as well.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from reconciler.sandbox.google_wire import (
    invalid,
    json_object,
    known_only,
    masked,
    not_found,
    page,
    refused,
    route,
    without_defaults,
)
from reconciler.sandbox.vendor import Call, Reply, State

API = "cloudtasks.googleapis.com"
WRITABLE = (
    "appEngineRoutingOverride",
    "httpTarget",
    "rateLimits",
    "retryConfig",
    "stackdriverLoggingConfig",
)
_COMPUTED = ("name", "state", "purgeTime")
RATE = {"maxDispatchesPerSecond": 500, "maxBurstSize": 100, "maxConcurrentDispatches": 1000}
RETRY = {
    "maxAttempts": 100,
    "maxRetryDuration": "0s",
    "minBackoff": "0.100s",
    "maxBackoff": "3600s",
    "maxDoublings": 16,
}


def _list(call: Call) -> Reply:
    here = call.params["location"]
    rows = [_shown(call, row) for row in call.state.get("queues") or () if row["location"] == here]
    return page(call, "queues", rows, most=9800)


def _read(call: Call) -> Reply:
    return Reply(200, _shown(call, _found(call)))


def _create(call: Call) -> Reply:
    body = json_object(call)
    known_only(body, (*WRITABLE, *_COMPUTED))
    parent, _, identifier = str(body.get("name", "")).rpartition("/queues/")
    if parent.rpartition("/")[2] != call.params["location"] or not identifier:
        raise invalid("Queue.name must be of the form PARENT/queues/QUEUE_ID.")
    if _row(call, identifier) is not None:
        raise refused("ALREADY_EXISTS", "Queue already exists")
    return Reply(200, _shown(call, _made(call, identifier, body)))


def _change(call: Call) -> Reply:
    """Change a queue, or make it: PATCH upserts. ``state`` is never writable."""
    body, mask = json_object(call), call.arguments.get("updateMask", "")
    known_only(body, (*WRITABLE, *_COMPUTED))
    row = _row(call, call.params["queue"])
    if row is None:
        return Reply(200, _shown(call, _made(call, call.params["queue"], body)))
    changed = masked(row, body, mask, WRITABLE)
    _refuse_bad(changed)
    row.clear()
    row.update(changed)
    return Reply(200, _shown(call, row))


def _delete(call: Call) -> Reply:
    call.state["queues"].remove(_found(call))
    return Reply(200, {})


def _set_state(before: str, after: str, call: Call) -> Reply:
    """Pause a running queue, or let a paused one run. One in the other state is refused."""
    row = _found(call)
    if row["state"] not in {before, after}:
        raise refused("FAILED_PRECONDITION", f"The queue is in the state {row['state']}.")
    row["state"] = after
    return Reply(200, _shown(call, row))


def _purge(call: Call) -> Reply:
    return Reply(200, _shown(call, _found(call)))


def _made(call: Call, identifier: str, body: State) -> State:
    row = {
        **{name: value for name, value in body.items() if name in WRITABLE},
        "id": identifier,
        "location": call.params["location"],
        "state": "RUNNING",
        "rateLimits": {**RATE, **without_defaults(body.get("rateLimits") or {})},
        "retryConfig": {**RETRY, **without_defaults(body.get("retryConfig") or {})},
    }
    _refuse_bad(row)
    call.state.setdefault("queues", []).append(row)
    return row


def _row(call: Call, identifier: str) -> State | None:
    for row in call.state.get("queues") or ():
        if (row["location"], row["id"]) == (call.params["location"], identifier):
            found: State = row
            return found
    return None


def _found(call: Call) -> State:
    found = _row(call, call.params["queue"])
    if found is None:
        raise not_found("Requested entity was")
    return found


def _shown(call: Call, row: State) -> dict[str, Any]:
    """Return a queue under the project that the path names, by id or number."""
    parent = f"projects/{call.params['project']}/locations/{row['location']}"
    shown = {name: value for name, value in row.items() if name not in {"id", "location"}}
    return {"name": f"{parent}/queues/{row['id']}", **without_defaults(shown)}


def _refuse_bad(row: State) -> None:
    limits = row.get("rateLimits") or {}
    if not 0 <= (limits.get("maxDispatchesPerSecond") or 0) <= 500:
        raise invalid("rateLimits.maxDispatchesPerSecond must be at most 500.")
    if not 0 <= (limits.get("maxConcurrentDispatches") or 0) <= 5000:
        raise invalid("rateLimits.maxConcurrentDispatches must be at most 5000.")


_ALL = "/v2/projects/{project}/locations/{location}/queues"
_ONE = f"{_ALL}/{{queue}}"
TASK_ROUTES = (
    route(API, "GET", _ALL, _list, "cloudtasks.queues.list"),
    route(API, "POST", _ALL, _create, "cloudtasks.queues.create"),
    route(API, "GET", _ONE, _read, "cloudtasks.queues.get"),
    route(API, "PATCH", _ONE, _change, "cloudtasks.queues.update"),
    route(API, "DELETE", _ONE, _delete, "cloudtasks.queues.delete"),
    route(
        API,
        "POST",
        f"{_ONE}:pause",
        partial(_set_state, "RUNNING", "PAUSED"),
        "cloudtasks.queues.pause",
    ),
    route(
        API,
        "POST",
        f"{_ONE}:resume",
        partial(_set_state, "PAUSED", "RUNNING"),
        "cloudtasks.queues.resume",
    ),
    route(API, "POST", f"{_ONE}:purge", _purge, "cloudtasks.queues.purge"),
)
