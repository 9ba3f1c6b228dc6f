"""Every request of functions and their traffic, and every answer of the sandbox, against Google's API descriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.conformance.bench import Bench
from reconciler.conformance.world import no_waiting
from reconciler.wire.transport import Connections
from tests.contract.conftest import load_checker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World
    from tests.contract.conftest import Judge

CONTRACTS = (
    "cloudfunctions.v1.json",
    "cloudfunctions.v2.json",
    "cloudresourcemanager.v1.json",
    "run.v2.json",
    "secretmanager.v1.json",
)
AT = "projects/shop-prod/locations/europe-west1"
KINDS = ("gcp.function", "gcp.run_traffic")
SETTINGS = {
    "project": "shop-prod",
    "locations": ["europe-west1"],
    "access_token": "${secret:env/GOOGLE_TOKEN}",
}
SERVICE = {"service": "stripewebhook", "location": "europe-west1"}
HOOK = {
    "function": "stripeWebhook",
    "location": "europe-west1",
    "generation": 2,
    "runtime": "nodejs22",
    "entry_point": "stripeWebhook",
}
PAYPAL = {**HOOK, "function": "paypalWebhook", "generation": 1, "entry_point": "paypalWebhook"}
CHANGED = {
    "environment": {"CURRENCY": "usd", "MODE": "test"},
    "memory": "1Gi",
    "timeout": 120,
    "min_instances": 1,
    "max_instances": 5,
    "ingress": "ALLOW_INTERNAL_ONLY",
    "service_account": "robot@shop-prod.iam.gserviceaccount.com",
    "labels": {"team": "payments"},
    "secret_environment": {"STRIPE_KEY": "stripe-key@1"},
    "invokers": ["serviceAccount:robot@shop-prod.iam.gserviceaccount.com"],
}

UNCOVERED = {
    # Artifact Registry is in none of the contracts; its reference has these
    f"GET /v1/{AT}/repositories/gcf-artifacts",
    f"GET /v1/{AT}/repositories/gcf-artifacts/dockerImages/IMAGE",
    # policies of services are in version 1 of the Cloud Run Admin API, whose contract was built without them
    f"GET /v1/{AT}/services/SERVICE:getIamPolicy",
    f"POST /v1/{AT}/services/SERVICE:setIamPolicy",
}
PATCH = "cloudfunctions.projects.locations.functions.patch"
JUDGED = {
    "cloudfunctions.operations.get",
    "cloudfunctions.projects.locations.functions.get",
    "cloudfunctions.projects.locations.functions.getIamPolicy",
    "cloudfunctions.projects.locations.functions.list",
    PATCH,
    "cloudfunctions.projects.locations.functions.setIamPolicy",
    "cloudfunctions.projects.locations.operations.get",
    "cloudfunctions.projects.locations.runtimes.list",
    "cloudresourcemanager.projects.get",
    "run.projects.locations.services.get",
    "run.projects.locations.services.list",
    "run.projects.locations.services.patch",
    "run.projects.locations.services.revisions.get",
    "secretmanager.projects.secrets.versions.get",
}
"""Operations that the story must come by."""


@pytest.fixture(scope="module")
def checker() -> Any:
    return load_checker(CONTRACTS)


@pytest.fixture
def shop(judge: Judge, world: World, tmp_path: Path) -> Iterator[Bench]:
    """Return a project whose every exchange is judged."""
    del judge
    world.reset()
    state = world.state("google")
    versions = [{"state": "ENABLED", "createTime": "2026-01-05T09:00:00Z"}]
    secret = {"id": "stripe-key", "createTime": "2026-01-05T09:00:00Z", "versions": versions}
    world.put("google", {**state, "secrets": [secret]})
    with Connections(no_waiting()) as connections:
        yield Bench(
            tmp_path,
            world,
            connections,
            accounts={"gcp": SETTINGS},
            environ={"GOOGLE_TOKEN": "canary.token_Jb7dPq2w"},
            kinds=list(KINDS),
        )


@pytest.fixture
def story(shop: Bench) -> Bench:
    """Pin, change everything beneath the pin, and go back."""
    traffic: dict[str, Any] = {**SERVICE, "traffic": {"latest": 100}}
    declared: list[dict[str, Any]] = [
        {"kind": "gcp.run_traffic", "name": "hook", "spec": traffic},
        {"kind": "gcp.function", "name": "hook", "spec": HOOK},
        {"kind": "gcp.function", "name": "paypal", "spec": PAYPAL},
    ]
    shop.declare(*declared)
    good = shop.keep()
    pinned = {**SERVICE, "revision": "stripewebhook-00041-abc", "tags": {"good": "latest"}}
    shop.declare({**declared[0], "spec": pinned}, *declared[1:])
    assert shop.apply(shop.plan()).result == "done"
    changed = [{**one, "spec": {**one["spec"], **CHANGED}} for one in declared[1:]]
    shop.declare({**declared[0], "spec": pinned}, *changed)
    assert shop.apply(shop.plan()).result == "done"
    assert shop.plan().changes == ()
    assert shop.apply(shop.plan(good)).result == "done"
    return shop


def test_every_exchange_is_as_google_describes_it(story: Bench, judge: Judge) -> None:
    assert story.kinds == KINDS
    # The whole function goes with every narrow mask: policies of an organisation look at the body
    # (hashicorp/terraform-provider-google#6603). The checker holds that to be an oversight.
    whole = {one for one in judge.violations if one[1] == "field_outside_mask"}
    assert {operation for operation, _, _ in whole} == {PATCH}
    assert judge.violations - whole == set()


def test_only_known_operations_have_no_description(story: Bench, judge: Judge) -> None:
    found = {re.sub(r"dockerImages/.*", "dockerImages/IMAGE", one) for one in judge.uncovered}

    assert story.kinds == KINDS
    assert {re.sub(r"services/\w+:", "services/SERVICE:", one) for one in found} == UNCOVERED


def test_every_operation_was_judged(story: Bench, judge: Judge) -> None:
    assert story.kinds == KINDS
    assert judge.operations == JUDGED


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/{AT}/functions",
        "/v1/projects/123456789012/locations/-/functions",
        f"/v2/{AT}/functions",
        f"/v2/{AT}/functions/paypalWebhook",
        f"/v2/{AT}/functions/nowhere",
        f"/v2/{AT}/services/api",
        f"/v2/{AT}/services/api/revisions",
        f"/v2/{AT}/services/nowhere",
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
