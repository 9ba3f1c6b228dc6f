"""Run the declared checks of an environment: one HTTP request each. Sends no credential."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import httpx

from reconciler.core.evidence import CheckResult
from reconciler.providers.transport import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.ports import Clock


class Probe(NamedTuple):
    """One request to make; ``timeout`` in seconds."""

    name: str
    url: str
    expect_status: int
    timeout: float


def probed(probes: Iterable[Probe], clock: Clock) -> tuple[CheckResult, ...]:
    """Make each request once and tell what came back. A failure is a result, not an error."""
    return tuple(_probed(probe, clock) for probe in probes)


def _probed(probe: Probe, clock: Clock) -> CheckResult:
    at = clock.now().isoformat(timespec="seconds")
    begun = time.monotonic()
    try:
        answer = httpx.get(
            probe.url,
            timeout=probe.timeout,
            follow_redirects=False,
            trust_env=not is_loopback(probe.url),
        )
        passed = answer.status_code == probe.expect_status
        detail = f"{answer.status_code}, expected {probe.expect_status}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        passed = False
        detail = f"{type(error).__name__}: {error}"
    return CheckResult(
        name=probe.name,
        passed=passed,
        detail=detail,
        seconds=round(time.monotonic() - begun, 3),
        at=at,
    )
