from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

ENDPOINTS = "/v1/webhook_endpoints"
NEW = {"url": "https://shop.example/new", "enabled_events[0]": "charge.refunded"}


def create(http: httpx.Client, **more: str) -> httpx.Response:
    return http.post(ENDPOINTS, data={**NEW, **more})


def error(response: httpx.Response) -> dict[str, str]:
    found: dict[str, str] = response.json()["error"]
    return found


def test_the_seeded_account_is_the_sandbox_shop_in_test_mode(stripe_http: httpx.Client) -> None:
    account = stripe_http.get("/v1/account").json()
    endpoints = stripe_http.get(ENDPOINTS).json()["data"]

    assert account["id"] == "acct_1SandboxShop"
    assert {endpoint["id"]: endpoint["livemode"] for endpoint in endpoints} == {
        "we_payments": False,
        "we_connect": False,
        "we_analytics": False,
    }


def test_a_list_is_newest_first_and_pages_in_both_directions(stripe_http: httpx.Client) -> None:
    made = [create(stripe_http).json()["id"] for _ in range(9)]
    newest_first = [*reversed(made), "we_payments", "we_connect", "we_analytics"]

    first = stripe_http.get(ENDPOINTS).json()
    second = stripe_http.get(ENDPOINTS, params={"starting_after": newest_first[9]}).json()
    back = stripe_http.get(ENDPOINTS, params={"ending_before": newest_first[2], "limit": 1}).json()

    assert [item["id"] for item in first["data"]] == newest_first[:10]
    assert first["has_more"] is True
    assert [item["id"] for item in second["data"]] == newest_first[10:]
    assert second["has_more"] is False
    assert [item["id"] for item in back["data"]] == [newest_first[1]]
    assert back["has_more"] is True


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"limit": "101"}, "parameter_invalid_integer", "limit"),
        ({"limit": "0"}, "parameter_invalid_integer", "limit"),
        ({"limit": "ten"}, "parameter_invalid_integer", "limit"),
        ({"page": "2"}, "parameter_unknown", "page"),
        ({"starting_after": "we_gone"}, "resource_missing", "starting_after"),
    ],
)
def test_a_bad_list_parameter_is_refused_by_name(
    stripe_http: httpx.Client, params: dict[str, str], code: str, param: str
) -> None:
    response = stripe_http.get(ENDPOINTS, params=params)

    assert response.status_code == 400
    assert (error(response)["code"], error(response)["param"]) == (code, param)


def test_only_the_create_answer_has_the_secret(stripe_http: httpx.Client) -> None:
    created = create(stripe_http).json()
    read = stripe_http.get(f"{ENDPOINTS}/{created['id']}").json()
    listed = stripe_http.get(ENDPOINTS).json()["data"][0]

    assert created["secret"].startswith("whsec_sandboxFAKE")
    assert read == listed == {name: value for name, value in created.items() if name != "secret"}


def test_a_recreated_endpoint_has_another_id_and_secret(stripe_http: httpx.Client) -> None:
    first = create(stripe_http).json()
    stripe_http.delete(f"{ENDPOINTS}/{first['id']}")
    second = create(stripe_http).json()

    assert first["id"] != second["id"]
    assert first["secret"] != second["secret"]


def test_connect_is_never_shown_but_as_an_application(stripe_http: httpx.Client) -> None:
    created = create(stripe_http, connect="true", api_version="2024-06-20").json()

    assert "connect" not in created
    assert created["application"].startswith("ca_")
    assert created["api_version"] == "2024-06-20"


def test_two_endpoints_may_have_the_same_url(stripe_http: httpx.Client) -> None:
    first, second = create(stripe_http).json(), create(stripe_http).json()

    assert first["url"] == second["url"]
    assert first["id"] != second["id"]


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({**NEW, "disabled": "true"}, "parameter_unknown", "disabled"),
        ({**NEW, "name": "x"}, "parameter_unknown", "name"),
        ({"url": NEW["url"]}, "parameter_missing", "enabled_events"),
        ({"enabled_events[]": "charge.refunded"}, "parameter_missing", "url"),
        ({**NEW, "url": "shop.example"}, "url_invalid", "url"),
        ({**NEW, "enabled_events[0]": "payment_intent.*"}, None, "enabled_events[0]"),
        ({**NEW, "enabled_events[0]": ""}, None, "enabled_events[0]"),
        ({"url": NEW["url"], "enabled_events": ""}, None, "enabled_events"),
        ({"url": NEW["url"], "enabled_events": "charge.refunded"}, None, "enabled_events"),
        ({**NEW, "connect": "yes"}, None, "connect"),
        ({**NEW, "api_version": "latest"}, None, "api_version"),
        ({**NEW, "metadata[a]": "x" * 501}, None, "metadata[a]"),
    ],
)
def test_a_bad_create_is_refused_by_name_and_makes_nothing(
    stripe_http: httpx.Client, form: dict[str, str], code: str | None, param: str
) -> None:
    response = stripe_http.post(ENDPOINTS, data=form)

    assert response.status_code == 400
    assert error(response)["type"] == "invalid_request_error"
    assert (error(response).get("code"), error(response)["param"]) == (code, param)
    assert len(stripe_http.get(ENDPOINTS).json()["data"]) == 3


