from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

ENV = "/v10/projects/shop/env"
PLAIN = {"key": "CACHE_TTL", "value": "60", "type": "plain", "target": ["production"]}


def rows(http: httpx.Client, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get(ENV, params=params).json()["envs"]
    return found


def row(http: httpx.Client, key: str, target: str = "production") -> dict[str, Any]:
    (found,) = (
        item
        for item in rows(http)
        if item["key"] == key and target in item["target"] and "gitBranch" not in item
    )
    return found


def code(response: httpx.Response) -> str:
    found: str = response.json()["error"]["code"]
    return found


def test_a_list_shows_plain_values_only(vercel_http: httpx.Client) -> None:
    by_type = {item["type"]: item for item in rows(vercel_http)}
    stored = "FAKE"

    assert row(vercel_http, "NEXT_PUBLIC_SITE_URL")["value"] == "https://shop.example"
    assert by_type["sensitive"]["value"] == ""
    assert by_type["encrypted"]["value"] != ""
    assert stored not in by_type["encrypted"]["value"]


def test_the_same_key_has_a_row_for_each_environment(vercel_http: httpx.Client) -> None:
    assert (
        row(vercel_http, "DATABASE_URL")["id"] != row(vercel_http, "DATABASE_URL", "preview")["id"]
    )


def test_one_row_read_by_id_is_decrypted_unless_sensitive(vercel_http: httpx.Client) -> None:
    encrypted = row(vercel_http, "DATABASE_URL")["id"]
    sensitive = row(vercel_http, "STRIPE_WEBHOOK_SECRET")["id"]

    shown = vercel_http.get(f"/v1/projects/shop/env/{encrypted}").json()
    hidden = vercel_http.get(f"/v1/projects/shop/env/{sensitive}").json()

    assert shown["value"].startswith("postgres://")
    assert shown["decrypted"] is True
    assert "value" not in hidden


def test_only_older_lists_decrypt(vercel_http: httpx.Client) -> None:
    def value(version: str) -> str:
        path = f"/{version}/projects/shop/env"
        listed = vercel_http.get(path, params={"decrypt": "true"}).json()["envs"]
        return next(str(item["value"]) for item in listed if item["key"] == "SENTRY_DSN")

    assert value("v8") == value("v9") == "https://FAKEkey@sentry.example/42"
    assert "FAKEkey" not in value("v10")


def test_a_write_changes_the_ciphertext_and_the_time(vercel_http: httpx.Client) -> None:
    before = row(vercel_http, "DATABASE_URL")

    vercel_http.patch(f"/v9/projects/shop/env/{before['id']}", json={"value": "other"})
    after = row(vercel_http, "DATABASE_URL")

    assert after["value"] != before["value"]
    assert after["updatedAt"] > before["updatedAt"]
    assert after["createdAt"] == before["createdAt"]


def test_hidden_production_rows_are_counted_when_there_are_any(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    before = vercel_http.get(ENV).json()
    state = control.get("/state/vercel").json()
    state["projects"][0]["hiddenProductionEnvCount"] = 2
    control.put("/state/vercel", json=state)

    assert "hiddenProductionEnvCount" not in before
    assert vercel_http.get(ENV).json()["hiddenProductionEnvCount"] == 2


def test_a_list_can_be_narrowed_to_a_branch(vercel_http: httpx.Client) -> None:
    found = rows(vercel_http, gitBranch="feature/checkout-v2")

    assert [item["key"] for item in found] == ["FEATURE_FLAGS_URL"]


def test_one_created_row_is_an_object_and_many_are_an_array(vercel_http: httpx.Client) -> None:
    one = vercel_http.post(ENV, json=PLAIN)
    many = vercel_http.post(ENV, json=[{**PLAIN, "key": "A"}, {**PLAIN, "key": "B"}])

    assert one.status_code == many.status_code == 201
    assert one.json()["created"]["key"] == "CACHE_TTL"
    assert [item["key"] for item in many.json()["created"]] == ["A", "B"]
    assert one.json()["failed"] == many.json()["failed"] == []


def test_a_bulk_create_reports_conflicts_inside_a_201_and_makes_the_rest(
    vercel_http: httpx.Client,
) -> None:
    clash = {**PLAIN, "key": "MAINTENANCE_MODE", "target": ["production", "preview"]}

    response = vercel_http.post(ENV, json=[clash, PLAIN])

    assert response.status_code == 201
    assert [item["key"] for item in response.json()["created"]] == ["CACHE_TTL"]
    (failed,) = response.json()["failed"]
    assert failed["error"]["code"] == "ENV_CONFLICT"
    assert failed["error"]["key"] == "MAINTENANCE_MODE"


def test_a_single_create_that_conflicts_is_an_error(vercel_http: httpx.Client) -> None:
    response = vercel_http.post(ENV, json={**PLAIN, "key": "MAINTENANCE_MODE"})

    assert response.status_code == 400
    assert code(response) == "ENV_CONFLICT"


def test_another_branch_or_environment_is_no_conflict(vercel_http: httpx.Client) -> None:
    branch = {**PLAIN, "key": "DATABASE_URL", "target": ["preview"], "gitBranch": "feature/a"}
    other = {**PLAIN, "key": "DATABASE_URL", "target": ["development"]}

    assert vercel_http.post(ENV, json=[branch, other]).json()["failed"] == []


def test_upsert_writes_the_row_of_exactly_that_place_only(vercel_http: httpx.Client) -> None:
    same = {**PLAIN, "key": "MAINTENANCE_MODE", "value": "on"}
    overlapping = {**same, "target": ["production", "preview"]}
    before = row(vercel_http, "MAINTENANCE_MODE")

    written = vercel_http.post(ENV, params={"upsert": "true"}, json=same).json()["created"]
    refused = vercel_http.post(ENV, params={"upsert": "true"}, json=overlapping)

    assert (written["id"], written["value"]) == (before["id"], "on")
    assert code(refused) == "ENV_CONFLICT"


@pytest.mark.parametrize(
    "change",
    [
        {"key": "9LIVES"},
        {"key": ""},
        {"value": None},
        {"type": "secure"},
        {"target": []},
        {"target": ["staging"]},
        {"type": "sensitive", "target": ["development"]},
        {"gitBranch": "main"},
        {"customEnvironmentIds": ["env_unknown"]},
        {"comment": "x" * 501},
        {"secret": True},
    ],
)
def test_a_row_that_cannot_be_is_refused(
    vercel_http: httpx.Client, change: dict[str, object]
) -> None:
    before = len(rows(vercel_http))

    response = vercel_http.post(ENV, json={**PLAIN, **change})

    assert response.status_code == 400
    assert len(rows(vercel_http)) == before


@pytest.mark.parametrize("name", ["key", "value", "type"])
def test_a_row_needs_key_value_and_type(vercel_http: httpx.Client, name: str) -> None:
    body = {key: value for key, value in PLAIN.items() if key != name}

    assert vercel_http.post(ENV, json=body).status_code == 400


def test_a_row_may_be_for_a_custom_environment_alone(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    state = control.get("/state/vercel").json()
    state["projects"][0]["customEnvironments"] = [
        {"id": "env_qa", "slug": "qa", "type": "preview", "createdAt": 1, "updatedAt": 1}
    ]
    control.put("/state/vercel", json=state)
    body = {"key": "QA", "value": "1", "type": "plain", "customEnvironmentIds": ["env_qa"]}

    created = vercel_http.post(ENV, json=body)
    again = vercel_http.post(ENV, json=body)

    assert created.status_code == 201
    assert code(again) == "ENV_CONFLICT"
    assert [item["key"] for item in rows(vercel_http, customEnvironmentSlug="qa")] == ["QA"]


def test_a_change_touches_only_what_is_sent(vercel_http: httpx.Client) -> None:
    before = row(vercel_http, "MAINTENANCE_MODE")

    path = f"/v10/projects/shop/env/{before['id']}"
    after = vercel_http.patch(path, json={"value": "on"}).json()

    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"value", "updatedAt"}


def test_a_row_can_give_up_one_of_its_environments(vercel_http: httpx.Client) -> None:
    before = row(vercel_http, "SENTRY_DSN")

    path = f"/v9/projects/shop/env/{before['id']}"
    after = vercel_http.patch(path, json={"target": ["preview"]}).json()
    added = vercel_http.post(ENV, json={**PLAIN, "key": "SENTRY_DSN", "type": "encrypted"})

    assert after["target"] == ["preview"]
    assert added.status_code == 201


def test_a_change_into_another_rows_place_is_a_conflict(vercel_http: httpx.Client) -> None:
    production = row(vercel_http, "DATABASE_URL")

    path = f"/v9/projects/shop/env/{production['id']}"
    response = vercel_http.patch(path, json={"target": ["production", "preview"]})

    assert response.status_code == 400
    assert code(response) == "ENV_CONFLICT"


@pytest.mark.parametrize("change", [{"type": "encrypted"}, {"type": "plain"}, {"key": "OTHER"}])
def test_a_sensitive_row_keeps_its_type_and_key(
    vercel_http: httpx.Client, change: dict[str, str]
) -> None:
    sensitive = row(vercel_http, "SMTP_URL")["id"]

    assert vercel_http.patch(f"/v9/projects/shop/env/{sensitive}", json=change).status_code == 400


def test_a_sensitive_row_takes_a_new_value(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    sensitive = row(vercel_http, "SMTP_URL")["id"]

    answer = vercel_http.patch(f"/v9/projects/shop/env/{sensitive}", json={"value": "new"})
    stored = control.get("/state/vercel").json()["projects"][0]["env"]

    assert answer.json()["value"] == ""
    assert next(item["value"] for item in stored if item["id"] == sensitive) == "new"


def test_a_row_of_an_integration_cannot_be_written(vercel_http: httpx.Client) -> None:
    managed = row(vercel_http, "POSTGRES_URL")
    path = f"/v9/projects/shop/env/{managed['id']}"

    refused = [
        vercel_http.patch(path, json={"value": "x"}),
        vercel_http.delete(path),
        vercel_http.request("DELETE", "/v1/projects/shop/env", json={"ids": [managed["id"]]}),
    ]

    assert [response.status_code for response in refused] == [403, 403, 403]
    assert managed["configurationId"]
    assert row(vercel_http, "POSTGRES_URL") == managed


def test_one_row_can_be_deleted(vercel_http: httpx.Client) -> None:
    path = f"/v9/projects/shop/env/{row(vercel_http, 'PAYPAL_CLIENT_ID')['id']}"

    assert vercel_http.delete(path).status_code == 200
    assert vercel_http.delete(path).status_code == 404


def test_many_rows_are_deleted_in_one_call_and_strangers_passed_over(
    vercel_http: httpx.Client,
) -> None:
    wanted = [row(vercel_http, key)["id"] for key in ("MAINTENANCE_MODE", "PAYPAL_CLIENT_ID")]

    path = "/v1/projects/shop/env"
    answer = vercel_http.request("DELETE", path, json={"ids": [*wanted, "env_gone"]}).json()
    empty = vercel_http.request("DELETE", path, json={"ids": []})

    assert answer == {"deleted": 2, "ids": wanted}
    assert not {item["id"] for item in rows(vercel_http)} & set(wanted)
    assert empty.status_code == 400


def test_a_policy_of_the_team_may_demand_sensitive_rows(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    state = control.get("/state/vercel").json()
    state["teams"][0]["sensitiveEnvironmentVariablePolicy"] = "on"
    control.put("/state/vercel", json=state)

    refused = vercel_http.post(ENV, json={**PLAIN, "type": "encrypted"})
    accepted = vercel_http.post(ENV, json={**PLAIN, "type": "sensitive"})

    assert (refused.status_code, accepted.status_code) == (400, 201)
