"""Which revision of a Cloud Run service serves: https://cloud.google.com/run/docs/rollouts-rollbacks-traffic-migration.

A function of the second generation is a Cloud Run service, and each of its versions a revision: going back is a change
of traffic, in seconds and without a build.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence  # noqa: TC003 - class variables
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Self

from pydantic import Field, StringConstraints, model_validator

from reconciler.core.behaviour import Computed, Immutable, Key, Merged
from reconciler.core.change import Action, Change
from reconciler.core.errors import StalePlan, Unavailable, VendorError
from reconciler.core.resource import Capability, Expanded, Resource, Rights
from reconciler.core.secret import is_settled
from reconciler.core.state import Observed
from reconciler.providers.google.located import Location, found_ones
from reconciler.providers.google.run_moving import moving
from reconciler.providers.google.run_revisions import Revisions
from reconciler.providers.google.run_targets import (
    FOLLOWING,
    LATEST,
    Targets,
    rows_of,
    serving,
    short,
    targets_of,
)

if TYPE_CHECKING:
    from reconciler.core.finding import Finding
    from reconciler.core.ports import Created, New, Update
    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

SETTLE_SECONDS: Final = 1.0
SETTLE_DEADLINE: Final = 180.0
"""Seconds between two looks at where requests go, and until nobody waits any longer."""

RevisionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Tag = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,44}[a-z0-9])?$")]


class RunTraffic(Resource):
    """Which revision of a Cloud Run service, or of a function of the second generation, gets the requests.

    Services are made by deployments and never from here. A deployment may move traffic; one that `gcp.function` makes
    sends requests back where they went, so neither has to wait for the other.
    """

    kind: ClassVar[str] = "gcp.run_traffic"
    capability: ClassVar[Capability] = Capability.UPDATE_ONLY
    has_unique_keys: ClassVar[bool] = True
    writes_at_once: ClassVar[int] = 4
    rights: ClassVar[Rights] = Rights(
        read=(
            "run.services.list",
            "run.services.get",
            "run.revisions.get",
            "artifactregistry.dockerimages.get",
            "artifactregistry.repositories.get",
            "secretmanager.versions.get",
        ),
        write=("run.services.get", "run.services.update", "run.operations.get"),
        source="https://cloud.google.com/run/docs/reference/iam/permissions",
    )

    service: Annotated[
        str,
        Key(),
        Immutable("another service is another resource"),
        StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,48}$"),
    ]
    """Its name. That of a function is the function's in small letters, with ``-`` for ``_``."""
    location: Annotated[Location, Key(), Immutable("a service stays where it was made")]
    """Such as ``europe-west1``: one of ``providers.gcp.locations``."""
    revision: RevisionName | None = None
    """The revision that serves every request; one that is not the newest is pinned. A snapshot holds it, so a rollback
    goes back to it. Leave it out of files where deployments go live by themselves.
    """
    traffic: Annotated[
        dict[RevisionName, Annotated[int, Field(ge=1, le=100)]], Field(min_length=1)
    ] = Field(default_factory=lambda: dict(FOLLOWING))
    """Percent by revision, 100 together. ``{latest: 100}`` follows the newest revision, all else is pinned."""
    tags: Annotated[dict[Tag, RevisionName], Merged()] = Field(default_factory=dict)
    """Revisions with an address of their own. A tag keeps a revision, and its image, from being cleaned up."""
    latest: Annotated[str | None, Computed()] = None
    """The newest revision that is ready."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if is_settled(self.traffic) and sum(self.traffic.values()) != 100:
            raise ValueError("traffic: the shares are 100 together")
        return self

    @classmethod
    def expand(cls, spec: dict[str, Json]) -> Expanded:
        """Warn where two fields say different things of the next deployment."""
        if spec.get("revision") is None or spec.get("traffic", {}) != FOLLOWING:
            return Expanded(spec)
        note = (
            "`revision` beside `traffic: {latest: 100}`: the next deployment goes live, and is drift then."
            " Leave `revision` out, or `traffic`"
        )
        return Expanded(spec, (note,))

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Bring the revision and the traffic to one wish, and say what it does to the next deployment."""
        if change.action is Action.UPDATE and (
            change.changes_field("revision") or change.changes_field("traffic")
        ):
            return moving(change, declared, live)
        return change


