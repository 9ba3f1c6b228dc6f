"""One warm process and one template of a shop for each worker."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.killing import secret_shop, shop
from tests.killing.forking import forks
from tests.killing.nights import Night
from tests.killing.runs import Stage
from tests.killing.secret_shop import Before

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


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, world: World, warm: Forks) -> Path:
    """Return the folder of a shop with a good snapshot of the state before, and the files of after."""
    folder = tmp_path_factory.mktemp("template") / "shop"
    folder.mkdir()
    shop.seed(world)
    shop.declare(folder, world, shop.BEFORE)
    ended = warm.run(
        ["-C", folder, "snapshot", shop.ENVIRONMENT, "--label", "good"], environ=shop.ENVIRON
    )
    assert ended.status == 0, ended.said
    shop.declare(folder, world, shop.AFTER)
    return folder


@pytest.fixture
def stage(tmp_path: Path, template: Path, world: World, warm: Forks) -> Iterator[Stage]:
    """Return a shop in the state before, in a folder of its own."""
    numbers = count(1)

    def fresh() -> Path:
        return shop.copied(template, tmp_path / f"shop-{next(numbers)}")

    shop.seed(world)
    yield Stage(fresh(), world, warm)
    world.heal()


@pytest.fixture(scope="session")
def wired_before(tmp_path_factory: pytest.TempPathFactory, world: World, warm: Forks) -> Before:
    """Return a shop whose signing secrets are in the store and at Vercel, with a good snapshot."""
    folder = tmp_path_factory.mktemp("wired") / "shop"
    folder.mkdir()
    secret_shop.seed(world)
    secret_shop.declare(folder, world)
    ended = warm.run(
        ["-C", folder, "apply", shop.ENVIRONMENT, "--yes"],
        ["-C", folder, "snapshot", shop.ENVIRONMENT, "--label", "good"],
        environ=secret_shop.ENVIRON,
    )
    assert ended.codes == (0, 0), ended.said
    return Before(folder, secret_shop.states(world))


@pytest.fixture
def night(tmp_path: Path, wired_before: Before, world: World, warm: Forks) -> Iterator[Night]:
    """Return a shop in which everything is wired, in a folder of its own."""
    wired_before.restore(world)
    folder = shop.copied(wired_before.folder, tmp_path / "shop")
    yield Night(Stage(folder, world, warm, environ=secret_shop.ENVIRON))
    world.heal()
