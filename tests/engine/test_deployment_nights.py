"""What happens to the production deployment at night. ``VC-nn`` are the traps of the vendor's sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.core.change import Action
from reconciler.engine.outcome import Result

if TYPE_CHECKING:
    from reconciler.conformance.bench import Bench

KIND = "vercel.production_deployment"
MARK = f"{KIND}/shop"


def declare(shop: Bench, deployment: str, *, automatic: bool | None = None) -> None:
    spec: dict[str, Any] = {"deployment": deployment}
    if automatic is not None:
        spec["auto_assign_domains"] = automatic
    shop.declare({"kind": KIND, "name": "shop", "spec": spec})


def project(shop: Bench) -> dict[str, Any]:
    found: dict[str, Any] = shop.world.state("vercel")["projects"][0]
    return found


def by_hand(shop: Bench, **fields: Any) -> None:
    """Change the project; production hosts follow its deployment."""
    state = shop.world.state("vercel")
    changed = {**state["projects"][0], **fields}
    aliases = [
        {**one, "deploymentId": changed["production"]} if one["target"] == "production" else one
        for one in state["aliases"]
    ]
    shop.world.put("vercel", {**state, "projects": [changed], "aliases": aliases})


def served(shop: Bench) -> set[str]:
    aliases = shop.world.state("vercel")["aliases"]
    return {one["deploymentId"] for one in aliases if one["target"] == "production"}


def test_the_last_good_deployment_serves_again_after_a_bad_one(shop: Bench) -> None:
    """The night of the perfume shop: the site is down after a deploy."""
    declare(shop, "dpl_good_41", automatic=False)
    shop.apply(shop.plan())
    good = shop.keep()
    by_hand(shop, production="dpl_bad_42", autoAssignCustomDomains=True)
    shop.world.forget()

    plan = shop.plan(good)
    report = shop.apply(plan)

    assert [change.action for change in plan.changes] == [Action.UPDATE]
    assert report.result == "done"
    assert served(shop) == {"dpl_good_41"}
    assert project(shop)["autoAssignCustomDomains"] is False
    assert [write.path for write in shop.world.writes()] == [
        "/v1/projects/prj_sandbox/rollback/dpl_good_41"
    ]


def test_the_plan_shows_that_a_rollback_turns_auto_assignment_off(shop: Bench) -> None:
    """VC-02."""
    by_hand(shop, autoAssignCustomDomains=True)
    declare(shop, "dpl_older_40")

    plan = shop.plan()
    report = shop.apply(plan)

    (change,) = plan.changes
    fields = {field.field: (field.before, field.after) for field in change.field_changes}
    assert fields["auto_assign_domains"] == (True, False)
    assert any("new pushes do not go live" in step for step in change.follow_ups)
    assert report.result == "done"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("dpl_failed_39", "is ERROR, not READY"),
        ("dpl_bad_42", "no rollback candidate"),
        ("dpl_retired_12", "deleted by the retention policy"),
        ("dpl_nowhere", "does not exist any more"),
        ("dpl_preview_7", "no production deployment"),
    ],
)
@pytest.mark.parametrize("automatic", [None, False])
@pytest.mark.parametrize("live", [True, False])
def test_a_target_that_cannot_be_rolled_back_to_is_refused_in_the_plan(
    shop: Bench, target: str, why: str, *, automatic: bool | None, live: bool
) -> None:
    """VC-10."""
    by_hand(shop, autoAssignCustomDomains=live)
    declare(shop, target, automatic=automatic)

    plan = shop.plan()

    assert [finding.rule for finding in plan.refusals] == ["rollback_target"]
    assert why in plan.refusals[0].message
    assert shop.world.writes() == ()


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("dpl_preview_7", "build it anew"),
        ("dpl_failed_39", "is ERROR, not READY"),
        ("dpl_retired_12", "deleted by the retention policy"),
    ],
)
def test_what_cannot_be_promoted_is_refused_in_the_plan(shop: Bench, target: str, why: str) -> None:
    """VC-10, and VC-11: a preview deployment would be built anew, with the variables of production."""
    declare(shop, target, automatic=True)

    plan = shop.plan()

    assert [finding.rule for finding in plan.refusals] == ["rollback_target"]
    assert why in plan.refusals[0].message


def test_a_promote_that_is_queued_is_not_done(shop: Bench) -> None:
    """VC-12: 202 waits for a rolling release."""
    by_hand(shop, activeRollingRelease=True)
    declare(shop, "dpl_bad_42", automatic=True)

    report = shop.apply(shop.plan())

    assert [one.result for one in report.outcomes] == [Result.FAILED]
    assert "rolling release" in report.outcomes[0].detail
    assert report.result == "incomplete"
    assert served(shop) == {"dpl_good_41"}


def under_way(shop: Bench, reads: int) -> None:
    """Let somebody's promote of dpl_bad_42 be under way for so many reads."""
    state = shop.world.state("vercel")
    jobs = {"reads_until_done": reads, "outcome": "succeeded"}
    shop.world.put("vercel", {**state, "jobs": jobs})
    request = {
        "fromDeploymentId": "dpl_good_41",
        "toDeploymentId": "dpl_bad_42",
        "jobStatus": "in-progress",
        "requestedAt": 1_799_999_999_999,
        "type": "promote",
    }
    by_hand(shop, lastAliasRequest=request)


