"""The shop of the kill matrix, and the warm process that forks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.killing import shop
from tests.killing.forking import forks
from tests.killing.runs import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World
    from tests.killing.forking import Forks


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Return a process that forks command lines."""
    with forks(tmp_path_factory.mktemp("forks")) as found:
        yield found


@pytest.fixture
def stage(tmp_path: Path, world: World, warm: Forks) -> Iterator[Stage]:
    """Return a shop in the state before, with a good snapshot, and the files of after."""
    (tmp_path / "shop").mkdir()
    shop.seed(world)
    found = Stage(tmp_path / "shop", world, warm)
    shop.declare(found.folder, world, shop.BEFORE)
    ended = found.run(["snapshot", "shop", "--label", "good"])
    assert ended.status == 0, ended.said
    shop.declare(found.folder, world, shop.AFTER)
    yield found
    world.heal()
