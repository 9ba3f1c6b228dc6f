from __future__ import annotations

import base64
import logging
import traceback

import httpx
import pytest

from reconciler.core import errors
from reconciler.core.masking import Masker
from reconciler.providers.stripe.profile import STRIPE
from reconciler.providers.vercel.profile import VERCEL
from reconciler.wire.failures import cleaned
from reconciler.wire.http import Connection, Credential, HttpClient, VendorProfile
from tests.wire.scripted import KEY, REFERENCE, Vendor, client_for, ok, refusal


def error_after(*script: httpx.Response | Exception, method: str = "GET") -> errors.VendorError:
    with client_for(Vendor(script)) as client, pytest.raises(errors.VendorError) as caught:
        client.request(method, "/v1/webhook_endpoints/we_1")
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, errors.VendorError),
        (400, errors.VendorError),
        (401, errors.Unauthenticated),
        (402, errors.VendorError),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (412, errors.Conflict),
        (429, errors.RateLimited),
        (500, errors.Unavailable),
        (599, errors.Unavailable),
    ],
)
def test_each_status_has_one_place_in_the_error_tree(
    status: int, kind: type[errors.VendorError]
) -> None:
    error = error_after(refusal(status, "Because.", Request_Id="req_7"))

    assert type(error) is kind
    assert (error.vendor, error.status, error.code) == ("stripe", status, "some_code")
    first, *rest = error.detail.splitlines()
    assert first.startswith(f"GET /v1/webhook_endpoints/we_1: {status} some_code (request req_7")
    assert rest == ["Because."]


def test_401_says_which_variable_to_check() -> None:
    error = error_after(refusal(401))

    assert error.summary == f"stripe does not accept the credential {REFERENCE}"
    assert "environment variable STRIPE_SECRET_KEY" in error.mend


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        ("${env:TOKEN}", "the environment variable TOKEN"),
        ("${secret:gcp/stripe@4}", "${secret:gcp/stripe@4}"),
        ("prefix ${nonsense", "prefix ${nonsense"),
        ("", ""),
    ],
)
def test_the_place_of_a_credential_follows_from_its_reference(reference: str, place: str) -> None:
    assert Credential(KEY, reference).place == place


def test_403_names_the_missing_permission() -> None:
    error = error_after(
        refusal(
            403,
            "The provided key 'rk_test_***' does not have the required permissions for this endpoint on account "
            "'acct_1'. Having the 'rak_webhook_read' permission would allow this request to continue.",
        )
    )

    assert (
        error.summary == f"The stripe credential {REFERENCE} lacks the permission rak_webhook_read"
    )


def test_vercels_403_for_a_bad_token_is_about_the_token() -> None:
    body = {"error": {"code": "forbidden", "message": "Not authorized", "invalidToken": True}}
    vendor = Vendor([httpx.Response(403, json=body)])

    with (
        client_for(vendor, profile=VERCEL, value="vercel-token") as client,
        pytest.raises(errors.Unauthenticated, match="STRIPE_SECRET_KEY"),
    ):
        client.request("GET", "/v2/user")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>bad gateway",
        b"[]",
        b'"x"',
        b'{"error": "no"}',
        b'{"error": {"message": 7, "code": []}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("profile", [STRIPE, VERCEL])
def test_any_error_body_makes_an_error(profile: VendorProfile, body: bytes) -> None:
    vendor = Vendor([httpx.Response(404, content=body)])

    with client_for(vendor, profile=profile) as client, pytest.raises(errors.NotFound) as caught:
        client.request("GET", "/x")

    assert "GET /x: 404" in caught.value.detail


def test_a_redirect_is_not_followed_but_named() -> None:
    portal = httpx.Response(302, headers={"Location": "https://login.example/"})
    vendor = Vendor([portal])

    with client_for(vendor) as client, pytest.raises(errors.VendorError) as caught:
        client.request("GET", "/v1/account")

    assert "https://login.example/" in caught.value.detail
    assert [request.url.host for request in vendor.asked] == ["api.stripe.com"]


def test_a_vendors_message_cannot_play_with_the_terminal() -> None:
    error = error_after(refusal(400, "a\x1b[31mb\r\nc\u202ed\u2028e\x9bf" + "x" * 10_000))

    message = error.detail.splitlines()[1]
    assert message.startswith("a[31mb cd efxxx")
    assert len(message) == 500


@pytest.mark.parametrize(
    "leak",
    [KEY, base64.b64encode(f"user:{KEY}".encode()).decode(), KEY[:14] + "\x00\u200b" + KEY[14:]],
)
def test_a_credential_that_the_vendor_repeats_is_masked(leak: str) -> None:
    error = error_after(refusal(401, f"Invalid API Key provided: {leak}", Request_Id=KEY))

    said = f"{error.summary} {error.detail} {error.mend}"
    assert said.count("[secret]") == 2
    assert KEY[14:] not in said
    assert leak not in said


def test_a_secret_with_spaces_in_it_is_masked() -> None:
    masker = Masker(["correct  horse\tbattery"])

    assert cleaned("It is correct  horse\tbattery.", masker) == "It is [secret]."


def test_a_credential_at_the_edge_of_a_cut_message_is_masked() -> None:
    said = [error_after(refusal(400, "x" * length + KEY)).detail for length in range(450, 500)]

    assert not any("sk_test_c" in detail for detail in said)


@pytest.mark.parametrize(
    "failure",
    [
        refusal(401),
        refusal(500),
        httpx.ReadError("Connection reset by peer"),
        httpx.ConnectError("Connection refused"),
        httpx.LocalProtocolError(f"Illegal header value b'Bearer {KEY}'"),
        httpx.Response(200, content=f"<html>{KEY}</html>".encode()),
    ],
)
def test_an_error_carries_no_credential_and_no_chain(failure: httpx.Response | Exception) -> None:
    with client_for(Vendor([failure])) as client, pytest.raises(errors.VendorError) as caught:
        client.request_json("GET", "/v1/account")

    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    assert "canary" not in "".join(traceback.format_exception(error))
    assert "canary" not in repr(vars(error))


def test_neither_logs_nor_reprs_hold_the_credential(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with client_for(Vendor([refusal(500), ok()])) as client:
        answer = client.request("GET", "/v1/account")

    assert "canary" not in caplog.text
    assert "canary" not in f"{client!r} {Credential(KEY, REFERENCE)!r} {answer!r}"
    with pytest.raises(RuntimeError):
        _ = answer.request


@pytest.mark.parametrize(
    "value", [KEY + "\n", "sk_test_caf\u00e9", KEY + "\r\nX-Evil: 1", "a\x00bcdefg"]
)
def test_a_credential_that_cannot_be_sent_is_refused_without_showing_it(value: str) -> None:
    with (
        pytest.raises(errors.Unauthenticated, match="STRIPE_SECRET_KEY") as caught,
        client_for(Vendor([ok()]), value=value),
    ):
        pass

    assert value.strip() not in f"{caught.value.detail} {caught.value.mend}"


def test_a_live_key_is_not_taken_to_a_foreign_address() -> None:
    key = Credential("sk_live_abc123", REFERENCE)

    with (
        Connection(STRIPE, base_url="http://127.0.0.1:9") as connection,
        pytest.raises(errors.WrongAccount),
    ):
        HttpClient(connection, credential=key, masker=Masker(), writes=False)
