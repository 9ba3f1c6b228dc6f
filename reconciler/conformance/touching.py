"""Laws of leaving alone: which calls are made, and what they do not touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from reconciler.conformance.bench import items
from reconciler.conformance.demands import holds, same, usable_plan
from reconciler.conformance.telling import settle, told
from reconciler.core.behaviour import rules_of
from reconciler.core.change import Action, Change
from reconciler.core.digest import canonical
from reconciler.core.errors import ReconcilerError, WriteAttempted
from reconciler.core.ports import New, Update
from reconciler.core.secret import SecretValue
from reconciler.core.state import Observed
from reconciler.engine.outcome import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.conformance.bench import Bench
    from reconciler.conformance.fixture import Draw, KindFixture
    from reconciler.core.plan import Plan
    from reconciler.core.secret import Json


def what_nobody_declared_is_untouched(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """Objects, fields and keys that are not in the plan are the same afterwards, byte for byte."""
    bench.world.put(fixture.part, draw(fixture.live))
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    plan = usable_plan(bench)
    if plan is None:
        return
    before = fixture.things(bench.world.state(fixture.part))

    report = bench.apply(plan)

    after = fixture.things(bench.world.state(fixture.part))
    done = {one.address for one in report.outcomes if one.result is Result.DONE}
    changes = {change.remote_id: change for change in plan.changes if change.remote_id}
    for one, thing in before.items():
        change = changes.get(one)
        if change is None:
            same(
                canonical(after.get(one)),
                canonical(thing),
                f"{one}, which the plan leaves alone, stays",
            )
        elif change.action is Action.UPDATE:
            same(
                canonical(_unchanged(fixture, change, after.get(one, {}))),
                canonical(_unchanged(fixture, change, thing)),
                f"the fields of {one} that the plan leaves alone stay: {told(plan)}",
            )
    made = sum(
        change.action in {Action.CREATE, Action.REPLACE} and change.address in done
        for change in plan.changes
    )
    same(len(set(after) - set(before)), made, "nothing is made but what the plan creates")


def calls_are_those_of_the_plan(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """A plan reads each page once; an apply makes the plan's writes and no other."""
    settle(fixture, bench, draw)
    state = bench.world.state(fixture.part)
    for _ in range(draw(st.integers(0, 2))):
        state = fixture.edited(state, draw)
    bench.world.put(fixture.part, state)
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    bench.world.forget()
    plan = usable_plan(bench)
    if plan is None:
        return

    needed = fixture.reads(state) + fixture.identity_reads
    asked = bench.world.asked()
    most = needed + fixture.inspections(plan)
    holds(needed <= len(asked) <= most, f"a plan takes {needed} to {most} reads", asked)
    bench.world.forget()
    report = bench.apply(plan)
    writes = bench.world.writes()
    same(report.result, "done", f"applying ends with done: {report.outcomes}")
    same(len(writes), plan.calls, f"the write calls are those of the plan: {writes}")
    changed = {change.remote_id for change in plan.changes}
    for one in fixture.things(state):
        called = [write for write in writes if write.path.endswith(f"/{one}")]
        holds(one in changed or not called, "what is unchanged gets no call", called)


