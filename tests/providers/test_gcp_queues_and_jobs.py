"""``gcp.task_queue`` and ``gcp.scheduler_job``: what the laws of all kinds do not say. GC-19 and the like are traps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from reconciler.core.behaviour import Duration
from reconciler.providers.google.scheduler_job import SchedulerJob
from tests.providers.google_bench import change, google_bench, why_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.conformance.bench import Bench
    from reconciler.conformance.world import World

QUEUE, JOB = "gcp.task_queue", "gcp.scheduler_job"
SOURCES = Path(__file__).parents[2] / "reconciler"
PAYOUTS = {"location": "europe-west1", "queue": "payouts"}
SETTLE = {
    "location": "europe-west1",
    "job": "settle-payouts",
    "schedule": "0 3 * * *",
    "uri": "https://europe-west1-shop-prod.cloudfunctions.net/settle",
}


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Iterator[Bench]:
    with google_bench(world, tmp_path, QUEUE, JOB) as bench:
        yield bench


def declare_queue(shop: Bench, **spec: Any) -> None:
    shop.declare({"kind": QUEUE, "name": "payouts", "spec": {**PAYOUTS, **spec}})


def declare_job(shop: Bench, **spec: Any) -> None:
    shop.declare({"kind": JOB, "name": "settle", "spec": {**SETTLE, **spec}})


def row_of(shop: Bench, what: str, identifier: str) -> dict[str, Any]:
    rows = shop.world.state("google")[what]
    found: dict[str, Any] = next(one for one in rows if one["id"] == identifier)
    return found


def writes(shop: Bench) -> list[str]:
    return [f"{one.method} {one.path.rpartition('/')[2]}" for one in shop.world.writes()]


def test_what_the_server_fills_in_is_no_drift(shop: Bench) -> None:
    declare_queue(shop, min_backoff="0.1s", max_doublings=16, max_retry_duration="3600.0s")

    assert shop.plan().changes == ()


def test_gc25_durations_are_numbers() -> None:
    assert Duration().normal("3600s") == Duration().normal("3600.0s")


def test_gc03_an_absent_field_is_its_default(shop: Bench) -> None:
    row = row_of(shop, "queues", "payouts")
    row["retryConfig"]["maxRetryDuration"] = "0s"  # left out of the answer
    change(shop, queues=[row])
    declare_queue(shop, max_retry_duration="0s", logged_share=1)

    assert shop.plan().changes == ()


def test_a_queue_is_paused_before_it_is_changed_and_runs_after(shop: Bench) -> None:
    declare_queue(shop, state="paused", max_attempts=3)
    plan = shop.plan()
    shop.world.forget()
    shop.apply(plan)
    assert writes(shop) == ["POST payouts:pause", "PATCH payouts"]
    declare_queue(shop, state="running", max_attempts=4)
    again = shop.plan()
    shop.world.forget()

    shop.apply(again)

    assert writes(shop) == ["PATCH payouts", "POST payouts:resume"]
    assert (plan.calls, again.calls) == (2, 2)


def test_gc19_a_queue_that_is_gone_is_not_made_by_a_change(shop: Bench) -> None:
    declare_queue(shop, max_attempts=3)
    plan = shop.plan()
    change(shop, queues=[])

    report = shop.apply(plan)

    assert str(report.outcomes[0].result) == "stale"
    assert shop.world.state("google")["queues"] == []


def test_gc20_a_queue_that_only_seems_to_be_made_fails_the_step(shop: Bench) -> None:
    shop.declare({"kind": QUEUE, "name": "new", "spec": {**PAYOUTS, "queue": "new"}})
    plan = shop.plan()
    shop.world.fail(vendor="google", method="POST", path="*/queues", no_effect=True)

    outcome = shop.apply(plan).outcomes[0]

    assert str(outcome.result) == "failed"
    assert "is not there" in outcome.detail


def test_gc22_no_source_purges_a_queue() -> None:
    texts = [path.read_text("utf-8") for path in (SOURCES / "providers").rglob("*.py")]

    assert not [text for text in texts if ":purge" in text]


def test_a_queue_outside_the_named_locations_is_refused(shop: Bench) -> None:
    shop.declare({"kind": QUEUE, "name": "far", "spec": {"location": "us-east1", "queue": "far"}})

    assert shop.plan().refusals[0].rule == "location"


def test_without_locations_queues_are_unknown(world: World, tmp_path: Path) -> None:
    with google_bench(world, tmp_path, QUEUE, locations=[]) as shop:
        shop.declare({"kind": QUEUE, "name": "payouts", "spec": PAYOUTS})

        assert "providers.gcp.locations is empty" in why_unreadable(shop.plan())


def test_a_queue_that_queue_yaml_disabled_is_left_alone(shop: Bench) -> None:
    change(shop, queues=[{**row_of(shop, "queues", "payouts"), "state": "DISABLED"}])
    declare_queue(shop, max_attempts=3)

    assert "queue.yaml" in shop.plan().refusals[0].message


def test_what_the_scheduler_adds_is_no_drift(shop: Bench) -> None:
    account = "jobs@shop-prod.iam.gserviceaccount.com"
    declare_job(
        shop, time_zone="Africa/Accra", attempt_deadline="540.0s", oidc_service_account=account
    )

    assert shop.plan().changes == ()


def test_a_target_is_sent_whole(shop: Bench) -> None:
    declare_job(shop, body='{"limit": 5}')

    assert shop.apply(shop.plan()).result == "done"

    target = row_of(shop, "jobs", "settle-payouts")["httpTarget"]
    assert target["uri"] == SETTLE["uri"]
    assert target["oidcToken"]["serviceAccountEmail"] == "jobs@shop-prod.iam.gserviceaccount.com"


def test_gc24_the_verb_comes_from_the_live_state(shop: Bench) -> None:
    declare_job(shop, state="paused")
    plan = shop.plan()
    change(shop, jobs=[{**row_of(shop, "jobs", "settle-payouts"), "state": "PAUSED"}])
    shop.world.forget()

    report = shop.apply(plan)

    assert (report.result, writes(shop)) == ("done", [])


def test_gc23_a_change_that_failed_at_google_is_made_again(shop: Bench) -> None:
    change(shop, jobs=[{**row_of(shop, "jobs", "settle-payouts"), "failing": 2}])
    declare_job(shop, schedule="0 4 * * *")
    plan = shop.plan()
    shop.world.forget()

    assert shop.apply(plan).result == "done"
    assert writes(shop) == ["PATCH settle-payouts"] * 3


def test_gc23_a_job_that_is_left_so_is_mended(shop: Bench) -> None:
    change(shop, jobs=[{**row_of(shop, "jobs", "settle-payouts"), "state": "UPDATE_FAILED"}])
    declare_job(shop, state="enabled")
    plan = shop.plan()

    assert (plan.calls, shop.apply(plan).result) == (1, "done")
    assert row_of(shop, "jobs", "settle-payouts")["state"] == "ENABLED"


def test_a_credential_in_a_header_is_not_kept(shop: Bench) -> None:
    row = row_of(shop, "jobs", "settle-payouts")
    row["httpTarget"]["headers"]["Authorization"] = "Bearer canary-0451"
    change(shop, jobs=[row])
    declare_job(shop, schedule="0 4 * * *")

    plan = shop.plan()

    assert "credential in the header Authorization" in plan.refusals[0].message
    assert "canary-0451" not in repr(shop.keep())


@pytest.mark.parametrize(
    "spec",
    [
        {"topic": "projects/shop-prod/topics/x"},
        {"uri": None},
        {"headers": {"Authorization": "Bearer x"}},
        {"message": "x"},
        {"schedule": ""},
        {"uri": None, "topic": "projects/shop-prod/topics/x", "attempt_deadline": "60s"},
    ],
)
def test_what_cannot_be_is_refused_in_the_file(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SchedulerJob.model_validate({**SETTLE, **spec})
