from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError

from reconciler.sandbox.faults import Fault, FaultBook

ENDPOINTS = "/v1/webhook_endpoints"
NEW = {"url": "https://shop.example/new", "enabled_events[0]": "charge.refunded"}
STRIPE_WRITES = {"vendor": "stripe", "method": "POST", "path": f"{ENDPOINTS}*"}


def ask_for(control: httpx.Client, **fault: object) -> None:
    control.post("/faults", json=fault).raise_for_status()


def listed(http: httpx.Client, **params: str) -> list[str]:
    return [item["id"] for item in http.get(ENDPOINTS, params=params).json()["data"]]


def statuses(http: httpx.Client, count: int) -> list[int]:
    return [http.get("/v1/account").status_code for _ in range(count)]


@pytest.mark.parametrize(
    ("rule", "struck"),
    [
        ({}, [True, True, True, True]),
        ({"times": 2}, [True, True, False, False]),
        ({"nth": 2}, [False, True, False, False]),
        ({"nth": 2, "times": 2}, [False, True, True, False]),
    ],
)
def test_a_rule_strikes_the_requests_it_names(rule: dict[str, int], struck: list[bool]) -> None:
    book = FaultBook()
    book.add(Fault.model_validate({**rule, "status": 500}))

    assert [book.strike("stripe", "GET", "/v1/account") is not None for _ in range(4)] == struck


def test_a_rule_passes_over_other_vendors_methods_and_paths() -> None:
    book = FaultBook()
    book.add(Fault(vendor="stripe", method="POST", path="/v1/webhook_endpoints/*", status=500))

    assert book.strike("vercel", "POST", "/v1/webhook_endpoints/we_1") is None
    assert book.strike("stripe", "GET", "/v1/webhook_endpoints/we_1") is None
    assert book.strike("stripe", "POST", "/v1/webhook_endpoints") is None
    assert book.strike("stripe", "POST", "/v1/webhook_endpoints/we_1") is not None


def test_the_first_rule_that_strikes_wins_and_all_that_fit_count() -> None:
    book = FaultBook()
    book.add(Fault(nth=2, status=500))
    book.add(Fault(nth=3, status=503))

    struck = [book.strike("stripe", "GET", "/") for _ in range(3)]

    assert [fault.status if fault else None for fault in struck] == [None, 500, 503]


@pytest.mark.parametrize("fault", [{}, {"path": "/v1/*"}, {"status": 99}, {"sttus": 500}])
def test_a_rule_that_could_do_nothing_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(fault)


def test_a_status_is_answered_in_the_vendors_envelope(
    stripe_http: httpx.Client, vercel_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, status=503, times=2)

    stripe, vercel = stripe_http.get("/v1/account"), vercel_http.get("/v2/user")

    assert (stripe.status_code, stripe.json()["error"]["type"]) == (503, "api_error")
    assert (vercel.status_code, vercel.json()["error"]["code"]) == (503, "internal_server_error")
    assert statuses(stripe_http, 1) == [200]


def test_body_and_headers_can_be_given(stripe_http: httpx.Client, control: httpx.Client) -> None:
    ask_for(control, status=429, body={"error": "slow down"}, headers={"Retry-After": "7"})

    response = stripe_http.get("/v1/account")

    assert (response.status_code, response.json()) == (429, {"error": "slow down"})
    assert response.headers["retry-after"] == "7"


def test_a_status_alone_means_nothing_took_place(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, **STRIPE_WRITES, status=500)

    assert stripe_http.post(ENDPOINTS, data=NEW).status_code == 500
    assert len(listed(stripe_http)) == 3


def test_an_error_after_the_effect_leaves_the_effect(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, **STRIPE_WRITES, status=500, after_effect=True)

    answer = stripe_http.post(ENDPOINTS, data=NEW)

    assert answer.status_code == 500
    assert "whsec_" not in answer.text
    assert len(listed(stripe_http)) == 4


def test_a_retry_of_an_error_after_the_effect_replays_the_error(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, **STRIPE_WRITES, status=500, after_effect=True, times=1)
    key = {"Idempotency-Key": "run-1"}

    first = stripe_http.post(ENDPOINTS, data=NEW, headers=key)
    second = stripe_http.post(ENDPOINTS, data=NEW, headers=key)

    assert (first.status_code, second.status_code) == (500, 500)
    assert len(listed(stripe_http)) == 4


