"""Reads, makes, changes, pauses and deletes jobs of Cloud Scheduler. Never runs one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.core.errors import NotFound, ReconcilerError, Unavailable, VendorError
from reconciler.core.ports import Created, New, Update
from reconciler.core.state import Observed
from reconciler.providers.google.located import (
    found_ones,
    number,
    rows_everywhere,
    unseen_locations,
)
from reconciler.providers.google.scheduler_job import SchedulerJob
from reconciler.providers.google.scheduler_target import (
    GROUPS,
    is_there,
    left_alone,
    seen_target,
    target,
    with_fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.core.change import Change
    from reconciler.core.finding import Finding
    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

_PATHS: Final = {
    "schedule": "schedule",
    "time_zone": "timeZone",
    "description": "description",
    "attempt_deadline": "attemptDeadline",
    "retry_count": "retryConfig.retryCount",
    "max_retry_duration": "retryConfig.maxRetryDuration",
    "min_backoff": "retryConfig.minBackoffDuration",
    "max_backoff": "retryConfig.maxBackoffDuration",
    "max_doublings": "retryConfig.maxDoublings",
}
"""Our field names, and Google's; those of targets are sent together."""

ATTEMPTS: Final = 3
"""How often a change is sent that Google takes, and then fails to carry out."""


class SchedulerJobs:
    """Reads and writes the jobs of one project."""

    resource_type = SchedulerJob

    def __init__(self, account: GoogleAccount) -> None:
        self._account = account
        self._api = account.api("scheduler")

    def observe(self) -> Iterator[Observed]:
        """Yield the jobs of each location. One request for each, and one for each further page."""
        for row in rows_everywhere(self._account, self._api, "v1", "jobs", SchedulerJob.kind):
            yield self._observed(row)

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return those jobs that exist. One request for each."""
        return found_ones(remote_ids, lambda one: self._observed(self._api.get(f"/v1/{one}")))

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Refuse locations that are not looked at."""
        return unseen_locations(self._account, changes)

    def create(self, new: New) -> Created:
        """Make a job, and pause it if that is wanted."""
        wanted = SchedulerJob.settled(new.values)
        parent = f"projects/{self._account.project}/locations/{wanted.location}"
        name = f"{parent}/jobs/{wanted.job}"
        values = wanted.values()
        body = {"name": name, **_settings(values), **target(values)}
        self._api.post(f"/v1/{parent}/jobs", body)
        return Created(
            name, trouble=self._trouble_pausing(name) if values.get("state") == "paused" else None
        )

    def update(self, update: Update) -> None:
        """Pause first and resume last; the rest is one request. A target is always sent as a whole."""
        path, live = f"/v1/{update.live.remote_id}", update.live.values
        wanted = {name: value for name, value in update.fields.items() if name != "state"}
        state = update.fields.get("state")
        has_failed = live.get("state") == "update_failed"
        if state is None and not wanted:
            raise VendorError(f"{update.live.remote_id} has nothing to change", vendor="gcp")
        if state == "paused" and not has_failed:
            self._api.post(f"{path}:pause", idempotent=True)
        if has_failed:
            wanted = {"schedule": live.get("schedule"), **wanted}
        if wanted:
            self._patch(path, live, wanted)
        if state == "paused" and has_failed:
            self._api.post(f"{path}:pause", idempotent=True)
        if state == "enabled" and not has_failed:
            self._api.post(f"{path}:resume", idempotent=True)

    def delete(self, remote_id: str) -> None:
        try:
            self._api.delete(f"/v1/{remote_id}")
        except NotFound:
            return

    def _patch(self, path: str, live: Mapping[str, Json], fields: Mapping[str, Json]) -> None:
        """Change fields, again while Google says that the change failed: such a job does not run.

        Source: Cloud Scheduler API v1, Job.State, UPDATE_FAILED.
        """
        body = _settings(fields)
        mask = [_PATHS[name] for name in fields if name in _PATHS]
        if any(fields.keys() & names for names in GROUPS.values()):
            whole = with_fields(live, fields)
            body |= target(whole)
            mask += [
                group
                for group, names in GROUPS.items()
                if group in body or (fields.keys() & names and is_there(group, live))
            ]
        for _ in range(ATTEMPTS):
            if self._api.patch(path, body, mask).get("state") != "UPDATE_FAILED":
                return
        raise VendorError(
            "Google took the change of a job, and failed to carry it out",
            vendor="gcp",
            code="UPDATE_FAILED",
            detail=f"{path} does not run now; it was tried {ATTEMPTS} times.",
            mend="plan and apply again",
        )

    def _trouble_pausing(self, name: str) -> ReconcilerError | None:
        try:
            self._api.post(f"/v1/{name}:pause", idempotent=True)
        except Unavailable as error:
            return VendorError(error.summary, vendor="gcp", detail=error.detail, mend=error.mend)
        except VendorError as error:
            return error
        return None

    def _observed(self, row: Mapping[str, Any]) -> Observed:
        name, retry = self._account.canonical(row["name"]), row.get("retryConfig") or {}
        known = {
            "location": name.split("/")[3],
            "job": name.rpartition("/")[2],
            "state": str(row.get("state", "")).lower(),
            "schedule": row.get("schedule") or "",
            "time_zone": row.get("timeZone") or "UTC",
            "description": row.get("description"),
            # Source: Cloud Scheduler API v1, Job.attemptDeadline: ignored for Pub/Sub
            "attempt_deadline": (row.get("attemptDeadline") or "180s")
            if row.get("httpTarget")
            else "180s",
            "retry_count": number(retry.get("retryCount")),
            "max_retry_duration": retry.get("maxRetryDuration") or "0s",
            "min_backoff": retry.get("minBackoffDuration") or "0s",
            "max_backoff": retry.get("maxBackoffDuration") or "0s",
            "max_doublings": number(retry.get("maxDoublings")),
            **seen_target(row, self._account),
        }
        return Observed(
            remote_id=name,
            values=SchedulerJob.observed(known),
            evidence={"updated_at": row.get("userUpdateTime")},
            read_only=left_alone(row),
        )


def _settings(values: Mapping[str, Json]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, path in _PATHS.items():
        if values.get(name) is not None:
            group, _, field = path.partition(".")
            if field:
                body.setdefault(group, {})[field] = values[name]
            else:
                body[group] = values[name]
    return body
