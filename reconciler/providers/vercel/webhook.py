"""Vercel account webhooks: https://vercel.com/docs/rest-api/webhooks/creates-a-webhook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Self

from pydantic import Field, StringConstraints, model_validator

from reconciler.core.behaviour import Immutable, Key, Unordered
from reconciler.core.change import Action, Change
from reconciler.core.errors import NotFound, PartialRead, VendorError
from reconciler.core.finding import Finding, Weight
from reconciler.core.ports import Created, New, Update
from reconciler.core.resource import Capability, Expanded, Output, Resource, Rights
from reconciler.core.secret import is_settled
from reconciler.core.state import Observed

if TYPE_CHECKING:
    from reconciler.core.secret import Json
    from reconciler.providers.vercel.account import VercelAccount

THIS: Final = "this"
"""The environment's own project in ``project_ids``: the same word whether it is pinned by id or by name."""

# Source: Vercel documentation, setting up webhooks: offered for "All Team Projects" alone.
ACCOUNT_EVENTS: Final = frozenset({"project.created", "project.removed"})

MOST_PROJECTS: Final = 50
"""Source: Vercel REST API, creates a webhook: 1 to 50 ids, or none at all for every project."""

WHY: Final = "Vercel cannot change a webhook"
"""Source: Vercel REST API, webhooks; vercel/terraform-provider-vercel, resource_webhook.go (RequiresReplace)."""

EventName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]
"""Open: the list of names grows with Vercel's products, and Vercel refuses one that it does not know."""

# Source: Vercel REST API, get a list of webhooks, the pattern of projectId. Names with a dash are none.
ProjectId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+$")]


