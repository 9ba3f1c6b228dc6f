"""What planning looks at, and what it says of one resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.witness import Scene, Witness

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
    """What every decision looks at.

    ``rotating`` are the addresses that get a second object beside the first, ``left_out`` those the plan is not about.
    """

    desired: DesiredState
    scene: Scene
    base_at: str | None
    today: str
    witness: Witness = Witness()
    rotating: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()

    @property
    def live(self) -> Mapping[str, Entry]:
        """Return the live objects by address."""
        return self.scene.live

    @property
    def base(self) -> Mapping[str, Entry]:
        """Return what was last applied, by address."""
        return self.scene.base

    def model(self, kind: str) -> type[Resource]:
        """Return the model of ``kind``."""
        return self.desired.models[kind]
