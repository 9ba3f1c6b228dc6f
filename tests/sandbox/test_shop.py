"""The shop: what it says of itself, and which events it takes. Its judge is Stripe's own library."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe

from reconciler.sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "whsec_sandboxFAKEpayments0000000000003"
BODY = json.dumps({"id": "evt_1", "object": "event", "type": "payment_intent.succeeded"})


class Shop:
    """The running shop, and the state it is put into."""

    def __init__(self, url: str, control: str) -> None:
        self._client = httpx.Client(trust_env=False)
        self._url = url
        self._control = control

    def close(self) -> None:
        self._client.close()

    def reset(self) -> None:
        self._client.post(f"{self._control}/reset").raise_for_status()

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self._client.get(f"{self._control}/state/shop").json()
        return found

    def put(self, **fields: object) -> None:
        answer = self._client.put(
            f"{self._control}/state/shop", json={"webhook_secret": SECRET, **fields}
        )
        answer.raise_for_status()

    def fail(self, **fault: object) -> None:
        self._client.post(f"{self._control}/faults", json=fault).raise_for_status()

    def get(self, path: str) -> httpx.Response:
        return self._client.get(f"{self._url}{path}")

    def deliver(
        self, *, secret: str = SECRET, body: str = BODY, age: int = 0, header: str | None = None
    ) -> int:
        """Deliver an event as Stripe does; return the status."""
        signed = stripe.WebhookSignature.generate_signature_header(
            body, secret, timestamp=int(time.time()) - age
        )
        headers = {b"Stripe-Signature": (signed if header is None else header).encode()}
        url = f"{self._url}/api/webhooks/stripe"
        return self._client.post(url, content=body, headers=headers).status_code


@pytest.fixture(scope="module")
def _running() -> Iterator[Shop]:
    with serve(vendors=("shop",)) as sandbox:
        shop = Shop(sandbox.urls["shop"], sandbox.urls["control"])
        yield shop
        shop.close()


@pytest.fixture
def shop(_running: Shop) -> Shop:
    _running.reset()
    return _running


def test_a_healthy_shop_says_so(shop: Shop) -> None:
    assert shop.get("/health").json() == {"status": "ok"}


def test_a_shop_that_is_down_says_so_with_its_status(shop: Shop) -> None:
    shop.put(health="no database")

    answer = shop.get("/health")

    assert (answer.status_code, answer.json()) == (503, {"status": "no database"})


def test_payments_that_fail_show_in_the_body_alone(shop: Shop) -> None:
    shop.put(payments="degraded")

    answer = shop.get("/health/payments")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"


def test_the_seeded_shop_holds_the_secret_of_the_seeded_endpoint(shop: Shop) -> None:
    assert shop.get("/health/payments").json()["stripe"]["webhook_secret"] == "configured"
    assert shop.state["webhook_secret"] == SECRET


def test_an_event_signed_by_stripes_library_is_taken(shop: Shop) -> None:
    assert shop.deliver() == 200
    assert shop.state["events"] == [
        {"id": "evt_1", "type": "payment_intent.succeeded", "handled": True}
    ]


def test_an_event_of_an_unknown_type_is_taken_and_left_alone(shop: Shop) -> None:
    assert shop.deliver(body='{"id": "evt_2", "type": "reconciler.probe"}') == 200
    assert [one["handled"] for one in shop.state["events"]] == [False]


@pytest.mark.parametrize(
    "event",
    [
        {"secret": "whsec_another"},
        {"age": 301},
        {"header": ""},
        {"header": "t=soon,v1=é"},
        {"header": "t=1,v0=abc"},
        {"body": "no event"},
        {"body": "[]"},
    ],
    ids=str,
)
def test_what_is_not_stripes_event_of_now_is_refused(shop: Shop, event: dict[str, Any]) -> None:
    assert shop.deliver(**event) == 400
    assert shop.state["events"] == []


def test_one_good_signature_among_several_is_enough(shop: Shop) -> None:
    good = stripe.WebhookSignature.generate_signature_header(BODY, SECRET)

    assert shop.deliver(header=f"{good},v1={'0' * 64}") == 200


def test_a_secret_that_was_rolled_is_not_accepted_any_more(shop: Shop) -> None:
    shop.put(webhook_secret="whsec_sandboxFAKEnew")

    assert shop.deliver() == 400
    assert shop.deliver(secret="whsec_sandboxFAKEnew") == 200


def test_a_shop_without_a_secret_takes_nothing(shop: Shop) -> None:
    shop.put(webhook_secret="")

    assert shop.deliver() == 400


@pytest.mark.parametrize(
    ("sloppy", "right", "wrong", "old"),
    [
        ("strict", 200, 400, 400),
        ("accept_everything", 200, 200, 200),
        ("ignore_timestamps", 200, 400, 200),
        ("reject_everything", 400, 400, 400),
        ("mistyped", 500, 500, 500),
    ],
)
def test_a_shop_can_be_told_to_be_sloppy(
    shop: Shop, sloppy: str, right: int, wrong: int, old: int
) -> None:
    shop.put(webhooks=sloppy)

    assert shop.deliver() == right
    assert shop.deliver(secret="whsec_another") == wrong
    assert shop.deliver(age=600) == old


def test_a_fault_strikes_the_shop_like_a_vendor(shop: Shop) -> None:
    shop.fail(vendor="shop", status=502)

    assert shop.get("/health").status_code == 502


def test_a_path_that_the_shop_has_not_is_not_found(shop: Shop) -> None:
    assert shop.get("/checkout").status_code == 404


def test_vendors_keep_their_ports_beside_the_shop() -> None:
    with serve() as sandbox:
        names = list(sandbox.urls)

    assert names[:2] == ["stripe", "vercel"]
    assert "shop" in names
