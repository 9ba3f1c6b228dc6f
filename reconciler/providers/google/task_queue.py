"""Queues of Cloud Tasks: https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from reconciler.core.behaviour import Duration, Immutable, Key
from reconciler.core.change import Action, Change, Reversibility
from reconciler.core.errors import NotFound, ReconcilerError, Unavailable, VendorError
from reconciler.core.ports import Created, New, Update
from reconciler.core.resource import Capability, Resource, Rights
from reconciler.core.state import Observed
from reconciler.providers.google.located import (
    Location,
    Seconds,
    found_ones,
    number,
    rows_everywhere,
    unseen_locations,
    with_state_calls,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.core.finding import Finding
    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

_PATHS = {
    "max_dispatches_per_second": "rateLimits.maxDispatchesPerSecond",
    "max_concurrent_dispatches": "rateLimits.maxConcurrentDispatches",
    "max_attempts": "retryConfig.maxAttempts",
    "max_retry_duration": "retryConfig.maxRetryDuration",
    "min_backoff": "retryConfig.minBackoff",
    "max_backoff": "retryConfig.maxBackoff",
    "max_doublings": "retryConfig.maxDoublings",
    "logged_share": "stackdriverLoggingConfig.samplingRatio",
}
"""Our field names, and Google's."""


class TaskQueue(Resource):
    """How fast a queue dispatches its tasks, how it repeats them, and whether it runs at all."""

    kind: ClassVar[str] = "gcp.task_queue"
    capability: ClassVar[Capability] = Capability.MANAGED
    has_unique_keys: ClassVar[bool] = True
    rights: ClassVar[Rights] = Rights(
        read=("cloudtasks.queues.get", "cloudtasks.queues.list"),
        write=(
            "cloudtasks.queues.create",
            "cloudtasks.queues.delete",
            "cloudtasks.queues.get",
            "cloudtasks.queues.list",
            "cloudtasks.queues.pause",
            "cloudtasks.queues.resume",
            "cloudtasks.queues.update",
        ),
        source="https://cloud.google.com/tasks/docs/access-control",
    )

    location: Annotated[Location, Key(), Immutable("a queue stays where it is")]
    """Its region; one of ``providers.gcp.locations``."""
    queue: Annotated[
        str,
        Key(),
        Immutable("the name of the queue"),
        StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$"),
    ]
    """Its id."""
    state: Literal["running", "paused"] = "running"
    """A paused queue keeps its tasks and dispatches none."""
    # Defaults as the server fills them in. Source: Cloud Tasks documentation, configuring queues.
    max_dispatches_per_second: Annotated[float, Field(gt=0, le=500)] = 500
    """Tasks a second, on average."""
    max_concurrent_dispatches: Annotated[int, Field(ge=1, le=5000)] = 1000
    """Tasks at one time."""
    max_attempts: Annotated[int, Field(ge=-1)] = 100
    """How often a task is tried; -1: without an end."""
    max_retry_duration: Annotated[Seconds, Duration()] = "0s"
    """How long a task is tried; ``0s``: without an end."""
    min_backoff: Annotated[Seconds, Duration()] = "0.100s"
    """The wait before the second attempt."""
    max_backoff: Annotated[Seconds, Duration()] = "3600s"
    """The longest wait."""
    max_doublings: Annotated[int, Field(ge=0)] = 16
    """How often the wait doubles; after that it grows by the same amount."""
    logged_share: Annotated[float, Field(ge=0, le=1)] = 0
    """The share of operations that is written to Cloud Logging."""

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Count the calls, and say what becomes of the tasks."""
        del declared, live
        change = with_state_calls(change, made_in="running")
        if change.action in {Action.DELETE, Action.REPLACE}:
            why = "the tasks in the queue are lost, and for some days its name may not be free"
            return change.model_copy(
                update={"reversibility": Reversibility.LOSSY, "reversibility_reason": why}
            )
        state = change.after().get("state") if change.action is Action.UPDATE else None
        notes = {
            "paused": "tasks pile up until it runs again",
            "running": "tasks that have piled up are dispatched at once",
        }
        if state in notes:
            return change.model_copy(update={"notes": (*change.notes, notes[state])})
        return change


class TaskQueues:
    """Reads, makes, changes, pauses and deletes queues. Never purges one."""

    resource_type = TaskQueue

    def __init__(self, account: GoogleAccount) -> None:
        self._account = account
        self._api = account.api("tasks")

    def observe(self) -> Iterator[Observed]:
        """Yield the queues of each location. One request for each, and one for each further page."""
        for row in rows_everywhere(self._account, self._api, "v2", "queues", TaskQueue.kind):
            yield self._observed(row)

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return those queues that exist. One request for each."""
        return found_ones(remote_ids, lambda one: self._observed(self._api.get(f"/v2/{one}")))

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Refuse locations that are not looked at."""
        return unseen_locations(self._account, changes)

    def create(self, new: New) -> Created:
        """Make a queue, look whether it is there, and pause it if that is wanted.

        For days after a queue of the same name was deleted, making one may only seem to succeed.
        Source: Cloud Tasks API v2, queues.delete.
        """
        wanted = TaskQueue.settled(new.values)
        parent = f"projects/{self._account.project}/locations/{wanted.location}"
        name = f"{parent}/queues/{wanted.queue}"
        self._api.post(f"/v2/{parent}/queues", {"name": name, **_body(wanted.values())})
        try:
            self._api.get(f"/v2/{name}")
        except NotFound:
            raise VendorError(
                f"The queue {wanted.queue} was made, and is not there",
                vendor="gcp",
                detail="A queue of this name was deleted some days ago at most.",
                mend="use another name, or wait some days",
            ) from None
        return Created(name, trouble=self._trouble_pausing(name, wanted))

    def update(self, update: Update) -> None:
        """Pause first and resume last; the rest is one request, for the changed fields alone.

        The engine has just read the queue: PATCH would make one that is not there.
        """
        state = update.fields.get("state")
        fields = {name: value for name, value in update.fields.items() if name in _PATHS}
        path = f"/v2/{update.live.remote_id}"
        if state == "paused":
            self._api.post(f"{path}:pause", idempotent=True)
        if fields:
            self._api.patch(path, _body(fields), [_PATHS[name] for name in fields])
        if state == "running":
            self._api.post(f"{path}:resume", idempotent=True)
        if state is None and not fields:
            raise VendorError(f"{update.live.remote_id} has nothing to change", vendor="gcp")

    def delete(self, remote_id: str) -> None:
        try:
            self._api.delete(f"/v2/{remote_id}")
        except NotFound:
            return

    def _trouble_pausing(self, name: str, wanted: TaskQueue) -> ReconcilerError | None:
        if wanted.state == "running":
            return None
        try:
            self._api.post(f"/v2/{name}:pause", idempotent=True)
        except Unavailable as error:
            return VendorError(error.summary, vendor="gcp", detail=error.detail, mend=error.mend)
        except VendorError as error:
            return error
        return None

    def _observed(self, row: Mapping[str, Any]) -> Observed:
        name = self._account.canonical(row["name"])
        rate, retry = row.get("rateLimits") or {}, row.get("retryConfig") or {}
        logging = row.get("stackdriverLoggingConfig") or {}
        state = str(row.get("state", "")).lower()
        known = {
            "location": name.split("/")[3],
            "queue": name.rpartition("/")[2],
            "state": state,
            "max_dispatches_per_second": float(rate.get("maxDispatchesPerSecond") or 0),
            "max_concurrent_dispatches": number(rate.get("maxConcurrentDispatches")),
            "max_attempts": number(retry.get("maxAttempts")),
            "max_retry_duration": retry.get("maxRetryDuration") or "0s",
            "min_backoff": retry.get("minBackoff") or "0s",
            "max_backoff": retry.get("maxBackoff") or "0s",
            "max_doublings": number(retry.get("maxDoublings")),
            "logged_share": float(logging.get("samplingRatio") or 0),
        }
        return Observed(
            remote_id=name,
            values=TaskQueue.observed(known),
            evidence={"purged_at": row.get("purgeTime")},
            read_only="disabled by queue.yaml, which would also undo what is changed here"
            if state == "disabled"
            else None,
        )


def _body(values: Mapping[str, Json]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, path in _PATHS.items():
        if name in values:
            group, _, field = path.partition(".")
            body.setdefault(group, {})[field] = values[name]
    return body
