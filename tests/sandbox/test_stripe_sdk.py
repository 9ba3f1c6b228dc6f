"""The vendor's own library is the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import stripe

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.sandbox.server import Sandbox


def client_of(sandbox: Sandbox, key: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": sandbox.urls["stripe"]},
        http_client=stripe.UrllibClient(),
    )


@pytest.fixture
def client(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> stripe.StripeClient:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(stripe, "enable_telemetry", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return client_of(sandbox, "sk_test_sandbox")


def test_the_sdk_reads_the_account_and_its_endpoints(client: stripe.StripeClient) -> None:
    account = client.v1.accounts.retrieve_current()
    endpoint = client.v1.webhook_endpoints.retrieve("we_connect")

    assert account.id == "acct_1SandboxShop"
    assert endpoint.application == "ca_SandboxShop"
    assert "secret" not in endpoint.to_dict()


def test_the_sdk_creates_updates_and_deletes(client: stripe.StripeClient) -> None:
    created = client.v1.webhook_endpoints.create(
        {
            "url": "https://shop.example/sdk",
            "enabled_events": ["charge.refunded", "invoice.paid"],
            "metadata": {"team": "web", "owner": "anna"},
        }
    )
    updated = client.v1.webhook_endpoints.update(
        created.id, {"disabled": True, "metadata": {"owner": ""}}
    )
    deleted = client.v1.webhook_endpoints.delete(created.id)

    assert created.secret
    assert created.enabled_events == ["charge.refunded", "invoice.paid"]
    assert updated.status == "disabled"
    assert updated.metadata.to_dict() == {"team": "web"}
    assert deleted.deleted is True


def test_auto_paging_finds_all_of_twelve(client: stripe.StripeClient) -> None:
    for _ in range(9):
        client.v1.webhook_endpoints.create(
            {"url": "https://shop.example/many", "enabled_events": ["*"]}
        )

    first_page = client.v1.webhook_endpoints.list()
    found = [endpoint.id for endpoint in first_page.auto_paging_iter()]

    assert len(first_page.data) == 10
    assert len(found) == len(set(found)) == 12


def test_the_sdk_replays_a_key(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "run-1"}
    params: stripe.params.WebhookEndpointCreateParams = {
        "url": "https://shop.example/once",
        "enabled_events": ["*"],
    }

    first = client.v1.webhook_endpoints.create(params, options)
    second = client.v1.webhook_endpoints.create(params, options)

    assert first.id == second.id
    assert first.secret == second.secret


def test_the_sdk_raises_its_own_errors(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    stranger = client_of(sandbox, "sk_live_unknown")

    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.webhook_endpoints.retrieve("we_gone")
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.accounts.retrieve_current()

    assert missing.value.code == "resource_missing"
    assert missing.value.http_status == 404


def test_an_empty_list_of_events_is_a_200_that_changes_nothing(client: stripe.StripeClient) -> None:
    before = client.v1.webhook_endpoints.retrieve("we_payments").enabled_events

    after = client.v1.webhook_endpoints.update("we_payments", {"enabled_events": []})

    assert after.enabled_events == before
