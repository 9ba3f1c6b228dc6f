"""A command that needs nothing starts about as fast as click alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.processes import alternating

if TYPE_CHECKING:
    from pathlib import Path

RUNS = 15
COMMANDS = {
    "click": ["-c", "import click"],
    "--version": ["-m", "reconciler", "--version"],
    "--help": ["-m", "reconciler", "--help"],
}
TARGETS = {"--version": 2.0, "--help": 3.0}


def measured(folder: Path) -> list[Figure]:
    """Compare processes that start, say something and end with one that only imports click."""
    found = alternating(COMMANDS, folder, RUNS)
    click = found["click"].seconds
    return [
        Figure(
            f"{option} / import click",
            found[option].seconds / click,
            "x",
            at_most=limit,
            note=f"{found[option].seconds * 1000:.0f} ms against {click * 1000:.0f} ms",
        )
        for option, limit in TARGETS.items()
    ]
