"""Cloud Scheduler jobs: schedules, targets, retries. Source: Cloud Scheduler API v1, projects.locations.jobs.

A row of ``jobs`` is a Job with its ``id`` and ``location``; it holds what the server filled in as well. ``failing`` in
a row is how many more changes of it end as UPDATE_FAILED.
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
    timestamp,
    without_defaults,
)
from reconciler.sandbox.vendor import Call, Reply, State

API = "cloudscheduler.googleapis.com"
TARGETS = ("appEngineHttpTarget", "httpTarget", "pubsubTarget")
WRITABLE = (*TARGETS, "attemptDeadline", "description", "retryConfig", "schedule", "timeZone")
_COMPUTED = ("name", "state", "scheduleTime", "lastAttemptTime", "status", "userUpdateTime")
RETRY = {
    "retryCount": 0,
    "maxRetryDuration": "0s",
    "minBackoffDuration": "5s",
    "maxBackoffDuration": "3600s",
    "maxDoublings": 5,
}


def _list(call: Call) -> Reply:
    here = call.params["location"]
    rows = [_shown(call, row) for row in call.state.get("jobs") or () if row["location"] == here]
    return page(call, "jobs", rows, most=500)


def _read(call: Call) -> Reply:
    return Reply(200, _shown(call, _found(call)))


def _create(call: Call) -> Reply:
    body = json_object(call)
    known_only(body, (*WRITABLE, *_COMPUTED))
    parent, _, identifier = str(body.get("name", "")).rpartition("/jobs/")
    if parent.rpartition("/")[2] != call.params["location"] or not identifier:
        raise invalid("Job.name must be of the form PARENT/jobs/JOB_ID.")
    if _row(call, identifier) is not None:
        raise refused("ALREADY_EXISTS", f"Job {identifier} already exists.")
    row = {
        **{name: value for name, value in body.items() if name in WRITABLE},
        "id": identifier,
        "location": call.params["location"],
        "state": "ENABLED",
        "userUpdateTime": timestamp(call.now),
    }
    call.state.setdefault("jobs", []).append(_filled_in(row))
    return Reply(200, _shown(call, row))


def _change(call: Call) -> Reply:
    row, body = _found(call), json_object(call)
    known_only(body, (*WRITABLE, *_COMPUTED))
    changed = _filled_in(masked(row, body, call.arguments.get("updateMask", ""), WRITABLE))
    failing = int(row.get("failing", 0))
    if failing:
        changed |= {"failing": failing - 1, "state": "UPDATE_FAILED"}
    elif row["state"] == "UPDATE_FAILED":
        changed["state"] = "ENABLED"
    row.clear()
    row.update({**changed, "userUpdateTime": timestamp(call.now)})
    return Reply(200, _shown(call, row))


def _delete(call: Call) -> Reply:
    call.state["jobs"].remove(_found(call))
    return Reply(200, {})


def _set_state(before: str, after: str, call: Call) -> Reply:
    """Pause an enabled job, or resume a paused one; any other is refused."""
    row = _found(call)
    if row["state"] != before:
        raise refused("FAILED_PRECONDITION", f"The job is in the state {row['state']}.")
    row["state"] = after
    return Reply(200, _shown(call, row))


def _filled_in(row: State) -> State:
    """Fill in what Google fills in: time zone, deadline, retries, headers, the audience of a token."""
    targets = [name for name in TARGETS if row.get(name)]
    if not row.get("schedule") or len(targets) != 1:
        raise invalid("A job needs a schedule and exactly one target.")
    row["timeZone"] = row.get("timeZone") or "UTC"
    row["retryConfig"] = {**RETRY, **(row.get("retryConfig") or {})}
    http = row.get("httpTarget")
    if http is None:
        return row
    row["attemptDeadline"] = row.get("attemptDeadline") or "180s"
    headers = {"User-Agent": "Google-Cloud-Scheduler", **(http.get("headers") or {})}
    if http.get("body"):
        headers = {"Content-Type": "application/octet-stream", **headers}
    http["headers"] = headers
    http["httpMethod"] = http.get("httpMethod") or "POST"
    if http.get("oidcToken"):
        http["oidcToken"] = {"audience": http["uri"], **http["oidcToken"]}
    return row


def _row(call: Call, identifier: str) -> State | None:
    for row in call.state.get("jobs") or ():
        if (row["location"], row["id"]) == (call.params["location"], identifier):
            found: State = row
            return found
    return None


def _found(call: Call) -> State:
    found = _row(call, call.params["job"])
    if found is None:
        raise not_found("Job")
    return found


def _shown(call: Call, row: State) -> dict[str, Any]:
    parent = f"projects/{call.params['project']}/locations/{row['location']}"
    hidden = {"id", "location", "failing"}
    shown = {name: value for name, value in row.items() if name not in hidden}
    return {"name": f"{parent}/jobs/{row['id']}", **without_defaults(shown)}


_ALL = "/v1/projects/{project}/locations/{location}/jobs"
_ONE = f"{_ALL}/{{job}}"
SCHEDULER_ROUTES = (
    route(API, "GET", _ALL, _list, "cloudscheduler.jobs.list"),
    route(API, "POST", _ALL, _create, "cloudscheduler.jobs.create"),
    route(API, "GET", _ONE, _read, "cloudscheduler.jobs.get"),
    route(API, "PATCH", _ONE, _change, "cloudscheduler.jobs.update"),
    route(API, "DELETE", _ONE, _delete, "cloudscheduler.jobs.delete"),
    route(
        API,
        "POST",
        f"{_ONE}:pause",
        partial(_set_state, "ENABLED", "PAUSED"),
        "cloudscheduler.jobs.pause",
    ),
    route(
        API,
        "POST",
        f"{_ONE}:resume",
        partial(_set_state, "PAUSED", "ENABLED"),
        "cloudscheduler.jobs.enable",
    ),
)
