from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

ENDPOINTS = "/v1/webhook_endpoints"


def test_every_vendor_request_is_logged_oldest_first(
    stripe_http: httpx.Client, vercel_http: httpx.Client, control: httpx.Client
) -> None:
    stripe_http.get(ENDPOINTS, params={"limit": "1"})
    vercel_http.delete("/v9/projects/shop/env/env_gone")
    stripe_http.get("/v1/nothing")

    assert control.get("/requests").json() == [
        {
            "vendor": "stripe",
            "method": "GET",
            "path": ENDPOINTS,
            "query": "limit=1",
            "status": 200,
        },
        {
            "vendor": "vercel",
            "method": "DELETE",
            "path": "/v9/projects/shop/env/env_gone",
            "query": "teamId=team_sandbox",
            "status": 404,
        },
        {
            "vendor": "stripe",
            "method": "GET",
            "path": "/v1/nothing",
            "query": "",
            "status": 404,
        },
    ]


def test_the_log_can_be_cleared(stripe_http: httpx.Client, control: httpx.Client) -> None:
    stripe_http.get("/v1/account")

    control.delete("/requests").raise_for_status()

    assert control.get("/requests").json() == []


def test_a_reset_goes_back_to_the_seed_without_faults_or_log(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    seeded = control.get("/state/stripe").json()
    stripe_http.delete(f"{ENDPOINTS}/we_payments")
    control.post("/faults", json={"status": 500})

    control.post("/reset").raise_for_status()

    assert control.get("/state/stripe").json() == seeded
    assert control.get("/faults").json() == []
    assert control.get("/requests").json() == []
    assert stripe_http.get("/v1/account").status_code == 200


def test_a_state_that_is_put_is_the_state(stripe_http: httpx.Client, control: httpx.Client) -> None:
    state = control.get("/state/stripe").json()
    state["webhook_endpoints"] = state["webhook_endpoints"][:1]

    control.put("/state/stripe", json=state).raise_for_status()

    assert control.get("/state/stripe").json() == state
    assert len(stripe_http.get(ENDPOINTS).json()["data"]) == 1


def test_what_a_put_state_leaves_out_is_empty(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    control.put("/state/stripe", json={}).raise_for_status()

    assert stripe_http.get(ENDPOINTS).json()["data"] == []


@pytest.mark.parametrize("body", ["[]", "3", "nonsense"])
def test_a_state_that_is_no_object_is_refused(control: httpx.Client, body: str) -> None:
    assert control.put("/state/stripe", content=body).status_code == 400


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_unknown_vendor_is_a_404_that_names_the_known(
    control: httpx.Client, method: str
) -> None:
    response = control.request(method, "/state/paypal", json={})

    assert response.status_code == 404
    assert "stripe, vercel" in response.json()["error"]["message"]


def test_rules_are_listed_in_order_with_what_they_saw(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    first, second = {"vendor": "stripe", "status": 500}, {"path": "/x", "drop": "before"}

    created = control.post("/faults", json=[first, second])
    stripe_http.get("/v1/account")

    assert created.status_code == 201
    assert control.get("/faults").json() == [{**first, "seen": 1}, {**second, "seen": 0}]


def test_rules_can_be_cleared(stripe_http: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"status": 500})

    control.delete("/faults").raise_for_status()

    assert stripe_http.get("/v1/account").status_code == 200


def test_a_bad_rule_is_refused_and_none_of_its_list_is_added(control: httpx.Client) -> None:
    response = control.post("/faults", json=[{"status": 500}, {"stattus": 500}])

    assert response.status_code == 400
    assert "stattus" in response.json()["error"]["message"]
    assert control.get("/faults").json() == []
