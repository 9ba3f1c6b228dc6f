from __future__ import annotations

import ssl

import httpx
import pytest

from reconciler.core.errors import InvalidInput, WrongAccount
from reconciler.providers.stripe.profile import STRIPE
from reconciler.providers.vercel.profile import VERCEL
from reconciler.wire.http import Connection, Connections
from reconciler.wire.transport import checked_base_url, is_loopback, refuse_live_credential

LIVE = ("sk_live_51Nabc", "rk_live_51Nabc", " sk_live_51Nabc")
TEST = ("sk_test_51Nabc", "rk_test_51Nabc")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.stripe.com",
        "ftp://api.stripe.com",
        "file:///etc/passwd",
        "https://",
        "https:///v1",
        "http://api.stripe.com",
        "http://10.0.0.1:8080",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1\\@evil.example",
        "https://user:password@api.stripe.com",
        "https://api.stripe.com?x=1",
        "https://api.stripe.com#x",
        "https://exa\nmple.com",
        "https://h:notaport",
    ],
)
def test_an_address_that_may_not_be_used_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="base_url cannot be used") as caught:
        checked_base_url(text)

    assert "password" not in caught.value.diagnostics[0].detail.partition("must")[0]


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("https://api.stripe.com/", "https://api.stripe.com"),
        ("https://API.stripe.com:443", "https://api.stripe.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/stripe/", "http://[::1]:8080/stripe"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_a_usable_address_loses_only_its_last_slash(text: str, used: str) -> None:
    assert checked_base_url(text) == used


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("[::1]", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("0.0.0.0", False),  # noqa: S104 - a name to be refused
        ("128.0.0.1", False),
        ("[::2]", False),
    ],
)
def test_loopback_is_judged_by_the_parsed_host(host: str, is_local: bool) -> None:
    assert is_loopback(f"https://{host}:1/") is is_local


@pytest.mark.parametrize("key", LIVE)
@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:8080",
        "https://proxy.example",
        "https://api.stripe.com.evil.example",
        "https://api.stripe.com:8443",
        "https://api.stripe.co",
    ],
)
def test_a_live_key_goes_nowhere_but_to_stripe(base_url: str, key: str) -> None:
    with pytest.raises(WrongAccount) as caught:
        refuse_live_credential(STRIPE, base_url, key)

    assert key.strip() not in f"{caught.value.summary} {caught.value.detail} {caught.value.mend}"
    assert base_url in caught.value.detail


@pytest.mark.parametrize("key", [*LIVE, *TEST, "anything"])
@pytest.mark.parametrize("base_url", ["https://api.stripe.com", "https://API.STRIPE.com:443/"])
def test_any_key_goes_to_stripe(base_url: str, key: str) -> None:
    refuse_live_credential(STRIPE, base_url, key)


@pytest.mark.parametrize("key", TEST)
@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "https://proxy.example"])
def test_a_test_key_may_go_anywhere(base_url: str, key: str) -> None:
    refuse_live_credential(STRIPE, base_url, key)


def test_a_token_without_modes_may_go_to_this_machine_only() -> None:
    refuse_live_credential(VERCEL, "http://localhost:8080", "token")

    with pytest.raises(WrongAccount, match="possibly live vercel"):
        refuse_live_credential(VERCEL, "https://proxy.example", "token")


def test_plain_http_loads_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object, **__: object) -> ssl.SSLContext:
        pytest.fail("certificates were loaded")

    monkeypatch.setattr(ssl, "create_default_context", load)

    Connection(STRIPE, base_url="http://127.0.0.1:9").close()


def test_a_proxy_of_the_environment_is_not_used_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")

    with Connection(STRIPE, base_url="http://127.0.0.1:9") as connection:
        assert connection.http.trust_env is False


def test_a_connection_is_bounded() -> None:
    with Connection(STRIPE, base_url="http://127.0.0.1:9") as connection:
        assert connection.http.timeout == httpx.Timeout(30, connect=5)
        assert connection.http.follow_redirects is False


def test_an_account_has_one_connection_and_one_pace() -> None:
    with Connections() as connections:
        local = "http://127.0.0.1:9"
        first = connections.of(STRIPE, "acct_1", base_url=local)

        assert connections.of(STRIPE, "acct_1", base_url=local + "/") is first
        assert connections.of(STRIPE, "acct_2", base_url=local) is not first
        assert connections.of(STRIPE, "acct_1", base_url="http://127.0.0.1:8") is not first

    assert first.http.is_closed