def planning_cannot_write(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """The sessions that plans use stop every write before a byte is sent."""
    bench.world.put(fixture.part, draw(fixture.live))
    state = bench.world.state(fixture.part)
    values = _settled_values(fixture, bench, draw)
    with bench.sessions(writes=False) as sessions:
        provider = sessions[fixture.vendor].provider(fixture.kind)
        found = next(iter(provider.observe()), Observed("some_id", {}))
        provider = sessions[fixture.vendor].provider(fixture.kind)
        refusals = []
        for attempt in (
            lambda: provider.create(New(values, "conformance/x", "key")),
            lambda: provider.update(Update(found, values)),
            lambda: provider.delete(found.remote_id),
        ):
            try:
                attempt()
            except ReconcilerError as error:
                refusals.append(error)

    same(len(refusals), 3, "every write through a reading session is refused")
    stopped = [error for error in refusals if isinstance(error, WriteAttempted)]
    holds(stopped, "a write is stopped where requests leave", refusals)
    same(bench.world.writes(), (), "nothing was written")
    same(bench.world.state(fixture.part), state, "nothing was changed")


def what_moved_since_the_plan_is_not_overwritten(
    fixture: KindFixture, bench: Bench, draw: Draw
) -> None:
    """A change whose fields moved is stale, names the field, and is not made."""
    plan = _plan_with_an_update(fixture, bench, draw)
    if plan is None:
        return
    movable = [one for one in plan.changes if set(one.precondition.fields) - fixture.fixed]
    if not movable:
        return
    change = draw(st.sampled_from(movable))
    field = draw(st.sampled_from(sorted(set(change.precondition.fields) - fixture.fixed)))
    moved = fixture.meddled(bench.world.state(fixture.part), change.remote_id or "", field)
    bench.world.put(fixture.part, moved)

    report = bench.apply(plan)

    outcome = next(one for one in report.outcomes if one.address == change.address)
    if outcome.result is Result.SKIPPED:
        return
    thing = change.remote_id or ""
    now = fixture.things(bench.world.state(fixture.part))[thing]
    same(now, fixture.things(moved)[thing], f"what someone else wrote stays: {outcome}")
    if outcome.result is Result.DONE:
        left = {one.address for one in bench.plan().changes}
        holds(change.address not in left, "a change without a call was made by someone else")
        return
    same(outcome.result, Result.STALE, f"a change that relies on {field} is stale: {outcome}")
    holds(field in outcome.detail and outcome.mend, f"the outcome names {field}", outcome)


def what_a_change_does_not_rely_on_may_move(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """Another field may be changed between plan and apply, and keeps its new value."""
    plan = _plan_with_an_update(fixture, bench, draw)
    if plan is None:
        return
    updates = [change for change in plan.changes if change.action is Action.UPDATE]
    rules = {rule.name: rule for rule in rules_of(bench.models[fixture.kind])}
    free = [
        (change, name)
        for change in updates
        for name, rule in rules.items()
        if not (rule.computed or rule.merged or rule.immutable or rule.write_only)
        and name not in change.precondition.fields
        and not any(
            _watches_all(rules[path.partition(".")[0]]) for path in change.precondition.fields
        )
    ]
    if not free:
        return
    change, field = draw(st.sampled_from(free))
    remote_id = change.remote_id or ""
    moved = fixture.meddled(bench.world.state(fixture.part), remote_id, field)
    bench.world.put(fixture.part, moved)

    report = bench.apply(plan)

    outcome = next(one for one in report.outcomes if one.address == change.address)
    if outcome.result is Result.SKIPPED:
        return
    same(outcome.result, Result.DONE, f"a changed {field} does not stop {told([change])}")
    name = fixture.stored_as.get(field, field)
    now = fixture.things(bench.world.state(fixture.part))[remote_id]
    same(now.get(name), fixture.things(moved)[remote_id].get(name), f"the new {field} stays")


def _plan_with_an_update(fixture: KindFixture, bench: Bench, draw: Draw) -> Plan | None:
    settle(fixture, bench, draw)
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    plan = usable_plan(bench)
    if plan is None or all(change.remote_id is None for change in plan.changes):
        return None
    return plan


def _unchanged(fixture: KindFixture, change: Change, thing: Mapping[str, Json]) -> dict[str, Json]:
    """Return the part of ``thing`` that ``change`` does not speak of."""
    ours = {theirs: name for name, theirs in fixture.stored_as.items()}
    left: dict[str, Json] = {}
    for name, value in thing.items():
        field = ours.get(name, name)
        paths = {one.field for one in change.field_changes}
        if name in fixture.stamps or field in paths:
            continue
        left[name] = (
            {key: one for key, one in value.items() if f"{field}.{key}" not in paths}
            if isinstance(value, dict)
            else value
        )
    return left


def _watches_all(rule: Json) -> bool:
    """Tell whether any write at all counts as a change of this field."""
    return rule.write_only is not None and rule.write_only.signal is not None


def _settled_values(fixture: KindFixture, bench: Bench, draw: Draw) -> dict[str, Json]:
    """Return the field values of one declared resource, with its secrets filled in."""
    specs = draw(fixture.declared.filter(bool))
    bench.declare(*items(fixture.kind, specs))
    declared = bench.load().desired.resources[0].values
    return {
        name: bench.secrets.resolve(value.reference or "")
        if isinstance(value, SecretValue)
        else value
        for name, value in declared.items()
    }
