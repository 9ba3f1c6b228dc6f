"""What the laws have in common: the state they start from, and changes told without their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.conformance.bench import items
from reconciler.conformance.demands import usable_plan
from reconciler.core.digest import canonical

if TYPE_CHECKING:
    from reconciler.conformance.bench import Bench
    from reconciler.conformance.fixture import Draw, KindFixture
    from reconciler.core.change import Change
    from reconciler.core.plan import Plan
    from reconciler.core.secret import Json


def settle(fixture: KindFixture, bench: Bench, draw: Draw) -> None:
    """Arrange a live state to which files were applied before, where that is possible."""
    bench.world.put(fixture.part, draw(fixture.live))
    bench.declare(*items(fixture.kind, draw(fixture.declared)))
    plan = usable_plan(bench)
    if plan is not None:
        bench.apply(plan)
    else:
        bench.declare()
    bench.world.forget()


def told(changes: Plan | list[Change] | None) -> tuple[Json, ...]:
    """Return what the changes do, without why."""
    if changes is None:
        return ()
    listed = changes if isinstance(changes, list) else list(changes.changes)
    return tuple(
        (
            change.address,
            str(change.action),
            tuple((one.field, canonical(one.after), one.removed) for one in change.field_changes),
        )
        for change in listed
    )
