from __future__ import annotations

import httpx
import pytest

from reconciler.core import errors
from reconciler.core.masking import Masker
from reconciler.providers.stripe.profile import STRIPE
from reconciler.providers.vercel.profile import VERCEL
from reconciler.wire.http import Connection, Credential, HttpClient
from tests.wire.scripted import KEY, FakeTime, Vendor, client_for, ok, refusal


def reset() -> httpx.ReadError:
    return httpx.ReadError("Connection reset by peer")


def refused() -> httpx.ConnectError:
    return httpx.ConnectError("Connection refused")


@pytest.mark.parametrize("failure", [refusal(429), refusal(500), refusal(503), reset(), refused()])
def test_a_read_is_tried_again(failure: httpx.Response | Exception) -> None:
    vendor = Vendor([failure, failure, ok()])

    with client_for(vendor) as client:
        assert client.request_json("GET", "/v1/account") == {"id": "we_1"}

    assert client.requests_made == 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 412, 422, 302])
def test_no_other_answer_is_tried_again(status: int) -> None:
    vendor = Vendor([refusal(status)])

    with client_for(vendor) as client, pytest.raises(errors.VendorError):
        client.request("GET", "/v1/account")

    assert len(vendor.asked) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("failure", [refusal(500), refusal(503), reset(), httpx.ReadTimeout("")])
def test_a_write_whose_effect_is_unknown_is_not_repeated(
    method: str, failure: httpx.Response | Exception
) -> None:
    vendor = Vendor([failure, ok()])

    with (
        client_for(vendor) as client,
        pytest.raises(errors.Unavailable, match="whether the change was made is unknown"),
    ):
        client.request(method, "/v1/webhook_endpoints")

    assert len(vendor.asked) == 1


@pytest.mark.parametrize("failure", [refusal(500), reset()])
def test_a_write_with_a_key_is_repeated_with_the_same_key(
    failure: httpx.Response | Exception,
) -> None:
    vendor = Vendor([failure, ok()])

    with client_for(vendor) as client:
        client.request("POST", "/v1/x", content="a=1", headers={"idempotency-key": "run-1"})

    assert [request.headers["Idempotency-Key"] for request in vendor.asked] == ["run-1", "run-1"]
    assert [request.content for request in vendor.asked] == [b"a=1", b"a=1"]


def test_a_write_that_the_caller_calls_idempotent_is_repeated() -> None:
    vendor = Vendor([reset(), ok()])

    with client_for(vendor) as client:
        client.request("PATCH", "/v1/x", json={"enabled": True}, idempotent=True)

    assert len(vendor.asked) == 2


@pytest.mark.parametrize("failure", [refusal(429), refused(), httpx.ConnectTimeout("")])
def test_a_write_that_surely_did_nothing_is_repeated(failure: httpx.Response | Exception) -> None:
    vendor = Vendor([failure, ok()])

    with client_for(vendor) as client:
        client.request("POST", "/v1/x")

    assert len(vendor.asked) == 2


def test_doubt_from_an_earlier_attempt_is_not_forgotten() -> None:
    vendor = Vendor([reset(), refusal(404)])

    with client_for(vendor) as client, pytest.raises(errors.NotFound, match="is unknown"):
        client.request("DELETE", "/v1/x", idempotent=True)


def test_attempts_are_bounded_and_the_waits_double() -> None:
    time, vendor = FakeTime(), Vendor([refusal(500)])

    with client_for(vendor, time=time) as client, pytest.raises(errors.Unavailable) as caught:
        client.request("GET", "/v1/account")

    assert len(vendor.asked) == 5
    assert "5 attempts" in caught.value.detail
    backoff = [seconds for seconds in time.slept if seconds >= 0.5]
    assert backoff == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_out(status: int) -> None:
    time = FakeTime()

    with client_for(Vendor([refusal(status, Retry_After="17"), ok()]), time=time) as client:
        client.request("GET", "/v1/account")

    assert 17 <= sum(time.slept) < 18


@pytest.mark.parametrize(("status", "kind"), [(429, errors.RateLimited), (503, errors.Unavailable)])
def test_a_wait_over_the_cap_is_an_error_that_says_when(
    status: int, kind: type[errors.VendorError]
) -> None:
    time, vendor = FakeTime(), Vendor([refusal(status, Retry_After="3600")])

    with client_for(vendor, time=time) as client, pytest.raises(kind) as caught:
        client.request("GET", "/v1/account")

    assert "3600 s" in caught.value.detail
    assert (len(vendor.asked), time.slept) == (1, [])


def test_429_slows_every_client_of_the_account_down() -> None:
    time, vendor = FakeTime(), Vendor([refusal(429, Retry_After="30"), ok()])
    transport = httpx.MockTransport(vendor)
    with Connection(STRIPE, timing=time.timing, transport=transport) as connection:
        reader, writer = (
            HttpClient(connection, credential=Credential(KEY, "x"), masker=Masker(), writes=writes)
            for writes in (False, True)
        )

        reader.request("GET", "/v1/account")
        waited = time.now - 1000
        for _ in range(4):
            writer.request("POST", "/v1/x")

    assert 30 <= waited < 31
    assert time.now - 1000 - waited == pytest.approx(4 / 11, rel=0.1)
    assert (reader.requests_made, writer.requests_made) == (2, 4)


def test_vercels_400_about_a_running_update_is_tried_again() -> None:
    busy = refusal(400, "it could not be created because an ongoing update env update is happening")
    vendor = Vendor([busy, ok()])

    with client_for(vendor, profile=VERCEL, value="vercel-token") as client:
        client.request("POST", "/v10/projects/shop/env", json=[])

    assert len(vendor.asked) == 2


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [
        (refusal(500, Stripe_Should_Retry="false"), 1),
        (refusal(409, Stripe_Should_Retry="true"), 2),
        (refusal(429, Stripe_Should_Retry="false"), 2),
        (httpx.Response(409, json={"error": {"code": "idempotency_key_in_use"}}), 2),
    ],
)
def test_stripes_advice_is_followed(answer: httpx.Response, attempts: int) -> None:
    vendor = Vendor([answer, ok()])

    with client_for(vendor) as client:
        if attempts == 1:
            with pytest.raises(errors.VendorError):
                client.request("POST", "/v1/x", headers={"Idempotency-Key": "k"})
        else:
            client.request("POST", "/v1/x", headers={"Idempotency-Key": "k"})

    assert len(vendor.asked) == attempts


def test_stripes_advice_does_not_repeat_a_write_without_a_key() -> None:
    vendor = Vendor([refusal(500, Stripe_Should_Retry="true"), ok()])

    with client_for(vendor) as client, pytest.raises(errors.Unavailable):
        client.request("DELETE", "/v1/x")

    assert len(vendor.asked) == 1


def test_two_hundred_requests_meet_no_429_from_a_vendor_that_allows_25_a_second() -> None:
    time = FakeTime()
    windows: dict[int, int] = {}

    def vendor(_request: httpx.Request) -> httpx.Response:
        window = int(time.now)
        windows[window] = windows.get(window, 0) + 1
        return refusal(429) if windows[window] > 25 else ok()

    # One after the other: with threads, a request could be held up on its way while the fake clock goes on.
    with client_for(vendor, time=time) as client:
        for _ in range(200):
            client.request("GET", "/v1/x")

    assert client.requests_made == 200
    assert 8 <= time.now - 1000 < 10
