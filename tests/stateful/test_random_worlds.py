"""The promises of safety as invariants of random worlds, in which everything happens in any order.

Forty worlds by default, the same in every run. ``RECONCILER_LONG=1`` tries a thousand, others each time, and
looks for the shortest story that breaks a promise.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from reconciler.cli import console
from reconciler.cli.workspace import SystemClock
from reconciler.conformance.world import Ticking, no_waiting
from reconciler.providers.vercel import production_deployment
from reconciler.wire import transport
from tests.killing import shop
from tests.stateful.machine import Shop

if TYPE_CHECKING:
    import pytest

    from reconciler.conformance.world import World

IS_LONG = bool(os.environ.get("RECONCILER_LONG"))
WORLDS = settings(
    max_examples=1000 if IS_LONG else 40,
    stateful_step_count=12 if IS_LONG else 10,
    derandomize=not IS_LONG,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink] if IS_LONG else [Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def test_the_promises_hold_in_random_worlds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in shop.ENVIRON.items():
        monkeypatch.setenv(name, value)
    clock = Ticking()
    monkeypatch.setattr(SystemClock, "now", lambda _: clock.now())
    monkeypatch.setattr(SystemClock, "sleep", lambda _, __: None)
    monkeypatch.setattr(transport, "Timing", no_waiting)
    monkeypatch.setattr(production_deployment, "POLL_SECONDS", 0)
    console.MASKER.forget()

    class Here(Shop):
        """A shop in the world of this worker."""

        def __init__(self) -> None:
            super().__init__(world)

    run_state_machine_as_test(Here, settings=WORLDS)
