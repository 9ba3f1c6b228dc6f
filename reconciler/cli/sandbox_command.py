"""``reconciler sandbox``: imitations of the vendors on loopback, to try things and to test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.sandbox import DEFAULT_PORT


@click.group("sandbox")
def command() -> None:
    """Serve imitations of the vendors on loopback."""


@command.command("serve")
@click.option(
    "--port",
    type=click.IntRange(0, 65000),
    default=DEFAULT_PORT,
    show_default=True,
    help="The first vendor's port; the others follow, then control, then the shop. 0 lets the system choose.",
)
@click.option("--vendors", metavar="A,B", help="Only these; all by default.")
@click.option("--seed", metavar="FILE", help="JSON of the accounts to begin with, by vendor.")
@click.option("--latency", metavar="80ms", default="0ms", help="Delay of every answer.")
@click.pass_context
def serve(
    ctx: click.Context, port: int, vendors: str | None, seed: str | None, latency: str
) -> int:
    """Serve until Ctrl-C. The first line on stdout is JSON: the address of each vendor, of control and of the shop."""
    from reconciler.sandbox.seed import UnusableSeedError
    from reconciler.sandbox.server import PortInUseError, UnknownVendorError, run_forever

    names = [name.strip() for name in vendors.split(",")] if vendors else None
    content = _seed(Path(ctx.obj["directory"]) / seed) if seed else None
    try:
        run_forever(port, names, content, _seconds(latency))
    except (PortInUseError, UnknownVendorError, UnusableSeedError) as error:
        raise InvalidInput([Diagnostic(summary=str(error))]) from None
    return 0


def _seed(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not JSON"
        raise InvalidInput([Diagnostic(summary=f"{path}: cannot be read", detail=why)]) from None
    if not isinstance(found, dict):
        raise InvalidInput([Diagnostic(summary=f"{path}: a seed is a JSON object, by vendor")])
    return found


def _seconds(text: str) -> float:
    number, factor = (text[:-2], 0.001) if text.endswith("ms") else (text.removesuffix("s"), 1.0)
    try:
        seconds = float(number) * factor
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 60:
        raise click.BadParameter("expected something like 80ms or 0.5s", param_hint="--latency")
    return seconds
