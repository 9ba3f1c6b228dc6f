"""Credentials: which one it is, where it came from, what it may not do, and whose account it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Shop

READING = [
    ("plan", "sandbox"),
    ("drift", "sandbox"),
    ("snapshot", "sandbox"),
    ("diff", "sandbox", "desired", "live"),
    ("import", "sandbox"),
    ("apply", "sandbox", "--yes"),
    ("rollback", "sandbox", "--yes"),
]


def restrict(shop: Shop, key: str, *permissions: str) -> None:
    state = shop.world.state("stripe")
    state["credentials"] = {key: {"permissions": list(permissions)}}
    shop.world.put("stripe", state)


def asked(shop: Shop, vendor: str) -> list[str]:
    return [one.path for one in shop.world.asked() if one.vendor == vendor]


@pytest.mark.parametrize("command", READING)
def test_a_refused_key_is_named_with_the_place_it_came_from(
    good: Shop, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    good.lose("LOG_LEVEL")
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", "sk_test_wrong!")

    ran = good.run(*command)

    assert ran.code == 4
    assert "stripe does not accept the credential ${secret:env/SANDBOX_STRIPE_KEY}" in ran.words
    assert "sk_test_wrong!" not in ran.all
    assert good.world.writes() == ()


@pytest.mark.parametrize("command", READING)
def test_a_refused_token_is_no_missing_permission(
    good: Shop, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SANDBOX_VERCEL_TOKEN", "short")

    ran = good.run(*command)

    assert ran.code == 4
    assert "vercel does not accept the credential ${secret:env/SANDBOX_VERCEL_TOKEN}" in ran.words


@pytest.mark.parametrize("command", READING)
def test_a_missing_key_is_named_before_anything_is_sent(
    good: Shop, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("SANDBOX_STRIPE_KEY")

    ran = good.run(*command)

    assert ran.code == 4
    assert "SANDBOX_STRIPE_KEY is not set" in ran.err
    assert "export SANDBOX_STRIPE_KEY=…" in ran.err
    assert asked(good, "stripe") == []


def test_a_restricted_key_that_may_not_read_names_the_permission(
    good: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", "rk_test_restricted")
    restrict(good, "rk_test_restricted")

    ran = good.run("plan", "sandbox")

    assert ran.code == 4
    assert "lacks the permission rak_webhook_read" in ran.words


def test_a_restricted_key_that_may_not_write_names_the_permission(
    good: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    good.click(url="https://old.example/stripe")
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", "rk_test_restricted")
    restrict(good, "rk_test_restricted", "webhook_read")

    ran = good.run("apply", "sandbox", "--yes")

    assert ran.code in {3, 4}
    assert "lacks the permission rak_webhook_write" in ran.words
    assert good.endpoint()["url"] == "https://old.example/stripe"


@pytest.mark.parametrize("command", READING)
def test_another_account_than_the_pinned_one_is_refused_before_anything_is_read(
    good: Shop, command: tuple[str, ...]
) -> None:
    good.edit("environment.yaml", "acct_1SandboxShop", "acct_other")

    ran = good.run(*command)

    assert ran.code == 5
    assert "It opens acct_1SandboxShop; environment.yaml pins acct_other" in ran.err
    assert asked(good, "stripe") == ["/v1/account"]
    assert good.world.writes() == ()


@pytest.mark.parametrize("command", READING)
def test_another_project_than_the_pinned_one_is_refused(
    good: Shop, command: tuple[str, ...]
) -> None:
    good.edit("environment.yaml", "project: shop", "project: other")

    ran = good.run(*command)

    assert ran.code == 5
    assert asked(good, "vercel") == ["/v9/projects/other"]
    assert good.world.writes() == ()


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("key", ["sk_live_FAKE0000", "rk_live_FAKE0000"])
def test_a_live_key_in_a_test_environment_is_refused_before_the_first_call(
    good: Shop, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], key: str
) -> None:
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", key)

    ran = good.run(*command)

    assert ran.code == 5
    assert "${secret:env/SANDBOX_STRIPE_KEY}" in ran.err
    assert key not in ran.all
    assert good.world.asked() == ()


def test_a_live_key_is_never_sent_to_an_address_that_is_not_the_vendors(
    good: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    good.edit("environment.yaml", "    mode: test\n", "    mode: live\n")
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", "sk_live_FAKE0000")

    ran = good.run("plan", "sandbox")

    assert ran.code == 5
    assert good.world.asked() == ()


def test_a_test_key_in_a_live_environment_is_refused(good: Shop) -> None:
    good.edit("environment.yaml", "    mode: test\n", "    mode: live\n")

    ran = good.run("plan", "sandbox")

    assert ran.code == 5
    assert good.world.asked() == ()


def test_a_key_in_the_file_is_refused_and_not_shown(good: Shop) -> None:
    good.edit("environment.yaml", "${secret:env/SANDBOX_STRIPE_KEY}", "sk_test_FAKEinthefile")

    ran = good.run("plan", "sandbox")

    assert ran.code == 1
    assert "sk_test_FAKEinthefile" not in ran.all
    assert good.world.asked() == ()


@pytest.mark.parametrize(
    "url", ["ftp://x.example", "http://shop.example", "http://u:p@127.0.0.1:1"]
)
def test_an_address_that_could_leak_the_key_is_refused(good: Shop, url: str) -> None:
    good.edit("environment.yaml", good.world.urls["stripe"], url)

    ran = good.run("plan", "sandbox")

    assert ran.code in {1, 5}
    assert asked(good, "stripe") == []


def test_a_secret_that_is_missing_is_said_before_anything_is_written(
    good: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    good.lose("SENTRY_DSN")
    good.click(url="https://old.example/stripe")
    monkeypatch.delenv("SHOP_SENTRY_DSN")

    ran = good.run("apply", "sandbox", "--yes")

    assert ran.code in {3, 4}
    assert "SHOP_SENTRY_DSN is not set" in ran.all
