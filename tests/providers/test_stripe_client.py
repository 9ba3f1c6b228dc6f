from __future__ import annotations

import logging
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import httpx
import pytest

from reconciler.core import errors
from reconciler.core.masking import Masker
from reconciler.providers.stripe.client import API_VERSION, connect
from reconciler.providers.stripe.profile import STRIPE
from reconciler.wire.http import Connection, Credential, HttpClient
from reconciler.wire.pacing import Timing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import stripe

KEY = "sk_test_canary4eC39HqLyjWDarjtT1zdp7dc"
ENDPOINT = {"id": "we_1", "object": "webhook_endpoint", "url": "https://a.example"}
BASE = "http://127.0.0.1:8123/stripe"


@dataclass
class Stripe:
    """Answers from a script and keeps what it was asked."""

    script: list[httpx.Response]
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.script.pop(0)


def endpoint(**changes: object) -> httpx.Response:
    return httpx.Response(200, json={**ENDPOINT, **changes}, headers={"Request-Id": "req_1"})


def refusal(status: int, **error: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"type": "invalid_request_error", **error}})


@contextmanager
def sdk(
    vendor: Stripe,
    *,
    writes: bool = True,
    base_url: str | None = BASE,
    api_version: str = API_VERSION,
) -> Iterator[stripe.StripeClient]:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    timing = Timing(lambda: now[0], lambda: now[0], sleep, lambda: 0.0)
    transport = httpx.MockTransport(vendor)
    with Connection(STRIPE, base_url=base_url, timing=timing, transport=transport) as connection:
        http = HttpClient(
            connection,
            credential=Credential(KEY, "${secret:env/STRIPE_SECRET_KEY}"),
            masker=Masker(),
            writes=writes,
        )
        yield connect(KEY, http, api_version=api_version)


def test_a_create_is_one_request_in_stripes_own_form() -> None:
    vendor = Stripe([endpoint(secret="whsec_1")])

    with sdk(vendor) as client:
        made = client.v1.webhook_endpoints.create(
            {
                "url": "https://a.example",
                "enabled_events": ["charge.refunded", "invoice.paid"],
                "metadata": {"reconciler": "prod"},
            },
            {"idempotency_key": "run-1/we"},
        )

    (request,) = vendor.asked
    assert made.secret == "whsec_1"
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/v1/webhook_endpoints")
    assert dict(parse_qsl(request.content.decode())) == {
        "url": "https://a.example",
        "enabled_events[0]": "charge.refunded",
        "enabled_events[1]": "invoice.paid",
        "metadata[reconciler]": "prod",
    }
    assert request.headers["Idempotency-Key"] == "run-1/we"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_every_request_has_the_pinned_version_and_the_credential() -> None:
    vendor = Stripe([endpoint()])

    with sdk(vendor) as client:
        client.v1.webhook_endpoints.retrieve("we_1")

    (request,) = vendor.asked
    assert request.headers["Stripe-Version"] == API_VERSION == "2026-10-28.endive"
    assert request.headers["Authorization"] == f"Bearer {KEY}"


def test_the_version_does_not_follow_the_sdk() -> None:
    vendor = Stripe([endpoint()])

    with sdk(vendor, api_version="2024-06-20") as client:
        client.v1.webhook_endpoints.retrieve("we_1")

    assert vendor.asked[0].headers["Stripe-Version"] == "2024-06-20"


def test_nothing_about_this_machine_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCODE", "1")
    vendor = Stripe([endpoint()])

    with sdk(vendor) as client:
        client.v1.webhook_endpoints.retrieve("we_1")

    (request,) = vendor.asked
    assert not [name for name in request.headers if name.startswith("x-stripe-client")]
    assert request.headers["User-Agent"].startswith("reconciler/")


@pytest.mark.parametrize("base_url", [None, BASE])
def test_a_list_is_read_to_its_last_page(base_url: str | None) -> None:
    pages = [
        {"object": "list", "url": "/v1/webhook_endpoints", "has_more": more, "data": [item]}
        for more, item in ((True, ENDPOINT), (False, {**ENDPOINT, "id": "we_2"}))
    ]
    vendor = Stripe([httpx.Response(200, json=page) for page in pages])

    with sdk(vendor, writes=False, base_url=base_url) as client:
        found = [
            item.id for item in client.v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter()
        ]

    assert found == ["we_1", "we_2"]
    assert [dict(request.url.params) for request in vendor.asked] == [
        {"limit": "100"},
        {"limit": "100", "starting_after": "we_1"},
    ]


