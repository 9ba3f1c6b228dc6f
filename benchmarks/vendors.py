"""Several vendors are read at the same time: as long as the slowest takes, not as long as all together."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.processes import sandbox, told
from benchmarks.shops import (
    stripe_state,
    vercel_state,
    write_endpoints,
    write_environment,
    write_variables,
)

if TYPE_CHECKING:
    from pathlib import Path

OBJECTS = 50
RUNS = 5


def measured(folder: Path) -> list[Figure]:
    """Plan one vendor, the other and both, in turn; each vendor needs two answers of 200 ms."""
    seed = {"stripe": stripe_state(OBJECTS), "vercel": vercel_state(OBJECTS)}
    with sandbox(folder, seed, latency="200ms") as urls:
        for name, vendors in (("stripe", ["stripe"]), ("vercel", ["vercel"]), ("both", [*seed])):
            write_environment(folder, name, {vendor: urls[vendor] for vendor in vendors})
            if "stripe" in vendors:
                write_endpoints(folder, name, OBJECTS)
            if "vercel" in vendors:
                write_variables(folder, name, OBJECTS)
        found = told("inside", "both", *(["stripe", "vercel", "both"] * RUNS), folder=folder)
    seconds = {name: median(runs) for name, runs in found.items()}
    alone = (seconds["stripe"], seconds["vercel"])
    told_alone = f"stripe {alone[0] * 1000:.0f} ms, vercel {alone[1] * 1000:.0f} ms"
    return [
        Figure(
            "both / the slower alone",
            seconds["both"] / max(alone),
            "x",
            at_most=1.25,
            note=f"both {seconds['both'] * 1000:.0f} ms; {told_alone}",
        ),
        Figure("both / one after the other", seconds["both"] / sum(alone), "x", at_most=0.75),
    ]
