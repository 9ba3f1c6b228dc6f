"""What planning looks at, and what it says of one resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.change import Change
    from reconciler.core.finding import Finding
    from reconciler.core.plan import Ignored, Unverifiable
    from reconciler.core.resource import Resource
    from reconciler.core.state import DesiredState, Entry


class Verdict(NamedTuple):
    """What planning says of one resource."""

    change: Change | None = None
    findings: tuple[Finding, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    unverifiable: tuple[Unverifiable, ...] = ()


class World(NamedTuple):
    """What every decision looks at."""

    desired: DesiredState
    live: Mapping[str, Entry]
    base: Mapping[str, Entry]
    base_at: str | None
    today: str

    def model(self, kind: str) -> type[Resource]:
        """Return the model of ``kind``."""
        return self.desired.models[kind]