class Webhook(Resource):
    """Where Vercel delivers events, and which ones: a webhook of the account, for some or all of its projects.

    Vercel has them for Pro and Enterprise teams. A webhook cannot be changed: any difference makes a new one, with
    a new signing secret.
    """

    kind: ClassVar[str] = "vercel.webhook"
    called_at: ClassVar[str | None] = "url"
    capability: ClassVar[Capability] = Capability.MANAGED
    # Source: @vercel/sdk 1.28.21: the answer to a create has it, the answers to reads do not.
    outputs: ClassVar[Mapping[str, Output]] = {"secret": Output(secret=True, only_at_create=True)}
    # A webhook is the team's: roles for one project do not reach it.
    rights: ClassVar[Rights] = Rights(
        read=("team role Member",),
        write=("team role Member",),
        source="https://vercel.com/docs/rbac/access-roles",
    )

    url: Annotated[str, Key(), Immutable(WHY), StringConstraints(pattern=r"^https?://\S+$")]
    """Where events are sent. Compared exactly: a trailing slash counts."""
    events: Annotated[Unordered[EventName], Key(), Immutable(WHY), Field(min_length=1)]
    """Names of events, such as ``deployment.succeeded``."""
    project_ids: Annotated[Unordered[ProjectId], Key(), Immutable(WHY)] = frozenset({THIS})
    """Whose events: ``this`` is the project of environment.yaml, others go by id (``prj_…``). Empty: all projects."""

    @model_validator(mode="after")
    def _serves_this_project(self) -> Self:
        """What serves other projects alone belongs to their environment, and is not looked at in this one."""
        chosen = self.project_ids
        if not is_settled(chosen) or not chosen:
            return self
        if THIS not in chosen:
            raise ValueError(
                "project_ids: leave it out for the project of environment.yaml, list further projects"
                " beside `this` ([this, prj_…]), or write [] for all projects of the account"
            )
        if len(chosen) > MOST_PROJECTS:
            raise ValueError(f"project_ids: Vercel takes at most {MOST_PROJECTS}")
        return self

    @classmethod
    def expand(cls, spec: dict[str, Json]) -> Expanded:
        """Warn of events that Vercel has for whole accounts only."""
        events = spec.get("events")
        if not isinstance(events, list) or spec.get("project_ids") == []:
            return Expanded(spec)
        return Expanded(
            spec,
            tuple(
                f"{event} is an event of the account: Vercel offers it for all projects (project_ids: []) alone"
                for event in events
                if isinstance(event, str) and event in ACCOUNT_EVENTS
            ),
        )

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Say what becomes of the signing secret, and that old and new webhook deliver side by side."""
        del declared, live
        notes = [*change.notes]
        follow_ups = [*change.follow_ups]
        if change.action is Action.REPLACE:
            notes.append("the signing secret rotates")
            notes.append("until the old webhook is deleted events come twice, signed by each")
        if change.action in {Action.CREATE, Action.REPLACE}:
            if "secret" in change.capture:
                notes.append(f"the new signing secret goes to {change.capture['secret']}")
                follow_ups.append("give the new secret to what verifies x-vercel-signature")
            else:
                follow_ups.append(
                    "the new signing secret is shown once and lost then: declare"
                    " `capture: {secret: ${secret:…}}` before this is applied"
                )
        return change.model_copy(update={"notes": tuple(notes), "follow_ups": tuple(follow_ups)})


class Webhooks:
    """Reads, makes and deletes the webhooks that serve one project, among them those of the whole account."""

    resource_type = Webhook

    def __init__(self, account: VercelAccount) -> None:
        self._account = account

    def observe(self) -> Iterator[Observed]:
        """Yield every webhook that serves the project.

        Those of other projects belong to other environments. Whether a list that Vercel narrows to a project has
        those of the whole account is not documented, so it is narrowed here.
        """
        for row in self._rows():
            found = self._observed(row)
            if not found.values["project_ids"] or THIS in found.values["project_ids"]:
                yield found

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return those webhooks that exist, whatever they serve by now. One list for all."""
        wanted = set(remote_ids)
        return {row["id"]: self._observed(row) for row in self._rows() if row["id"] in wanted}

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Refuse the own project by its id or name: it would never be found again as what was declared.

        One request if further projects are listed anywhere.
        """
        for change in changes:
            listed = change.values.get("project_ids") or ()
            others = {one for one in listed if isinstance(one, str)} - {THIS}
            for name in sorted(others & self._own_names) if others else ():
                yield Finding(
                    weight=Weight.REFUSAL,
                    rule="own_project",
                    message=f"{name} is the project of environment.yaml, which is called `{THIS}` here",
                    address=change.address,
                    remedy=f"take {name} out of project_ids: `{THIS}` is it",
                )

    def create(self, new: New) -> Created:
        """Make a webhook. Vercel knows no idempotency key: a lost answer is not asked for again."""
        body = create_body(Webhook.settled(new.values), self._own_id)
        made = self._account.http.request_json(
            "POST", "/v1/webhooks", params=self._account.scope, json=body
        )
        secret = made.get("secret")
        return Created(made["id"], {"secret": secret} if secret else {})

    def update(self, update: Update) -> None:
        """Vercel has no such call."""
        raise VendorError(f"{update.live.remote_id}: {WHY}", vendor="vercel")

    def delete(self, remote_id: str) -> None:
        try:
            self._account.http.request(
                "DELETE",
                f"/v1/webhooks/{remote_id}",
                params=self._account.scope,
                idempotent=True,
            )
        except NotFound:
            return

    @cached_property
    def _project(self) -> Mapping[str, Json]:
        """The project that the environment is pinned to; ``projectIds`` hold ids, the pin may be a name."""
        return self._account.read_project()

    @property
    def _own_id(self) -> str:
        return str(self._project["id"])

    @property
    def _own_names(self) -> frozenset[str]:
        return frozenset({self._own_id, str(self._project.get("name", ""))})

    def _rows(self) -> Sequence[Mapping[str, Json]]:
        """Return all webhooks of the account: one array without pages. Source: @vercel/sdk 1.28.21.

        Raises PartialRead for anything else: pages that are not followed would hide webhooks.
        """
        rows = self._account.http.request_json("GET", "/v1/webhooks", params=self._account.scope)
        if not isinstance(rows, list):
            raise PartialRead(
                "Vercel's list of webhooks has another shape than documented",
                detail="It is no array; what it leaves out is unknown.",
            )
        return rows

    def _observed(self, row: Mapping[str, Json]) -> Observed:
        known = {
            "url": row["url"],
            "events": row["events"],
            "project_ids": [
                THIS if one == self._own_id else one for one in row.get("projectIds") or ()
            ],
        }
        return Observed(
            remote_id=row["id"],
            values=Webhook.observed(known),
            evidence={"created_at": row.get("createdAt"), "updated_at": row.get("updatedAt")},
            read_only=_tied_to_alerts(row),
        )


def create_body(desired: Webhook, own_id: str) -> dict[str, Json]:
    """Return what Vercel is told. No ``projectIds`` at all is every project; an empty list is refused."""
    ids = sorted(own_id if one == THIS else one for one in desired.project_ids)
    body: dict[str, Json] = {"url": desired.url, "events": sorted(desired.events)}
    return {**body, "projectIds": ids} if ids else body


def _tied_to_alerts(row: Mapping[str, Json]) -> str | None:
    """A new webhook could not take its alert rules over: answers name them, requests cannot.

    Source: @vercel/sdk 1.28.21.
    """
    rules = row.get("alertRuleIds")
    return f"tied to alert rules of Vercel ({', '.join(rules)})" if rules else None
