"""A saved plan is applied at most once, as it is, where and while it holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.core.plan import digest_of
from reconciler.core.stored import parse_plan

if TYPE_CHECKING:
    from tests.cli.conftest import Hands, Shop

GOOD_URL = "https://shop.example/api/webhooks/stripe"


@pytest.fixture
def planned(good: Shop) -> Shop:
    """Return a shop with drift, and a plan for it in ``a plan.json``."""
    good.click(url="https://old.example/stripe")
    good.done("plan", "sandbox", "-o", "a plan.json")
    good.world.forget()
    return good


def alter(shop: Shop, **parts: object) -> None:
    path = shop.root / "a plan.json"
    plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(plan | parts), encoding="utf-8")


def seal(shop: Shop) -> None:
    """Give an altered plan the digest of what it says now."""
    path = shop.root / "a plan.json"
    plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(plan | {"digest": digest_of(plan)}), encoding="utf-8")


def test_a_saved_plan_is_the_plan_that_was_shown(good: Shop) -> None:
    good.click(url="https://old.example/stripe")

    shown = good.done("plan", "sandbox", "-o", "a.json", "--format", "json").json

    saved = parse_plan((good.root / "a.json").read_text(encoding="utf-8"), "a.json")
    assert saved.digest == shown["digest"]


def test_it_is_carried_out_as_it_is(planned: Shop) -> None:
    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 0
    assert planned.endpoint()["url"] == GOOD_URL
    assert [one.path for one in planned.world.writes()] == ["/v1/webhook_endpoints/we_payments"]


def test_it_is_carried_out_once(planned: Shop) -> None:
    planned.done("apply", "sandbox", "a plan.json", "--yes")
    planned.click(url="https://old.example/stripe")
    planned.world.forget()

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 6
    assert "This plan was used already" in ran.err
    assert planned.world.writes() == ()


def test_it_expires(planned: Shop, hands: Hands) -> None:
    hands.skip(hours=2)

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 6
    assert "The plan has expired" in ran.err
    assert planned.world.asked() == ()


def test_an_altered_byte_is_refused_by_the_name_of_the_file(planned: Shop) -> None:
    path = planned.root / "a plan.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("we_payments", "we_paymentz"), encoding="utf-8")

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 1
    assert "a plan.json: the plan was altered" in ran.err
    assert planned.world.asked() == ()


def test_a_flipped_protection_is_noticed(planned: Shop) -> None:
    alter(planned, findings=[], protected=True)

    assert planned.run("apply", "sandbox", "a plan.json", "--yes").code == 1


@pytest.mark.parametrize("kept", [0, 1, 40, -3])
def test_a_plan_that_was_cut_off_is_refused_by_name(planned: Shop, kept: int) -> None:
    path = planned.root / "a plan.json"
    path.write_bytes(path.read_bytes()[:kept])

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 1
    assert "a plan.json" in ran.err
    assert planned.world.asked() == ()


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"[]", b"null", b'{"format": "reconciler.snapshot"}', b"[" * 100_000],
    ids=["no text", "a list", "null", "a snapshot", "a tower"],
)
def test_what_is_no_plan_is_refused_by_name(planned: Shop, content: bytes) -> None:
    (planned.root / "a plan.json").write_bytes(content)

    for command in (("apply", "sandbox", "a plan.json", "--yes"), ("show", "a plan.json")):
        ran = planned.run(*command)

        assert ran.code == 1
        assert "a plan.json" in ran.err


def test_a_plan_that_is_not_there_is_named(planned: Shop) -> None:
    ran = planned.run("apply", "sandbox", "b.json", "--yes")

    assert ran.code == 1
    assert "b.json: cannot be read" in ran.err
    assert "reconciler plan sandbox -o b.json" in ran.err


def test_a_newer_format_is_refused_by_name(planned: Shop) -> None:
    alter(planned, format_version=2)

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 1
    assert "a plan.json: written by a newer version of reconciler" in ran.err


def test_a_plan_of_another_version_is_stale(planned: Shop) -> None:
    alter(planned, tool_version="9.9.9")
    seal(planned)

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 6
    assert "It was made by 9.9.9" in ran.err
    assert planned.world.writes() == ()


def test_a_plan_of_another_environment_is_refused(planned: Shop) -> None:
    alter(planned, environment="production")
    seal(planned)

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 6
    assert "is a plan for production, not for sandbox" in ran.err
    assert planned.world.asked() == ()


def test_a_plan_for_another_account_is_refused(planned: Shop) -> None:
    state = planned.world.state("stripe")
    state["account"]["id"] = "acct_other"
    planned.world.put("stripe", state)
    planned.edit("environment.yaml", "acct_1SandboxShop", "acct_other")

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 5
    assert "The plan was made for another stripe account" in ran.err
    assert planned.world.writes() == ()


def test_what_moved_meanwhile_is_named_and_not_overwritten(planned: Shop) -> None:
    planned.click(url="https://someone-else.example/stripe")

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 6
    assert "changed since the plan was made: url" in ran.all
    assert planned.world.writes() == ()


def test_a_plan_to_a_snapshot_is_applied_although_files_are_broken(good: Shop) -> None:
    good.click(url="https://old.example/stripe")
    good.done("plan", "sandbox", "--to", "good", "-o", "a.json")
    good.write("resources: [")

    good.done("apply", "sandbox", "a.json", "--yes")

    assert good.endpoint()["url"] == GOOD_URL


def test_what_moved_beside_the_plan_does_not_hinder_it(planned: Shop) -> None:
    planned.click(description="another")

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert planned.endpoint()["url"] == GOOD_URL
    assert planned.endpoint()["description"] == "another"
    assert ran.code == 0


@pytest.mark.parametrize(
    "option",
    [
        ("--only", "*"),
        ("--exclude", "x"),
        ("--prune",),
        ("--allow-delete", "x"),
        ("--allow-replace", "x"),
    ],
)
def test_options_that_would_make_another_plan_are_refused(
    planned: Shop, option: tuple[str, ...]
) -> None:
    ran = planned.run("apply", "sandbox", "a plan.json", "--yes", *option)

    assert ran.code == 1
    assert "A saved plan is applied as it is" in ran.err


def test_an_offline_plan_is_never_applied(good: Shop) -> None:
    good.edit("payments.yaml", "Payments, refunds and disputes", "Payments")
    good.done("plan", "sandbox", "--offline", "-o", "a.json")
    assert good.world.asked() == ()

    ran = good.run("apply", "sandbox", "a.json", "--yes")

    assert ran.code == 6
    assert "without looking at the live state" in ran.err


def test_a_refused_plan_stays_refused(good: Shop) -> None:
    good.edit("environment.yaml", "max_changes: 20", "max_changes: 0")
    good.click(url="https://old.example/stripe")
    assert good.run("plan", "sandbox", "-o", "a.json").code == 5
    good.edit("environment.yaml", "max_changes: 0", "max_changes: 20")

    ran = good.run("apply", "sandbox", "a.json", "--yes")

    assert ran.code == 5
    assert "max_changes" in ran.err or "the policy allows 0" in ran.err
    assert good.world.writes() == ()


def test_a_plan_is_stale_when_the_files_say_something_else_since(planned: Shop) -> None:
    planned.edit("payments.yaml", "Payments, refunds and disputes", "Something new")

    ran = planned.run("apply", "sandbox", "a plan.json", "--yes")

    assert ran.code == 6
    assert "desired_state/sandbox has changed since the plan was made" in ran.err
    assert planned.world.writes() == ()
