"""Accounts: the credential, whose account it opens, and what it may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.wire.http import HttpClient
from tests.cli.doctoring.looking import look, set_clocks

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Hands, Shop


def test_a_bad_key_is_told_with_the_place_it_came_from(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", "sk_test_wrong!")

    found = look(well)

    assert found.code == 4
    account = found["account stripe"]
    assert "does not accept the credential ${secret:env/SANDBOX_STRIPE_KEY}" in account["found"]
    assert "the environment variable SANDBOX_STRIPE_KEY" in account["mend"]
    assert "reconciler permissions sandbox" in account["mend"].splitlines()
    assert found["read stripe.webhook_endpoint"]["standing"] == "untried"
    assert found["read vercel.env_var"]["standing"] == "ok"


def test_a_wrong_account_is_told_with_the_pin(well: Shop) -> None:
    well.edit("environment.yaml", "acct_1SandboxShop", "acct_other")

    found = look(well)

    assert found.code == 1
    account = found["account stripe"]
    assert "It opens acct_1SandboxShop; environment.yaml pins acct_other" in account["found"]
    assert "providers.stripe.account" in account["mend"]


def test_a_key_of_the_other_mode_is_told_and_not_sent(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", "sk_live_FAKE0000")
    well.world.forget()

    found = look(well)

    assert found.code == 1
    assert "is a live key, and the environment pins test" in found["account stripe"]["found"]
    assert {one.vendor for one in well.world.asked()} == {"vercel"}


def test_an_account_that_is_not_pinned_is_told(well: Shop) -> None:
    well.edit("environment.yaml", "    account: acct_1SandboxShop\n", "")

    found = look(well)

    assert found.code == 0
    assert found["account stripe"]["standing"] == "warn"
    assert found["account stripe"]["mend"].startswith("providers.stripe.account: …")


def test_a_missing_permission_is_told_in_the_vendors_words(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", "rk_test_restricted")
    state = well.world.state("stripe")
    well.world.put("stripe", {**state, "credentials": {"rk_test_restricted": {"permissions": []}}})

    found = look(well)

    assert found.code == 4
    assert found["account stripe"]["standing"] == "ok"
    read = found["read stripe.webhook_endpoint"]
    assert "lacks the permission rak_webhook_read" in read["found"]
    assert "it needs: Webhook Endpoints: Read (rak_webhook_read)" in read["mend"].splitlines()


def test_a_list_that_hides_something_could_not_be_found_out(well: Shop) -> None:
    body = {"envs": [], "hiddenProductionEnvCount": 2, "pagination": {"next": None}}
    well.world.heal()
    well.world.fail(vendor="vercel", path="/v10/projects/shop/env", status=200, body=body)

    found = look(well)

    assert found.code == 7
    assert found["read vercel.env_var"]["trouble"] == "unknown"


def test_a_vendor_that_fails_could_not_be_found_out_and_the_rest_goes_on(
    good: Shop, hands: Hands
) -> None:
    good.world.fail(vendor="vercel", path="/v9/*", status=500)
    set_clocks(good, hands, vendor="stripe")

    found = look(good)

    assert found.code == 7
    assert found["account vercel"]["trouble"] == "unknown"
    assert found["read stripe.webhook_endpoint"]["standing"] == "ok"


def test_what_is_denied_weighs_more_than_what_is_unknown(
    good: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    good.world.fail(vendor="vercel", status=500)
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", "sk_test_wrong!")

    assert look(good).code == 4


def test_a_defect_of_a_provider_does_not_end_the_look(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("sk_test_sandbox")

    monkeypatch.setattr(HttpClient, "request_json", fail)

    found = look(well)

    assert found.code == 7
    assert "was not understood (RuntimeError)" in found["account vercel"]["found"]
    assert found["lock"]["standing"] == "ok"


def test_nobody_is_asked_offline(well: Shop) -> None:
    well.world.forget()

    found = look(well, "--offline")

    assert found.code == 0
    assert well.world.asked() == ()
    assert found.of("untried") == ["account stripe", "account vercel", "clock"]
