"""Laws of what a kind says of itself, without looking at anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.conformance.demands import holds
from reconciler.core.resource import Capability

if TYPE_CHECKING:
    from reconciler.conformance.bench import Bench
    from reconciler.conformance.fixture import Draw, KindFixture

UNWRITTEN = frozenset({Capability.OBSERVED, Capability.ATTESTED})
"""What no apply writes."""


def a_kind_names_its_least_rights(fixture: KindFixture, bench: Bench, _draw: Draw) -> None:
    """Whoever makes a credential is told what it must be allowed, in the vendor's words, and where that stands."""
    model = bench.models[fixture.kind]

    holds(model.rights.read, "a kind names the rights to read it", model.rights)
    holds(
        model.rights.write or model.capability in UNWRITTEN,
        "a kind names the rights to write it",
        model.rights,
    )
    holds(model.rights.source, "a kind says where the vendor names its rights", model.rights)
