"""Laws of getting there: what applying, importing and rolling back end with."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from reconciler.conformance.bench import items
from reconciler.conformance.demands import holds, same, usable_plan
from reconciler.conformance.telling import settle, told
from reconciler.core.behaviour import defaults_of, rules_of
from reconciler.core.change import Action, Change
from reconciler.core.compare import value_at
from reconciler.core.errors import (
    InvalidInput,
)
from reconciler.core.secret import SecretValue
from reconciler.engine.outcome import Result

if TYPE_CHECKING:
    from reconciler.conformance.bench import Bench
    from reconciler.conformance.fixture import Draw, KindFixture
    from reconciler.core.plan import Plan
    from reconciler.core.secret import Json
    from reconciler.core.state import Entry
    from reconciler.engine.applying import Report


def applying_converges(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """Applying ends with "done", and a second plan is empty; then the same for other files."""
    bench.world.put(fixture.part, draw(fixture.live))
    for _ in range(draw(st.integers(1, 2))):
        bench.declare(*items(fixture.kind, draw(fixture.declared)))
        plan = usable_plan(bench)
        if plan is None:
            return

        report = bench.apply(plan)
        second = bench.plan()

        same(report.result, "done", f"applying {told(plan)} ends with done: {report.outcomes}")
        same(told(second), (), "a second plan is empty")


def importing_changes_nothing(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """What ``import`` writes down is what is live."""
    bench.world.put(fixture.part, draw(fixture.live))
    bench.import_all()
    try:
        plan = usable_plan(bench)
    except InvalidInput as error:
        _holds_twins(bench, error)
        return

    holds(plan is not None, "what was imported can be planned")
    same(told(plan), (), "a plan after an import is empty")
    same(bench.world.writes(), (), "an import writes nothing")


def an_interrupted_run_leaves_the_rest(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """After some changes were made, the next plan is exactly the others; carrying them out ends with "done"."""
    settle(fixture, bench, draw)
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    plan = usable_plan(bench)
    if plan is None or not plan.changes:
        return
    k = draw(st.integers(0, len(plan.changes) - 1))
    by_vendor = draw(st.booleans())
    if by_vendor:
        for method in ("POST", "PATCH", "DELETE"):
            bench.world.fail(vendor=fixture.part, method=method, nth=k + 1, times=99, status=400)
    before = fixture.things(bench.world.state(fixture.part))

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
        told([change for change in following.changes if change.address not in begun]),
        told([change for change in _as_in(following, rest) if change.address not in begun]),
        f"the next plan is the rest; {sorted(done)} were done, {sorted(begun)} perhaps in part",
    )
    same(bench.apply(following).result, "done", "the rest can be carried out")
    same(told(bench.plan()), (), "then nothing is left")
    after = fixture.things(bench.world.state(fixture.part))
    made = plan.count(Action.CREATE) - plan.count(Action.DELETE)
    same(len(after) - len(before), made, "nothing was made twice, and nothing was lost")


def a_rollback_restores(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """After any hand edits, every readable field is as in the snapshot again; twice is once."""
    settle(fixture, bench, draw)
    good = bench.keep()
    state = bench.world.state(fixture.part)
    for _ in range(draw(st.integers(1, 4))):
        state = fixture.edited(state, draw)
    bench.world.put(fixture.part, state)
    plan = usable_plan(bench, good)
    if plan is None:
        return
    by_hand = {change.address for change in plan.changes if change.action is Action.MANUAL}

    report = bench.apply(plan)

    same(report.result, "done", f"rolling back {told(plan)} ends with done: {report.outcomes}")
    restored = bench.look().by_address()
    for address, entry in good.by_address().items():
        if address in by_hand or entry.read_only is not None:
            continue
        holds(address in restored, f"{address} is there again")
        same(
            _readable(fixture, bench, restored[address]),
            _readable(fixture, bench, entry),
            f"{address} is as in the snapshot: {told(plan)}",
        )
    again = bench.plan(good)
    left = [change for change in again.changes if change.action is not Action.MANUAL]
    same(told(left), (), "rolling back twice is rolling back once")


def _begun(plan: Plan, report: Report) -> set[str]:
    """Return the addresses whose change takes several calls, of which some may have been made."""
    failed = {one.address for one in report.outcomes if one.result is Result.FAILED}
    return {change.address for change in plan.changes if change.calls > 1} & failed


def _as_in(plan: Plan, changes: list[Change]) -> list[Change]:
    """Return ``changes`` in the order of ``plan``: one that was begun may let others go first."""
    at = {change.address: number for number, change in enumerate(plan.changes)}
    return sorted(changes, key=lambda change: at.get(change.address, len(at)))


def _holds_twins(bench: Bench, error: InvalidInput) -> None:
    """The vendor holds an object twice: no file can declare both."""
    model = next(iter(bench.models.values()))
    bench.declare()
    keys = Counter(
        key for entry in bench.look().entries for key in model.natural_keys(entry.values)
    )
    twins = any(number > 1 for number in keys.values())
    holds(twins, "what was imported is valid", error.diagnostics)


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