@pytest.mark.parametrize(("moment", "count"), [("before", 3), ("after", 4)])
def test_a_dropped_connection_may_hide_an_effect(
    stripe_http: httpx.Client, control: httpx.Client, moment: str, count: int
) -> None:
    ask_for(control, **STRIPE_WRITES, drop=moment)

    with pytest.raises(httpx.RemoteProtocolError):
        stripe_http.post(ENDPOINTS, data=NEW)

    assert len(listed(stripe_http)) == count
    assert control.get("/requests").json()[0]["status"] == 0


def test_a_retry_after_a_drop_replays_the_hidden_success(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, **STRIPE_WRITES, drop="after", times=1)
    key = {"Idempotency-Key": "run-1"}
    with pytest.raises(httpx.RemoteProtocolError):
        stripe_http.post(ENDPOINTS, data=NEW, headers=key)

    retried = stripe_http.post(ENDPOINTS, data=NEW, headers=key)

    assert retried.status_code == 200
    assert retried.json()["secret"]
    assert listed(stripe_http)[0] == retried.json()["id"]
    assert len(listed(stripe_http)) == 4


def test_a_success_without_effect_looks_like_one(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, **STRIPE_WRITES, no_effect=True)

    answer = stripe_http.post(f"{ENDPOINTS}/we_payments", data={"disabled": "true"})
    created = stripe_http.post(ENDPOINTS, data=NEW)

    assert (answer.status_code, answer.json()["status"]) == (200, "disabled")
    assert stripe_http.get(f"{ENDPOINTS}/we_payments").json()["status"] == "enabled"
    assert created.json()["id"] not in listed(stripe_http)


@pytest.mark.parametrize(
    ("page", "found"),
    [
        (1, ["we_connect", "we_analytics"]),
        (2, ["we_payments", "we_analytics"]),
        (3, ["we_payments", "we_connect"]),
        (4, ["we_payments", "we_connect", "we_analytics"]),
    ],
)
def test_a_page_can_be_missing_without_a_word(
    stripe_http: httpx.Client, control: httpx.Client, page: int, found: list[str]
) -> None:
    ask_for(control, path=ENDPOINTS, skip_page=page)

    seen: list[str] = []
    params = {"limit": "1"}
    while True:
        answer = stripe_http.get(ENDPOINTS, params=params).json()
        seen += [item["id"] for item in answer["data"]]
        if not answer["has_more"]:
            break
        params["starting_after"] = seen[-1]

    assert seen == found


def test_a_page_can_be_missing_where_pages_go_by_time(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, vendor="vercel", path="/v6/deployments", skip_page=2)

    first = vercel_http.get("/v6/deployments", params={"limit": "2"}).json()
    until = str(first["pagination"]["next"])
    second = vercel_http.get("/v6/deployments", params={"limit": "2", "until": until}).json()

    assert [item["uid"] for item in first["deployments"]] == ["dpl_bad_42", "dpl_preview_7"]
    assert [item["uid"] for item in second["deployments"]] == ["dpl_failed_39", "dpl_retired_12"]


def test_a_list_of_one_page_is_empty_without_it(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, path="*/env", skip_page=1)

    assert vercel_http.get("/v10/projects/shop/env").json() == {"envs": []}


def test_reads_after_a_write_can_be_stale(stripe_http: httpx.Client, control: httpx.Client) -> None:
    ask_for(control, **STRIPE_WRITES, stale=2)
    path = f"{ENDPOINTS}/we_payments"

    written = stripe_http.post(path, data={"disabled": "true"}).json()["status"]
    read = [stripe_http.get(path).json()["status"] for _ in range(3)]

    assert written == "disabled"
    assert read == ["enabled", "enabled", "disabled"]


def test_stale_reads_can_be_confined_to_some_paths(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, **STRIPE_WRITES, stale=1, reads=ENDPOINTS)

    created = stripe_http.post(ENDPOINTS, data=NEW).json()["id"]
    by_id = stripe_http.get(f"{ENDPOINTS}/{created}")

    assert by_id.status_code == 200
    assert created not in listed(stripe_http)
    assert created in listed(stripe_http)


def test_a_slow_answer_comes_after_the_effect_when_told_so(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, **STRIPE_WRITES, delay=0.3, after_effect=True)

    with pytest.raises(httpx.ReadTimeout):
        stripe_http.post(ENDPOINTS, data=NEW, timeout=0.1)

    assert len(listed(stripe_http)) == 4


def test_a_slow_request_only_takes_its_time(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    ask_for(control, path="/v1/account", delay=0.02)

    response = stripe_http.get("/v1/account")

    assert response.status_code == 200
    assert response.elapsed.total_seconds() >= 0.02