def test_a_reading_client_writes_nothing_through_the_sdk() -> None:
    vendor = Stripe([])

    with sdk(vendor, writes=False) as client:
        with pytest.raises(errors.WriteAttempted):
            client.v1.webhook_endpoints.create({"url": "https://a", "enabled_events": ["*"]})
        with pytest.raises(errors.WriteAttempted):
            client.v1.webhook_endpoints.update("we_1", {"disabled": True})
        with pytest.raises(errors.WriteAttempted):
            client.v1.webhook_endpoints.delete("we_1")
        with pytest.raises(errors.WriteAttempted):
            client.raw_request("post", "/v1/events/evt_1/retry")
        with pytest.raises(errors.WriteAttempted):
            client.v2.core.event_destinations.ping("ed_1")

    assert vendor.asked == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(400, message="Bad."), errors.VendorError),
        (refusal(401, message="Bad."), errors.Unauthenticated),
        (refusal(403, message="Bad."), errors.PermissionDenied),
        (refusal(404, message="Bad.", code="resource_missing"), errors.NotFound),
        (refusal(400, message="Bad.", type="idempotency_error"), errors.VendorError),
        (httpx.Response(200, content=b"<html>Hotel Wifi</html>"), errors.VendorError),
    ],
)
def test_failures_are_of_our_own_error_tree(
    answer: httpx.Response, kind: type[errors.VendorError]
) -> None:
    with sdk(Stripe([answer])) as client, pytest.raises(errors.VendorError) as caught:
        client.v1.webhook_endpoints.retrieve("we_1")

    assert type(caught.value) is kind
    assert caught.value.vendor == "stripe"


def test_a_failed_create_is_repeated_with_the_key_that_the_sdk_made_for_it() -> None:
    vendor = Stripe([refusal(500), refusal(429), endpoint()])

    with sdk(vendor) as client:
        client.v1.webhook_endpoints.create({"url": "https://a", "enabled_events": ["*"]})

    keys = {request.headers["Idempotency-Key"] for request in vendor.asked}
    assert (len(vendor.asked), len(keys)) == (3, 1)


def test_a_failed_delete_is_not_repeated() -> None:
    vendor = Stripe([refusal(500)])

    with sdk(vendor) as client, pytest.raises(errors.Unavailable, match="is unknown"):
        client.v1.webhook_endpoints.delete("we_1")

    assert len(vendor.asked) == 1


def test_a_signing_secret_is_not_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with sdk(Stripe([endpoint(secret="whsec_canary")])) as client:
        client.v1.webhook_endpoints.create({"url": "https://a", "enabled_events": ["*"]})

    assert "canary" not in caplog.text + "".join(capfd.readouterr())


SCRIPT = f"""
import httpx
from reconciler.core.masking import Masker
from reconciler.wire.http import Connection, Credential, HttpClient
from reconciler.providers.stripe.client import connect
from reconciler.providers.stripe.profile import STRIPE

answer = {{**{ENDPOINT!r}, "secret": "whsec_canary"}}
transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
with Connection(STRIPE, transport=transport) as connection:
    key = Credential({KEY!r}, "x")
    http = HttpClient(connection, credential=key, masker=Masker(), writes=True)
    connect(key.value, http).v1.webhook_endpoints.create({{"url": "u", "enabled_events": ["*"]}})
"""


def test_the_sdk_writes_no_file_and_prints_no_body_even_when_asked_to_log(tmp_path: Path) -> None:
    environment = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "STRIPE_LOG": "debug",
        "PYTHONPATH": ":".join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )

    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.rglob("*")) == []


def test_the_client_does_not_import_the_sdk_for_others() -> None:
    code = "import sys, reconciler.wire.http, reconciler.providers.stripe.profile; print('stripe' in sys.modules)"

    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "False\n"
