"""Run the declared checks of an environment. No credential is sent; a signing secret only signs.

A failure is a result, not an error: whoever runs checks wants to hear of all of them.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import httpx

from reconciler.core.evidence import CheckResult
from reconciler.providers.probing.clients import Clients
from reconciler.providers.probing.http_probe import Expected, HttpProbe, http_verdict
from reconciler.providers.probing.socket_probe import TcpProbe, TlsProbe, tcp_verdict, tls_verdict
from reconciler.providers.probing.verdict import Unmade, Verdict
from reconciler.providers.probing.webhook_probe import WebhookProbe, webhook_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.core.masking import Masker
    from reconciler.core.ports import Clock

__all__ = [
    "Expected",
    "HttpProbe",
    "Probe",
    "TcpProbe",
    "TlsProbe",
    "Unmade",
    "WebhookProbe",
    "probed",
]

Probe: TypeAlias = HttpProbe | TcpProbe | TlsProbe | WebhookProbe | Unmade

AT_ONCE: Final = 8
"""So many probes run at the same time."""

LONGEST: Final = 400
"""Characters of a detail: what a server answers is of any length."""


def probed(probes: Sequence[Probe], clock: Clock, masker: Masker) -> Iterator[CheckResult]:
    """Make every probe once, several at a time, and yield what was found, in the order of ``probes``."""
    if not probes:
        return
    with closing(Clients()) as clients:
        pool = ThreadPoolExecutor(min(AT_ONCE, len(probes)), thread_name_prefix="check")
        try:
            yield from pool.map(lambda probe: _result(probe, clients, clock, masker), probes)
        finally:
            pool.shutdown(cancel_futures=True)


def _result(probe: Probe, clients: Clients, clock: Clock, masker: Masker) -> CheckResult:
    now = clock.now()
    begun = time.monotonic()
    try:
        look = _prepared(probe, clients, now.timestamp())
        begun = time.monotonic()
        verdict = look()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        verdict = Verdict(passed=False, detail=f"{type(error).__name__}: {error}")
    return CheckResult(
        name=probe.name,
        passed=verdict.passed,
        detail=_short(masker.mask(verdict.detail)),
        seconds=round(time.monotonic() - begun, 3),
        at=now.isoformat(timespec="seconds"),
    )


def _prepared(probe: Probe, clients: Clients, now: float) -> Callable[[], Verdict]:
    """Return the look itself: what takes time before it is not the time of what is looked at."""
    match probe:
        case HttpProbe():
            return partial(http_verdict, probe, clients.of(probe.url))
        case WebhookProbe():
            return partial(webhook_verdict, probe, clients.of(probe.url))
        case TcpProbe():
            return partial(tcp_verdict, probe)
        case TlsProbe():
            return partial(tls_verdict, probe, now)
        case Unmade(why=why):
            return lambda: Verdict(passed=False, detail=why)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
