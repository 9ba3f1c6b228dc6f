"""A bench for kinds of Google Cloud, against the sandbox's project shop-prod."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.conformance.bench import Bench
from reconciler.conformance.world import no_waiting
from reconciler.wire.transport import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World
    from reconciler.core.plan import Plan

TOKEN = "canary.token_Jb7dPq2w"
SETTINGS = {
    "project": "shop-prod",
    "locations": ["europe-west1"],
    "access_token": "${secret:env/GOOGLE_TOKEN}",
}


@contextmanager
def google_bench(world: World, folder: Path, *kinds: str, **settings: Any) -> Iterator[Bench]:
    """Return a bench for ``kinds``, in a world put back to its seed."""
    world.reset()
    with Connections(no_waiting()) as connections:
        yield Bench(
            folder,
            world,
            connections,
            accounts={"gcp": {**SETTINGS, **settings}},
            environ={"GOOGLE_TOKEN": TOKEN},
            kinds=kinds,
        )


def change(bench: Bench, **parts: Any) -> None:
    """Replace parts of Google's state."""
    bench.world.put("google", {**bench.world.state("google"), **parts})


def why_unreadable(plan: Plan) -> str:
    """Return all that the plan says of what could not be read."""
    return "\n".join(f"{one.reason}\n{one.detail}\n{one.mend}" for one in plan.unreadable)
