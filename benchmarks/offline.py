"""Validate and plan many resources without a network: a cold process, 1 % of them changed."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.big_shop import NAME
from benchmarks.figures import Figure
from benchmarks.processes import Ran, medians, python, reconciler

if TYPE_CHECKING:
    from pathlib import Path

SMALL, LARGE = 10_000, 100_000
PLAN = ("plan", NAME, "--offline")


def measured(folder: Path) -> list[Figure]:
    """Plan 10,000 resources. The seconds that count are those of the run that was disturbed least."""
    shop = _shop(folder, SMALL)
    reconciler("validate", NAME, folder=shop)
    plans: list[Ran] = []
    checks: list[Ran] = []
    yardsticks: list[float] = []
    for _ in range(4):
        plans += [reconciler(*PLAN, folder=shop) for _ in range(2)]
        yardsticks.append(yardstick())
        checks.append(reconciler("validate", NAME, folder=shop))
    plan, check, stick = medians(plans), medians(checks), min(yardsticks)
    return [
        Figure(
            f"plan {SMALL:,}, best of {len(plans)}",
            plan.best,
            "s",
            at_most=1.5,
            note=f"median {plan.seconds:.2f} s; processor {plan.processor:.2f} s",
        ),
        Figure("the same / yardstick", plan.best / stick, "x", note=f"yardstick {stick:.3f} s"),
        Figure("validate alone, best", check.best, "s"),
        Figure("peak memory", plan.peak, "MiB"),
    ]


def measured_large(folder: Path) -> list[Figure]:
    """Plan ten times as much, in turn with the smaller one: it may take little more than ten times as long."""
    small, large = _shop(folder, SMALL), _shop(folder, LARGE)
    reconciler(*PLAN, folder=small)
    fast: list[Ran] = []
    slow: list[Ran] = []
    for _ in range(2):
        fast += [reconciler(*PLAN, folder=small) for _ in range(2)]
        slow.append(reconciler(*PLAN, folder=large))
    less, more = medians(fast), medians(slow)
    return [
        Figure(
            f"plan {LARGE:,} / plan {SMALL:,}",
            more.best / less.best,
            "x",
            at_most=12,
            note=f"{more.best:.1f} s against {less.best:.2f} s;"
            f" processor {more.processor / less.processor:.1f} x",
        ),
        Figure(f"peak memory, {LARGE:,}", more.peak, "MiB", at_most=400),
    ]


def yardstick() -> float:
    """Return the seconds of a fixed piece of pure Python, to compare figures of different machines with."""
    begun = perf_counter()
    total = 0
    for number in range(300_000):
        item = {"name": f"item-{number}", "tags": [number % 7, number % 11]}
        total += len(item["name"]) + sum(item["tags"])  # type: ignore[arg-type]  # known lists
    if total == 0:
        raise AssertionError("the loop did nothing")
    return perf_counter() - begun


def _shop(folder: Path, count: int) -> Path:
    """Return a folder with the shop; made once."""
    shop = folder / f"shop-{count}"
    if not shop.exists():
        shop.mkdir()
        python("-m", "benchmarks.big_shop", str(count), folder=shop)
    return shop
