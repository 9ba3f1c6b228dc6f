from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from reconciler.core import errors
from reconciler.wire import http as http_module
from reconciler.wire.http import VendorProfile
from tests.wire.scripted import KEY, Vendor, client_for, ok


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "BREW"])
def test_a_reading_client_sends_nothing_that_may_write(method: str) -> None:
    vendor = Vendor([ok()])

    with client_for(vendor, writes=False) as client, pytest.raises(errors.WriteAttempted):
        client.request(method, "/v1/webhook_endpoints")

    assert vendor.asked == []
    assert client.requests_made == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "get"])
def test_a_reading_client_reads(method: str) -> None:
    vendor = Vendor([ok()])

    with client_for(vendor, writes=False) as client:
        client.request(method, "/v1/account")

    assert [request.method for request in vendor.asked] == [method.upper()]


READS = VendorProfile(
    vendor="acme",
    base_url="https://api.acme.example",
    rate=100,
    burst=50,
    request_id="X-Id",
    reads=frozenset({("POST", "/v1/*/search")}),
)


def test_a_listed_post_is_a_read() -> None:
    vendor = Vendor([ok()])

    with client_for(vendor, profile=READS, writes=False) as client:
        client.request("POST", "/v1/things/search?all=1", json={})

    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    "path", ["/v1/a/b/search", "/v1/search", "/v1/a/search/b", "/v2/a/search", "/v1/a?/v1/a/search"]
)
def test_a_star_in_a_listed_path_is_one_segment(path: str) -> None:
    vendor = Vendor([ok()])

    with (
        client_for(vendor, profile=READS, writes=False) as client,
        pytest.raises(errors.WriteAttempted),
    ):
        client.request("POST", path)

    assert vendor.asked == []


@pytest.mark.parametrize(
    "path", ["/v1/a/../b", "/v1/a/%2e%2e/b", "/v1/a/%2E", "/v1/a#b", "v1/a", "", "/v1/\n"]
)
def test_a_path_that_would_reach_another_object_is_not_sent(path: str) -> None:
    vendor = Vendor([ok()])

    with client_for(vendor) as client, pytest.raises(errors.VendorError, match="cannot be sent"):
        client.request("DELETE", path)

    assert vendor.asked == []


@pytest.mark.parametrize("body", [b"<html>Welcome to Hotel Wifi</html>", b"", b'{"cut": ', b"\xff"])
def test_a_success_that_is_not_json_is_an_error(body: bytes) -> None:
    portal = httpx.Response(200, content=body, headers={"Content-Type": "text/html; charset=x"})

    with client_for(Vendor([portal])) as client, pytest.raises(errors.VendorError) as caught:
        client.request_json("GET", "/v1/account")

    assert type(caught.value) is errors.VendorError
    assert (
        "Expected JSON, but the answer (200, text/html) is something else." in caught.value.detail
    )


def test_a_write_answered_with_something_else_may_have_been_made() -> None:
    portal = httpx.Response(200, content=b"<html>")

    with client_for(Vendor([portal])) as client, pytest.raises(errors.Unavailable, match="unknown"):
        client.request_json("POST", "/v1/x")


def test_no_content_is_no_json() -> None:
    with client_for(Vendor([httpx.Response(204)])) as client:
        assert client.request_json("DELETE", "/v1/x") is None


def test_a_packed_answer_arrives_unpacked() -> None:
    packed = gzip.compress(b'{"a": 1}')

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=packed)

    with client_for(answer) as client:
        assert client.request_json("GET", "/v1/x") == {"a": 1}


def test_an_endless_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "LARGEST_BODY", 1024 * 1024)
    bomb = gzip.compress(b" " * 3 * 1024 * 1024)

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=bomb)

    with client_for(answer) as client, pytest.raises(errors.VendorError) as caught:
        client.request("GET", "/v1/x")

    assert "longer than 1 MiB" in caught.value.detail
    assert client.requests_made == 1


def test_a_request_carries_what_it_was_given() -> None:
    vendor = Vendor([ok()])

    with client_for(vendor) as client:
        client.request("POST", "/v1/x", params={"limit": 100}, json={"a": 1}, headers={"X-A": "b"})

    (request,) = vendor.asked
    assert str(request.url) == "https://api.stripe.com/v1/x?limit=100"
    assert request.content == b'{"a":1}'
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["X-A"] == "b"
    assert request.headers["User-Agent"].startswith("reconciler/")


def test_requests_of_many_threads_are_all_counted() -> None:
    with client_for(Vendor([ok()])) as client, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: client.request("GET", "/v1/x"), range(200)))

    assert client.requests_made == 200
