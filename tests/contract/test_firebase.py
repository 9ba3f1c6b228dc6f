"""Every request of the kinds of Firebase, and every answer of the sandbox, against Google's API descriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.providers import registry
from tests.contract.conftest import load_checker
from tests.providers.firebase import Night, night_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World
    from tests.contract.conftest import Judge

CONTRACTS = (
    "cloudresourcemanager.v1.json",
    "firebaseappdistribution.v1.json",
    "firebasehosting.v1beta1.json",
    "firebaserules.v1.json",
)
HOSTING = "firebase.hosting_release"
RULES = "firebase.rules"
FLAG = "firebase.flag"
CONFIG = "firebase.remote_config"
BUILDS = "firebase.app_distribution_release"
KINDS = (BUILDS, FLAG, HOSTING, CONFIG, RULES)

DECLARED = [
    {
        "kind": BUILDS,
        "name": "app",
        "spec": {"app": "1:123456789012:android:0a1b2c3d4e5f6071"},
    },
    {"kind": HOSTING, "name": "shop", "spec": {"site": "shop", "version": "b40c0ffee0000040"}},
    {
        "kind": HOSTING,
        "name": "off",
        "spec": {"site": "shop", "channel": "next", "version": "disabled"},
    },
    {
        "kind": RULES,
        "name": "firestore",
        "spec": {"release": "cloud.firestore", "source": "service cloud.firestore {}\n"},
    },
    {
        "kind": RULES,
        "name": "uploads",
        "spec": {
            "release": "firebase.storage/shop-prod.appspot.com",
            "source": "service firebase.storage {\n  allow write: if true;\n}\n",
        },
    },
    {
        "kind": FLAG,
        "name": "maintenance",
        "spec": {"parameter": "maintenance_mode", "type": "BOOLEAN", "value": True},
    },
    {
        "kind": CONFIG,
        "name": "template",
        "spec": {"conditions": [{"name": "iOS", "expression": "device.os == 'ios'"}]},
    },
]

UNCOVERED = {
    # Google publishes no machine-readable description of Remote Config
    "GET /v1/projects/shop-prod/remoteConfig",
    "PUT /v1/projects/shop-prod/remoteConfig",
    # the contract was built without the apps of a project; the Management API has them
    "GET /v1beta1/projects/shop-prod:searchApps",
}

JUDGED = {
    "cloudresourcemanager.projects.get",
    "firebaseappdistribution.projects.apps.releases.list",
    "firebasehosting.projects.sites.channels.get",
    "firebasehosting.projects.sites.channels.list",
    "firebasehosting.projects.sites.channels.releases.create",
    "firebasehosting.projects.sites.list",
    "firebasehosting.projects.sites.versions.get",
    "firebaserules.projects.releases.get",
    "firebaserules.projects.releases.list",
    "firebaserules.projects.releases.patch",
    "firebaserules.projects.rulesets.create",
    "firebaserules.projects.rulesets.get",
    "firebaserules.projects.test",
}
"""Operations that the story must come by."""


@pytest.fixture(scope="module")
def checker() -> Any:
    return load_checker(CONTRACTS)


@pytest.fixture
def night(judge: Judge, world: World, tmp_path: Path) -> Iterator[Night]:
    """Return a project whose every exchange is judged."""
    del judge
    with night_of(world, tmp_path, *KINDS) as night:
        yield night


@pytest.fixture
def story(night: Night) -> Night:
    """Label, change everything, and go back."""
    night.bench.declare(*DECLARED)
    good = night.bench.keep()
    assert night.bench.apply(night.bench.plan()).result == "done"
    assert night.bench.plan().changes == ()
    assert night.bench.apply(night.bench.plan(good)).result == "done"
    return night


def test_every_exchange_is_as_google_describes_it(story: Night, judge: Judge) -> None:
    assert story.bench.kinds == KINDS
    assert judge.violations == set()


def test_only_known_operations_have_no_description(story: Night, judge: Judge) -> None:
    assert story.bench.kinds == KINDS
    assert judge.uncovered == UNCOVERED


def test_every_operation_was_judged(story: Night, judge: Judge) -> None:
    assert story.bench.kinds == KINDS
    assert judge.operations == JUDGED


def test_the_story_comes_by_every_kind_of_firebase() -> None:
    told = {one["kind"] for one in DECLARED}

    assert told == {kind for kind in registry.KINDS if kind.startswith("firebase.")}


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta1/projects/shop-prod/sites/shop/releases",
        "/v1beta1/projects/123456789012/sites/shop/channels/live/releases",
        "/v1beta1/sites/shop/channels/live",
        "/v1beta1/projects/shop-prod/sites/shop/versions",
        "/v1beta1/sites/shop/versions/b39c0ffee0000039",
        "/v1/projects/shop-prod/rulesets",
        "/v1/projects/shop-prod/releases/firebase.storage/shop-prod.appspot.com",
        "/v1/projects/shop-prod/rulesets/nowhere",
    ],
)
def test_an_answer_of_the_sandbox_is_one_that_google_could_give(
    checker: Any, world: World, path: str
) -> None:
    world.reset()
    headers = {"Authorization": "Bearer sandbox.token"}
    answer = httpx.get(f"{world.urls['google']}{path}", headers=headers, trust_env=False)
    op, found = checker.request("GET", path, answer.request.headers, b"")

    found += checker.response(op, answer.status_code, answer.headers, answer.content)

    assert found == []
    assert re.fullmatch(r"200|404", str(answer.status_code))