class RunTraffics:
    """Reads and moves the traffic of the services in the locations that environment.yaml names."""

    resource_type = RunTraffic

    def __init__(self, account: GoogleAccount) -> None:
        self._account = account
        self._api = account.api("run")

    def observe(self) -> Iterator[Observed]:
        """Yield every service. One list for each location: the API has no wildcard for them.

        Source: Cloud Run Admin API v2, projects.locations.services.list.
        """
        for location in self._account.needed_locations(RunTraffic.kind):
            path = f"/v2/projects/{self._account.project}/locations/{location}/services"
            for row in self._api.rows(path, "services", {"pageSize": 1000}):
                yield self._observed(row)

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return those services that exist, with their etags. One request each."""
        return found_ones(remote_ids, self._read)

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Tell of revisions that could not serve any more."""
        revisions = Revisions(self._account)
        for change in changes:
            if change.action is Action.UPDATE:
                yield from revisions.findings(change, _named(change))

    def create(self, new: New) -> Created:
        """Services are made by deployments."""
        raise VendorError(f"{new.marker}: a service cannot be made from here", vendor="gcp")

    def delete(self, remote_id: str) -> None:
        """Services are deleted by people."""
        raise VendorError(f"{remote_id}: a service cannot be deleted from here", vendor="gcp")

    def update(self, update: Update) -> None:
        """Set the traffic and wait until requests go there. Waits for a deployment of ours that is under way.

        Raises StalePlan when traffic was moved since it was read, or anything else is written at the same time.
        """
        live, fields = update.live, update.fields
        tags = {**live.values["tags"], **(fields.get("tags") or {})}
        percent: dict[str, int] = fields.get("traffic") or live.values["traffic"]
        wanted = Targets(percent, {tag: name for tag, name in tags.items() if name is not None})
        with self._account.alone(live.remote_id):
            now = self._read(live.remote_id)
            if any(now.values[name] != live.values[name] for name in ("traffic", "tags")):
                raise StalePlan("Traffic was moved since it was read", detail=live.remote_id)
            body = {"etag": now.etag, "traffic": rows_of(wanted)}
            begun = self._api.patch(f"/v2/{live.remote_id}", body, ["traffic"])
            self._api.finished(begun, version="v2")
            self._await(live.remote_id, wanted)

    def _read(self, name: str) -> Observed:
        row = self._api.get(f"/v2/{name}")
        return self._observed(row)._replace(etag=row.get("etag"))

    def _await(self, name: str, wanted: Targets) -> None:
        """Poll until requests go where they were sent. Source: Cloud Run Admin API v2, Service.trafficStatuses."""
        timing = self._api.timing
        deadline = timing.monotonic() + SETTLE_DEADLINE
        while True:
            row = self._api.get(f"/v2/{name}")
            condition = row.get("terminalCondition") or {}
            if condition.get("state") == "CONDITION_FAILED":
                said = condition.get("message") or condition.get("reason") or "no reason given"
                raise VendorError(f"Traffic was not moved: {said}", vendor="gcp", detail=name)
            if (
                not row.get("reconciling")
                and targets_of(row.get("trafficStatuses") or ()) == wanted
            ):
                return
            if timing.monotonic() > deadline:
                raise Unavailable(
                    "The move of traffic did not end",
                    vendor="gcp",
                    detail=f"{name}: after {SETTLE_DEADLINE:.0f} s requests still go elsewhere.",
                    mend="reconciler plan ENV   # again",
                )
            timing.sleep(SETTLE_SECONDS)

    def _observed(self, row: Mapping[str, Json]) -> Observed:
        name = self._account.canonical(row["name"])
        _, _, _, location, _, service = name.split("/")
        targets = targets_of(row.get("traffic") or ())
        latest = short(row.get("latestReadyRevision") or "") or None
        return Observed(
            remote_id=name,
            values={
                "service": service,
                "location": location,
                "revision": serving(targets, latest),
                "traffic": targets.percent,
                "tags": targets.tags,
                "latest": latest,
            },
            evidence={
                "hosts": sorted(_host(one) for one in row.get("urls") or [row.get("uri") or ""]),
                "generation": row.get("generation"),
                "last_created": short(row.get("latestCreatedRevision") or "") or None,
                "managed_by": (row.get("labels") or {}).get("goog-managed-by"),
            },
        )


def _named(change: Change) -> tuple[str, ...]:
    """Return the revisions that a change gives requests or a tag to, sorted."""
    after = change.after()
    shares = after.get("traffic") or {}
    tagged = [name for path, name in after.items() if path.startswith("tags.") and name is not None]
    return tuple(sorted({*shares, *tagged} - {LATEST}))


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
