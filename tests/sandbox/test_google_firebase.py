"""What the sandbox's Firebase refuses, as Google does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.server import Sandbox

CONFIG = "/v1/projects/shop-prod/remoteConfig"
LIVE = "/v1beta1/sites/shop/channels/live/releases"
VERSIONS = "sites/shop/versions/"
RULESET = "6f1d4a52-0000-4000-8000-000000000001"


@pytest.fixture
def google(sandbox: Sandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer sandbox.token"}
    with httpx.Client(base_url=sandbox.urls["google"], headers=headers, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("version", "body", "status"),
    [
        (f"{VERSIONS}b40c0ffee0000040", {}, 200),
        (f"projects/shop-prod/{VERSIONS}b40c0ffee0000040", {"message": "back"}, 200),
        ("", {"type": "SITE_DISABLE"}, 200),
        (f"{VERSIONS}b40c0ffee0000040", {"type": "ROLLBACK"}, 400),
        (f"{VERSIONS}b40c0ffee0000040", {"type": "SITE_DISABLE"}, 400),
        (f"{VERSIONS}b39c0ffee0000039", {}, 400),
        (f"{VERSIONS}nowhere", {}, 404),
        ("sites/docs/versions/b40c0ffee0000040", {}, 400),
        ("", {}, 400),
    ],
)
def test_only_a_finalized_version_of_the_site_is_released(
    google: httpx.Client, version: str, body: dict[str, str], status: int
) -> None:
    answer = google.post(LIVE, params={"versionName": version} if version else {}, json=body)

    assert answer.status_code == status


def test_a_site_releases_list_mixes_channels(google: httpx.Client) -> None:
    every = google.get("/v1beta1/sites/shop/releases").json()["releases"]
    live = google.get(LIVE).json()["releases"]

    assert (len(every), len(live)) == (3, 2)
    assert "/channels/next/" in every[0]["name"]


@pytest.mark.parametrize(("etag", "status"), [(None, 400), ("etag-1", 412), ("*", 200)])
def test_a_template_is_replaced_under_its_etag(
    google: httpx.Client, etag: str | None, status: int
) -> None:
    headers = {"If-Match": etag} if etag else {}

    answer = google.put(CONFIG, json={}, headers=headers)

    assert answer.status_code == status


def test_validating_publishes_nothing(google: httpx.Client) -> None:
    etag = google.get(CONFIG).headers["ETag"]

    answer = google.put(
        CONFIG, params={"validateOnly": "true"}, json={}, headers={"If-Match": etag}
    )

    assert answer.is_success
    assert google.get(CONFIG).headers["ETag"] == etag


def test_an_old_template_is_published_again(google: httpx.Client) -> None:
    before = google.get(CONFIG)
    google.put(CONFIG, json={}, headers={"If-Match": before.headers["ETag"]})

    google.post(f"{CONFIG}:rollback", json={"versionNumber": "40"})

    after = google.get(CONFIG).json()
    listed = google.get(f"{CONFIG}:listVersions").json()["versions"]
    assert after["parameters"] == before.json()["parameters"]
    assert after["version"]["rollbackSource"] == "40"
    assert [one["versionNumber"] for one in listed] == ["42", "41", "40"]
    assert google.get(CONFIG, params={"versionNumber": "40"}).json() == before.json()


@pytest.mark.parametrize(
    "parts",
    [
        {"parameters": {"x": {"defaultValue": {"value": "yes"}, "valueType": "BOOLEAN"}}},
        {"parameters": {"x": {"defaultValue": {"value": "{"}, "valueType": "JSON"}}},
        {"parameters": {"x": {"conditionalValues": {"iOS": {"value": "a"}}}}},
        {"parameters": {"x": {}}},
        {"conditions": [{"name": "iOS", "expression": "true"}] * 2},
        {"version": {"versionNumber": "7"}},
    ],
)
def test_parts_that_do_not_fit_are_refused(google: httpx.Client, parts: dict[str, Any]) -> None:
    assert google.put(CONFIG, json=parts, headers={"If-Match": "*"}).status_code == 400


def test_rules_that_are_in_force_are_not_deleted(google: httpx.Client) -> None:
    answer = google.delete(f"/v1/projects/shop-prod/rulesets/{RULESET}")

    assert answer.json()["error"]["status"] == "FAILED_PRECONDITION"


def test_a_release_of_rules_takes_no_mask_in_its_query(google: httpx.Client) -> None:
    name = "projects/shop-prod/releases/cloud.firestore"
    release = {"name": name, "rulesetName": f"projects/shop-prod/rulesets/{RULESET}"}

    masked = google.patch(f"/v1/{name}", params={"updateMask": "rulesetName"}, json={})
    bare = google.patch(f"/v1/{name}", json=release)
    wrapped = google.patch(f"/v1/{name}", json={"release": release})

    assert [one.status_code for one in (masked, bare, wrapped)] == [400, 400, 200]


def test_app_distribution_wants_the_number_of_the_project(google: httpx.Client) -> None:
    app = "1:123456789012:android:0a1b2c3d4e5f6071"

    by_id = google.get(f"/v1/projects/shop-prod/apps/{app}/releases")
    by_number = google.get(f"/v1/projects/123456789012/apps/{app}/releases")

    assert (by_id.status_code, by_number.status_code) == (400, 200)
    builds = [one["buildVersion"] for one in by_number.json()["releases"]]
    assert builds == ["240", "230"]
