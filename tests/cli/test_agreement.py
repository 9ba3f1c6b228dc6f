"""What does not fit together across vendors is said by plan, drift and check, with both places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli import wired
from tests.cli.wired import ENDPOINT, VARIABLE

if TYPE_CHECKING:
    from tests.cli.conftest import Shop


def test_a_consumer_with_another_secret_is_named_by_drift_and_check(shop: Shop) -> None:
    wired.begin(shop)
    shop.run("rotate", "sandbox", ENDPOINT, "--yes", "--on-error", "stop")
    shop.done("undo", "sandbox", "--yes", "--allow-delete", f"{ENDPOINT}~previous")
    shop.done("drift", "sandbox")
    wired.lose_endpoint(shop)
    shop.run("apply", "sandbox", "--yes", "--only", ENDPOINT)

    for command in ("drift", "check"):
        ran = shop.run(command, "sandbox")

        assert f"{VARIABLE}#value" in ran.words
        assert f"holds another value than the secret of {ENDPOINT}" in ran.words
        assert "payments.yaml:" in ran.words
    assert shop.run("check", "sandbox").code == 1


def test_a_key_of_the_other_mode_is_named(shop: Shop) -> None:
    shop.edit("web.yaml", "pk_test_FAKE_shop", "pk_live_FAKE_shop")

    ran = shop.run("plan", "sandbox")

    assert "vercel.env_var/stripe-publishable-key#value" in ran.words
    assert (
        "is a stripe key of live mode; the stripe account of this environment is in test mode"
        in ran.words
    )


def test_an_endpoint_that_leads_past_the_deployment_is_named(shop: Shop) -> None:
    shop.edit(
        "payments.yaml", "${var:site}/api/webhooks/stripe\n", "https://old.shop.example/hook\n"
    )

    ran = shop.run("plan", "sandbox")

    assert "leads to old.shop.example, which vercel.production_deployment/shop" in ran.words


def test_declared_invariants_hold_or_are_named(shop: Shop) -> None:
    environment = shop.folder / "environment.yaml"
    text = environment.read_text(encoding="utf-8")
    environment.write_text(
        f"{text}\ninvariants:\n"
        "  - name: one site\n"
        "    equal: [vercel.env_var/site-url-production#value, vercel.env_var/site-url-preview#value]\n"
        "  - name: the shop takes its events\n"
        f"    served: {{url: '{ENDPOINT}#url', by: vercel.production_deployment/shop}}\n",
        encoding="utf-8",
    )
    shop.done("snapshot", "sandbox", "--label", "good")

    ran = shop.run("check", "sandbox")

    assert ran.code == 1
    assert "check the shop takes its events: passed" in ran.err
    assert "one site: it is not as vercel.env_var/site-url-preview#value" in ran.words
    assert "one site" in shop.run("plan", "sandbox").words
