"""Every request of four kinds of Google Cloud, and every answer of the sandbox, against Google's descriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.providers import registry
from tests.contract.conftest import load_checker
from tests.providers.google_bench import google_bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.bench import Bench
    from reconciler.conformance.world import World
    from tests.contract.conftest import Judge

CONTRACTS = (
    "cloudresourcemanager.v1.json",
    "cloudtasks.v2.json",
    "secretmanager.v1.json",
    "serviceusage.v1.json",
)
KINDS = ("gcp.project_services", "gcp.scheduler_job", "gcp.secret", "gcp.task_queue")
ELSEWHERE = {"gcp.function", "gcp.run_traffic"}
"""Kinds with a story of their own."""

HERE = {"location": "europe-west1"}
DECLARED: list[dict[str, Any]] = [
    {"kind": KINDS[0], "name": "vision", "spec": {"service": "vision.googleapis.com"}},
    {
        "kind": KINDS[1],
        "name": "carts",
        "spec": {
            **HERE,
            "job": "remind-carts",
            "schedule": "0 * * * *",
            "topic": "projects/shop-prod/topics/carts",
            "state": "enabled",
        },
    },
    {
        "kind": KINDS[1],
        "name": "new",
        "spec": {
            **HERE,
            "job": "new",
            "schedule": "0 4 * * *",
            "uri": "https://x.example",
            "state": "paused",
        },
    },
    {
        "kind": KINDS[2],
        "name": "stripe",
        "spec": {
            "secret_id": "STRIPE_KEY",
            "labels": {"team": "payments", "tier": "1"},
            "annotations": {"owner": "Ama"},
            "version_aliases": {"current": 2},
            "versions": {"2": "enabled"},
            "rotation_period": "7200s",
            "topics": ["projects/shop-prod/topics/rotation"],
        },
    },
    {
        "kind": KINDS[2],
        "name": "new",
        "spec": {"secret_id": "NEW", "locations": ["europe-west1"], "labels": {"a": "b"}},
    },
    {
        "kind": KINDS[2],
        "name": "hook",
        "spec": {"secret_id": "STRIPE_WEBHOOK_SECRET", "versions": {"1": "disabled"}},
    },
    {
        "kind": KINDS[3],
        "name": "payouts",
        "spec": {
            **HERE,
            "queue": "payouts",
            "state": "paused",
            "max_dispatches_per_second": 2.5,
            "max_doublings": 3,
            "min_backoff": "1.5s",
            "logged_share": 0.5,
        },
    },
    {"kind": KINDS[3], "name": "new", "spec": {**HERE, "queue": "new", "state": "paused"}},
]

UNCOVERED = {
    # Google publishes no discovery document of Cloud Scheduler in the client library that the contracts came from
    "GET /v1/projects/shop-prod/locations/europe-west1/jobs",
    "POST /v1/projects/shop-prod/locations/europe-west1/jobs",
    "GET /v1/projects/shop-prod/locations/europe-west1/jobs/remind-carts",
    "GET /v1/projects/shop-prod/locations/europe-west1/jobs/new",
    "PATCH /v1/projects/shop-prod/locations/europe-west1/jobs/remind-carts",
    "POST /v1/projects/shop-prod/locations/europe-west1/jobs/remind-carts:pause",
    "POST /v1/projects/shop-prod/locations/europe-west1/jobs/remind-carts:resume",
    "POST /v1/projects/shop-prod/locations/europe-west1/jobs/new:pause",
    "DELETE /v1/projects/shop-prod/locations/europe-west1/jobs/new",
    # the contract was built from the services alone, without operations.get
    "GET /v1/operations/{id}",
}
"""Requests that no description covers."""

JUDGED = {
    "cloudresourcemanager.projects.get",
    "cloudtasks.projects.locations.queues.create",
    "cloudtasks.projects.locations.queues.delete",
    "cloudtasks.projects.locations.queues.get",
    "cloudtasks.projects.locations.queues.list",
    "cloudtasks.projects.locations.queues.patch",
    "cloudtasks.projects.locations.queues.pause",
    "cloudtasks.projects.locations.queues.resume",
    "secretmanager.projects.secrets.create",
    "secretmanager.projects.secrets.get",
    "secretmanager.projects.secrets.list",
    "secretmanager.projects.secrets.patch",
    "secretmanager.projects.secrets.versions.disable",
    "secretmanager.projects.secrets.versions.enable",
    "secretmanager.projects.secrets.versions.get",
    "secretmanager.projects.secrets.versions.list",
    "serviceusage.services.batchEnable",
    "serviceusage.services.list",
}
"""Operations that the story must come by."""


@pytest.fixture(scope="module")
def checker() -> Any:
    return load_checker(CONTRACTS)


@pytest.fixture
def story(judge: Judge, world: World, tmp_path: Path) -> Iterator[Bench]:
    """Label, change everything, and go back."""
    del judge
    with google_bench(world, tmp_path, *KINDS) as bench:
        bench.declare(*DECLARED)
        good = bench.keep()
        assert bench.apply(bench.plan()).result == "done"
        assert bench.plan().changes == ()
        assert bench.apply(bench.plan(good)).result == "done"
        yield bench


def test_every_exchange_is_as_google_describes_it(story: Bench, judge: Judge) -> None:
    assert story.kinds == KINDS
    assert judge.violations == set()


def test_only_known_operations_have_no_description(story: Bench, judge: Judge) -> None:
    assert story.kinds == KINDS
    found = {re.sub(r"/op-\d+$", "/{id}", one) for one in judge.uncovered}
    assert found == UNCOVERED


def test_every_operation_was_judged(story: Bench, judge: Judge) -> None:
    assert story.kinds == KINDS
    assert judge.operations == JUDGED


def test_no_kind_of_google_cloud_is_without_a_story() -> None:
    told = {kind for kind in registry.KINDS if kind.startswith("gcp.")}

    assert told <= {*KINDS, *ELSEWHERE}
