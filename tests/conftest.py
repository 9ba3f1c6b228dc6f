"""For all tests: no home folder, no outside network, and one sandbox for each worker."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings

from reconciler.conformance.world import World
from reconciler.sandbox.server import serve
from reconciler.stores.firestore import connection
from reconciler.stores.firestore.failures import Place
from tests.emulator import GIVEN, IS_REQUIRED, MISSING, VARIABLE, command, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.register_assert_rewrite(
    "tests.cli.wired", "tests.killing.shop", "tests.killing.runs", "tests.faults.steps"
)

# By default the laws look at the same few examples in every run; with RECONCILER_LONG=1 at many, at others each time.
settings.register_profile(
    "short",
    max_examples=16,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "long", settings.get_profile("short"), max_examples=1000, derandomize=False
)
settings.load_profile("long" if os.environ.get("RECONCILER_LONG") else "short")


class OutsideConnection(AssertionError):
    """A test tried to reach something that is not on this machine."""


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep away from the home folder of whoever runs the tests."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _attempts() -> Iterator[list[str]]:
    """Refuse every connection that leaves this machine, and note it."""
    attempts: list[str] = []
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    getaddrinfo = socket.getaddrinfo

    def refuse(host: object) -> None:
        if not _is_here(host):
            attempts.append(str(host))
            raise OutsideConnection(f"a connection to {host} was refused")

    def guarded_connect(self: socket.socket, address: Any, /) -> None:
        refuse(address[0] if self.family != socket.AF_UNIX else None)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any, /) -> int:
        refuse(address[0] if self.family != socket.AF_UNIX else None)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        refuse(host)
        return getaddrinfo(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield attempts


@pytest.fixture(autouse=True)
def _stays_on_this_machine(_attempts: list[str]) -> Iterator[None]:
    """Fail a test that reached out, also when the error was swallowed on the way."""
    _attempts.clear()
    yield
    assert _attempts == []


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of Google's Firestore emulator, which all workers share."""
    if GIVEN is not None:
        yield GIVEN
        return
    if command() is None:
        (pytest.fail if IS_REQUIRED else pytest.skip)(MISSING)
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    with running(folder) as address:
        yield address


@pytest.fixture
def place(emulator: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return a place in the emulator that no other test uses. A busy machine is waited for."""
    monkeypatch.setenv(VARIABLE, emulator)
    monkeypatch.setattr(connection, "SECONDS", 60.0)
    return Place("demo-shop", "reconciler", f"t{uuid4().hex}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that the shared store was not tested."""
    skipped = terminalreporter.stats.get("skipped", ())
    number = sum(MISSING in str(one.longrepr) for one in skipped)
    if number:
        terminalreporter.section("THE SHARED STORE WAS NOT TESTED", sep="!", red=True)
        terminalreporter.line(f"{number} tests were skipped. {MISSING}.")


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """Return a sandbox of all vendors; whoever uses it puts it back to its seed first."""
    with serve() as sandbox:
        found = World(sandbox)
        yield found
        found.close()


def _is_here(host: object) -> bool:
    if host in {None, "localhost", b"localhost", ""}:
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
