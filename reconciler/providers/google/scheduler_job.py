"""Jobs of Cloud Scheduler: https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from reconciler.core.behaviour import Duration, EmptyIsNone, Immutable, Key, Merged, Normalise
from reconciler.core.change import Action, Change, Reversibility
from reconciler.core.redacting import is_secret_name
from reconciler.core.resource import Capability, Resource, Rights
from reconciler.core.secret import is_settled
from reconciler.providers.google.located import Location, Seconds, with_state_calls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.secret import Json

TARGET_OF_HTTP = frozenset(
    {
        "uri",
        "http_method",
        "headers",
        "body",
        "oidc_service_account",
        "oidc_audience",
        "oauth_service_account",
        "oauth_scope",
    }
)
TARGET_OF_PUBSUB = frozenset({"topic", "message", "attributes"})


@dataclass(frozen=True, slots=True)
class RootSlash(Normalise):
    """An address without a path is the one with ``/``: the vendor writes the latter."""

    form: ClassVar[str] = "root-slash"

    def normal(self, value: Json) -> Json:
        return f"{value}/" if isinstance(value, str) and not urlsplit(value).path else value


class SchedulerJob(Resource):
    """What is called when: a web address or a Pub/Sub topic, by a cron schedule."""

    kind: ClassVar[str] = "gcp.scheduler_job"
    capability: ClassVar[Capability] = Capability.MANAGED
    has_unique_keys: ClassVar[bool] = True
    rights: ClassVar[Rights] = Rights(
        read=("cloudscheduler.jobs.get", "cloudscheduler.jobs.list"),
        write=(
            "cloudscheduler.jobs.create",
            "cloudscheduler.jobs.delete",
            "cloudscheduler.jobs.enable",
            "cloudscheduler.jobs.get",
            "cloudscheduler.jobs.list",
            "cloudscheduler.jobs.pause",
            "cloudscheduler.jobs.update",
            "iam.serviceAccounts.actAs",
        ),
        source="https://cloud.google.com/iam/docs/roles-permissions/cloudscheduler",
    )

    location: Annotated[Location, Key(), Immutable("a job stays where it is")]
    """Its region; one of ``providers.gcp.locations``."""
    job: Annotated[
        str,
        Key(),
        Immutable("the name of the job"),
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,500}$"),
    ]
    """Its id."""
    state: Literal["enabled", "paused"] = "enabled"
    """A paused job makes no attempt."""
    schedule: Annotated[str, Field(min_length=1)]
    """In the form of cron, such as ``*/15 * * * *``, or as App Engine writes it: ``every 5 minutes``."""
    # Defaults as the server fills them in. Source: Cloud Scheduler API v1, Job and RetryConfig.
    time_zone: Annotated[str, Field(min_length=1)] = "UTC"
    """A name of the tz database, such as ``Africa/Accra``."""
    description: Annotated[str | None, EmptyIsNone(), Field(max_length=500)] = None
    """A note for people."""
    attempt_deadline: Annotated[Seconds, Duration()] = "180s"
    """How long an attempt may take; of web addresses alone."""
    retry_count: Annotated[int, Field(ge=0, le=5)] = 0
    """How often a failed attempt is repeated."""
    max_retry_duration: Annotated[Seconds, Duration()] = "0s"
    """How long attempts are repeated; ``0s``: without an end."""
    min_backoff: Annotated[Seconds, Duration()] = "5s"
    """The wait before the first repetition."""
    max_backoff: Annotated[Seconds, Duration()] = "3600s"
    """The longest wait."""
    max_doublings: Annotated[int, Field(ge=0)] = 5
    """How often the wait doubles."""
    uri: Annotated[str | None, RootSlash(), StringConstraints(pattern=r"^https?://\S+$")] = None
    """The web address that is called."""
    http_method: Literal["POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] = "POST"
    """How it is called."""
    headers: Annotated[dict[str, str], Merged()] = Field(default_factory=dict)
    """What goes with it; a credential must not: there are tokens for that."""
    body: str | None = None
    """The text that is sent."""
    oidc_service_account: str | None = None
    """Whose OpenID Connect token goes along, by e-mail address: for functions and Cloud Run."""
    oidc_audience: str | None = None
    """For whom that token is; unless told, for ``uri``."""
    oauth_service_account: str | None = None
    """Whose OAuth token goes along: for Google's own APIs."""
    oauth_scope: str | None = None
    """For what that token is."""
    topic: Annotated[str | None, StringConstraints(pattern=r"^projects/[^/]+/topics/[^/]+$")] = None
    """The Pub/Sub topic that is published to."""
    message: str | None = None
    """The text that is published."""
    attributes: Annotated[dict[str, str], Merged()] = Field(default_factory=dict)
    """What goes with it."""

    @model_validator(mode="after")
    def _has_one_target(self) -> Self:
        written = self.model_fields_set
        if not (is_settled(self.uri) and is_settled(self.topic)):
            return self
        if (self.uri is None) == (self.topic is None):
            raise ValueError(
                "uri: a job calls a web address (uri) or publishes to a topic, one of both"
            )
        if self.uri is None and self.attempt_deadline != "180s":
            raise ValueError("attempt_deadline: Google ignores it for topics")
        foreign = written & (TARGET_OF_HTTP if self.uri is None else TARGET_OF_PUBSUB)
        if any(getattr(self, name) for name in foreign - {"http_method"}):
            raise ValueError(f"{min(foreign)}: this belongs to the other target")
        secret = [name for name in self.headers if is_secret_name(name)]
        if secret:
            raise ValueError(
                f"headers: {secret[0]} would hold a credential in the open; use oidc_service_account"
            )
        return self

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Count the calls, and say what becomes of attempts."""
        del declared
        change = _relying_on_the_target(with_state_calls(change, made_in="enabled"))
        if change.action in {Action.DELETE, Action.REPLACE}:
            why = "the history of its attempts is lost"
            return change.model_copy(
                update={"reversibility": Reversibility.LOSSY, "reversibility_reason": why}
            )
        state = change.after().get("state") if change.action is Action.UPDATE else None
        if live.get("state") == "update_failed":
            extra = state == "paused"
            note = "an earlier change of it failed at Google: it does not run until one succeeds"
            return change.model_copy(update={"calls": 1 + extra, "notes": (*change.notes, note)})
        if state == "enabled":
            note = "attempts that were missed while it was paused are not made up for"
            return change.model_copy(update={"notes": (*change.notes, note)})
        return change


def _relying_on_the_target(change: Change) -> Change:
    """A target is sent as a whole, so a change of a part of it relies on all of it."""
    target = TARGET_OF_HTTP | TARGET_OF_PUBSUB
    if not any(change.changes_field(name) for name in target):
        return change
    relied = change.precondition
    moved = {name: seen for name, seen in relied.others.items() if name in target}
    others = {name: seen for name, seen in relied.others.items() if name not in target}
    update = {"fields": {**relied.fields, **moved}, "others": others}
    return change.model_copy(update={"precondition": relied.model_copy(update=update)})
