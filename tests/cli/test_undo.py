"""Taking a run back: what it did, nothing that it did not do, and what cannot be had back is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Ran, Shop

GOOD_URL = "https://shop.example/api/webhooks/stripe"
NEW_URL = "https://shop.example/api/v2/stripe"


def run_of(ran: Ran) -> str:
    """Return the id of the run that a command made."""
    return str(ran.json["run"])


def moved(shop: Shop) -> str:
    """Apply a new address of the payments endpoint and return the run."""
    shop.edit("payments.yaml", "/api/webhooks/stripe\n", "/api/v2/stripe\n")
    return run_of(shop.done("apply", "sandbox", "--yes", "--format", "json"))


def test_undo_gives_back_what_was_before_and_twice_is_once(good: Shop) -> None:
    moved(good)
    assert good.endpoint()["url"] == NEW_URL

    good.done("undo", "sandbox", "--yes")
    after_one = good.world.state("stripe")
    good.world.forget()
    good.done("undo", "sandbox", "--yes")

    assert good.endpoint()["url"] == GOOD_URL
    assert good.world.state("stripe") == after_one
    assert good.world.writes() == ()


def test_undo_of_undo_is_the_change_itself(good: Shop) -> None:
    moved(good)
    back = run_of(good.done("undo", "sandbox", "--yes", "--format", "json"))

    good.done("undo", "sandbox", back, "--yes")

    assert good.endpoint()["url"] == NEW_URL


def test_an_object_that_is_gone_is_not_made_of_half_of_its_fields(good: Shop) -> None:
    moved(good)
    state = good.world.state("stripe")
    left = [one for one in state["webhook_endpoints"] if one["id"] != "we_payments"]
    good.world.put("stripe", {**state, "webhook_endpoints": left})
    good.world.forget()

    ran = good.run("undo", "sandbox", "--yes")

    assert "the object is gone" in ran.words
    assert good.world.writes() == ()


def test_a_change_that_was_stale_is_not_taken_back(good: Shop) -> None:
    good.edit("payments.yaml", "/api/webhooks/stripe\n", "/api/v2/stripe\n")
    good.edit("web.yaml", "value: debug", "value: info")
    good.done("plan", "sandbox", "-o", "a.json")
    good.click(url="https://elsewhere.example/hook")
    good.run("apply", "sandbox", "a.json", "--yes", "--on-error", "continue")
    good.world.forget()

    good.run("undo", "sandbox", "--yes")

    assert good.endpoint()["url"] == "https://elsewhere.example/hook"


def test_a_run_that_waits_for_nothing_cannot_be_confirmed(good: Shop) -> None:
    run = moved(good)

    ran = good.run("confirm", "sandbox", run)

    assert ran.code == 6
    assert "has ended already" in ran.err


def test_a_freeze_in_the_past_is_refused(good: Shop) -> None:
    ran = good.run("freeze", "sandbox", "--until", "2020-01-01", "--reason", "holidays")

    assert ran.code == 1
    assert "is in the past" in ran.err


def test_a_missing_secret_is_noticed_before_the_first_write(good: Shop) -> None:
    good.edit("payments.yaml", "/api/webhooks/stripe\n", "/api/v2/stripe\n")
    good.edit("web.yaml", "${secret:env/SHOP_SMTP_URL}", "${secret:env/NOWHERE}")
    good.world.forget()

    ran = good.run("apply", "sandbox", "--yes")

    assert ran.code == 4
    assert "NOWHERE" in ran.err
    assert good.world.writes() == ()
