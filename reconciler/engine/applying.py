"""Carry out a plan under the environment's lock. Never decides what to change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping  # noqa: TC003 - part of values
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from reconciler.core.change import Action, Change
from reconciler.core.errors import Refused, StalePlan, WrongAccount
from reconciler.core.revocation import Revocation  # noqa: TC001 - part of a value
from reconciler.core.secret import SecretValue
from reconciler.core.snapshotting import Applied, after_apply
from reconciler.core.state import Snapshot, SnapshotHeader
from reconciler.core.undoing import inverse
from reconciler.core.verification import still_differing
from reconciler.engine.filling import Made, refuse_revoked, resolve_all
from reconciler.engine.observing import observe, unknown, vendor_of
from reconciler.engine.outcome import Outcome, Result
from reconciler.engine.planning import stamp
from reconciler.engine.scheduling import OnError, Schedule, run_steps
from reconciler.engine.sealing import with_sealed
from reconciler.engine.stepping import Bench, Stepper

if TYPE_CHECKING:
    from reconciler.core.plan import Managed, Plan
    from reconciler.core.ports import Clock, Journal, Lock, SecretSource, Session, SnapshotStore
    from reconciler.core.resource import Resource
    from reconciler.core.state import Entry, Observation

Event: TypeAlias = "Change | Outcome | Awaiting | Report"
"""What a run tells as it happens."""

RunResult = Literal["done", "incomplete", "not verified", "interrupted", "not confirmed"]

POLL = 0.5
"""Seconds between two looks for a confirmation."""

LOOKS = 5
"""How often a run looks again before it says that a change did not take effect."""


class Tools(NamedTuple):
    """The outside world of one apply.

    ``stopping`` tells whether someone asked to stop after the calls under way. ``confirm_within``: seconds to wait
    for somebody to confirm a success, before it counts as not confirmed. ``revoked`` secrets are not sent.
    """

    sessions: Mapping[str, Session]
    store: SnapshotStore
    secrets: SecretSource
    clock: Clock
    models: Mapping[str, type[Resource]]
    tool_version: str
    by: str
    stopping: Callable[[], bool] = lambda: False
    on_error: OnError = "stop"
    confirm_within: float | None = None
    revoked: tuple[Revocation, ...] = ()


class Report(NamedTuple):
    """What a run did. ``differing`` is what verification would still change; ``before`` the pre-apply snapshot."""

    run: str
    result: RunResult
    outcomes: tuple[Outcome, ...]
    differing: tuple[Change, ...] = ()
    unreadable: tuple[str, ...] = ()
    snapshot: str | None = None
    before: str | None = None


class Awaiting(NamedTuple):
    """A run that succeeded and now waits to be confirmed, ``until`` a time."""

    run: str
    until: str


class Running(NamedTuple):
    """A run under way: its plan, journal and lock, and what it has made so far."""

    id: str
    plan: Plan
    journal: Journal
    lock: Lock
    base: Snapshot | None
    kinds: frozenset[str]
    made: Made
    before: str | None = None


def check_usable(plan: Plan, tools: Tools) -> None:
    """Refuse a plan that may not be carried out. Raises Refused, LiveStateUnknown or StalePlan."""
    again = f"reconciler plan {plan.environment}"
    if plan.refusals:
        listed = "\n".join(
            f"{finding.address or plan.environment}: {finding.message}. To allow it: {finding.remedy}"
            for finding in plan.refusals
        )
        rules = "a rule" if len(plan.refusals) == 1 else f"{len(plan.refusals)} rules"
        raise Refused(f"The plan is refused by {rules}", detail=listed)
    if plan.offline:
        raise StalePlan("This plan was made without looking at the live state", mend=again)
    if plan.unreadable:
        raise unknown(
            "Some of the live state could not be read, so nothing is changed",
            plan.unreadable,
            mend=again,
        )
    if stamp(tools.clock.now()) > plan.expires_at:
        raise StalePlan(
            "The plan has expired", detail=f"It was good until {plan.expires_at}.", mend=again
        )
    if plan.tool_version.split(".")[:2] != tools.tool_version.split(".")[:2]:
        raise StalePlan(
            "The plan was made by another version of reconciler",
            detail=f"It was made by {plan.tool_version}; this is {tools.tool_version}.",
            mend=again,
        )


def apply(plan: Plan, tools: Tools, run: str) -> Iterator[Event]:
    """Carry out ``plan`` under the environment's lock, and yield what happens as it happens.

    Yields each Change before its call, its Outcome after it, and at last one Report. Nothing is written to a
    vendor before the pre-apply snapshot, the plan, its undo and the journal are on disk.

    Raises what ``check_usable`` raises, SecretUnavailable, LockHeld, WrongAccount, LiveStateUnknown.
    """
    check_usable(plan, tools)
    refuse_revoked(plan.changes, tools.secrets, tools.revoked, captured_before(plan))
    resolve_all(plan.changes, tools.secrets, tools.revoked)
    with tools.store.lock(f"apply {run}") as lock:
        guard_writes(tools, lock)
        _refuse_unsettled(plan, tools)
        base = tools.store.base()
        kinds = kinds_to_read(plan, base, tools)
        before = save_before(read_all(plan, tools, kinds), plan, base, tools, run)
        undo = inverse(plan, before, run)
        with closing(tools.store.begin_run(run, plan, undo, lock.fence)) as journal:
            journal.append(
                "started",
                by=tools.by,
                plan=plan.digest,
                environment=plan.environment,
                source=plan.desired.source,
                snapshot=before.id,
                confirm_within=tools.confirm_within,
                **takeover(lock),
            )
            made = Made(captured=captured_before(plan))
            running = Running(run, plan, journal, lock, base, kinds, made, before.id)
            yield from carry_on(running, tools, ended={}, in_flight=frozenset())


def _refuse_unsettled(plan: Plan, tools: Tools) -> None:
    """A run that was cut off is settled first; only its own undo may come before that. Raises StalePlan."""
    for run in tools.store.cut_off():
        if plan.desired.source != f"undo of run {run}":
            raise StalePlan(
                f"Run {run} was cut off and is not settled yet",
                detail="What it did is not known until it is recovered, so nothing else is changed.",
                mend=f"reconciler recover {plan.environment}",
            )


def carry_on(
    running: Running,
    tools: Tools,
    *,
    ended: Mapping[str, Outcome],
    in_flight: frozenset[str],
) -> Iterator[Event]:
    """Do what is left of a run: everything that is not in ``ended``. ``in_flight`` may have been done already."""
    bench = Bench(
        running.plan.environment,
        running.id,
        tools.sessions,
        tools.secrets,
        running.journal,
        running.lock,
        bindings_of(running.base),
    )
    stepper = Stepper(bench, running.made, in_flight)
    schedule = Schedule(
        running.plan.steps,
        tools.models,
        {address: outcome.result for address, outcome in ended.items()},
        on_error=tools.on_error,
    )
    outcomes = dict(ended)
    for event in run_steps(schedule, stepper, tools.stopping):
        if isinstance(event, Outcome):
            outcomes[event.address] = event
        yield event
    in_order = [outcomes[c.address] for c in running.plan.changes if c.address in outcomes]
    report = _finish(running, tools, tuple(in_order))
    if report.result == "done" and tools.confirm_within is not None and outcomes:
        until = tools.clock.now() + timedelta(seconds=tools.confirm_within)
        running.journal.append("awaiting", until=until.isoformat(timespec="seconds"))
        yield Awaiting(running.id, stamp(until))
        if not _is_confirmed(running, tools, until):
            report = report._replace(result="not confirmed")
    running.journal.append("finished", result=report.result, snapshot=report.snapshot)
    yield report


def _is_confirmed(running: Running, tools: Tools, until: datetime) -> bool:
    """Wait until somebody confirms the run; False when the time is up, or when it is to stop."""
    while not tools.store.is_confirmed(running.id):
        if tools.clock.now() >= until or tools.stopping():
            return False
        tools.clock.sleep(POLL)
    return True


def captured_before(plan: Plan) -> dict[tuple[str, str], str]:
    """Return where the outputs of objects are kept that this plan does not make anew."""
    renewed = {c.address for c in plan.changes if c.action in {Action.CREATE, Action.REPLACE}}
    return {
        (address, name): reference
        for address, managed in plan.managed.items()
        if managed.remote_id is not None and address not in renewed
        for name, reference in managed.capture.items()
    }


def bindings_of(base: Snapshot | None) -> dict[str, str]:
    """Return the remote id of every address that the last snapshot knows."""
    entries = base.by_address() if base is not None else {}
    return {address: entry.remote_id for address, entry in entries.items()}


def guard_writes(tools: Tools, lock: Lock) -> None:
    """Let no request that writes leave once the lock is lost, not even one that is sent again."""
    for session in tools.sessions.values():
        session.before_writes(lock.check)


def takeover(lock: Lock) -> dict[str, str]:
    """Return what the journal says of a lock that was taken over from a holder that had let it expire."""
    abandoned = getattr(lock, "taken_over", None)
    return {"took_over": str(abandoned)} if abandoned is not None else {}


def read_all(plan: Plan, tools: Tools, kinds: frozenset[str]) -> Observation:
    """Read everything the plan knows of, in the accounts that it was made for.

    Raises LiveStateUnknown, or WrongAccount when a credential opens another account or mode than planned.
    """
    seen = observe(tools.sessions, kinds)
    if seen.unreadable:
        raise unknown("The live state cannot be read, so nothing is changed", seen.unreadable)
    planned = {account.vendor: (account.id, account.mode) for account in plan.accounts}
    for account in seen.accounts:
        if planned.get(account.vendor, (account.id, account.mode)) != (account.id, account.mode):
            was = " ".join(planned[account.vendor])
            raise WrongAccount(
                f"The plan was made for another {account.vendor} account",
                detail=f"It was made for {was}; the credential opens {account.id} {account.mode}.",
                mend=f"reconciler plan {plan.environment}",
            )
    return seen


def kinds_to_read(plan: Plan, base: Snapshot | None, tools: Tools) -> frozenset[str]:
    """Return the kinds to read: those of the plan, and those that the last snapshot remembers."""
    entries = base.entries if base is not None else ()
    remembered = {entry.kind for entry in entries if entry.address}
    readable = {kind for kind in remembered if vendor_of(kind) in tools.sessions}
    declared = {address.partition("/")[0] for address in plan.managed}
    return frozenset(declared | {change.kind for change in plan.changes} | readable)


def save_before(
    seen: Observation, plan: Plan, base: Snapshot | None, tools: Tools, run: str
) -> Snapshot:
    """Store what was read before a run; what it overwrites and nobody else keeps is sealed, if a seal is wanted."""
    header = _header(plan, tools, run, "pre_apply")
    bare = plan.model_copy(update={"changes": ()})
    before = after_apply(seen, bare, base, Applied(), header, tools.models)
    unknown_in = {change.address: change for change in plan.changes if change.overwrites_unknown}
    entries = tuple(_honest(entry, unknown_in.get(entry.address or "")) for entry in before.entries)
    return tools.store.save(
        with_sealed(
            before._replace(entries=entries),
            tools.sessions,
            tools.models,
            tools.secrets,
            wanted=lambda entry: entry.address in unknown_in,
        )
    )


def _honest(entry: Entry, change: Change | None) -> Entry:
    """Return ``entry`` without what is remembered of secrets that were written outside since."""
    if change is None:
        return entry
    unknown_now = {
        field.field: SecretValue(None)
        for field in change.field_changes
        if field.field in entry.values
        and isinstance(field.before, SecretValue)
        and not field.before.can_be_sent
    }
    return replace(entry, values={**entry.values, **unknown_now})


def _header(
    plan: Plan, tools: Tools, run: str, role: Literal["pre_apply", "applied"]
) -> SnapshotHeader:
    return SnapshotHeader(
        environment=plan.environment,
        taken_at=stamp(tools.clock.now()),
        role=role,
        run=run,
        tool_version=tools.tool_version,
        desired_digest=plan.desired.digest,
        git_commit=plan.desired.git_commit,
    )


def _finish(running: Running, tools: Tools, outcomes: tuple[Outcome, ...]) -> Report:
    """Look again, keep what was found, and say whether the plan is now empty."""
    is_good = all(outcome.result.is_good for outcome in outcomes)
    after, differing = _looked(running, tools, outcomes, patient=is_good)
    unreadable = tuple(f"{item.kind}: {item.reason}" for item in after.header.unreadable)
    result: RunResult
    if any(outcome.detail == "interrupted" for outcome in outcomes):
        result = "interrupted"
    elif not is_good:
        result = "incomplete"
    elif differing or unreadable:
        result = "not verified"
    else:
        result = "done"
    return Report(running.id, result, outcomes, differing, unreadable, after.id, running.before)


def _looked(
    running: Running, tools: Tools, outcomes: tuple[Outcome, ...], *, patient: bool
) -> tuple[Snapshot, tuple[Change, ...]]:
    """Read until enough reads in a row agree that nothing differs; give up after a few, if ``patient`` at all."""
    plan = running.plan
    wanted = max((tools.models[c.kind].consistent_reads for c in plan.changes), default=1)
    today = tools.clock.now().date().isoformat()
    agreeing = 0
    for look in range(1, LOOKS + 1):
        seen = observe(tools.sessions, running.kinds)
        after = _after(running, tools, seen, outcomes)
        differing = still_differing(plan, after, tools.models, today=today)
        agreeing = 0 if differing or seen.unreadable else agreeing + 1
        if agreeing >= wanted or not patient or look == LOOKS:
            # What shows no effect is not remembered as applied: the next plan must want it again.
            told = {change.address for change in differing}
            believed = tuple(outcome for outcome in outcomes if outcome.address not in told)
            return tools.store.save(_after(running, tools, seen, believed)), differing
        tools.clock.sleep(0.1 * 2**look)
    raise AssertionError("the last look returns")


def remember(running: Running, tools: Tools, outcomes: tuple[Outcome, ...]) -> None:
    """Keep what a run that was cut off had done: an undo finds by it what the run made. Raises LiveStateUnknown."""
    seen = read_all(running.plan, tools, running.kinds)
    tools.store.save(_after(running, tools, seen, outcomes))


def _after(
    running: Running, tools: Tools, seen: Observation, outcomes: tuple[Outcome, ...]
) -> Snapshot:
    """Return what was read after the run, with what its ``outcomes`` say was applied."""
    done = _only_done(running.plan, outcomes, running.base)
    header = _header(done, tools, running.id, "applied")
    return after_apply(seen, done, running.base, running.made.applied, header, tools.models)


def _only_done(plan: Plan, outcomes: tuple[Outcome, ...], base: Snapshot | None) -> Plan:
    """Return the plan with those changes alone that were made: only they are remembered as applied.

    What was not made leaves ownership as it was: a field that was to go back to its default still has to.
    """
    done = {outcome.address for outcome in outcomes if outcome.result is Result.DONE}
    before = base.by_address() if base is not None else {}
    left = {change.address for change in plan.changes} - done
    managed = {
        address: _as_before(one, before.get(address)) if address in left else one
        for address, one in plan.managed.items()
    }
    changes = tuple(change for change in plan.changes if change.address in done)
    return plan.model_copy(update={"changes": changes, "managed": managed})


def _as_before(managed: Managed, before: Entry | None) -> Managed:
    """Return what is known of a resource whose change was not made: what was known before, and no more."""
    if before is None:
        return managed._replace(owned=(), secrets={})
    kept = {name: before.values[name] for name in managed.secrets if name in before.values}
    return managed._replace(owned=before.owned, secrets=kept)
