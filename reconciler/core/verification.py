"""Whether a plan was really carried out: the same diff, against what is live now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.going_back import expected_after
from reconciler.core.planning import decide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.change import Change
    from reconciler.core.plan import Plan
    from reconciler.core.resource import Resource
    from reconciler.core.state import Snapshot


def still_differing(
    plan: Plan, after: Snapshot, models: Mapping[str, type[Resource]], *, today: str
) -> tuple[Change, ...]:
    """Return what would have to be done again; empty when every change took effect.

    ``after`` was made from what was read after the last call, by ``snapshotting.after_apply``.
    """
    return decide(expected_after(plan, models), after, after, today=today).changes
