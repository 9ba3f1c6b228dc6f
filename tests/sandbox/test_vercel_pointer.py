from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

PROJECT = "/v9/projects/prj_sandbox"
ROLLBACK = "/v1/projects/prj_sandbox/rollback"
PROMOTE = "/v10/projects/prj_sandbox/promote"


def project(http: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = http.get(PROJECT).json()
    return found


def host(http: httpx.Client, name: str = "shop.example") -> str:
    found: str = http.get(f"/v4/aliases/{name}").json()["deploymentId"]
    return found


def finish(http: httpx.Client) -> dict[str, Any]:
    project(http)
    return project(http)


def change_jobs(control: httpx.Client, **jobs: object) -> None:
    state = control.get("/state/vercel").json()
    state["jobs"] |= jobs
    control.put("/state/vercel", json=state)


def change_project(control: httpx.Client, **more: object) -> None:
    state = control.get("/state/vercel").json()
    state["projects"][0] |= more
    control.put("/state/vercel", json=state)


@pytest.mark.parametrize("version", ["v1", "v9"])
def test_a_rollback_is_accepted_before_anything_moves(
    vercel_http: httpx.Client, version: str
) -> None:
    answer = vercel_http.post(f"/{version}/projects/prj_sandbox/rollback/dpl_older_40")

    assert answer.status_code == 201
    assert answer.content == b""
    assert host(vercel_http) == "dpl_good_41"


def test_a_rollback_takes_effect_when_its_job_succeeds(vercel_http: httpx.Client) -> None:
    vercel_http.patch("/v9/projects/prj_sandbox", json={"autoAssignCustomDomains": True})
    vercel_http.post(f"{ROLLBACK}/dpl_older_40", params={"description": "checkout is broken"})

    running = project(vercel_http)
    done = project(vercel_http)

    assert running["lastAliasRequest"]["jobStatus"] == "in-progress"
    assert running["autoAssignCustomDomains"] is True
    assert done["lastAliasRequest"]["jobStatus"] == "succeeded"
    assert done["lastAliasRequest"]["fromDeploymentId"] == "dpl_good_41"
    assert done["lastAliasRequest"]["toDeploymentId"] == "dpl_older_40"
    assert done["lastAliasRequest"]["type"] == "rollback"
    assert done["autoAssignCustomDomains"] is False
    assert done["lastRollbackTarget"] == {"id": "dpl_older_40"}
    assert done["rollbackDescription"]["description"] == "checkout is broken"
    assert done["targets"]["production"]["id"] == "dpl_older_40"


def test_a_rollback_moves_the_production_hosts_alone(vercel_http: httpx.Client) -> None:
    vercel_http.post(f"{ROLLBACK}/dpl_older_40")
    finish(vercel_http)

    assert host(vercel_http) == host(vercel_http, "www.shop.example") == "dpl_older_40"
    assert host(vercel_http, "preview.shop.example") == "dpl_preview_7"


def test_a_promote_undoes_a_rollback(vercel_http: httpx.Client) -> None:
    vercel_http.post(f"{ROLLBACK}/dpl_older_40")
    finish(vercel_http)

    answer = vercel_http.post(f"{PROMOTE}/dpl_good_41")
    done = finish(vercel_http)

    assert answer.status_code == 201
    assert done["autoAssignCustomDomains"] is True
    assert done["lastRollbackTarget"] is None
    assert host(vercel_http) == "dpl_good_41"


def test_a_promoted_deployment_becomes_a_rollback_candidate(vercel_http: httpx.Client) -> None:
    vercel_http.post(f"{PROMOTE}/dpl_bad_42")
    finish(vercel_http)

    listed = vercel_http.get("/v6/deployments", params={"rollbackCandidate": "true"}).json()

    assert listed["deployments"][0]["uid"] == "dpl_bad_42"
    assert listed["deployments"][0]["readySubstate"] == "PROMOTED"


def test_one_job_at_a_time(vercel_http: httpx.Client) -> None:
    vercel_http.post(f"{ROLLBACK}/dpl_older_40")

    second = [
        vercel_http.post(f"{ROLLBACK}/dpl_good_41"),
        vercel_http.post(f"{PROMOTE}/dpl_bad_42"),
    ]
    finish(vercel_http)
    third = vercel_http.post(f"{PROMOTE}/dpl_bad_42")

    assert [response.status_code for response in second] == [409, 409]
    assert third.status_code == 201


def test_a_failed_job_moves_nothing_and_names_its_hosts(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    change_jobs(control, outcome="failed")
    vercel_http.patch("/v9/projects/prj_sandbox", json={"autoAssignCustomDomains": True})
    vercel_http.post(f"{ROLLBACK}/dpl_older_40")
    done = finish(vercel_http)

    aliases = vercel_http.get(
        "/v9/projects/prj_sandbox/rollback/aliases", params={"failedOnly": "true"}
    ).json()["aliases"]

    assert done["lastAliasRequest"]["jobStatus"] == "failed"
    assert done["autoAssignCustomDomains"] is True
    assert host(vercel_http) == "dpl_good_41"
    assert [item["alias"] for item in aliases] == ["shop.example", "www.shop.example"]


def test_the_hosts_of_a_promote_are_listed(vercel_http: httpx.Client) -> None:
    vercel_http.post(f"{PROMOTE}/dpl_bad_42")
    finish(vercel_http)

    listed = vercel_http.get("/v1/projects/prj_sandbox/promote/aliases").json()

    assert {item["status"] for item in listed["aliases"]} == {"completed"}


def test_a_job_can_take_no_reads_or_many(vercel_http: httpx.Client, control: httpx.Client) -> None:
    change_jobs(control, reads_until_done=0)
    vercel_http.post(f"{ROLLBACK}/dpl_older_40")
    at_once = host(vercel_http)

    change_jobs(control, reads_until_done=3)
    vercel_http.post(f"{PROMOTE}/dpl_good_41")
    seen = [project(vercel_http)["lastAliasRequest"]["jobStatus"] for _ in range(3)]

    assert at_once == "dpl_older_40"
    assert seen == ["pending", "in-progress", "succeeded"]


@pytest.mark.parametrize(
    ("deployment", "status"),
    [
        ("dpl_failed_39", 422),
        ("dpl_bad_42", 422),
        ("dpl_retired_12", 422),
        ("dpl_preview_7", 422),
        ("dpl_none", 400),
    ],
)
def test_a_rollback_needs_a_ready_candidate(
    vercel_http: httpx.Client, deployment: str, status: int
) -> None:
    assert vercel_http.post(f"{ROLLBACK}/{deployment}").status_code == status
    assert "lastAliasRequest" not in project(vercel_http)


@pytest.mark.parametrize("deployment", ["dpl_preview_7", "dpl_failed_39", "dpl_retired_12"])
def test_a_promote_needs_a_ready_production_build(
    vercel_http: httpx.Client, deployment: str
) -> None:
    assert vercel_http.post(f"{PROMOTE}/{deployment}").status_code == 400


def test_a_promote_waits_behind_a_rolling_release(
    vercel_http: httpx.Client, control: httpx.Client
) -> None:
    change_project(control, activeRollingRelease=True)

    queued = vercel_http.post(f"{PROMOTE}/dpl_bad_42")
    finish(vercel_http)

    assert queued.status_code == 202
    assert host(vercel_http) == "dpl_good_41"
