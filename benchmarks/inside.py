"""Plans inside one process, whose start and imports are over: how long they take, and how much memory.

As a program, ``python -m benchmarks.inside WARM-UP ENVIRONMENT...`` plans the environment WARM-UP, which imports all
that a plan needs, then each ENVIRONMENT in turn, and prints the seconds by environment as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple


class Took(NamedTuple):
    """Wall time and processor time, in seconds."""

    seconds: float
    processor: float


def main() -> None:
    """Plan, and print what it took."""
    warm_up, *environments = sys.argv[1:]
    plan(warm_up)
    seconds: dict[str, list[float]] = {}
    for name in environments:
        seconds.setdefault(name, []).append(plan(name).seconds)
    print(json.dumps(seconds))


def plan(environment: str) -> Took:
    """Run ``reconciler plan`` in the current folder and return how long it took."""
    from reconciler.cli.main import main as command_line

    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        begun, used = perf_counter(), process_time()
        code = command_line(["plan", environment])
        took = Took(perf_counter() - begun, process_time() - used)
    if code != 0:
        raise SystemExit(f"plan {environment} ended with {code}")
    return took


def memory() -> float:
    """Return the resident memory of this process in MiB; its peak where the system tells no more."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return peak_memory()
    return pages * resource.getpagesize() / 1024**2


def peak_memory() -> float:
    """Return the largest resident memory so far, in MiB."""
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    main()
