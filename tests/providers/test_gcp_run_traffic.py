"""``gcp.run_traffic``: what the laws of all kinds do not say of it. GC-09 and the like are vendor traps by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from reconciler.conformance.bench import Bench
from reconciler.conformance.world import no_waiting
from reconciler.core.change import Action
from reconciler.core.finding import Weight
from reconciler.providers.google.run_revisions import kept_days
from reconciler.providers.google.run_targets import Targets, rows_of, targets_of
from reconciler.providers.google.run_traffic import RunTraffic
from reconciler.sandbox.google_run import add_revision
from reconciler.wire.transport import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World
    from reconciler.core.plan import Plan

KIND = "gcp.run_traffic"
NAME = "projects/shop-prod/locations/europe-west1/services/stripewebhook"
GOOD, BAD = "stripewebhook-00041-abc", "stripewebhook-00042-bad"
SETTINGS = {
    "project": "shop-prod",
    "locations": ["europe-west1"],
    "access_token": "${secret:env/GOOGLE_TOKEN}",
}


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Iterator[Bench]:
    world.reset()
    with Connections(no_waiting()) as connections:
        yield Bench(
            tmp_path,
            world,
            connections,
            accounts={"gcp": SETTINGS},
            environ={"GOOGLE_TOKEN": "canary.token_Jb7dPq2w"},
            kinds=[KIND],
        )


def declare(shop: Bench, **spec: object) -> None:
    whole = {"service": "stripewebhook", "location": "europe-west1", **spec}
    shop.declare({"kind": KIND, "name": "webhook", "spec": whole})


def row_of(state: dict[str, Any]) -> dict[str, Any]:
    return next(row for row in state["run"]["services"] if row["name"] == NAME)


def traffic(shop: Bench) -> Targets:
    return targets_of(row_of(shop.world.state("google")).get("traffic") or ())


def change_state(shop: Bench, **changes: object) -> None:
    state = shop.world.state("google")
    shop.world.put("google", {**state, **changes})


def change_run(shop: Bench, **changes: object) -> None:
    change_state(shop, run={**shop.world.state("google")["run"], **changes})


def change_revision(shop: Bench, name: str, **changes: object) -> None:
    rows = shop.world.state("google")["run"]["revisions"]
    change_run(
        shop,
        revisions=[{**row, **changes} if row["name"].endswith(name) else row for row in rows],
    )


def deploy(shop: Bench, *, unpins: bool = False) -> str:
    state = shop.world.state("google")
    made = add_revision(state, row_of(state), {"containers": [{"image": "x"}]}, unpins=unpins)
    shop.world.put("google", state)
    return made


def told(plan: Plan, weight: Weight) -> list[str]:
    return [one.message for one in plan.findings if one.weight is weight]


def test_a_rollback_after_a_bad_deployment_pins_the_revision_of_the_snapshot(shop: Bench) -> None:
    declare(shop, traffic={"latest": 100})
    good = shop.keep()
    deploy(shop)

    plan = shop.plan(good)
    report = shop.apply(plan)

    assert traffic(shop).percent == {BAD: 100}  # the newest when the snapshot was taken
    assert plan.calls == 1
    assert report.result == "done"
    assert any("pins it" in note for note in plan.changes[0].notes)
    assert any("is pinned" in one for one in plan.changes[0].follow_ups)


def test_rolling_back_twice_does_not_let_the_bad_revision_in_again(shop: Bench) -> None:
    declare(shop, traffic={"latest": 100})
    good = shop.keep()
    deploy(shop)
    shop.apply(shop.plan(good))

    again = shop.plan(good)

    assert [change.action for change in again.changes] == [Action.MANUAL]
    assert "--to-latest" in again.changes[0].follow_ups[0]
    shop.apply(again)
    assert traffic(shop).percent == {BAD: 100}


def test_a_pin_by_hand_is_taken_away_by_a_rollback(shop: Bench) -> None:
    declare(shop, traffic={"latest": 100})
    good = shop.keep()
    state = shop.world.state("google")
    row_of(state)["traffic"] = rows_of(Targets({GOOD: 100}, {}))
    shop.world.put("google", state)

    plan = shop.plan(good)
    shop.apply(plan)

    assert traffic(shop).percent == {"latest": 100}
    assert any("unpins" in note for note in plan.changes[0].notes)


def test_a_deployment_is_no_drift_where_the_file_follows_the_newest(shop: Bench) -> None:
    declare(shop, traffic={"latest": 100})
    shop.apply(shop.plan())
    deploy(shop)

    assert shop.plan().changes == ()


def test_a_deployment_that_unpins_is_found_and_pinned_again(shop: Bench) -> None:
    """GC-11."""
    declare(shop, revision=GOOD)
    shop.apply(shop.plan())
    deploy(shop, unpins=True)

    shop.apply(shop.plan())

    assert traffic(shop).percent == {GOOD: 100}


def test_a_revision_whose_image_was_cleaned_up_is_refused(shop: Bench) -> None:
    """GC-09."""
    images = shop.world.state("google")["run"]["images"]
    change_run(shop, images=[one for one in images if "stripewebhook@sha256:41" not in one])
    declare(shop, revision=GOOD)

    refusals = shop.plan().refusals

    assert [one.rule for one in refusals] == ["rollback_target"]
    assert "image was cleaned up" in refusals[0].message
    assert "from its source" in refusals[0].remedy


def test_a_clean_up_that_is_shorter_than_a_rollback_reaches_is_warned_of(shop: Bench) -> None:
    """GC-10."""
    (repository,) = shop.world.state("google")["run"]["repositories"]
    policy = {"id": "firebase", "action": "DELETE", "condition": {"olderThan": "86400s"}}
    change_run(shop, repositories=[{**repository, "cleanupPolicies": {"firebase": policy}}])
    declare(shop, revision=GOOD)

    plan = shop.plan()

    assert plan.refusals == ()
    assert any("keeps images for 1 days" in one for one in told(plan, Weight.WARNING))


def test_a_revision_that_is_gone_or_never_ready_is_refused(shop: Bench) -> None:
    declare(shop, revision="stripewebhook-00001-abc")
    gone = shop.plan().refusals
    change_revision(shop, GOOD, ready=False)
    declare(shop, revision=GOOD)
    unready = shop.plan().refusals

    assert "does not exist any more" in gone[0].message
    assert "--region=europe-west1" in gone[0].remedy
    assert "is not ready" in unready[0].message


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("DISABLED", "gcloud secrets versions enable 3"),
        ("DESTROYED", "choose a version that exists"),
    ],
)
def test_a_revision_that_reads_a_secret_version_which_is_off_is_refused(
    shop: Bench, state: str, remedy: str
) -> None:
    """GC-16."""
    read = {"valueSource": {"secretKeyRef": {"secret": "stripe-key", "version": "3"}}}
    known = shop.world.state("google")["run"]["revisions"]
    containers = next(row for row in known if row["name"].endswith(GOOD))["containers"]
    change_revision(shop, GOOD, containers=[{**containers[0], "env": [{"name": "KEY", **read}]}])
    shop.world.fail(
        vendor="google",
        path="/v1/projects/shop-prod/secrets/stripe-key/versions/3",
        status=200,
        body={"name": "projects/1/secrets/stripe-key/versions/3", "state": state},
    )
    declare(shop, revision=GOOD)

    (refusal,) = shop.plan().refusals

    assert f"version 3 of the secret stripe-key, which is {state}" in refusal.message
    assert remedy in refusal.remedy
    shop.world.heal()


def test_what_the_credential_may_not_check_is_a_warning(shop: Bench) -> None:
    shop.world.fail(vendor="google", path="/v1/*/dockerImages/*", status=403)
    declare(shop, revision=GOOD)

    plan = shop.plan()

    assert plan.refusals == ()
    assert any("could not be checked" in one for one in told(plan, Weight.WARNING))
    shop.world.heal()


def test_an_operation_that_ends_badly_fails_the_change(shop: Bench) -> None:
    """GC-05."""
    change_state(shop, lro={"polls": 1, "error": {"code": 9, "message": "no quota for it"}})
    declare(shop, revision=GOOD)

    (outcome,) = shop.apply(shop.plan()).outcomes

    assert outcome.result == "failed"
    assert "no quota for it" in outcome.detail


def test_the_write_carries_the_etag_that_was_just_read(shop: Bench) -> None:
    """GC-17: the etag is a precondition, and no drift."""
    declare(shop, revision=GOOD)
    plan = shop.plan()
    state = shop.world.state("google")
    row_of(state)["labels"] = {"touched": "meanwhile"}
    shop.world.put("google", state)

    report = shop.apply(plan)

    assert report.result == "done"
    assert row_of(shop.world.state("google"))["labels"] == {"touched": "meanwhile"}


def test_a_service_that_is_not_there_is_never_made(shop: Bench) -> None:
    declare(shop, service="elsewhere", revision=GOOD)

    assert [one.rule for one in shop.plan().refusals] == ["missing"]


def test_shares_that_are_not_100_together_are_refused() -> None:
    with pytest.raises(ValidationError, match="100 together"):
        RunTraffic(service="a", location="europe-west1", traffic={"a-1": 50})


def test_an_empty_list_of_targets_is_all_for_the_latest() -> None:
    assert targets_of(()) == Targets({"latest": 100}, {})


def test_a_policy_that_only_keeps_or_only_pretends_deletes_nothing() -> None:
    policy = {"action": "DELETE", "condition": {"olderThan": "86400s"}}

    assert kept_days({"cleanupPolicies": {"a": {**policy, "action": "KEEP"}}}) is None
    assert kept_days({"cleanupPolicies": {"a": policy}, "cleanupPolicyDryRun": True}) is None
    assert kept_days({"cleanupPolicies": {"a": policy}}) == 1
