"""Any two of live, desired, desired at a revision, and snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Shop

PAYMENTS = "stripe.webhook_endpoint/payments"
OLD = "https://old.example/stripe"


def compared(shop: Shop, first: str, second: str) -> list[dict[str, Any]]:
    ran = shop.run("diff", "sandbox", first, second, "--format", "json")
    assert ran.code == 0, ran.all
    found: list[dict[str, Any]] = ran.json["differences"]
    return found


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("live", "live"),
        ("desired", "desired"),
        ("good", "good"),
        ("good", "live"),
        ("live", "desired"),
        ("desired", "good"),
        ("good", "latest"),
    ],
)
def test_two_equal_states_do_not_differ(good: Shop, first: str, second: str) -> None:
    assert compared(good, first, second) == []


def test_a_click_is_between_the_snapshot_and_live(good: Shop) -> None:
    good.click(url=OLD)

    (found,) = compared(good, "good", "live")

    assert found["address"] == PAYMENTS


def test_an_edit_is_between_the_files_and_live(good: Shop) -> None:
    good.edit("payments.yaml", "Payments, refunds and disputes", "Something new")

    (found,) = compared(good, "live", "desired")

    assert found["address"] == PAYMENTS


def test_a_commit_is_between_the_files_then_and_now(
    repository: Shop, git_in: Callable[..., str]
) -> None:
    repository.edit("payments.yaml", "Payments, refunds and disputes", "Something new")
    git_in(repository.root, "commit", "--quiet", "--all", "--message", "Describe it anew")
    repository.world.forget()

    (found,) = compared(repository, "desired@HEAD~1", "desired")

    assert found["address"] == PAYMENTS
    assert repository.world.asked() == ()


def test_two_snapshots_are_compared_without_the_network(good: Shop) -> None:
    good.click(url=OLD)
    good.done("snapshot", "sandbox", "--label", "bad")
    good.world.forget()

    (found,) = compared(good, "good", "bad")

    assert found["address"] == PAYMENTS
    assert good.world.asked() == ()


def test_what_is_gone_and_what_is_new_are_told_apart(good: Shop) -> None:
    good.lose("LOG_LEVEL")

    gone = good.run("diff", "sandbox", "good", "live").out
    new = good.run("diff", "sandbox", "live", "good").out

    assert "log-level-development" in gone
    assert "log-level-development" in new
    assert gone != new


@pytest.mark.parametrize("side", ["nowhere", "desired@nowhere", "Live", "../../etc/passwd"])
def test_an_unknown_side_is_named(good: Shop, side: str) -> None:
    ran = good.run("diff", "sandbox", side, "live")

    assert ran.code == 1
    assert side.removeprefix("desired@") in ran.err


def test_what_could_not_be_read_is_unknown_and_says_why(good: Shop) -> None:
    good.world.fail(vendor="vercel", path="/v10/projects/shop/env", status=500)

    ran = good.run("diff", "sandbox", "good", "live")

    assert ran.code == 7
    assert "vercel.env_var: vercel failed" in ran.err
    assert "log-level-development" not in ran.out


def test_markdown_is_offered(good: Shop) -> None:
    good.click(url=OLD)

    assert "payments" in good.done("diff", "sandbox", "good", "live", "--format", "markdown").out
