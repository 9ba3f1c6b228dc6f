"""Which deployment serves production: https://vercel.com/docs/instant-rollback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence  # noqa: TC003 - class variables
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

from pydantic import StringConstraints

from reconciler.core.change import Action, Change, FieldChange, Origin
from reconciler.core.errors import Conflict, NotFound, PartialRead, Unavailable, VendorError
from reconciler.core.finding import Finding, Weight
from reconciler.core.resource import Capability, Resource, Rights
from reconciler.core.state import Observed

if TYPE_CHECKING:
    from collections.abc import Hashable

    from reconciler.core.ports import Created, New, Update
    from reconciler.core.secret import Json
    from reconciler.providers.vercel.account import VercelAccount

POLL_SECONDS: Final = 0.25
POLL_DEADLINE: Final = 180
"""Seconds; the vendor's CLI polls as often and as long. Source: Vercel CLI 64, rollback status."""

UNDER_WAY: Final = frozenset({"pending", "in-progress"})


class ProductionDeployment(Resource):
    """The deployment behind the production domains, and whether the next push replaces it."""

    kind: ClassVar[str] = "vercel.production_deployment"
    serves: ClassVar[str | None] = "hosts"
    capability: ClassVar[Capability] = Capability.UPDATE_ONLY
    rights: ClassVar[Rights] = Rights(
        read=("project role Project Viewer",),
        write=("team role Member, or project role Project Administrator",),
        source="https://vercel.com/docs/rbac/access-roles",
    )

    deployment: Annotated[str, StringConstraints(pattern=r"^dpl_\w+$")]
    """Id of the deployment that serves production."""
    auto_assign_domains: bool = True
    """Whether new production deployments go live by themselves. False pins the deployment.

    Decides the way there: an instant rollback turns it off, a promote turns it on.
    """

    @classmethod
    def natural_keys(cls, values: Mapping[str, Json]) -> tuple[Hashable, ...]:
        """There is one in a project."""
        del values
        return ("production",)

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Say which way it goes, and show what that does to auto-assignment."""
        if change.action is not Action.UPDATE or not change.changes_field("deployment"):
            return change
        change = _relying_on_the_way(change)
        if declared.get("auto_assign_domains", False):
            return change.model_copy(
                update={
                    "notes": (*change.notes, "by promote, without a rebuild"),
                    "follow_ups": (
                        *change.follow_ups,
                        "the next push to the production branch goes live",
                    ),
                }
            )
        fields = change.field_changes
        if live.get("auto_assign_domains") and not change.changes_field("auto_assign_domains"):
            pinned = FieldChange(
                field="auto_assign_domains",
                before=True,
                after=False,
                origin=Origin.INTENT,
                note="instant rollback turns it off",
            )
            fields = (*fields, pinned)
        return change.model_copy(
            update={
                "field_changes": fields,
                "notes": (
                    *change.notes,
                    "by instant rollback; it brings the variables of that deployment",
                ),
                "follow_ups": (
                    *change.follow_ups,
                    "auto-assignment of domains is off: new pushes do not go live until a promote",
                ),
            }
        )


def _relying_on_the_way(change: Change) -> Change:
    """The live auto-assignment decides between rollback and promote: a move relies on it, changed or not."""
    name = "auto_assign_domains"
    relied = change.precondition
    if name not in relied.others:
        return change
    others = {field: seen for field, seen in relied.others.items() if field != name}
    moved = {"fields": {**relied.fields, name: relied.others[name]}, "others": others}
    return change.model_copy(update={"precondition": relied.model_copy(update=moved)})


class ProductionDeployments:
    """Reads and moves the production pointer of one project."""

    resource_type = ProductionDeployment

    def __init__(self, account: VercelAccount) -> None:
        self._account = account

    def observe(self) -> Iterator[Observed]:
        """Yield the pointer; nothing for a project that never had a production deployment.

        A move that is under way is waited for: until it ends, nobody knows what production is going to be. Raises
        PartialRead when it does not end.
        """
        project = self._at_rest()
        production = _production(project)
        if not production.get("id"):
            return
        host = _host(production)
        yield Observed(
            remote_id=project["id"],
            values={
                "deployment": self._served(host) if host else production["id"],
                "auto_assign_domains": project.get("autoAssignCustomDomains", True),
            },
            evidence={
                "host": host,
                "hosts": sorted(production.get("alias") or ()),
                "last_request": _last_request(project),
            },
        )

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        return {found.remote_id: found for found in self.observe() if found.remote_id in remote_ids}

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Refuse what Vercel would refuse: a target that cannot serve, or a move that is still under way.

        One to three requests for each change.
        """
        for change in changes:
            target = change.after().get("deployment")
            if not isinstance(target, str):
                continue
            automatic = change.after().get("auto_assign_domains")
            if automatic is None:  # not changed: the live value decides the way there
                automatic = self._account.read_project().get("autoAssignCustomDomains", True)
            why = self._unfit(target, pins=not automatic)
            if why is not None:
                yield Finding(
                    weight=Weight.REFUSAL,
                    rule="rollback_target",
                    message=why,
                    address=change.address,
                    remedy="declare a deployment that vercel.com shows as a rollback candidate",
                )

    def create(self, new: New) -> Created:
        """A project has exactly one pointer."""
        raise VendorError(f"{new.marker}: a production pointer cannot be made", vendor="vercel")

    def delete(self, remote_id: str) -> None:
        """A project has exactly one pointer."""
        raise VendorError(f"{remote_id}: a production pointer cannot be deleted", vendor="vercel")

    def update(self, update: Update) -> None:
        """Move the pointer with one request, wait for its end, and verify what the production host serves.

        Raises Conflict when Vercel is moving it already or queues the move, Unavailable when the end is not seen.
        """
        fields = update.fields
        automatic = fields.get("auto_assign_domains", update.live.values["auto_assign_domains"])
        if "deployment" not in fields:
            self._set_auto_assignment(on=bool(automatic))
            return
        target = fields["deployment"]
        verb = "/v10/projects/{}/promote/{}" if automatic else "/v1/projects/{}/rollback/{}"
        answer = self._account.http.request(
            "POST",
            verb.format(update.live.remote_id, target),
            params=self._account.scope,
            # Promote takes no body (OpenAPI, requestPromote); the vendor's CLI sends this one to roll back.
            json=None if automatic else {},
            idempotent=False,
        )
        if answer.status_code == 202:
            raise Conflict(
                "Vercel queued the move behind a rolling release",
                vendor="vercel",
                status=202,
                detail=f"{target} does not serve production yet.",
                mend="complete or abort the rolling release, then plan again",
            )
        self._await(target)

    def _at_rest(self) -> Mapping[str, Json]:
        """Return the project once no move of production is under way."""
        timing = self._account.http.timing
        deadline = timing.monotonic() + POLL_DEADLINE
        project = self._account.read_project()
        while (project.get("lastAliasRequest") or {}).get("jobStatus") in UNDER_WAY:
            if timing.monotonic() > deadline:
                raise PartialRead(
                    "Production is being moved, and the move does not end",
                    detail=f"Vercel reports it as under way for {POLL_DEADLINE} s.",
                    mend="see the deployment's aliases in the Vercel dashboard",
                )
            timing.sleep(POLL_SECONDS)
            project = self._account.read_project()
        return project

    def _await(self, target: str) -> None:
        """Poll until the move to ``target`` has ended and the host serves it."""
        timing = self._account.http.timing
        deadline = timing.monotonic() + POLL_DEADLINE
        while True:
            project = self._account.read_project()
            request = project.get("lastAliasRequest") or {}
            status = request.get("jobStatus")
            if request.get("toDeploymentId") == target and status not in UNDER_WAY:
                break
            if timing.monotonic() > deadline:
                raise Unavailable(
                    f"The move of production to {target} did not end",
                    vendor="vercel",
                    detail=f"After {POLL_DEADLINE} s Vercel still reports it as {status}.",
                )
            timing.sleep(POLL_SECONDS)
        host = _host(_production(project))
        served = self._served(host) if host else _production(project).get("id")
        if status != "succeeded" or served != target:
            raise VendorError(
                f"Production was not moved to {target}",
                vendor="vercel",
                detail=f"Vercel reports the move as {status}; {host or 'production'} serves {served}.",
                mend="see the failed aliases in the Vercel dashboard, then plan again",
            )

    def _served(self, host: str) -> str:
        """Return the deployment that ``host`` serves: the best evidence there is."""
        found = self._account.http.request_json(
            "GET", f"/v4/aliases/{host}", params=self._account.scope
        )
        return str(found["deploymentId"])

    def _set_auto_assignment(self, *, on: bool) -> None:
        self._account.http.request(
            "PATCH",
            f"/v9/projects/{self._account.project}",
            params=self._account.scope,
            json={"autoAssignCustomDomains": on},
            idempotent=True,
        )

    def _unfit(self, target: str, *, pins: bool) -> str | None:
        """Return why ``target`` cannot serve production."""
        if pins and target in self._rollback_candidates():
            return None
        try:
            found = self._account.http.request_json(
                "GET", f"/v13/deployments/{target}", params=self._account.scope
            )
        except NotFound:
            return f"{target} does not exist any more"
        reasons = {
            f"is {found.get('readyState')}, not READY": found.get("readyState") != "READY",
            "was deleted by the retention policy": found.get("softDeletedByRetention"),
            "is no production deployment: promoting it would build it anew": found.get("target")
            != "production",
            "is no rollback candidate: it never served production, or it was retired": pins,
        }
        return next((f"{target} {reason}" for reason, holds in reasons.items() if holds), None)

    def _rollback_candidates(self) -> frozenset[str]:
        """Return the newest deployments that can be rolled back to. Source: Vercel API, list deployments."""
        query = {
            **self._account.scope,
            "projectId": self._account.project,
            "target": "production",
            "rollbackCandidate": "true",
            "limit": "100",
        }
        page = self._account.http.request_json("GET", "/v6/deployments", params=query)
        return frozenset(
            item["uid"]
            for item in page["deployments"]
            if item.get("isRollbackCandidate", True) and not item.get("softDeletedByRetention")
        )


def _production(project: Mapping[str, Json]) -> Mapping[str, Json]:
    return (project.get("targets") or {}).get("production") or {}


def _host(production: Mapping[str, Json]) -> str | None:
    """Return the host to verify: an own domain before a vercel.app one."""
    hosts = sorted(
        production.get("alias") or (), key=lambda host: (host.endswith(".vercel.app"), host)
    )
    return hosts[0] if hosts else None


def _last_request(project: Mapping[str, Json]) -> Json:
    request = project.get("lastAliasRequest") or {}
    return (
        {name: request.get(name) for name in ("type", "jobStatus", "toDeploymentId")}
        if request
        else None
    )
