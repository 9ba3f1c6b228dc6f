"""Where requests go: the address, checked, and the connections to it. Never decides what to send."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from typing import TYPE_CHECKING, Self

import httpx

import reconciler
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput, WrongAccount
from reconciler.wire.pacing import Pacer, Timing

if TYPE_CHECKING:
    from reconciler.wire.profile import VendorProfile
    from reconciler.wire.tracing import Tracer

TIMEOUT = httpx.Timeout(30, connect=5)
"""Seconds to wait for the next bytes, and for a connection."""

LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=20)
"""Beyond about 20 connections a client gets slower, not faster."""


class Connection:
    """What the reading and the writing client of one vendor account share: the address, the pool, the pace.

    Thread-safe. Raises InvalidInput when ``base_url`` is not an address that may be used. ``transport``
    replaces the network in tests. ``tracer`` is told of every request.
    """

    def __init__(
        self,
        profile: VendorProfile,
        *,
        base_url: str | None = None,
        timing: Timing | None = None,
        transport: httpx.BaseTransport | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.profile = profile
        self.tracer = tracer
        self.base_url = checked_base_url(base_url or profile.base_url)
        self.timing = timing or Timing()
        self.pacer = Pacer(profile.rate, profile.burst, self.timing)
        is_plain = self.base_url.startswith("http:")
        self.http = httpx.Client(
            timeout=TIMEOUT,
            limits=LIMITS,
            transport=transport,
            follow_redirects=False,
            headers={"User-Agent": f"reconciler/{reconciler.__version__}"},
            # A proxy or a certificate of the environment is for the outside, never for this machine.
            trust_env=transport is None and not is_loopback(self.base_url),
            # Loading the certificates takes 55 ms. A context without any trusts nobody, and plain HTTP asks nobody.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else True,
        )

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Connections:
    """The connections of one process: one for each vendor, address and account, whoever asks for it."""

    def __init__(self, timing: Timing | None = None, tracer: Tracer | None = None) -> None:
        self._timing = timing
        self._tracer = tracer
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str, str], Connection] = {}

    def of(
        self, profile: VendorProfile, account: str, *, base_url: str | None = None
    ) -> Connection:
        """Return the connection for ``account`` (any stable name for it), made at the first call."""
        key = (profile.vendor, checked_base_url(base_url or profile.base_url), account)
        with self._lock:
            if key not in self._open:
                self._open[key] = Connection(
                    profile, base_url=key[1], timing=self._timing, tracer=self._tracer
                )
            return self._open[key]

    def close(self) -> None:
        with self._lock:
            for connection in self._open.values():
                connection.close()
            self._open.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def checked_base_url(text: str) -> str:
    """Return ``text`` without a slash at the end.

    Raises InvalidInput unless it is https (or http on this machine), with a host, and without user, query
    and fragment.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise _unusable("it must be an http or https address with a host")
    if url.userinfo or url.query or url.fragment:
        raise _unusable("it must not hold a user, a password, a query or a fragment")
    if url.scheme == "http" and not is_loopback(text):
        raise _unusable(f"plain http is for this machine only, and {url.host} is not; use https")
    return str(url).rstrip("/")


def is_loopback(base_url: str) -> bool:
    """Tell whether ``base_url`` is on this machine: ``localhost``, 127.0.0.0/8 or ``::1``."""
    host = httpx.URL(base_url).host
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_live_credential(profile: VendorProfile, base_url: str, credential_value: str) -> None:
    """Raise WrongAccount if a credential that may be live would go anywhere but to its vendor.

    A test credential may go anywhere; one whose form does not say may also go to this machine (the sandbox).
    """
    if _origin(base_url) == _origin(profile.base_url):
        return
    is_live = profile.is_live(credential_value)
    if is_live is False or (is_live is None and is_loopback(base_url)):
        return
    what = "A live" if is_live else "A possibly live"
    raise WrongAccount(
        f"{what} {profile.vendor} credential may only be sent to {profile.vendor}",
        detail=f"base_url is {_shown(base_url)}, which is not {_shown(profile.base_url)}.",
        mend="Remove base_url, or use a test credential"
        + ("." if is_live else ", or a sandbox on this machine."),
    )


def _origin(base_url: str) -> tuple[str, str, int | None]:
    url = httpx.URL(base_url)
    return url.scheme, url.host, url.port  # httpx has lowered the case and dropped a default port


def _shown(base_url: str) -> str:
    scheme, host, port = _origin(base_url)
    return f"{scheme}://{host}" + (f":{port}" if port else "")


def _unusable(why: str) -> InvalidInput:
    return InvalidInput(
        [Diagnostic(summary="base_url cannot be used", detail=f"{why}.".capitalize())]
    )
