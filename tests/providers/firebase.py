"""A bench for one kind of Firebase, on a sandbox whose Google project it may change."""

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

PINNED = {"project": "shop-prod", "access_token": "${secret:env/GOOGLE_TOKEN}"}


class Night:
    """One declared kind, and the project that it is declared for."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.world = bench.world

    def declare(self, name: str, kind: str, **spec: object) -> None:
        self.bench.declare({"kind": kind, "name": name, "spec": spec})

    @property
    def state(self) -> dict[str, Any]:
        return self.world.state("google")

    def put(self, part: str, **changed: object) -> None:
        """Change a part of the project behind everybody's back."""
        state = self.state
        self.world.put("google", {**state, part: {**state[part], **changed}})

    def sent(self, method: str) -> list[str]:
        return [one.path for one in self.world.asked() if one.method == method]


@contextmanager
def night_of(world: World, folder: Path, *kinds: str) -> Iterator[Night]:
    """Return a bench for ``kinds`` in a world put back to its seed."""
    world.reset()
    with Connections(no_waiting()) as connections:
        yield Night(
            Bench(
                folder,
                world,
                connections,
                accounts={"firebase": PINNED},
                environ={"GOOGLE_TOKEN": "canary.token_Jb7dPq2w"},
                kinds=list(kinds),
            )
        )
