"""Stripe webhook endpoints: https://docs.stripe.com/api/webhook_endpoints."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import Field, StringConstraints, model_validator

from reconciler.core.behaviour import EmptyIsNone, Immutable, Key, Merged, Unordered, WriteOnly
from reconciler.core.change import Action, Change
from reconciler.core.errors import NotFound, ReconcilerError, VendorError, WrongAccount
from reconciler.core.ports import Created, New, Update
from reconciler.core.resource import Capability, Expanded, Limit, Output, Resource, Rights
from reconciler.core.state import Observed

if TYPE_CHECKING:
    from stripe.params import WebhookEndpointCreateParams, WebhookEndpointUpdateParams

    from reconciler.core.secret import Json
    from reconciler.providers.stripe.account import StripeAccount

CATALOGUE = "2026-10-28"
"""The API version whose event names ``events.txt`` lists. Source: types of stripe-python 16.1.0."""

MARKER = "reconciler"
"""The metadata key of the ownership marker; it survives a changed url."""

EventName = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9_]+(\.[a-z0-9_]+)+)$")]


class WebhookEndpoint(Resource):
    """Where Stripe delivers events, and which ones."""

    kind: ClassVar[str] = "stripe.webhook_endpoint"
    capability: ClassVar[Capability] = Capability.MANAGED
    outputs: ClassVar[Mapping[str, Output]] = {"secret": Output(secret=True, only_at_create=True)}
    called_at: ClassVar[str | None] = "url"
    writes_at_once: ClassVar[int] = 4
    # The stored answer of the first request, for 24 hours. Source: Stripe API reference, idempotent requests.
    replays_creates: ClassVar[bool] = True
    # Source: Stripe support; the error says "16 test webhook endpoints".
    limit: ClassVar[Limit | None] = Limit(16, "webhook endpoints in this account and mode")
    # In parentheses: the name in errors. Source: Stripe, permissions reference (write includes read).
    rights: ClassVar[Rights] = Rights(
        read=("Webhook Endpoints: Read (rak_webhook_read)",),
        write=("Webhook Endpoints: Write (rak_webhook_write)",),
        source="https://docs.stripe.com/keys/restricted-api-keys",
    )

    url: Annotated[str, Key(), StringConstraints(pattern=r"^https?://\S+$", max_length=5000)]
    """Where events are sent. HTTPS in live mode. Compared exactly: a trailing slash counts."""
    enabled_events: Annotated[Unordered[EventName], Field(min_length=1)]
    """Event names, or ``*`` for all that need no explicit choice. ``charge.*`` is written out from a catalogue."""
    description: Annotated[str | None, EmptyIsNone(), Field(max_length=5000)] = None
    """A note for people."""
    status: Literal["enabled", "disabled"] = "enabled"
    """Events made while an endpoint is disabled are not sent later."""
    metadata: Annotated[
        dict[str, Annotated[str, Field(min_length=1, max_length=500)]], Merged()
    ] = Field(default_factory=dict)
    """Keys of your own. Keys that are not declared are left alone."""
    api_version: Annotated[str | None, Immutable()] = None
    """The version that events are rendered in; null follows the account's default."""
    connect: Annotated[bool, Immutable(), WriteOnly()] = False
    """Events of connected accounts instead of this one's. Stripe never returns it."""

    @model_validator(mode="after")
    def _leaves_the_marker_alone(self) -> Self:
        if MARKER in self.metadata:
            raise ValueError(f"metadata: the key {MARKER} is the ownership marker")
        return self

    @classmethod
    def expand(cls, spec: dict[str, Json]) -> Expanded:
        """Write out ``charge.*``: Stripe takes full names or ``*`` only. Warns of names not in the catalogue."""
        events = spec.get("enabled_events")
        if not isinstance(events, list):
            return Expanded(spec)
        names: list[Json] = []
        notes: list[str] = []
        for event in events:
            if isinstance(event, str) and "*" in event and event != "*":
                found = fnmatch.filter(catalogue(), event)
                notes.append(f"{event} = {len(found)} events of the catalogue of {CATALOGUE}")
                names += found or [event]
                continue
            names.append(event)
            if (
                isinstance(event, str)
                and event not in catalogue()
                and event != "*"
                and "${" not in event
            ):
                notes.append(f"{event} is not in the catalogue of {CATALOGUE}; it is sent as it is")
        return Expanded({**spec, "enabled_events": names}, tuple(notes))

    @classmethod
    def suggested(cls, evidence: Mapping[str, Json]) -> dict[str, Json]:
        """An endpoint that shows an application is a Connect endpoint.

        Source: lukasaron/terraform-provider-stripe#81.
        """
        return {"connect": True} if evidence.get("application") else {}

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Say what becomes of the signing secret and of events that fall into a gap."""
        del declared, live
        renewed = change.action in {Action.CREATE, Action.REPLACE}
        notes = [*change.notes]
        follow_ups = [*change.follow_ups]
        if renewed and "secret" in change.capture:
            notes.append(f"the new signing secret goes to {change.capture['secret']}")
        elif renewed:
            follow_ups.append(
                "the new signing secret is shown once: declare `capture: {secret: ${secret:…}}` to keep it,"
                " or reveal it in the Dashboard, and give it to every consumer"
            )
        if change.action is not Action.UPDATE and not change.overlaps:
            follow_ups.append(
                "resend the events of the gap: stripe events resend EVENT (up to 30 days)"
            )
        disables = change.after().get("status") == "disabled"
        if disables and change.action is Action.UPDATE:
            follow_ups.append("events made while it is disabled are not sent later; resend them")
        if change.action is Action.DELETE:
            notes.append("Stripe ends the retries of its pending events")
        calls = change.calls + (1 if renewed and change.values.get("status") == "disabled" else 0)
        return change.model_copy(
            update={"notes": tuple(notes), "follow_ups": tuple(follow_ups), "calls": calls}
        )


class WebhookEndpoints:
    """Reads and writes webhook endpoints."""

    resource_type = WebhookEndpoint

    def __init__(self, account: StripeAccount) -> None:
        self._account = account

    def observe(self) -> Iterator[Observed]:
        """Yield every endpoint, all pages. Raises WrongAccount for an object of the other mode."""
        from reconciler.providers.stripe.client import listed

        for found in listed(self._account.client, "/v1/webhook_endpoints"):
            yield self._observed(found)

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return those endpoints that exist; one request each."""
        live = {}
        for remote_id in remote_ids:
            try:
                live[remote_id] = self._observed(self._api.retrieve(remote_id).to_dict())
            except NotFound:
                continue
        return live

    def create(self, new: New) -> Created:
        """Make an endpoint. One that is to be disabled is made enabled first: Stripe knows no other way."""
        desired = WebhookEndpoint.settled(new.values)
        made = self._api.create(
            create_params(desired, new.marker), {"idempotency_key": new.idempotency_key}
        )
        secret = made.to_dict().get("secret")
        if not secret:
            raise VendorError(
                "Stripe returned no signing secret for a new endpoint", vendor="stripe"
            )
        trouble = None
        if desired.status == "disabled":
            trouble = self._disable(made.id, new.idempotency_key)
        return Created(made.id, {"secret": secret}, trouble)

    def update(self, update: Update) -> None:
        """Send only what differs."""
        self._api.update(update.live.remote_id, update_params(update.fields))

    def delete(self, remote_id: str) -> None:
        try:
            self._api.delete(remote_id)
        except NotFound:
            return

    @property
    def _api(self) -> Any:  # noqa: ANN401 - typed by the SDK, which is imported only when it is used
        return self._account.client.v1.webhook_endpoints

    def _disable(self, remote_id: str, key: str) -> ReconcilerError | None:
        try:
            self._api.update(remote_id, {"disabled": True}, {"idempotency_key": f"{key}-disable"})
        except ReconcilerError as error:
            return error
        return None

    def _observed(self, payload: dict[str, Json]) -> Observed:
        if payload.get("livemode") is not self._account.is_live:
            raise WrongAccount(
                f"Stripe returned {payload.get('id')} of the other mode",
                detail=f"livemode is {payload.get('livemode')}, and the key is for the other mode.",
                mend="check providers.stripe in environment.yaml",
            )
        metadata = dict(payload.get("metadata") or {})
        marker = metadata.pop(MARKER, None)
        return Observed(
            remote_id=payload["id"],
            values=WebhookEndpoint.observed({**payload, "metadata": metadata}),
            evidence={name: payload.get(name) for name in ("application", "created", "livemode")},
            marker=marker,
        )


@cache
def catalogue() -> tuple[str, ...]:
    """Return the event names of the pinned catalogue, sorted. A new catalogue never adds events silently."""
    text = files(__package__).joinpath("events.txt").read_text(encoding="utf-8")
    return tuple(text.split())


def create_params(desired: WebhookEndpoint, marker: str) -> WebhookEndpointCreateParams:
    """Stripe creates endpoints enabled and takes no status."""
    params = {
        name: value
        for name, value in desired.values().items()
        if name != "status" and value is not None
    }
    params["metadata"] = {**params.get("metadata", {}), MARKER: marker}
    return cast("WebhookEndpointCreateParams", params)


def update_params(fields: Mapping[str, Json]) -> WebhookEndpointUpdateParams:
    """Stripe reports ``status`` but is told ``disabled``, and clears with the empty string."""
    params: dict[str, Any] = {
        name: "" if value is None else value for name, value in fields.items()
    }
    if "status" in params:
        params["disabled"] = params.pop("status") == "disabled"
    if "metadata" in params:
        params["metadata"] = {key: value or "" for key, value in params["metadata"].items()}
    return cast("WebhookEndpointUpdateParams", params)
