"""What holds for every kind, whatever is declared and whatever is live. ``LAWS`` is all of them.

A law is a function of a fixture, a bench that was just made, and ``data.draw`` of hypothesis. It raises BrokenLaw.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import strategies as st

from reconciler.conformance.bench import items
from reconciler.conformance.demands import holds, same, usable_plan
from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.change import Action, Change
from reconciler.core.compare import value_at
from reconciler.core.digest import canonical
from reconciler.core.errors import (
    CorruptFile,
    InvalidInput,
    LiveStateUnknown,
    ReconcilerError,
    WriteAttempted,
)
from reconciler.core.ports import New, Update
from reconciler.core.secret import SecretValue
from reconciler.core.state import Observed
from reconciler.core.stored import parse_plan, plan_text
from reconciler.engine.outcome import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.conformance.bench import Bench
    from reconciler.conformance.fixture import Draw, KindFixture, State
    from reconciler.core.plan import Plan
    from reconciler.core.secret import Json
    from reconciler.core.state import Entry
    from reconciler.engine.applying import Report

Law: TypeAlias = "Callable[[KindFixture, Bench, Draw], None]"


def applying_converges(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """Applying ends with "done", and a second plan is empty; then the same for other files."""
    bench.world.put(fixture.vendor, draw(fixture.live))
    for _ in range(draw(st.integers(1, 2))):
        bench.declare(*items(fixture.kind, draw(fixture.declared)))
        plan = usable_plan(bench)
        if plan is None:
            return

        report = bench.apply(plan)
        second = bench.plan()

        same(report.result, "done", f"applying {_told(plan)} ends with done: {report.outcomes}")
        same(_told(second), (), "a second plan is empty")


def importing_changes_nothing(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """What ``import`` writes down is what is live."""
    bench.world.put(fixture.vendor, draw(fixture.live))
    bench.import_all()
    try:
        plan = usable_plan(bench)
    except InvalidInput as error:
        _holds_twins(bench, error)
        return

    holds(plan is not None, "what was imported can be planned")
    same(_told(plan), (), "a plan after an import is empty")
    same(bench.world.writes(), (), "an import writes nothing")


def what_nobody_declared_is_untouched(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """Objects, fields and keys that are not in the plan are the same afterwards, byte for byte."""
    bench.world.put(fixture.vendor, draw(fixture.live))
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    plan = usable_plan(bench)
    if plan is None:
        return
    before = fixture.things(bench.world.state(fixture.vendor))

    report = bench.apply(plan)

    after = fixture.things(bench.world.state(fixture.vendor))
    done = {one.address for one in report.outcomes if one.result is Result.DONE}
    changes = {change.remote_id: change for change in plan.changes if change.remote_id}
    for one, thing in before.items():
        change = changes.get(one)
        if change is None:
            same(_text(after.get(one)), _text(thing), f"{one}, which the plan leaves alone, stays")
        elif change.action is Action.UPDATE:
            same(
                _text(_unchanged(fixture, change, after.get(one, {}))),
                _text(_unchanged(fixture, change, thing)),
                f"the fields of {one} that the plan leaves alone stay: {_told(plan)}",
            )
    made = sum(
        change.action in {Action.CREATE, Action.REPLACE} and change.address in done
        for change in plan.changes
    )
    same(len(set(after) - set(before)), made, "nothing is made but what the plan creates")


def an_interrupted_run_leaves_the_rest(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """After some changes were made, the next plan is exactly the others; carrying them out ends with "done"."""
    _settle(fixture, bench, draw)
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    plan = usable_plan(bench)
    if plan is None or not plan.changes:
        return
    k = draw(st.integers(0, len(plan.changes) - 1))
    by_vendor = draw(st.booleans())
    if by_vendor:
        for method in ("POST", "PATCH", "DELETE"):
            bench.world.fail(vendor=fixture.vendor, method=method, nth=k + 1, times=99, status=400)
    before = fixture.things(bench.world.state(fixture.vendor))

    report = bench.apply(plan, stop_after=None if by_vendor else k)
    bench.world.heal()
    following = bench.plan()

    done = {one.address for one in report.outcomes if one.result.is_good}
    rest = [change for change in plan.changes if change.address not in done]
    if not rest:
        return
    stopped = "incomplete" if by_vendor else "interrupted"
    same(report.result, stopped, f"a run that was stopped says so: {report.outcomes}")
    begun = _begun(plan, report)
    same(
        _told([change for change in following.changes if change.address not in begun]),
        _told([change for change in _as_in(following, rest) if change.address not in begun]),
        f"the next plan is the rest; {sorted(done)} were done, {sorted(begun)} perhaps in part",
    )
    same(bench.apply(following).result, "done", "the rest can be carried out")
    same(_told(bench.plan()), (), "then nothing is left")
    after = fixture.things(bench.world.state(fixture.vendor))
    made = plan.count(Action.CREATE) - plan.count(Action.DELETE)
    same(len(after) - len(before), made, "nothing was made twice, and nothing was lost")


def a_plan_survives_its_file(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """The plan that is read back is the plan that was written; an altered file is refused."""
    _settle(fixture, bench, draw)
    bench.world.put(fixture.vendor, fixture.edited(bench.world.state(fixture.vendor), draw))
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    plan = usable_plan(bench)
    if plan is None:
        return

    text = plan_text(plan)

    same(parse_plan(text, "plan.json"), plan, "a plan survives its file")
    at = draw(st.integers(0, len(text) - 2))
    other = draw(st.sampled_from([char for char in '0aZ" ,{' if char != text[at]]))
    altered = text[:at] + other + text[at + 1 :]
    try:
        found = parse_plan(altered, "plan.json")
    except CorruptFile:
        return
    same(found, plan, f"an altered plan is refused (character {at} was {text[at]!r})")


def calls_are_those_of_the_plan(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """A plan reads each page once; an apply makes the plan's writes and no other."""
    _settle(fixture, bench, draw)
    state = bench.world.state(fixture.vendor)
    for _ in range(draw(st.integers(0, 2))):
        state = fixture.edited(state, draw)
    bench.world.put(fixture.vendor, state)
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


