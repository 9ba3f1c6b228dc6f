"""Start and stop the sandbox: one event loop, one socket per vendor and one for control."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.sandbox import DEFAULT_PORT
from reconciler.sandbox.control import Control
from reconciler.sandbox.gateway import Gateway
from reconciler.sandbox.registry import VENDORS
from reconciler.sandbox.seed import complete_seed
from reconciler.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
CONTROL = "control"
AFTER_CONTROL = ("shop", "google")
"""Those that came later: they move no port of the others."""

START_SECONDS = 10.0


class PortInUseError(OSError):
    """Another process listens on a port that the sandbox needs."""


class UnknownVendorError(ValueError):
    """A vendor that the sandbox does not imitate."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox. ``urls`` has one URL per vendor, and one for ``control``."""

    urls: Mapping[str, str]


def vendor_names() -> tuple[str, ...]:
    """Return the names of the vendors the sandbox imitates."""
    return tuple(VENDORS)


@contextlib.contextmanager
def serve(
    port: int | None = None,
    vendors: Sequence[str] | None = None,
    seed: Mapping[str, Any] | None = None,
    latency: float = 0.0,
) -> Iterator[Sandbox]:
    """Run the sandbox in a background thread for as long as the block lasts.

    ``port`` is the first vendor's; the others follow in order, then control, then AFTER_CONTROL. None or 0
    lets the system choose each. ``vendors`` defaults to all. ``latency`` is added to every vendor request,
    in seconds. Raises PortInUseError, UnknownVendorError, UnusableSeedError.
    """
    names = tuple(vendors) if vendors else vendor_names()
    apps = _apps(names, seed, latency)
    sockets = _listening(port or 0, tuple(apps))
    ports = {sock.getsockname()[1]: apps[name] for name, sock in sockets.items()}
    server = _Server(ports, list(sockets.values()))
    thread = threading.Thread(target=server.run, name="sandbox", daemon=True)
    urls = {name: f"http://{HOST}:{sock.getsockname()[1]}" for name, sock in sockets.items()}
    thread.start()
    try:
        server.wait_until_started()
        yield Sandbox(urls)
    finally:
        server.stop()
        thread.join()


def run_forever(
    port: int | None = DEFAULT_PORT,
    vendors: Sequence[str] | None = None,
    seed: Mapping[str, Any] | None = None,
    latency: float = 0.0,
    out: IO[str] | None = None,
) -> None:
    """Run the sandbox until SIGINT or SIGTERM; return after a clean stop.

    The first line on ``out`` (default: stdout) is the URLs as JSON, once every socket accepts.
    """
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    earlier = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with serve(port, vendors, seed, latency) as sandbox:
            print(json.dumps(dict(sandbox.urls)), file=out or sys.stdout, flush=True)
            stopped.wait()
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _apps(
    names: tuple[str, ...], seed: Mapping[str, Any] | None, latency: float
) -> dict[str, ASGIApp]:
    unknown = [name for name in names if name not in VENDORS]
    if unknown:
        known = ", ".join(VENDORS)
        raise UnknownVendorError(f"the sandbox has no {', '.join(unknown)}; it has {known}")
    served = {name: VENDORS[name] for name in names}
    states = complete_seed(seed, names, VENDORS)
    world = World({name: {**served[name].blank(), **states[name]} for name in names})
    apps: dict[str, ASGIApp] = {
        name: Gateway(vendor, world, latency) for name, vendor in served.items()
    }
    after_control = {name: apps.pop(name) for name in AFTER_CONTROL if name in apps}
    return {**apps, CONTROL: Control(world, served).app(), **after_control}


def _listening(port: int, names: tuple[str, ...]) -> dict[str, socket.socket]:
    """Return a listening socket for each name; none is left open when one fails."""
    opened: dict[str, socket.socket] = {}
    try:
        for offset, name in enumerate(names):
            opened[name] = _listen(port + offset if port else 0, name)
    except OSError:
        for sock in opened.values():
            sock.close()
        raise
    return opened


def _listen(port: int, name: str) -> socket.socket:
    # asyncio switches Nagle's delay (44 ms a request) off only where the protocol is named
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
        sock.listen(1024)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                error.errno, f"port {port}, wanted for {name}, is in use"
            ) from error
        raise
    return sock


class _Server:
    """A uvicorn server in another thread: says when it accepts, stops when told."""

    def __init__(self, apps: Mapping[int, ASGIApp], sockets: list[socket.socket]) -> None:
        self._sockets = sockets
        self._settled = threading.Event()
        config = uvicorn.Config(
            _by_port(apps),
            http=_ClosableProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = _StoppableServer(config, self._settled)

    def run(self) -> None:
        """Serve until stopped. The body of the thread."""
        try:
            asyncio.run(self._uvicorn.serve(self._sockets))
        finally:
            self._settled.set()

    def wait_until_started(self) -> None:
        self._settled.wait(START_SECONDS)
        if not self._uvicorn.started:
            raise RuntimeError("the sandbox did not start")

    def stop(self) -> None:
        self._uvicorn.stop()


class _StoppableServer(uvicorn.Server):
    """Sets an event once it accepts, and stops at once instead of at the next tick."""

    def __init__(self, config: uvicorn.Config, settled: threading.Event) -> None:
        super().__init__(config)
        self._settled = settled
        self._ending: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending = (asyncio.get_running_loop(), asyncio.Event())
        await super().startup(sockets)
        self._settled.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        if self._ending is not None:
            await self._ending[1].wait()

    def stop(self) -> None:
        """End ``main_loop``; safe from any thread, and after the end."""
        if self._ending is not None and not self._ending[0].is_closed():
            loop, ending = self._ending
            loop.call_soon_threadsafe(ending.set)


class _ClosableProtocol(H11Protocol):
    """Hands the connection to the application, so that a fault can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


def _by_port(apps: Mapping[int, ASGIApp]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await apps[scope["server"][1]](scope, receive, send)

    return app
