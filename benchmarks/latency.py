"""Plan 1,000 objects of a vendor that takes 80 ms to answer: little more than the time of its pages."""

from __future__ import annotations

import gc
import json
import sys
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figure
from benchmarks.inside import Took, memory, peak_memory, plan
from benchmarks.processes import medians, reconciler, sandbox, told
from benchmarks.shops import stripe_state, write_endpoints, write_environment

if TYPE_CHECKING:
    from pathlib import Path

OBJECTS, PAGE = 1000, 100
SECONDS = 0.08
REQUESTS = OBJECTS // PAGE + 1
"""Pages, which follow one another, and whose account it is, which is asked before."""

IDEAL = REQUESTS * SECONDS
RUNS = 10
MOST_MEMORY = 60


def measured(folder: Path) -> list[Figure]:
    """Plan with everything imported already, then as a whole cold process."""
    other = {"state": stripe_state(1)}
    state = {**stripe_state(OBJECTS), "credentials": {"sk_test_other": other}}
    with sandbox(folder, {"stripe": state}, latency="80ms", vendors="stripe") as urls:
        _declare(folder, urls["stripe"])
        reconciler("snapshot", "many", "--label", "good", folder=folder)
        inside = told("latency", urls["stripe"], folder=folder)
        cold = medians([reconciler("plan", "many", folder=folder) for _ in range(3)])
    plans = [Took(*took) for took in inside["plans"]]
    best, bare = min(plans), min(inside["bare"])
    return [
        Figure(
            f"whole plan / ideal, best of {RUNS}",
            best.seconds / IDEAL,
            "x",
            at_most=1.25,
            note=f"{best.seconds:.2f} s against {REQUESTS} requests x 80 ms = {IDEAL:.2f} s; median"
            f" {median(took.seconds for took in plans):.2f} s",
        ),
        Figure(
            "processor time of the plan",
            min(took.processor for took in plans),
            "s",
            note="files, answers, comparing; all else is waiting",
        ),
        Figure(
            "whole plan / the same requests bare",
            best.seconds / bare,
            "x",
            note=f"{bare:.2f} s by httpx alone, in turn with the plans",
        ),
        Figure(
            "cold process / ideal",
            cold.best / IDEAL,
            "x",
            note=f"{cold.best:.2f} s with start-up and imports; median {cold.seconds:.2f} s",
        ),
        Figure(
            "memory added to the imports",
            inside["peak"] - inside["before"],
            "MiB",
            at_most=MOST_MEMORY,
            note="at its peak",
        ),
        Figure(
            "memory of the cold process",
            cold.peak,
            "MiB",
            at_most=MOST_MEMORY,
            note="at its peak, the interpreter and all libraries included",
        ),
    ]


def _declare(folder: Path, url: str) -> None:
    """Declare 1,000 endpoints, 1 % of them changed; and one of another account, to warm up with."""
    write_environment(folder, "many", {"stripe": url})
    write_endpoints(folder, "many", OBJECTS, changed=range(0, OBJECTS, 100))
    write_environment(folder, "few", {"stripe": url})
    file = folder / "desired_state" / "few" / "environment.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("BENCH_STRIPE_KEY", "BENCH_OTHER_STRIPE_KEY"), encoding="utf-8")
    write_endpoints(folder, "few", 1)


def plan_and_bare(url: str) -> dict[str, Any]:
    """Plan, and make the same requests without us, in turn. The first plan, a small one, imports everything."""
    plan("few")
    gc.collect()
    before = memory()
    plans = [plan("many")]
    peak = peak_memory()
    bare = []
    for _ in range(RUNS - 1):
        bare.append(bare_seconds(url))
        plans.append(plan("many"))
    return {"plans": plans, "bare": bare, "before": before, "peak": peak}


def bare_seconds(url: str) -> float:
    """Make the requests of a plan by httpx alone, and forget the answers."""
    import httpx

    headers = {"Authorization": "Bearer sk_test_bench"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        begun = perf_counter()
        client.get("/v1/account").raise_for_status()
        query: dict[str, str | int] = {"limit": PAGE}
        for _ in range(OBJECTS // PAGE):
            page = client.get("/v1/webhook_endpoints", params=query).raise_for_status().json()
            query["starting_after"] = page["data"][-1]["id"]
        return perf_counter() - begun


if __name__ == "__main__":
    print(json.dumps(plan_and_bare(sys.argv[1])))
