"""Make a plan: from desired state and what was read to changes that passed, or were refused by, the guards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable  # noqa: TC003 - part of a value
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.errors import VendorError
from reconciler.core.finding import Finding, Weight
from reconciler.core.guard import Consent, Freeze, Policy, check
from reconciler.core.plan import Base, DesiredSource, Plan, sealed
from reconciler.core.planning import decide
from reconciler.core.ports import Inspects
from reconciler.core.witness import Witness
from reconciler.engine.observing import vendor_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from reconciler.core.change import Change
    from reconciler.core.ports import Session
    from reconciler.core.state import DesiredState, Snapshot

LIFETIME = timedelta(hours=1)
"""How long a saved plan may be applied."""


class Request(NamedTuple):
    """What a plan is made for, besides desired and live state.

    ``place`` gives ``file:line`` of a field of an address, or ``None``.
    """

    id: str
    now: datetime
    tool_version: str
    policy: Policy
    consent: Consent = Consent()
    protected: bool = False
    prune: bool = False
    offline: bool = False
    going_back: bool = False
    freeze: Freeze | None = None
    selected: Callable[[str], bool] = lambda _: True
    witness: Witness = Witness()
    rotating: frozenset[str] = frozenset()
    place: Callable[[str, str], str | None] = lambda *_: None


def make_plan(
    desired: DesiredState,
    live: Snapshot,
    base: Snapshot | None,
    sessions: Mapping[str, Session],
    request: Request,
) -> Plan:
    """Return the plan that turns ``live`` into ``desired``. Reads only, and only what changes ask for."""
    decisions = decide(
        desired,
        live,
        base,
        today=request.now.date().isoformat(),
        prune=request.prune,
        selected=request.selected,
        witness=request.witness,
        rotating=request.rotating,
    )
    counts = Counter(entry.kind for entry in live.entries)
    findings = (
        *decisions.findings,
        *_inspected(decisions.changes, sessions),
        *check(
            decisions.changes,
            policy=request.policy,
            consent=request.consent,
            going_back=request.going_back,
            freeze=request.freeze,
            live_counts=counts,
            models=desired.models,
        ),
    )
    return sealed(
        Plan(
            id=request.id,
            environment=desired.environment,
            protected=request.protected,
            going_back=request.going_back and request.policy.going_back == "relaxed",
            created_at=stamp(request.now),
            expires_at=stamp(request.now + LIFETIME),
            tool_version=request.tool_version,
            accounts=live.header.accounts,
            desired=DesiredSource(
                source=desired.source, digest=desired.digest, git_commit=desired.git_commit
            ),
            base=_base(base),
            live_at=live.header.taken_at,
            offline=request.offline,
            changes=tuple(_placed(change, request) for change in decisions.changes),
            findings=findings,
            unreadable=live.header.unreadable,
            summary=decisions.summary,
            managed=decisions.managed,
        )
    )


def _placed(change: Change, request: Request) -> Change:
    """Say where in the files each differing field stands."""
    fields = tuple(
        field.model_copy(update={"place": request.place(change.address, field.field)})
        for field in change.field_changes
    )
    return change.model_copy(update={"field_changes": fields})


def stamp(moment: datetime) -> str:
    """Return a time as files hold it: ISO 8601, UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _base(base: Snapshot | None) -> Base | None:
    if base is None:
        return None
    return Base(id=base.id, taken_at=base.header.taken_at, label=base.label)


def _inspected(changes: tuple[Change, ...], sessions: Mapping[str, Session]) -> Iterator[Finding]:
    """Ask the providers that can tell whether the vendor would accept the changes."""
    for kind in sorted({change.kind for change in changes}):
        session = sessions.get(vendor_of(kind))
        provider: object = session.provider(kind) if session is not None else None
        if not isinstance(provider, Inspects):
            continue
        try:
            yield from provider.inspect([change for change in changes if change.kind == kind])
        except VendorError as error:
            yield Finding(
                weight=Weight.WARNING,
                rule="inspect",
                message=f"{kind}: could not be checked beforehand: {error.summary}",
            )
