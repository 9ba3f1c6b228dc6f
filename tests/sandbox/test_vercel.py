from __future__ import annotations

from typing import Any

import httpx
import pytest

PROJECT = "/v9/projects/shop"


def deployments(http: httpx.Client, **params: str) -> list[str]:
    listed = http.get("/v6/deployments", params=params).json()["deployments"]
    return [item["uid"] for item in listed]


def change_state(control: httpx.Client, **more: object) -> dict[str, Any]:
    state: dict[str, Any] = {**control.get("/state/vercel").json(), **more}
    control.put("/state/vercel", json=state)
    return state


def test_the_scope_decides_what_exists(vercel_http: httpx.Client) -> None:
    vercel_http.params = httpx.QueryParams()
    personal = [vercel_http.get(PROJECT), vercel_http.get("/v10/projects/shop/env")]
    listed = vercel_http.get("/v6/deployments").json()["deployments"]
    host = vercel_http.get("/v4/aliases/shop.example")
    by_slug = vercel_http.get(PROJECT, params={"slug": "shop-sandbox"})
    stranger = vercel_http.get(PROJECT, params={"teamId": "team_other"})

    assert [response.status_code for response in personal] == [404, 404]
    assert listed == []
    assert host.status_code == 404
    assert by_slug.json()["id"] == "prj_sandbox"
    assert stranger.status_code == 403


def test_a_project_is_found_by_id_and_by_name(vercel_http: httpx.Client) -> None:
    assert vercel_http.get("/v9/projects/prj_sandbox").json()["name"] == "shop"
    assert vercel_http.get(PROJECT).json()["id"] == "prj_sandbox"


def test_a_project_embeds_its_variables_without_secret_values(vercel_http: httpx.Client) -> None:
    response = vercel_http.get(PROJECT)

    assert len(response.json()["env"]) == 15
    assert "FAKE-password" not in response.text


def test_the_team_and_the_person_can_be_proved(vercel_http: httpx.Client) -> None:
    vercel_http.params = httpx.QueryParams()

    assert vercel_http.get("/v2/teams/team_sandbox").json()["slug"] == "shop-sandbox"
    assert vercel_http.get("/v2/teams/team_other").status_code == 404
    assert vercel_http.get("/v2/user").json()["user"]["username"] == "shop-ops"


@pytest.mark.parametrize("token", ["short", "sk_test_sandbox", "with space in it", "sk_12345678"])
def test_a_credential_of_nobody_is_refused(vercel_http: httpx.Client, token: str) -> None:
    response = vercel_http.get("/v2/user", headers={"Authorization": f"Bearer {token}"})

    assert response.status_code == 403
    assert response.json()["error"] == {
        "code": "forbidden",
        "message": "Not authorized",
        "invalidToken": True,
    }


def test_a_token_that_may_only_read_cannot_write(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    change_state(control, credentials={"read-only-token": {"permissions": ["read"]}})
    reader = {"Authorization": "Bearer read-only-token"}

    assert vercel_http.get(PROJECT, headers=reader).status_code == 200
    assert vercel_http.patch(PROJECT, headers=reader, json={}).status_code == 403


def test_a_project_takes_writable_properties_alone(vercel_http: httpx.Client) -> None:
    written = vercel_http.patch(
        PROJECT, json={"autoAssignCustomDomains": False, "buildCommand": "make"}
    )
    unknown = vercel_http.patch(PROJECT, json={"targets": {}})
    mistyped = vercel_http.patch(PROJECT, json={"autoAssignCustomDomains": "no"})

    assert written.json()["autoAssignCustomDomains"] is False
    assert vercel_http.get(PROJECT).json()["buildCommand"] == "make"
    assert unknown.status_code == mistyped.status_code == 400
    assert "additional property `targets`" in unknown.json()["error"]["message"]


def test_deployments_are_newest_first_and_filtered(vercel_http: httpx.Client) -> None:
    assert deployments(vercel_http)[:3] == ["dpl_bad_42", "dpl_preview_7", "dpl_good_41"]
    assert deployments(vercel_http, projectId="shop", rollbackCandidate="true") == [
        "dpl_good_41",
        "dpl_older_40",
    ]
    assert deployments(vercel_http, state="ERROR") == ["dpl_failed_39"]
    assert deployments(vercel_http, state="ERROR,READY", target="preview") == ["dpl_preview_7"]


def test_deployments_page_by_time(vercel_http: httpx.Client) -> None:
    found: list[str] = []
    params = {"limit": "2"}
    while True:
        page = vercel_http.get("/v6/deployments", params=params).json()
        found += [item["uid"] for item in page["deployments"]]
        if page["pagination"]["next"] is None:
            break
        params["until"] = str(page["pagination"]["next"])

    assert found == deployments(vercel_http)
    assert len(found) == len(set(found)) == 6


def test_the_newer_list_answers_like_the_older(vercel_http: httpx.Client) -> None:
    assert vercel_http.get("/v7/deployments").json() == vercel_http.get("/v6/deployments").json()


def test_one_deployment_is_read_by_id_or_url(vercel_http: httpx.Client) -> None:
    by_id = vercel_http.get("/v13/deployments/dpl_good_41").json()
    by_url = vercel_http.get(f"/v13/deployments/{by_id['url']}").json()

    assert by_id == by_url
    assert by_id["alias"] == ["shop.example", "www.shop.example"]
    assert vercel_http.get("/v13/deployments/dpl_none").status_code == 404


def test_the_rate_limit_says_when_to_come_back(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    change_state(control, rate_limit=0.01)

    first, second = vercel_http.get(PROJECT), vercel_http.get(PROJECT)

    assert first.status_code == 200
    assert second.status_code == 429
    assert int(second.headers["retry-after"]) == 100


def test_an_unknown_path_is_a_404_in_the_vendors_envelope(vercel_http: httpx.Client) -> None:
    response = vercel_http.get("/v9/nothing")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
