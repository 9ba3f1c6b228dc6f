"""Somebody else works on the same objects: between plan and apply, and while a call is under way."""

from __future__ import annotations

import select
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.steps import STEPS, Step, meddled_with, problems, twins
from tests.killing import shop
from tests.killing.shop import row, variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.conftest import Hands

State = dict[str, Any]


def endpoint_named(state: State, name: str) -> State:
    (found,) = (one for one in state["webhook_endpoints"] if one["id"] == f"we_{name}")
    return found  # type: ignore[no-any-return]


def row_named(state: State, key: str) -> State:
    found: State = next(one for one in state["projects"][0]["env"] if one["key"] == key)
    return found


def drop_row(state: State, key: str) -> None:
    project = state["projects"][0]
    project["env"] = [one for one in project["env"] if one["key"] != key]


def drop_endpoint(state: State, name: str) -> None:
    state["webhook_endpoints"] = [
        one for one in state["webhook_endpoints"] if one["id"] != f"we_{name}"
    ]


def move(state: State, deployment: str) -> None:
    state["projects"][0]["production"] = deployment
    for one in state["aliases"]:
        if one.get("target") == "production":
            one["deploymentId"] = deployment


STALE: dict[str, tuple[Callable[[State], object], str]] = {
    "update": (lambda s: endpoint_named(s, "connect").update(description="by hand"), "description"),
    "create": (
        lambda s: s["webhook_endpoints"].append(shop.endpoint("orders", id="we_by_hand")),
        "we_by_hand",
    ),
    "create-and-capture": (
        lambda s: s["webhook_endpoints"].append(shop.endpoint("orders", id="we_by_hand")),
        "we_by_hand",
    ),
    "create-disabled": (
        lambda s: s["webhook_endpoints"].append(shop.endpoint("invoices", id="we_by_hand")),
        "we_by_hand",
    ),
    "replace": (
        lambda s: endpoint_named(s, "legacy").update(api_version="2022-11-15"),
        "api_version",
    ),
    "delete": (lambda s: endpoint_named(s, "retired").update(description="needed"), "description"),
    "create-variables": (
        lambda s: s["projects"][0]["env"].append(row("NEW_1", "by hand", id="env_by_hand")),
        "env_by_hand",
    ),
    "update-variable": (
        lambda s: row_named(s, "FEATURE").update(value="by hand", updatedAt=1792408000009),
        "value",
    ),
    "update-secret": (
        lambda s: row_named(s, "DSN").update(value="by hand", updatedAt=1792408000009),
        "value",
    ),
    "replace-variable": (
        lambda s: row_named(s, "SMTP").update(value="by hand", updatedAt=1792408000009),
        "value",
    ),
    "delete-variables": (
        lambda s: row_named(s, "GONE_1").update(value="needed", updatedAt=1792408000009),
        "value",
    ),
    "move-production": (lambda s: move(s, "dpl_bad_42"), "deployment"),
}
GONE: dict[str, Callable[[State], object]] = {
    "update": lambda s: drop_endpoint(s, "connect"),
    "replace": lambda s: drop_endpoint(s, "legacy"),
    "delete": lambda s: drop_endpoint(s, "retired"),
    "update-variable": lambda s: drop_row(s, "FEATURE"),
    "update-secret": lambda s: drop_row(s, "DSN"),
    "replace-variable": lambda s: drop_row(s, "SMTP"),
    "delete-variables": lambda s: drop_row(s, "GONE_1"),
}


def planned(hands: Hands, step: Step) -> None:
    shop.declare(hands.folder, hands.world, step.declared)
    ran = hands.run("plan", "shop", "-o", "plan.json", *step.options)
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_what_somebody_changed_since_the_plan_is_left_alone(hands: Hands, step: Step) -> None:
    meddle, name = STALE[step.name]
    planned(hands, step)
    state = hands.world.state(step.vendor)
    meddle(state)
    hands.world.put(step.vendor, state)
    hands.world.forget()

    ran = hands.run("apply", "shop", "plan.json", "--yes", "--format", "json")

    assert ran.code == 6, ran.out
    assert hands.world.writes() == ()
    stale = [one for one in ran.json["outcomes"] if one["result"] == "stale"]
    assert name in " ".join(one["detail"] for one in stale)
    assert hands.world.state(step.vendor) == state


