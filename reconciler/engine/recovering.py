"""Go on with a run that was cut off: find out by reading what it did, then finish it. Never guesses."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.core.change import Action
from reconciler.core.errors import ReconcilerError, StalePlan
from reconciler.core.secret import decode
from reconciler.engine.applying import (
    Event,
    Running,
    Tools,
    bindings_of,
    captured_before,
    carry_on,
    guard_writes,
    kinds_to_read,
    read_all,
    remember,
    takeover,
)
from reconciler.engine.filling import Made, refuse_revoked
from reconciler.engine.observing import vendor_of
from reconciler.engine.outcome import Outcome, Result
from reconciler.engine.rereading import bound_to_others, same_object
from reconciler.engine.stepping import Bench, Stepper

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.core.plan import Plan

Record = dict[str, Any]


class Progress(NamedTuple):
    """How far a run came: the changes that ended, those whose call may have been made, and those never begun."""

    ended: dict[str, Outcome]
    in_flight: frozenset[str]
    untouched: frozenset[str]


def progress_of(plan: Plan, records: Sequence[Record]) -> Progress:
    """Read from the journal how far a run came. A change that failed or was skipped is tried again."""
    ended: dict[str, Outcome] = {}
    begun: set[str] = set()
    for record in records:
        if record["event"] == "intent":
            begun.add(record["address"])
        if record["event"] == "outcome":
            result = Result(record["outcome"])
            address = record["address"]
            if result.is_good:
                ended[address] = Outcome(
                    address,
                    Action(record["action"]),
                    result,
                    record.get("detail", ""),
                    remote_id=record.get("remote_id"),
                )
            elif result in {Result.SKIPPED, Result.STALE}:
                begun.discard(address)
    addresses = {change.address for change in plan.changes}
    in_flight = frozenset(begun - set(ended))
    return Progress(ended, in_flight, frozenset(addresses - in_flight - set(ended)))


def recover(plan: Plan, run: str, tools: Tools) -> Iterator[Event]:
    """Finish ``run``, whose plan is ``plan``, in its own journal; yields what ``apply`` yields.

    Raises LockHeld while the run may still be going on, LiveStateUnknown, WrongAccount, Refused for a secret that was
    revoked meanwhile.
    """
    with tools.store.lock(f"recover {run}") as lock:
        guard_writes(tools, lock)
        records = tools.store.journal(run)
        if any(record["event"] == "finished" for record in records):
            raise StalePlan("This run has finished meanwhile", mend=f"reconciler show {run}")
        progress = progress_of(plan, records)
        tools = tools._replace(confirm_within=_left_to_confirm(records, tools))
        base = tools.store.base()
        kinds = kinds_to_read(plan, base, tools)
        read_all(plan, tools, kinds)
        before = next((r.get("snapshot") for r in records if r["event"] == "started"), None)
        made = _made(plan, progress, records)
        left = [change for change in plan.changes if change.address not in progress.ended]
        refuse_revoked(left, tools.secrets, tools.revoked, made.captured)
        with closing(tools.store.resume_run(run, lock.fence)) as journal:
            journal.append(
                "recovering",
                by=tools.by,
                in_flight=sorted(progress.in_flight),
                untouched=sorted(progress.untouched),
                **takeover(lock),
            )
            running = Running(run, plan, journal, lock, base, kinds, made, before)
            _bring_back_outputs(running, tools, progress)
            yield from carry_on(running, tools, ended=progress.ended, in_flight=progress.in_flight)


def remove_leftovers(plan: Plan, run: str, tools: Tools) -> None:
    """Take away what a replace had made when the run was cut off before the old object went; remember what was done.

    Comes before an undo: the old object is as it was, so nothing would be left to take back. Raises LockHeld,
    LiveStateUnknown, WrongAccount.
    """
    with tools.store.lock(f"clean up {run}") as lock:
        guard_writes(tools, lock)
        records = tools.store.journal(run)
        progress = progress_of(plan, records)
        base = tools.store.base()
        kinds = kinds_to_read(plan, base, tools)
        read_all(plan, tools, kinds)
        with closing(tools.store.resume_run(run, lock.fence)) as journal:
            for change in plan.changes:
                if change.action is not Action.REPLACE or change.address not in progress.in_flight:
                    continue
                provider = tools.sessions[vendor_of(change.kind)].provider(change.kind)
                marker = f"{plan.environment}/{change.address}"
                seen = {found.remote_id: found for found in provider.observe()}
                others = bound_to_others(bindings_of(base), change.address)
                new = same_object(provider.resource_type, change, seen.values(), marker, others)
                if change.remote_id in seen and new is not None and new.marker == marker:
                    provider.delete(new.remote_id)
                    journal.append("leftover", address=change.address, remote_id=new.remote_id)
            if progress.ended:
                made = _made(plan, progress, records)
                running = Running(run, plan, journal, lock, base, kinds, made)
                remember(running, tools, tuple(progress.ended.values()))


def _left_to_confirm(records: Sequence[Record], tools: Tools) -> float | None:
    """Return how many seconds are left to confirm the run; ``None`` when no confirmation was asked for."""
    within: float | None = None
    for record in records:
        if record["event"] == "started":
            within = record.get("confirm_within")
        if record["event"] == "awaiting":
            until = datetime.fromisoformat(record["until"])
            within = max(0.0, (until - tools.clock.now()).total_seconds())
    return within


def _made(plan: Plan, progress: Progress, records: Sequence[Record]) -> Made:
    """Return what is known of the objects that the run created before it was cut off, and of secrets it used."""
    made = Made(captured=captured_before(plan))
    for record in records:
        if record["event"] == "captured":
            made.outputs[record["address"], record["output"]] = decode(record["secret"])
        if record["event"] == "set aside":
            made.aside[record["address"], record["output"]] = decode(record["secret"])
        for reference, secret in record.get("secrets", {}).items():
            made.secrets[reference] = decode(secret)
    for change in plan.changes:
        outcome = progress.ended.get(change.address)
        creates = change.action in {Action.CREATE, Action.REPLACE}
        if outcome is None or not creates or outcome.remote_id is None:
            continue
        made.ids[change.address] = outcome.remote_id
        for name, reference in change.capture.items():
            made.captured[change.address, name] = reference
    return made


def _bring_back_outputs(running: Running, tools: Tools, progress: Progress) -> None:
    """Ask again for outputs that changes still to be made refer to, and that were kept nowhere."""
    left = [change for change in running.plan.changes if change.address not in progress.ended]
    needed = {address for change in left for address in change.depends_on}
    bench = Bench(
        running.plan.environment,
        running.id,
        tools.sessions,
        tools.secrets,
        running.journal,
        running.lock,
    )
    stepper = Stepper(bench, running.made)
    for change in running.plan.changes:
        replays = tools.models[change.kind].replays_creates
        is_made = change.address in progress.ended and change.address in running.made.ids
        if change.address not in needed or not (is_made and replays) or change.capture:
            continue
        try:
            stepper.replay(change)
        except ReconcilerError as error:
            running.journal.append("not replayed", address=change.address, why=error.summary)
