"""The HTTP clients of one round of checks."""

from __future__ import annotations

import ssl
import threading

import httpx

import reconciler
from reconciler.wire.transport import is_loopback


class Clients:
    """One client for each way to connect, made when it is first needed: making one takes up to 55 ms. Thread-safe.

    Connections are not kept: each check shows that a new one is accepted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[bool, bool], httpx.Client] = {}

    def of(self, url: str) -> httpx.Client:
        """Return the client for ``url``. Raises httpx.InvalidURL."""
        here = is_loopback(url)
        plain = here and httpx.URL(url).scheme == "http"
        with self._lock:
            if (here, plain) not in self._open:
                self._open[here, plain] = httpx.Client(
                    follow_redirects=False,
                    headers={"User-Agent": f"reconciler/{reconciler.__version__}"},
                    limits=httpx.Limits(max_keepalive_connections=0),
                    # A proxy or a certificate of the environment is for the outside, never for this machine.
                    trust_env=not here,
                    # Plain HTTP asks nobody for a certificate: the context need not trust anyone.
                    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True,
                )
            return self._open[here, plain]

    def close(self) -> None:
        with self._lock:
            for client in self._open.values():
                client.close()
            self._open.clear()
