"""Make a plan: from desired state and what was read to changes that passed, or were refused by, the guards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable  # noqa: TC003 - part of a value
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.agreement import Rules, disagreements, sight_of
from reconciler.core.change import Action
from reconciler.core.errors import SecretUnavailable, VendorError
from reconciler.core.finding import Finding, Weight
from reconciler.core.guard import Consent, Freeze, Policy, check
from reconciler.core.plan import Base, DesiredSource, Plan, sealed
from reconciler.core.planning import Decisions, decide
from reconciler.core.ports import Inspects, SecretSource
from reconciler.core.revocation import Revocation, foreign_keys, revoked_findings, secrets_of
from reconciler.core.wiring import capture_places
from reconciler.core.witness import Witness
from reconciler.engine.observing import vendor_of
from reconciler.engine.witnessing import asked, witnessed

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

    ``place`` gives ``file:line`` of a field of an address, or ``None``. Without ``secrets``, nothing is compared by
    fingerprint. ``revoked`` are secrets that must not come back. ``rules`` say what must agree, in the state that the
    plan leads to; in the live one when ``only_looking``, as drift detection is.
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
    secrets: SecretSource | None = None
    revoked: tuple[Revocation, ...] = ()
    rotating: frozenset[str] = frozenset()
    rules: Rules = Rules()
    only_looking: bool = False
    place: Callable[[str, str], str | None] = lambda *_: None


def make_plan(
    desired: DesiredState,
    live: Snapshot,
    base: Snapshot | None,
    sessions: Mapping[str, Session],
    request: Request,
) -> Plan:
    """Return the plan that turns ``live`` into ``desired``. Reads only, and only what changes ask for."""
    secrets = request.secrets
    witness = witnessed(desired, live, base, secrets) if secrets is not None else Witness()
    decisions = decide(
        desired,
        live,
        base,
        today=request.now.date().isoformat(),
        prune=request.prune,
        selected=request.selected,
        witness=witness,
        rotating=request.rotating,
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
            findings=_findings(desired, live, decisions, sessions, request),
            unreadable=live.header.unreadable,
            summary=decisions.summary,
            managed=decisions.managed,
        )
    )


def _findings(
    desired: DesiredState,
    live: Snapshot,
    decisions: Decisions,
    sessions: Mapping[str, Session],
    request: Request,
) -> tuple[Finding, ...]:
    """Return what is to be said of a plan: by planning, by the vendors, by rules and by guards."""
    changes = decisions.changes
    led_to = () if request.only_looking else changes
    return (
        *decisions.findings,
        *_inspected(changes, sessions),
        *_revoked(changes, desired, request),
        *disagreements(sight_of(live, desired, request.rules, led_to), request.rules.invariants),
        *check(
            changes,
            policy=request.policy,
            consent=request.consent,
            going_back=request.going_back,
            freeze=request.freeze,
            live_counts=Counter(entry.kind for entry in live.entries),
            models=desired.models,
        ),
    )


def _revoked(
    changes: tuple[Change, ...], desired: DesiredState, request: Request
) -> Iterator[Finding]:
    """Ask what the secrets of ``changes`` are, where anything is revoked at all, and refuse those that are.

    The place of an output is asked for whoever is wired to it, unless the plan is going to store another one there.
    """
    if not request.revoked or request.secrets is None:
        yield from revoked_findings(changes, request.revoked)
        return
    secrets = request.secrets
    renewed = {c.address for c in changes if c.action in {Action.CREATE, Action.REPLACE}}
    places = capture_places(desired.resources)
    kept = {
        f"${{ref:{address}#{name}}}": place
        for place, (address, name) in places.items()
        if address not in renewed
    }
    anew = {place for place, (address, _) in places.items() if address in renewed}
    unasked = {
        kept.get(secret.reference, secret.reference)
        for change in changes
        for _, secret in secrets_of(change)
        if secret.reference is not None and secret.fingerprint is None
    }
    told = asked(sorted(text for text in unasked - anew if "${ref:" not in text), secrets)
    of_outputs = {ref: told.known[place] for ref, place in kept.items() if place in told.known}
    yield from revoked_findings(changes, request.revoked, {**told.known, **of_outputs})
    for text, why in told.silent.items():
        yield Finding(
            weight=Weight.WARNING,
            rule="revoked",
            message=f"{text} could not be compared with the revoked secrets: {why}",
        )
    yield from _of_another_key(request.revoked, secrets)


def _of_another_key(revoked: tuple[Revocation, ...], secrets: SecretSource) -> Iterator[Finding]:
    try:
        foreign = foreign_keys(revoked, secrets.fingerprint(""))
    except SecretUnavailable as error:
        foreign, why = len(revoked), f" ({error.summary})"
    else:
        why = ""
    if foreign:
        yield Finding(
            weight=Weight.WARNING,
            rule="revoked",
            message=f"{foreign} revoked fingerprints were made with another key, and match nothing{why}",
            remedy="secrets.fingerprint_key in environment.yaml",
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
