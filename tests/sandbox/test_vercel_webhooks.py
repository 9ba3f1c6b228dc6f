from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

HOOKS = "/v1/webhooks"
HOOK = {
    "url": "https://ops.example/vercel",
    "events": ["deployment.succeeded", "deployment.error"],
    "projectIds": ["prj_sandbox"],
}

SHAPE: Mapping[str, type] = {
    "id": str,
    "url": str,
    "events": list,
    "ownerId": str,
    "createdAt": int,
    "updatedAt": int,
    "projectIds": list,
}
"""What answers have. Source: types of @vercel/sdk 1.28.21; the OpenAPI document at hand has no webhooks."""


def made(http: httpx.Client, **more: object) -> dict[str, Any]:
    answer = http.post(HOOKS, json={**HOOK, **more})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def listed(http: httpx.Client, **params: str) -> list[str]:
    return [item["id"] for item in http.get(HOOKS, params=params).json()]


def shape(payload: Mapping[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in payload.items()}


def test_only_the_answer_to_a_create_has_the_secret(vercel_http: httpx.Client) -> None:
    created = made(vercel_http)

    read = vercel_http.get(f"{HOOKS}/{created['id']}")
    found = vercel_http.get(HOOKS)

    assert created["id"].startswith("account_hook_")
    assert shape(created) == {**SHAPE, "secret": str}
    assert shape(read.json()) == SHAPE
    assert shape(found.json()[0]) == {**SHAPE, "projectsMetadata": list}
    assert created["secret"] not in read.text + found.text


def test_each_webhook_has_a_secret_of_its_own(vercel_http: httpx.Client) -> None:
    first, second = made(vercel_http), made(vercel_http)

    assert first["secret"] != second["secret"]
    assert len(listed(vercel_http)) == 2


def test_events_keep_the_order_in_which_they_came(vercel_http: httpx.Client) -> None:
    created = made(vercel_http, events=["domain.created", "deployment.error"])

    read = vercel_http.get(f"{HOOKS}/{created['id']}").json()

    assert read["events"] == created["events"] == ["domain.created", "deployment.error"]


def test_a_webhook_without_projects_is_one_of_the_whole_account(vercel_http: httpx.Client) -> None:
    body = {name: value for name, value in HOOK.items() if name != "projectIds"}

    created = vercel_http.post(HOOKS, json=body).json()
    (found,) = vercel_http.get(HOOKS).json()

    assert "projectIds" not in created
    assert "projectIds" not in found
    assert found["projectsMetadata"] is None


def test_a_list_names_the_projects_and_can_be_narrowed_to_one(vercel_http: httpx.Client) -> None:
    created = made(vercel_http)

    (found,) = vercel_http.get(HOOKS).json()

    assert found["projectsMetadata"] == [
        {"id": "prj_sandbox", "name": "shop", "framework": "nextjs"}
    ]
    assert listed(vercel_http, projectId="prj_sandbox") == [created["id"]]
    assert listed(vercel_http, projectId="prj_other") == []
    assert vercel_http.get(HOOKS, params={"projectId": "a-name"}).status_code == 400


def test_a_deleted_webhook_is_gone(vercel_http: httpx.Client) -> None:
    created, other = made(vercel_http), made(vercel_http)
    path = f"{HOOKS}/{created['id']}"

    answer = vercel_http.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert listed(vercel_http) == [other["id"]]
    assert vercel_http.get(path).status_code == vercel_http.delete(path).status_code == 404


def test_a_webhook_cannot_be_changed(vercel_http: httpx.Client) -> None:
    path = f"{HOOKS}/{made(vercel_http)['id']}"

    answers = [vercel_http.request(verb, path, json=HOOK) for verb in ("PATCH", "PUT", "POST")]

    assert not any(answer.is_success for answer in answers)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "ops.example/vercel"},
        {"url": "ftp://ops.example"},
        {"url": "https://"},
        {"url": None},
        {"events": []},
        {"events": "deployment.error"},
        {"events": ["Deployment Error"]},
        {"events": ["*"]},
        {"projectIds": []},
        {"projectIds": ["shop"]},
        {"projectIds": ["prj_other"]},
        {"projectIds": ["prj_sandbox"] * 51},
        {"secret": "mine"},
    ],
)
def test_a_webhook_that_cannot_be_is_refused(
    vercel_http: httpx.Client, change: dict[str, object]
) -> None:
    answer = vercel_http.post(HOOKS, json={**HOOK, **change})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_request"
    assert listed(vercel_http) == []


@pytest.mark.parametrize("name", ["url", "events"])
def test_a_webhook_needs_a_url_and_events(vercel_http: httpx.Client, name: str) -> None:
    body = {key: value for key, value in HOOK.items() if key != name}

    assert vercel_http.post(HOOKS, json=body).status_code == 400


def test_the_scope_decides_which_webhooks_there_are(vercel_http: httpx.Client) -> None:
    path = f"{HOOKS}/{made(vercel_http)['id']}"

    vercel_http.params = httpx.QueryParams()

    assert listed(vercel_http) == []
    assert vercel_http.get(path).status_code == vercel_http.delete(path).status_code == 404
    assert vercel_http.post(HOOKS, json=HOOK).status_code == 400  # the team's project


def test_a_token_that_may_only_read_makes_no_webhook(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    state = control.get("/state/vercel").json()
    state["credentials"] = {"read-only-token": {"permissions": ["read"]}}
    control.put("/state/vercel", json=state)
    reader = {"Authorization": "Bearer read-only-token"}

    assert vercel_http.get(HOOKS, headers=reader).status_code == 200
    assert vercel_http.post(HOOKS, headers=reader, json=HOOK).status_code == 403