@pytest.mark.parametrize("name", ["api_version", "connect", "secret", "status"])
def test_an_update_refuses_what_is_fixed_at_creation(stripe_http: httpx.Client, name: str) -> None:
    response = stripe_http.post(f"{ENDPOINTS}/we_payments", data={name: "true"})

    assert response.status_code == 400
    assert error(response)["code"] == "parameter_unknown"


def test_an_update_replaces_events_and_keeps_the_rest(stripe_http: httpx.Client) -> None:
    before = stripe_http.get(f"{ENDPOINTS}/we_payments").json()

    after = stripe_http.post(
        f"{ENDPOINTS}/we_payments", data={"enabled_events[]": ["*"], "disabled": "true"}
    ).json()

    assert after == {**before, "enabled_events": ["*"], "status": "disabled"}
    assert stripe_http.get(f"{ENDPOINTS}/we_payments").json() == after


def test_an_update_without_a_body_is_a_200_that_changes_nothing(stripe_http: httpx.Client) -> None:
    before = stripe_http.get(f"{ENDPOINTS}/we_payments").json()

    response = stripe_http.post(f"{ENDPOINTS}/we_payments")

    assert response.status_code == 200
    assert response.json() == before


def test_metadata_is_merged_and_an_empty_value_deletes_its_key(stripe_http: httpx.Client) -> None:
    path = f"{ENDPOINTS}/we_payments"
    added = stripe_http.post(path, data={"metadata[owner]": "anna"}).json()["metadata"]
    removed = stripe_http.post(path, data={"metadata[team]": ""}).json()["metadata"]
    cleared = stripe_http.post(path, data={"metadata": ""}).json()["metadata"]

    assert added == {"team": "payments", "owner": "anna"}
    assert removed == {"owner": "anna"}
    assert cleared == {}


def test_an_empty_description_reads_back_as_null(stripe_http: httpx.Client) -> None:
    updated = stripe_http.post(f"{ENDPOINTS}/we_payments", data={"description": ""}).json()

    assert updated["description"] is None


def test_a_deleted_endpoint_is_missing_for_every_operation(stripe_http: httpx.Client) -> None:
    path = f"{ENDPOINTS}/we_payments"

    deleted = stripe_http.delete(path).json()
    later = [stripe_http.get(path), stripe_http.post(path), stripe_http.delete(path)]

    assert deleted == {"id": "we_payments", "object": "webhook_endpoint", "deleted": True}
    assert [response.status_code for response in later] == [404, 404, 404]
    assert {error(response)["code"] for response in later} == {"resource_missing"}


def test_the_seventeenth_endpoint_is_refused(stripe_http: httpx.Client) -> None:
    statuses = [create(stripe_http).status_code for _ in range(14)]

    assert statuses == [200] * 13 + [400]
    assert "16 test webhook endpoints" in error(create(stripe_http))["message"]


def test_a_retried_create_replays_the_first_answer_with_its_secret(
    stripe_http: httpx.Client,
) -> None:
    key = {"Idempotency-Key": "run-1"}
    first = stripe_http.post(ENDPOINTS, data=NEW, headers=key)
    second = stripe_http.post(ENDPOINTS, data=NEW, headers=key)

    assert second.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert len(stripe_http.get(ENDPOINTS).json()["data"]) == 4


def test_a_replay_outlives_the_endpoint_it_made(stripe_http: httpx.Client) -> None:
    key = {"Idempotency-Key": "run-1"}
    created = stripe_http.post(ENDPOINTS, data=NEW, headers=key).json()
    stripe_http.delete(f"{ENDPOINTS}/{created['id']}")

    replayed = stripe_http.post(ENDPOINTS, data=NEW, headers=key).json()

    assert replayed == created
    assert stripe_http.get(f"{ENDPOINTS}/{created['id']}").status_code == 404


def test_a_key_reused_for_other_parameters_is_refused(stripe_http: httpx.Client) -> None:
    key = {"Idempotency-Key": "run-1"}
    stripe_http.post(ENDPOINTS, data=NEW, headers=key)

    response = stripe_http.post(ENDPOINTS, data={**NEW, "description": "other"}, headers=key)

    assert response.status_code == 400
    assert error(response)["type"] == "idempotency_error"


