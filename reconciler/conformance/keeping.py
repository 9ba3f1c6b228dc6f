"""Laws of what is written down, and of what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from reconciler.conformance.bench import items
from reconciler.conformance.canaries import Watch
from reconciler.conformance.demands import holds, same, usable_plan
from reconciler.conformance.telling import settle, told
from reconciler.core.errors import (
    CorruptFile,
    LiveStateUnknown,
)
from reconciler.core.stored import parse_plan, plan_text

if TYPE_CHECKING:
    from reconciler.conformance.bench import Bench
    from reconciler.conformance.fixture import Draw, KindFixture, State
    from reconciler.core.plan import Plan
    from reconciler.core.secret import Json


def a_plan_survives_its_file(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """The plan that is read back is the plan that was written; an altered file is refused."""
    settle(fixture, bench, draw)
    bench.world.put(fixture.part, fixture.edited(bench.world.state(fixture.part), draw))
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


def input_order_is_irrelevant(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """The order of resources, of files, and of what the vendor lists makes no other plan."""
    state = draw(fixture.live)
    bench.world.put(fixture.part, state)
    declared = items(fixture.kind, draw(fixture.declared))
    bench.declare(*declared)
    plan = usable_plan(bench)
    if plan is None:
        return

    bench.world.put(fixture.part, _turned_round(state))
    bench.declare(*draw(st.permutations(declared)), files=draw(st.integers(1, 3)))
    other = bench.plan()

    same(_timeless(other), _timeless(plan), "input order is irrelevant")


def a_secret_appears_nowhere(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """No secret is in a file, a plan, a journal or an error, in any encoding; also when calls fail."""
    bench.world.put(fixture.part, draw(fixture.live))
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
            bench.world.fail(vendor=fixture.part, method=method, status=status, body=echo)
        report = bench.apply(plan)
        bench.world.heal()
        following = usable_plan(bench)

    watch.search("the plan", plan_text(plan) + repr(plan))
    watch.search("the report", repr(report))
    watch.search("the next plan", repr(following))
    watch.search_files()
    watch.search_logs()


def what_cannot_be_read_is_unknown(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """A kind that was not wholly read gets no change at all, and nothing can be applied."""
    settle(fixture, bench, draw)
    declared = items(fixture.kind, draw(fixture.declared))
    bench.declare(*declared)
    blind = draw(st.sampled_from(fixture.blind))
    bench.world.put(fixture.part, blind.state(bench.world.state(fixture.part)))
    for fault in blind.faults:
        bench.world.fail(vendor=fixture.part, **fault)
    bench.world.forget()

    plan = bench.plan(prune=True)

    same(told(plan), (), f"nothing is planned for what is unknown ({blind.what})")
    same({item.kind for item in plan.unreadable}, {fixture.kind}, "the plan says what is unknown")
    addresses = sorted(f"{fixture.kind}/{item['name']}" for item in declared)
    same(list(plan.summary.unknown), addresses, "unknown resources are listed")
    try:
        bench.apply(plan)
    except LiveStateUnknown:
        same(bench.world.writes(), (), "nothing was written")
        return
    holds(False, "a plan with unknown resources is not applied")


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