@pytest.mark.parametrize("step", [one for one in STEPS if one.name in GONE], ids=str)
def test_what_somebody_deleted_since_the_plan_is_not_made_again(hands: Hands, step: Step) -> None:
    planned(hands, step)
    state = hands.world.state(step.vendor)
    GONE[step.name](state)
    hands.world.put(step.vendor, state)
    hands.world.forget()

    ran = hands.run("apply", "shop", "plan.json", "--yes", "--format", "json")

    if step.name.startswith("delete"):
        assert ran.code == 0, ran.out
        assert problems(shop.Live(hands.world), step.declared, hands.folder) == []
        return
    assert ran.code == 6, ran.out
    assert hands.world.writes() == ()


def test_of_a_bulk_call_that_worked_in_part_each_part_is_told(hands: Hands) -> None:
    """A variable of the same name appears while the call is under way: Vercel makes the others."""
    (step,) = (one for one in STEPS if one.name == "create-variables")
    shop.declare(hands.folder, hands.world, step.declared)
    hands.world.fail(vendor="vercel", method="POST", path="*/env", delay=0.3, times=1)
    hands.world.forget()
    rival = threading.Thread(target=make_by_hand, args=(hands,))
    rival.start()

    ran = hands.run("apply", "shop", "--yes", "--format", "json")
    rival.join()

    assert ran.code == 3, ran.out
    results = {one["address"].partition("/")[2]: one["result"] for one in ran.json["outcomes"]}
    assert results == {"new-1": "failed", "new-2": "done", "new-token": "done"}
    live = shop.Live(hands.world)
    assert twins(live) == []
    assert live.row("NEW_1")["value"] == "by hand"
    assert problems(live, step.declared, hands.folder, only=["vercel.env_var/new-2"]) == []
    assert meddled_with(live, step.declared) == []


def make_by_hand(hands: Hands) -> None:
    """Make the variable as soon as the call of the product has arrived."""
    deadline = time.monotonic() + 20
    while not hands.world.writes() and time.monotonic() < deadline:
        select.select([], [], [], 0.005)
    state = hands.world.state("vercel")
    state["projects"][0]["env"].append(row("NEW_1", "by hand", id="env_by_hand"))
    hands.world.put("vercel", state)


def test_a_failed_change_skips_what_needs_it_and_no_delete_is_made(hands: Hands) -> None:
    shop.declare(hands.folder, hands.world, shop.AFTER)
    hands.world.fail(vendor="stripe", method="POST", path="/v1/webhook_endpoints", status=400)
    hands.world.forget()

    ran = hands.run(
        *("apply", "shop", "--yes", "--format", "json", "--on-error", "continue"),
        *("--allow-replace", shop.REPLACED[0], "--allow-replace", shop.REPLACED[1]),
    )

    assert ran.code == 3
    results = {one["address"].partition("/")[2]: one["result"] for one in ran.json["outcomes"]}
    assert {name for name, result in results.items() if result == "failed"} == {
        "orders",
        "invoices",
        "legacy",
    }
    skipped = {name for name, result in results.items() if result == "skipped"}
    assert skipped >= {"orders-id", "orders-secret", "invoices-secret", "legacy-secret", "payments"}
    assert skipped >= {"retired", "gone-1", "gone-2"}
    deletes = [one for one in hands.world.writes() if one.method == "DELETE"]
    assert len(deletes) == 1, "that of the variable that is replaced"
    live = shop.Live(hands.world)
    assert live.endpoint("retired")
    assert live.row("GONE_1")
    assert meddled_with(live, shop.AFTER) == []


def test_a_variable_that_was_never_declared_stays_when_a_page_is_missing_while_pruning(
    hands: Hands,
) -> None:
    shop.declare(hands.folder, hands.world, (*shop.BEFORE, variable("NEW_1", "one")))
    assert hands.run("apply", "shop", "--yes").code == 0
    hands.world.fail(vendor="*", method="GET", skip_page=1)
    before = hands.world.state("vercel"), hands.world.state("stripe")

    ran = hands.run("apply", "shop", "--yes", "--prune")

    assert ran.code != 0
    assert [one for one in hands.world.writes() if one.method == "DELETE"] == []
    assert hands.world.state("vercel")["projects"][0]["env"] == before[0]["projects"][0]["env"]
