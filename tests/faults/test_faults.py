"""Every fault against every kind of step: the desired state, or a report that says what is not so.

By default a seeded part of the matrix is tried; ``RECONCILER_LONG=1`` tries all of it.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.steps import STEPS, Step, meddled_with, problems, twins
from tests.killing import shop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.faults.conftest import Hands, Ran

IS_LONG = bool(os.environ.get("RECONCILER_LONG"))
SEED = 20261120
WRITES = "[PD]*"
Fault = dict[str, Any]

WRITE_FAULTS: Mapping[str, Fault] = {
    "latency": {"delay": 0.02},
    "429-retry-after": {"status": 429, "headers": {"Retry-After": "7"}, "times": 2},
    "429": {"status": 429, "times": 2},
    "429-for-good": {"status": 429},
    "500-before": {"status": 500, "times": 1},
    "500-before-for-good": {"status": 500},
    "500-after": {"status": 500, "after_effect": True, "times": 1},
    "500-after-for-good": {"status": 500, "after_effect": True},
    "dropped-before": {"drop": "before", "times": 1},
    "dropped-after": {"drop": "after", "times": 1},
    "dropped-after-for-good": {"drop": "after"},
    "no-effect": {"no_effect": True},
    "stale-2": {"stale": 2, "times": 1},
    "stale-9": {"stale": 9, "times": 1},
    "400": {"status": 400, "times": 1},
    "401-from-here": {"status": 401},
    "second-500-after": {"status": 500, "after_effect": True, "nth": 2},
    "second-dropped-after": {"drop": "after", "nth": 2},
    "second-no-effect": {"no_effect": True, "nth": 2},
}
READ_FAULTS: Mapping[str, Fault] = {
    "500": {"status": 500, "times": 1},
    "500-for-good": {"status": 500, "times": 1000},
    "dropped": {"drop": "before", "times": 1},
    "missing-page": {"skip_page": 1, "times": 1},
    "stale": {"stale": 3, "times": 1},
    "expired": {"status": 401, "times": 1000},
}
READS = 12
"""So many reads of the vendor there are at most in the plan and apply of one step."""


def sample(several: list[Any], share: float) -> list[Any]:
    if IS_LONG:
        return several
    chance = random.Random(SEED)  # noqa: S311 - a choice of tests
    return [one for one in several if chance.random() < share]


@pytest.mark.parametrize(
    ("step", "fault"),
    sample([(step, fault) for step in STEPS for fault in WRITE_FAULTS], 0.5),
    ids=str,
)
def test_a_fault_of_a_write(hands: Hands, step: Step, fault: str) -> None:
    shop.declare(hands.folder, hands.world, step.declared)
    hands.world.fail(vendor=step.vendor, method=WRITES, **WRITE_FAULTS[fault])

    ran = hands.run("apply", "shop", "--yes", "--format", "json", *step.options)

    assert_told_the_truth(hands, step, ran)
    # Nobody deletes again what the vendor only says it deleted for a replace; every plan names it.
    only_claimed = f"{step}-{fault}" == "replace-second-no-effect"
    assert_converges(hands, step, left_over=1 if only_claimed else 0)


@pytest.mark.parametrize(
    ("step", "fault", "nth"),
    sample([(s, f, n) for s in STEPS for f in READ_FAULTS for n in range(1, READS + 1)], 0.1),
    ids=str,
)
def test_a_fault_of_a_read(hands: Hands, step: Step, fault: str, nth: int) -> None:
    shop.declare(hands.folder, hands.world, step.declared)
    hands.world.fail(vendor=step.vendor, method="GET", nth=nth, **READ_FAULTS[fault])

    ran = hands.run("apply", "shop", "--yes", "--format", "json", *step.options)

    assert_told_the_truth(hands, step, ran)
    assert_converges(hands, step)


def assert_told_the_truth(hands: Hands, step: Step, ran: Ran) -> None:
    """A success is one; what was not done is said; nothing is there twice, nothing else was touched."""
    live = shop.Live(hands.world)
    assert ran.code in {0, 3, 4, 5, 6, 7}, ran.err
    assert meddled_with(live, step.declared) == []
    if ran.code == 0:
        assert twins(live) == []
        assert problems(live, step.declared, hands.folder) == []
        return
    if "outcomes" not in ran.json:  # refused, or nothing could be read
        assert hands.world.writes() == ()
        return
    assert ran.code != 5
    report = ran.json
    differing = {one["address"] for one in report["still_differing"]}
    done = {one["address"] for one in report["outcomes"] if one["result"] == "done"} - differing
    assert problems(live, step.declared, hands.folder, only=done) == []
    if report["result"] == "done":
        assert twins(live) == []


def assert_converges(hands: Hands, step: Step, *, left_over: int = 0) -> None:
    """When the vendor is well again, the next apply does the rest, and nothing is left but what plans name."""
    hands.world.heal()
    again = hands.run("apply", "shop", "--yes", *step.options)
    if again.code == 6:  # a move that was still under way ended between this plan and its apply
        again = hands.run("apply", "shop", "--yes", *step.options)
    assert again.code == 0, again.out + again.err
    live = shop.Live(hands.world)
    plan = hands.run("plan", "shop", "--exit-code", "--format", "json")
    named = [one["message"] for one in plan.json["findings"] if one["rule"] == "twin"]
    assert len(twins(live)) == len(named) == left_over
    found = problems(live, step.declared, hands.folder)
    assert [one.endswith("there are 2") for one in found] == [True] * left_over
    assert meddled_with(live, step.declared) == []
    assert plan.code == 0, plan.out
