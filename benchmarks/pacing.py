"""Two hundred requests to a vendor that allows 25 a second: none is refused, and little time is lost."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.figures import Figure
from benchmarks.processes import sandbox, told
from benchmarks.shops import stripe_state, write_endpoints, write_environment

REQUESTS, RATE, READERS = 200, 25, 8
IDEAL = REQUESTS / RATE
NAME = "paced"


def measured(folder: Path) -> list[Figure]:
    """Read 200 objects one by one, from several threads at once."""
    seed = {"stripe": stripe_state(REQUESTS, rate_limit=RATE)}
    with sandbox(folder, seed, vendors="stripe") as urls:
        write_environment(folder, NAME, {"stripe": urls["stripe"]})
        write_endpoints(folder, NAME, 1)
        found = told("pacing", urls["control"], folder=folder)
    return [
        Figure("requests", found["received"], "requests", exactly=REQUESTS, note="none sent twice"),
        Figure("answered with 429", found["refused"], "requests", exactly=0),
        Figure(
            "time / ideal",
            found["seconds"] / IDEAL,
            "x",
            at_most=1.25,
            note=f"{found['seconds']:.1f} s against {REQUESTS} / {RATE} per s = {IDEAL:.0f} s",
        ),
    ]


def read_all(control: str) -> dict[str, float]:
    """Read every endpoint by its id, as an apply does before it writes."""
    from concurrent.futures import ThreadPoolExecutor

    import click
    import httpx

    from reconciler.cli.workspace import Workspace

    kind = "stripe.webhook_endpoint"
    ids = [item["id"] for item in stripe_state(REQUESTS)["webhook_endpoints"]]
    workspace = Workspace(click.Context(click.Command("bench"), obj={"directory": str(Path.cwd())}))
    settings = workspace.load(NAME).settings
    with workspace.sessions(settings, [kind], writes=False) as sessions:
        provider = sessions["stripe"].provider(kind)
        begun = perf_counter()
        with ThreadPoolExecutor(READERS) as pool:
            found = list(pool.map(provider.read, [ids[at::READERS] for at in range(READERS)]))
        seconds = perf_counter() - begun
    if sum(map(len, found)) != REQUESTS:
        raise AssertionError("some objects were not read")
    statuses = [item["status"] for item in httpx.get(f"{control}/requests", trust_env=False).json()]
    return {"seconds": seconds, "received": len(statuses), "refused": statuses.count(429)}


if __name__ == "__main__":
    print(json.dumps(read_all(sys.argv[1])))
