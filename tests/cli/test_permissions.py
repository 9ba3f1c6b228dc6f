"""The least rights: what each credential must be allowed for plan and for apply, told without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.secrets import resolver

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Shop

STORES = """
secrets:
  stores:
    gcp: {project: shop-prod}
    aws: {region: eu-west-1}
    vault: {address: "https://vault.example:8200"}
"""


def told(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = shop.done("permissions", "sandbox", "--format", "json").json
    return found


def secret(shop: Shop, reference: str) -> dict[str, Any]:
    found = told(shop)["secrets"]
    return next(one for one in found if one["reference"] == f"${{secret:{reference}}}")


def test_nobody_is_asked_and_nothing_is_resolved(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved: list[str] = []
    monkeypatch.setattr(resolver.Resolver, "resolve", lambda _, text: resolved.append(text))
    shop.world.forget()

    shop.done("permissions", "sandbox")

    assert shop.world.asked() == ()
    assert resolved == []


def test_each_account_has_its_rights_for_plan_and_for_apply(shop: Shop) -> None:
    stripe, vercel = told(shop)["accounts"]

    assert stripe["vendor"] == "stripe"
    assert stripe["references"] == ["${secret:env/SANDBOX_STRIPE_KEY}"]
    assert "Webhook Endpoints: Read (rak_webhook_read)" in stripe["plan"]
    assert "Webhook Endpoints: Write (rak_webhook_write)" in stripe["apply"]
    assert "Webhook Endpoints: Write (rak_webhook_write)" not in stripe["plan"]
    assert stripe["identify"]["read"] == ["Accounts: Read (rak_accounts_kyc_basic_read)"]
    assert stripe["kinds"]["stripe.webhook_endpoint"]["source"].startswith("https://")
    assert "token scoped to the team" in vercel["plan"]
    assert set(vercel["kinds"]) == {"vercel.env_var", "vercel.production_deployment"}


def test_the_words_of_a_missing_permission_are_those_of_the_rights(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", "rk_test_restricted")
    state = shop.world.state("stripe")
    shop.world.put("stripe", {**state, "credentials": {"rk_test_restricted": {"permissions": []}}})

    said = shop.run("plan", "sandbox").words

    assert "lacks the permission rak_webhook_read" in said
    assert any("rak_webhook_read" in one for one in told(shop)["accounts"][0]["plan"])


def test_each_secret_has_its_store_its_right_and_what_grants_it(shop: Shop) -> None:
    found = secret(shop, "env/SHOP_DATABASE_URL")

    assert found["store"] == "env"
    assert found["uses"] == ["vercel.env_var/database-url-production value"]
    assert found["read"] == [
        {
            "name": "set",
            "on": "the environment variable SHOP_DATABASE_URL",
            "how": "export SHOP_DATABASE_URL=…",
        }
    ]
    assert found["write"] == []


def test_a_captured_secret_needs_a_right_to_write(shop: Shop) -> None:
    shop.edit("environment.yaml", "policy:", f"{STORES}policy:")
    shop.write(
        "resources:\n  - kind: stripe.webhook_endpoint\n    name: new\n"
        "    spec: {url: 'https://new.example/x', enabled_events: ['*']}\n"
        "    capture: {secret: '${secret:gcp/NEW_SECRET}'}\n"
    )

    found = secret(shop, "gcp/NEW_SECRET")

    assert found["uses"] == ["stripe.webhook_endpoint/new keeps its secret there"]
    read = [one["name"] for one in found["read"]]
    assert "roles/secretmanager.secretAccessor" in read
    (write,) = found["write"]
    assert write["name"] == "roles/secretmanager.secretVersionAdder"
    assert "gcloud secrets add-iam-policy-binding" in write["how"]


def test_distant_stores_tell_their_rights_without_a_network(shop: Shop) -> None:
    shop.edit("environment.yaml", "policy:", f"{STORES}policy:")
    shop.edit("web.yaml", "${secret:env/SHOP_SMTP_URL}", "${secret:aws/shop/smtp}")
    shop.edit("web.yaml", "${secret:env/SHOP_SENTRY_DSN}", "${secret:vault/shop/sentry:dsn}")

    aws, vault = secret(shop, "aws/shop/smtp"), secret(shop, "vault/shop/sentry:dsn")

    assert "secretsmanager:GetSecretValue" in [one["name"] for one in aws["read"]]
    assert vault["read"][0]["on"] == "secret/data/shop/sentry"
    assert secret(shop, "env/VAULT_TOKEN")["uses"] == ["the secret store vault (token)"]


def test_secrets_of_checks_and_fingerprints_are_listed(shop: Shop) -> None:
    more = (
        "secrets: {fingerprint_key: '${secret:env/FINGERPRINT_KEY}'}\n"
        "checks:\n  - name: payments webhook\n    webhook: {endpoint: stripe.webhook_endpoint/payments,"
        " secret: '${secret:env/SHOP_STRIPE_WEBHOOK_SECRET}'}\npolicy:"
    )
    shop.edit("environment.yaml", "policy:", more)

    assert secret(shop, "env/FINGERPRINT_KEY")["uses"] == ["fingerprints"]
    assert secret(shop, "env/SHOP_STRIPE_WEBHOOK_SECRET")["uses"] == [
        "the check payments webhook",
        "vercel.env_var/stripe-webhook-secret value",
    ]


def test_a_secret_inside_a_longer_text_is_listed(shop: Shop) -> None:
    shop.edit("web.yaml", "${secret:env/SHOP_SMTP_URL}", "smtp://shop:${secret:env/SMTP_PW}@mail")

    assert secret(shop, "env/SMTP_PW")["uses"] == ["vercel.env_var/smtp-url value"]


def test_a_store_without_settings_is_told_and_the_rest_is_listed(shop: Shop) -> None:
    shop.edit("web.yaml", "${secret:env/SHOP_SMTP_URL}", "${secret:gcp/SMTP_URL}")

    found = secret(shop, "gcp/SMTP_URL")

    assert found["read"] == []
    assert "has no settings" in found["trouble"]
    assert secret(shop, "env/SHOP_DATABASE_URL")["read"] != []


def test_the_text_has_the_grants_on_lines_of_their_own(shop: Shop) -> None:
    ran = shop.done("permissions", "sandbox")

    lines = ran.out.splitlines()
    assert "        export SHOP_DATABASE_URL=…" in lines
    assert "  for plan, drift, snapshot" in lines
    assert "  for apply, rollback, undo" in lines
    assert "  source: https://docs.stripe.com/keys/restricted-api-keys" in lines


def test_wrong_files_are_told(shop: Shop) -> None:
    shop.edit("payments.yaml", "status: enabled", "status: perhaps")

    ran = shop.run("permissions", "sandbox", "--format", "json")

    assert ran.code == 1
    assert ran.json["error"]["diagnostics"]
