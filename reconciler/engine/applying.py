"""Carry out a plan, one step at a time. Never decides what to change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping  # noqa: TC003 - part of values
from typing import TYPE_CHECKING, Literal, NamedTuple

from reconciler.core.change import Change  # noqa: TC001 - part of a value
from reconciler.core.errors import (
    LiveStateUnknown,
    Refused,
    StalePlan,
    WrongAccount,
)
from reconciler.core.snapshotting import after_apply
from reconciler.core.state import Snapshot, SnapshotHeader
from reconciler.core.verification import still_differing
from reconciler.engine.observing import observe, vendor_of
from reconciler.engine.planning import stamp
from reconciler.engine.stepping import Made, Outcome, Result, Stepper

if TYPE_CHECKING:
    from reconciler.core.plan import Plan
    from reconciler.core.ports import Clock, Journal, SecretSource, Session, SnapshotStore
    from reconciler.core.resource import Resource
    from reconciler.core.state import Observation

RunResult = Literal["done", "incomplete", "not verified", "interrupted"]


class Tools(NamedTuple):
    """The outside world of one apply. ``stopping`` tells whether someone asked to stop after this call."""

    sessions: Mapping[str, Session]
    store: SnapshotStore
    secrets: SecretSource
    clock: Clock
    models: Mapping[str, type[Resource]]
    tool_version: str
    by: str
    stopping: Callable[[], bool] = lambda: False


class Report(NamedTuple):
    """What a run did. ``differing`` is what verification would still change."""

    run: str
    result: RunResult
    outcomes: tuple[Outcome, ...]
    differing: tuple[Change, ...] = ()
    unreadable: tuple[str, ...] = ()
    snapshot: str | None = None


def check_usable(plan: Plan, tools: Tools) -> None:
    """Refuse a plan that may not be carried out. Raises Refused, LiveStateUnknown or StalePlan."""
    again = f"reconciler plan {plan.environment}"
    if plan.refusals:
        listed = "\n".join(
            f"{finding.address or plan.environment}: {finding.message}. To allow it: {finding.remedy}"
            for finding in plan.refusals
        )
        raise Refused(f"The plan is refused by {len(plan.refusals)} rules", detail=listed)
    if plan.offline:
        raise StalePlan("This plan was made without looking at the live state", mend=again)
    if plan.unreadable:
        listed = "\n".join(f"{item.kind}: {item.reason}" for item in plan.unreadable)
        raise LiveStateUnknown(
            "Some of the live state could not be read, so nothing is changed",
            detail=listed,
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


def apply(plan: Plan, tools: Tools, run: str) -> Iterator[Change | Outcome | Report]:
    """Carry out ``plan`` under the environment's lock, and yield what happens as it happens.

    Yields each Change before its call, its Outcome after it, and at last one Report. Nothing is written to a
    vendor before the pre-apply snapshot, the plan and the journal are on disk.

    Raises what ``check_usable`` raises, LockHeld, WrongAccount, LiveStateUnknown.
    """
    check_usable(plan, tools)
    with tools.store.lock(f"apply {run}"):
        base = tools.store.base()
        kinds = _kinds(plan, base, tools)
        before = _observe(plan, tools, kinds)
        _save(before, plan, base, {}, tools, run, role="pre_apply")
        journal = tools.store.begin_run(run, plan)
        journal.append("started", by=tools.by, plan=plan.digest, environment=plan.environment)
        made = Made()
        outcomes: list[Outcome] = []
        for event in _steps(plan, tools, journal, run, made):
            if isinstance(event, Outcome):
                outcomes.append(event)
            yield event
        report = _finish(plan, tools, base, run, made, tuple(outcomes), kinds)
        journal.append("finished", result=report.result, snapshot=report.snapshot)
        yield report


def _steps(
    plan: Plan, tools: Tools, journal: Journal, run: str, made: Made
) -> Iterator[Change | Outcome]:
    """Go through the steps in order; after the first that is not wholly done, the rest is skipped."""
    stepper = Stepper(plan.environment, run, tools.sessions, tools.secrets, journal)
    halted = ""
    for step in plan.steps:
        if not halted and tools.stopping():
            halted = "interrupted"
        if halted:
            yield from (stepper.skipped(change, halted) for change in step)
            continue
        yield from (change for change in step)
        for outcome in stepper.carry_out(step, made):
            if outcome.result not in {Result.DONE, Result.MANUAL}:
                halted = f"{outcome.address} was not done"
            yield outcome


def _finish(
    plan: Plan,
    tools: Tools,
    base: Snapshot | None,
    run: str,
    made: Made,
    outcomes: tuple[Outcome, ...],
    kinds: set[str],
) -> Report:
    """Look again, keep what was found, and say whether the plan is now empty."""
    now = observe(tools.sessions, kinds)
    after = _save(now, plan, base, made.ids, tools, run, role="applied")
    differing = still_differing(
        plan, after, tools.models, today=tools.clock.now().date().isoformat()
    )
    unreadable = tuple(f"{item.kind}: {item.reason}" for item in now.unreadable)
    all_done = all(outcome.result in {Result.DONE, Result.MANUAL} for outcome in outcomes)
    result: RunResult
    if any(outcome.detail == "interrupted" for outcome in outcomes):
        result = "interrupted"
    elif not all_done:
        result = "incomplete"
    elif differing or unreadable:
        result = "not verified"
    else:
        result = "done"
    return Report(run, result, outcomes, differing, unreadable, after.id)


def _observe(plan: Plan, tools: Tools, kinds: set[str]) -> Observation:
    """Read everything the plan knows of, in the accounts that it was made for."""
    seen = observe(tools.sessions, kinds)
    if seen.unreadable:
        listed = "\n".join(f"{item.kind}: {item.reason}" for item in seen.unreadable)
        raise LiveStateUnknown(
            "The live state cannot be read, so nothing is changed", detail=listed
        )
    planned = {account.vendor: account.id for account in plan.accounts}
    for account in seen.accounts:
        if planned.get(account.vendor) != account.id:
            raise WrongAccount(
                f"The plan was made for another {account.vendor} account",
                detail=f"It was made for {planned.get(account.vendor)}; the credential opens {account.id}.",
                mend=f"reconciler plan {plan.environment}",
            )
    return seen


def _kinds(plan: Plan, base: Snapshot | None, tools: Tools) -> set[str]:
    """Return the kinds to read: those of the plan, and those that the last snapshot remembers."""
    remembered = (
        {entry.kind for entry in base.entries if entry.address} if base is not None else set()
    )
    readable = {kind for kind in remembered if vendor_of(kind) in tools.sessions}
    declared = {address.partition("/")[0] for address in plan.managed}
    return declared | {change.kind for change in plan.changes} | readable


def _save(
    observation: Observation,
    plan: Plan,
    base: Snapshot | None,
    made: Mapping[str, str],
    tools: Tools,
    run: str,
    *,
    role: Literal["pre_apply", "applied"],
) -> Snapshot:
    header = SnapshotHeader(
        environment=plan.environment,
        taken_at=stamp(tools.clock.now()),
        role=role,
        run=run,
        tool_version=tools.tool_version,
        desired_digest=plan.desired.digest,
        git_commit=plan.desired.git_commit,
    )
    return tools.store.save(after_apply(observation, plan, base, made, header))
