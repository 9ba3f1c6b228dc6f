from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

from reconciler.core import errors
from reconciler.core.masking import Masker
from reconciler.providers.stripe.profile import STRIPE
from reconciler.wire.http import Connection, Credential, HttpClient
from reconciler.wire.pacing import Timing

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk_test_canary4eC39HqLyjWDarjtT1zdp7dc"
REFERENCE = "${secret:env/STRIPE_SECRET_KEY}"


@dataclass
class FakeTime:
    """A clock that only sleeping moves, and no chance: every wait has its full length."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def timing(self) -> Timing:
        return Timing(lambda: self.now, lambda: self.now, self.sleep, lambda: 0.0)


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n{"
LATER = b"HTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
DROP = b""


class Wire:
    """A server on loopback that answers each connection with the next bytes of a script, then hangs up."""

    def __init__(self, *script: bytes) -> None:
        self.heads: list[bytes] = []
        self._script = script
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        for answer in self._script:
            peer, _ = self._socket.accept()
            with peer:
                self.heads.append(peer.recv(65536))
                peer.sendall(answer)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(5)
        self._socket.close()


@contextmanager
def client_at(base_url: str, time: FakeTime | None = None) -> Iterator[HttpClient]:
    timing = (time or FakeTime()).timing
    with Connection(STRIPE, base_url=base_url, timing=timing) as connection:
        yield HttpClient(
            connection, credential=Credential(KEY, REFERENCE), masker=Masker(), writes=True
        )


@pytest.mark.parametrize("broken", [DROP, CUT])
def test_a_read_survives_a_dropped_connection(broken: bytes) -> None:
    with Wire(broken, OK) as wire, client_at(wire.base_url) as client:
        assert client.request_json("GET", "/v1/account") == {}

    assert [head.split()[:2] for head in wire.heads] == [[b"GET", b"/v1/account"]] * 2


@pytest.mark.parametrize("broken", [DROP, CUT])
def test_a_dropped_write_is_not_sent_twice(broken: bytes) -> None:
    with (
        Wire(broken) as wire,
        client_at(wire.base_url) as client,
        pytest.raises(errors.Unavailable, match="whether the change was made is unknown"),
    ):
        client.request("POST", "/v1/webhook_endpoints", content="url=x")

    assert len(wire.heads) == 1


def test_a_write_waits_as_long_as_the_vendor_asks() -> None:
    time = FakeTime()

    with Wire(LATER, OK) as wire, client_at(wire.base_url, time) as client:
        client.request("POST", "/v1/webhook_endpoints")

    assert 3 <= time.now - 1000 < 4


def test_nobody_listening_is_unavailable_and_leaves_no_doubt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with (
        client_at(f"http://127.0.0.1:{port}") as client,
        pytest.raises(errors.Unavailable) as caught,
    ):
        client.request("POST", "/v1/x")

    assert caught.value.summary == "stripe could not be reached"
    assert client.requests_made == 5