def test_a_move_waits_for_another_that_is_under_way(shop: Bench) -> None:
    """VC-13."""
    under_way(shop, reads=9)
    declare(shop, "dpl_older_40")

    report = shop.apply(shop.plan())

    assert report.result == "done"
    assert served(shop) == {"dpl_older_40"}


def test_while_a_move_does_not_end_production_is_unknown(shop: Bench) -> None:
    """VC-13."""
    under_way(shop, reads=1_000_000)
    declare(shop, "dpl_older_40")

    plan = shop.plan()

    assert [one.kind for one in plan.unreadable] == ["vercel.production_deployment"]
    assert plan.changes == ()


def test_a_move_that_the_vendor_gives_up_is_not_done(shop: Bench) -> None:
    state = shop.world.state("vercel")
    shop.world.put("vercel", {**state, "jobs": {"reads_until_done": 1, "outcome": "failed"}})
    declare(shop, "dpl_older_40")

    report = shop.apply(shop.plan())

    assert [one.result for one in report.outcomes] == [Result.FAILED]
    assert "Production was not moved" in report.outcomes[0].detail
    assert served(shop) == {"dpl_good_41"}


def test_switching_auto_assignment_changes_nothing_else_of_the_project(shop: Bench) -> None:
    """VC-17."""
    declare(shop, "dpl_good_41", automatic=True)
    before = project(shop)

    report = shop.apply(shop.plan())

    assert report.result == "done"
    changed = {name for name, value in project(shop).items() if before.get(name) != value}
    assert changed == {"autoAssignCustomDomains", "updatedAt"}


def test_a_move_is_not_made_another_way_than_planned(shop: Bench) -> None:
    """Auto-assignment decides between promote and rollback, so a change of it makes the plan stale."""
    by_hand(shop, autoAssignCustomDomains=True)
    declare(shop, "dpl_bad_42", automatic=True)
    plan = shop.plan()
    by_hand(shop, autoAssignCustomDomains=False)

    report = shop.apply(plan)

    assert [one.result for one in report.outcomes] == [Result.STALE]
    assert "auto_assign_domains" in report.outcomes[0].detail
    assert shop.world.writes() == ()


def test_a_pointer_is_neither_made_nor_deleted(shop: Bench) -> None:
    spec = {"deployment": "dpl_good_41"}
    shop.declare({"kind": KIND, "name": "shop", "state": "absent", "spec": spec})

    plan = shop.plan()

    assert plan.changes == ()
    assert [(one.rule, one.address) for one in plan.refusals] == [("capability", MARK)]
