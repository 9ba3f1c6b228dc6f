"""Run an environment's declared checks and show what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli import console
from reconciler.render.escaping import terminal

if TYPE_CHECKING:
    from reconciler.core.evidence import CheckResult
    from reconciler.core.ports import Clock
    from reconciler.files.environment import Environment


def run_checks(environment: Environment, clock: Clock) -> tuple[CheckResult, ...]:
    """Run the checks of ``environment``, if it has any; each is shown on stderr as it ends."""
    if not environment.checks:
        return ()
    from reconciler.providers.probing import Probe, probed

    results = probed(
        (
            Probe(
                one.name,
                one.http.url,
                one.http.expect_status,
                float(one.http.timeout.removesuffix("s")),
            )
            for one in environment.checks
        ),
        clock,
    )
    for result in results:
        word = "passed" if result.passed else "FAILED"
        console.say(terminal(f"check {result.name}: {word} ({result.detail}, {result.seconds} s)"))
    return results
