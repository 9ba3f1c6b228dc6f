"""A warm process whose children note what they do, and a shop full of secrets."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.canaries.night import Night
from tests.killing.forking import forks
from tests.secrets.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.conformance.world import World
    from tests.killing.forking import Forks


class MakeNight(Protocol):
    """Makes a shop whose commands lose the named steps of masking."""

    def __call__(self, *mutations: str) -> Night: ...


@pytest.fixture(scope="session")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    program = Path(__file__).with_name("child.py")
    with forks(tmp_path_factory.mktemp("forks"), program) as found:
        yield found


@pytest.fixture
def make_night(tmp_path: Path, world: World, talkative: Forks) -> Iterator[MakeNight]:
    """Return a function that makes a shop, in a world put back to its seed."""
    served = []
    numbers = count(1)

    def make(*mutations: str) -> Night:
        world.reset()
        night = Night(tmp_path / f"shop-{next(numbers)}, très bon", world, talkative, mutations)
        server = serving(night.stores.answer)
        served.append(server)
        night.declare(server.__enter__().base_url)
        return night

    yield make
    for server in served:
        server.__exit__(None, None, None)
    world.heal()


@pytest.fixture
def night(make_night: MakeNight) -> Night:
    return make_night()


@pytest.fixture
def tests() -> Path:
    """Return the folder of all tests."""
    return Path(__file__).parents[1]