def test_a_refused_create_does_not_use_up_its_key(stripe_http: httpx.Client) -> None:
    key = {"Idempotency-Key": "run-1"}
    stripe_http.post(ENDPOINTS, data={"url": "nowhere"}, headers=key)

    assert stripe_http.post(ENDPOINTS, data=NEW, headers=key).status_code == 200


def test_a_json_body_is_refused(stripe_http: httpx.Client) -> None:
    response = stripe_http.post(ENDPOINTS, json={"url": NEW["url"]})

    assert response.status_code == 400
    assert "application/x-www-form-urlencoded" in error(response)["message"]


def test_each_answer_names_its_request_and_version(stripe_http: httpx.Client) -> None:
    first = stripe_http.get("/v1/account", headers={"Stripe-Version": "2024-06-20"})
    second = stripe_http.get("/v1/account")

    assert first.headers["stripe-version"] == "2024-06-20"
    assert second.headers["stripe-version"] == "2026-10-28.endive"
    assert first.headers["request-id"] != second.headers["request-id"]


@pytest.mark.parametrize("key", ["sk_live_x", "sk_test_", "pk_test_x", "whsec_x", "sandbox-token"])
def test_a_credential_of_nobody_is_refused_without_being_repeated(
    stripe_http: httpx.Client, key: str
) -> None:
    response = stripe_http.get("/v1/account", headers={"Authorization": f"Bearer {key}"})

    assert response.status_code == 401
    assert error(response)["message"].startswith("Invalid API Key provided: ")
    assert "****" in error(response)["message"]


def test_a_request_without_a_key_is_told_so(stripe_http: httpx.Client) -> None:
    response = stripe_http.get("/v1/account", headers={"Authorization": ""})

    assert response.status_code == 401
    assert "did not provide an API key" in error(response)["message"]


def test_basic_authentication_takes_the_key_as_user(stripe_http: httpx.Client) -> None:
    assert stripe_http.get("/v1/account", auth=("rk_test_x", "")).status_code == 200


def test_a_restricted_key_is_told_the_permission_it_lacks(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    state = control.get("/state/stripe").json()
    state["credentials"] = {"rk_test_reader": {"permissions": ["webhook_read"]}}
    control.put("/state/stripe", json=state)
    reader = {"Authorization": "Bearer rk_test_reader"}

    read = stripe_http.get(ENDPOINTS, headers=reader)
    write = stripe_http.post(f"{ENDPOINTS}/we_payments", data={}, headers=reader)

    assert read.status_code == 200
    assert write.status_code == 403
    assert "rak_webhook_write" in error(write)["message"]


def test_a_live_credential_of_the_seed_opens_its_own_account(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    state = control.get("/state/stripe").json()
    live = {**state, "livemode": True, "account": {"id": "acct_live", "object": "account"}}
    live |= {"webhook_endpoints": [], "credentials": {}}
    state["credentials"] = {"sk_live_x": {"state": live}}
    control.put("/state/stripe", json=state)
    headers = {"Authorization": "Bearer sk_live_x"}

    account = stripe_http.get("/v1/account", headers=headers).json()
    created = stripe_http.post(ENDPOINTS, data=NEW, headers=headers).json()
    insecure = stripe_http.post(ENDPOINTS, data={**NEW, "url": "http://x.example"}, headers=headers)

    assert account["id"] == "acct_live"
    assert created["livemode"] is True
    assert insecure.status_code == 400
    assert len(stripe_http.get(ENDPOINTS).json()["data"]) == 3


def test_an_unknown_path_is_a_404_in_the_vendors_envelope(stripe_http: httpx.Client) -> None:
    response = stripe_http.get("/v1/nothing")

    assert response.status_code == 404
    assert "Unrecognized request URL" in error(response)["message"]


def test_events_are_filtered_by_type_time_and_delivery(
    stripe_http: httpx.Client, control: httpx.Client
) -> None:
    state = control.get("/state/stripe").json()
    state["events"] = [
        {"id": f"evt_{n}", "object": "event", "type": kind, "created": n, "pending_webhooks": n % 2}
        for n, kind in enumerate(("charge.refunded", "charge.refunded", "invoice.paid"))
    ]
    control.put("/state/stripe", json=state)

    def found(**params: str) -> list[str]:
        return [item["id"] for item in stripe_http.get("/v1/events", params=params).json()["data"]]

    assert found() == ["evt_2", "evt_1", "evt_0"]
    assert found(type="charge.refunded") == ["evt_1", "evt_0"]
    assert found(**{"created[gte]": "1"}) == ["evt_2", "evt_1"]
    assert found(delivery_success="false") == ["evt_1"]
