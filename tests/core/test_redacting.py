"""What stands in a secret place is blanked out, whoever knows its value."""

from __future__ import annotations

import pytest

from reconciler.core.masking import MASK
from reconciler.core.redacting import is_secret_name, redacted


@pytest.mark.parametrize(
    "name",
    [
        "secret",
        "client_secret",
        "token",
        "accessToken",
        "password",
        "api_key",
        "apiKey",
        "X-API-Key",
        "private_key",
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "Stripe-Signature",
        "X-Vault-Token",
        "SecretString",
    ],
)
def test_a_secret_name_is_known(name: str) -> None:
    assert is_secret_name(name)
    assert redacted({name: "x"}) == {name: MASK}
    assert redacted({name: {"a": 1}}) == {name: MASK}


@pytest.mark.parametrize(
    "name", ["key", "Idempotency-Key", "next_token", "monkey", "url", "Content-Type", "id"]
)
def test_other_names_are_left_alone(name: str) -> None:
    assert not is_secret_name(name)
    assert redacted({name: "x"}) == {name: "x"}


def test_content_without_a_name_is_blanked_out_but_lists_are_looked_into() -> None:
    answer = {"data": [{"id": "we_1", "secret": "x"}], "envs": [{"key": "A", "value": "x"}]}

    assert redacted(answer) == {
        "data": [{"id": "we_1", "secret": MASK}],
        "envs": [{"key": "A", "value": MASK}],
    }
    assert redacted({"payload": {"data": "eA=="}}) == {"payload": {"data": MASK}}
    assert redacted({"has_secret": True, "secret": None}) == {"has_secret": True, "secret": None}
