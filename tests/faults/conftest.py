"""A shop for each kind of step, and the command line run in this process without any waiting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from reconciler.cli import console
from reconciler.cli.main import main
from reconciler.cli.workspace import SystemClock
from reconciler.conformance.world import Ticking, World, no_waiting
from reconciler.providers.vercel import production_deployment
from reconciler.wire import transport
from tests.killing import shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Hands:
    """A shop in a folder, the vendors behind it, and commands."""

    def __init__(self, folder: Path, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.world = world
        self._capsys = capsys

    def run(self, *words: str) -> Ran:
        """Run a command. Whatever happens, nobody sees a traceback."""
        self._capsys.readouterr()
        code = main(["-C", str(self.folder), *words])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        return Ran(code, out, err)


@pytest.fixture(scope="session")
def good_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the shop that has a good snapshot of the state before; made when first needed."""
    return tmp_path_factory.mktemp("good") / "shop"


@pytest.fixture
def hands(
    tmp_path: Path,
    world: World,
    good_shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Hands]:
    """Return a shop in the state before."""
    for name, value in shop.ENVIRON.items():
        monkeypatch.setenv(name, value)
    clock = Ticking()
    monkeypatch.setattr(SystemClock, "now", lambda _: clock.now())
    monkeypatch.setattr(SystemClock, "sleep", lambda _, __: None)
    monkeypatch.setattr(transport, "Timing", no_waiting)
    monkeypatch.setattr(production_deployment, "POLL_SECONDS", 0)
    console.MASKER.forget()
    shop.seed(world)
    if not good_shop.exists():
        good_shop.mkdir()
        shop.declare(good_shop, world, shop.BEFORE)
        assert Hands(good_shop, world, capsys).run("snapshot", "shop", "--label", "good").code == 0
    yield Hands(shop.copied(good_shop, tmp_path / "shop"), world, capsys)
    world.heal()