def input_order_is_irrelevant(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """The order of resources, of files, and of what the vendor lists makes no other plan."""
    state = draw(fixture.live)
    bench.world.put(fixture.vendor, state)
    declared = items(fixture.kind, draw(fixture.declared))
    bench.declare(*declared)
    plan = usable_plan(bench)
    if plan is None:
        return

    bench.world.put(fixture.vendor, _turned_round(state))
    bench.declare(*draw(st.permutations(declared)), files=draw(st.integers(1, 3)))
    other = bench.plan()

    same(_timeless(other), _timeless(plan), "input order is irrelevant")


def planning_cannot_write(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """The sessions that plans use stop every write before a byte is sent."""
    bench.world.put(fixture.vendor, draw(fixture.live))
    state = bench.world.state(fixture.vendor)
    values = _settled_values(fixture, bench, draw)
    with bench.sessions(writes=False) as sessions:
        provider = sessions[fixture.vendor].provider(fixture.kind)
        found = next(iter(provider.observe()), Observed("some_id", {}))
        provider = sessions[fixture.vendor].provider(fixture.kind)
        for attempt in (
            lambda: provider.create(New(values, "conformance/x", "key")),
            lambda: provider.update(Update(found, values)),
            lambda: provider.delete(found.remote_id),
        ):
            try:
                attempt()
            except (WriteAttempted, ReconcilerError):
                continue
            holds(False, "a write through a reading session is refused")

    same(bench.world.writes(), (), "nothing was written")
    same(bench.world.state(fixture.vendor), state, "nothing was changed")


def a_secret_appears_nowhere(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """No secret is in a file, a plan, a journal or an error, in any encoding; also when calls fail."""
    from reconciler.conformance.canaries import Watch

    bench.world.put(fixture.vendor, draw(fixture.live))
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    watch = Watch(bench, fixture)
    with watch.logs():
        plan = usable_plan(bench)
        if plan is None:
            return
        if draw(st.booleans()):
            known = [bench.secrets.resolve(f"${{secret:env/{name}}}") for name in bench.environ]
            echo = {"error": {"code": "bad_request", "message": " ".join(known)}}
            method = draw(st.sampled_from(["POST", "PATCH", "DELETE"]))
            status = draw(st.sampled_from([400, 403, 409, 500]))
            bench.world.fail(vendor=fixture.vendor, method=method, status=status, body=echo)
        report = bench.apply(plan)
        bench.world.heal()
        following = usable_plan(bench)

    watch.search("the plan", plan_text(plan) + repr(plan))
    watch.search("the report", repr(report))
    watch.search("the next plan", repr(following))
    watch.search_files()
    watch.search_logs()


def a_rollback_restores(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """After any hand edits, every readable field is as in the snapshot again; twice is once."""
    _settle(fixture, bench, draw)
    good = bench.keep()
    state = bench.world.state(fixture.vendor)
    for _ in range(draw(st.integers(1, 4))):
        state = fixture.edited(state, draw)
    bench.world.put(fixture.vendor, state)
    plan = usable_plan(bench, good)
    if plan is None:
        return
    by_hand = {change.address for change in plan.changes if change.action is Action.MANUAL}

    report = bench.apply(plan)

    same(report.result, "done", f"rolling back {_told(plan)} ends with done: {report.outcomes}")
    restored = bench.look().by_address()
    for address, entry in good.by_address().items():
        if address in by_hand or entry.read_only is not None:
            continue
        holds(address in restored, f"{address} is there again")
        same(
            _readable(fixture, bench, restored[address]),
            _readable(fixture, bench, entry),
            f"{address} is as in the snapshot: {_told(plan)}",
        )
    again = bench.plan(good)
    left = [change for change in again.changes if change.action is not Action.MANUAL]
    same(_told(left), (), "rolling back twice is rolling back once")


def what_cannot_be_read_is_unknown(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """A kind that was not wholly read gets no change at all, and nothing can be applied."""
    _settle(fixture, bench, draw)
    declared = items(fixture.kind, draw(fixture.declared))
    bench.declare(*declared)
    blind = draw(st.sampled_from(fixture.blind))
    bench.world.put(fixture.vendor, blind.state(bench.world.state(fixture.vendor)))
    for fault in blind.faults:
        bench.world.fail(vendor=fixture.vendor, **fault)
    bench.world.forget()

    plan = bench.plan(prune=True)

    same(_told(plan), (), f"nothing is planned for what is unknown ({blind.what})")
    same({item.kind for item in plan.unreadable}, {fixture.kind}, "the plan says what is unknown")
    addresses = sorted(f"{fixture.kind}/{item['name']}" for item in declared)
    same(list(plan.summary.unknown), addresses, "unknown resources are listed")
    try:
        bench.apply(plan)
    except LiveStateUnknown:
        same(bench.world.writes(), (), "nothing was written")
        return
    holds(False, "a plan with unknown resources is not applied")


def what_moved_since_the_plan_is_not_overwritten(
    fixture: KindFixture, bench: Bench, draw: Draw
) -> None:
    """A change whose fields moved is stale, names the field, and is not made."""
    plan = _plan_with_an_update(fixture, bench, draw)
    if plan is None:
        return
    change = draw(st.sampled_from([one for one in plan.changes if one.remote_id is not None]))
    field = draw(st.sampled_from(sorted(change.precondition.fields)))
    moved = fixture.meddled(bench.world.state(fixture.vendor), change.remote_id or "", field)
    bench.world.put(fixture.vendor, moved)

    report = bench.apply(plan)

    outcome = next(one for one in report.outcomes if one.address == change.address)
    if outcome.result is Result.SKIPPED:
        return
    thing = change.remote_id or ""
    now = fixture.things(bench.world.state(fixture.vendor))[thing]
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
    moved = fixture.meddled(bench.world.state(fixture.vendor), remote_id, field)
    bench.world.put(fixture.vendor, moved)

    report = bench.apply(plan)

    outcome = next(one for one in report.outcomes if one.address == change.address)
    if outcome.result is Result.SKIPPED:
        return
    same(outcome.result, Result.DONE, f"a changed {field} does not stop {_told([change])}")
    name = fixture.stored_as.get(field, field)
    now = fixture.things(bench.world.state(fixture.vendor))[remote_id]
    same(now.get(name), fixture.things(moved)[remote_id].get(name), f"the new {field} stays")


LAWS: tuple[Law, ...] = (
    applying_converges,
    importing_changes_nothing,
    what_nobody_declared_is_untouched,
    an_interrupted_run_leaves_the_rest,
    a_plan_survives_its_file,
    calls_are_those_of_the_plan,
    input_order_is_irrelevant,
    planning_cannot_write,
    a_secret_appears_nowhere,
    a_rollback_restores,
    what_cannot_be_read_is_unknown,
    what_moved_since_the_plan_is_not_overwritten,
    what_a_change_does_not_rely_on_may_move,
)


def _settle(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """Arrange a live state to which files were applied before, where that is possible."""
    bench.world.put(fixture.vendor, draw(fixture.live))
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    plan = usable_plan(bench)
    if plan is not None:
        bench.apply(plan)
    else:
        bench.declare()
    bench.world.forget()


def _plan_with_an_update(fixture: KindFixture, bench: Bench, draw: Draw) -> Plan | None:
    _settle(fixture, bench, draw)
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    plan = usable_plan(bench)
    if plan is None or all(change.remote_id is None for change in plan.changes):
        return None
    return plan


def _told(changes: Plan | list[Change] | None) -> tuple[Json, ...]:
    """Return what the changes do, without why."""
    if changes is None:
        return ()
    listed = changes if isinstance(changes, list) else list(changes.changes)
    return tuple(
        (
            change.address,
            str(change.action),
            tuple((one.field, _text(one.after), one.removed) for one in change.field_changes),
        )
        for change in listed
    )


def _begun(plan: Plan, report: Report) -> set[str]:
    """Return the addresses whose change takes several calls, of which some may have been made."""
    failed = {one.address for one in report.outcomes if one.result is Result.FAILED}
    return {change.address for change in plan.changes if change.calls > 1} & failed


def _as_in(plan: Plan, changes: list[Change]) -> list[Change]:
    """Return ``changes`` in the order of ``plan``: one that was begun may let others go first."""
    at = {change.address: number for number, change in enumerate(plan.changes)}
    return sorted(changes, key=lambda change: at.get(change.address, len(at)))


def _text(value: Json) -> str:
    return canonical(value)


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


def _readable(fixture: KindFixture, bench: Bench, entry: Entry) -> dict[str, Json]:
    """Return the fields that the vendor shows, in the form in which they are compared."""
    model = bench.models[fixture.kind]
    defaults = defaults_of(model)
    shown = {
        rule.name: rule.normal(entry.values.get(rule.name, rule.default))
        for rule in rules_of(model)
        if not rule.computed
        and not rule.is_write_only(entry.values, defaults)
        and not isinstance(value_at(entry.values, rule.name), SecretValue)
    }
    return {name: value or None for name, value in shown.items()}


def _watches_all(rule: Json) -> bool:
    """Tell whether any write at all counts as a change of this field."""
    return rule.write_only is not None and rule.write_only.signal is not None


def _turned_round(state: State) -> State:
    """Return the state with every list of objects in reverse."""

    def turned(value: Json) -> Json:
        if isinstance(value, dict):
            return {key: turned(one) for key, one in value.items()}
        if isinstance(value, list):
            listed = [turned(one) for one in value]
            return listed[::-1] if all(isinstance(one, dict) for one in listed) else listed
        return value

    found: State = turned(state)
    return found


def _timeless(plan: Plan) -> dict[str, Json]:
    """Return the plan without its times, its id, and the places and bytes of files."""
    whole: dict[str, Json] = plan.model_dump(
        mode="json",
        exclude={"id": True, "created_at": True, "expires_at": True, "live_at": True}
        | {"digest": True, "desired": True, "changes": {"__all__": {"place"}}},
    )
    return whole


def _holds_twins(bench: Bench, error: InvalidInput) -> None:
    """The vendor holds an object twice: no file can declare both."""
    model = next(iter(bench.models.values()))
    bench.declare()
    keys = Counter(
        key for entry in bench.look().entries for key in model.natural_keys(entry.values)
    )
    twins = any(number > 1 for number in keys.values())
    holds(twins, "what was imported is valid", error.diagnostics)


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
