"""``gcp.secret``: what the laws of all kinds do not say of it. GC-15 and the like are vendor traps by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from reconciler.core.change import Action
from reconciler.core.finding import Weight
from reconciler.providers.google.secret import Secret
from tests.providers.google_bench import change, google_bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.bench import Bench
    from reconciler.conformance.world import World

KIND = "gcp.secret"
STRIPE = "/v1/projects/shop-prod/secrets/STRIPE_KEY"


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Iterator[Bench]:
    with google_bench(world, tmp_path, KIND) as bench:
        yield bench


def declare(shop: Bench, one_id: str = "STRIPE_KEY", **spec: Any) -> None:
    shop.declare({"kind": KIND, "name": "key", "spec": {"secret_id": one_id, **spec}})


def row_of(shop: Bench, one_id: str = "STRIPE_KEY") -> dict[str, Any]:
    rows = shop.world.state("google")["secrets"]
    found: dict[str, Any] = next(one for one in rows if one["id"] == one_id)
    return found


def edit(shop: Bench, one_id: str = "STRIPE_KEY", **fields: Any) -> None:
    rows = shop.world.state("google")["secrets"]
    change(shop, secrets=[{**one, **(fields if one["id"] == one_id else {})} for one in rows])


def test_no_payload_is_ever_asked_for(shop: Bench) -> None:
    declare(shop, versions={"2": "enabled"}, version_aliases={"current": 2})

    assert shop.apply(shop.plan()).result == "done"

    assert not [one for one in shop.world.asked() if "access" in one.path]


def test_gc17_a_changed_etag_alone_is_no_drift(shop: Bench) -> None:
    declare(shop, labels={"team": "payments"})
    shop.keep()
    edit(shop, etag='"moved"')

    assert shop.plan().changes == ()


def test_gc04_who_writes_in_between_makes_the_change_stale(shop: Bench) -> None:
    declare(shop, labels={"team": "platform"})
    plan = shop.plan()
    body = {"error": {"code": 400, "message": "etag mismatch", "status": "FAILED_PRECONDITION"}}
    shop.world.fail(vendor="google", method="PATCH", status=400, body=body)

    report = shop.apply(plan)

    assert str(report.outcomes[0].result) == "stale"


def test_gc32_the_mask_names_what_changes_and_maps_are_sent_whole(shop: Bench) -> None:
    declare(shop, version_aliases={"current": 2}, versions={"2": "enabled"})
    before = row_of(shop)

    shop.apply(shop.plan())

    after = row_of(shop)
    assert after["versionAliases"] == {"current": "2", "previous": "2"}
    assert {**before, "etag": "", "versionAliases": {}, "versions": []} == {
        **after,
        "etag": "",
        "versionAliases": {},
        "versions": [],
    }
    assert [one["state"] for one in after["versions"]] == ["DESTROYED", "ENABLED", "ENABLED"]


def test_a_version_is_enabled_before_an_alias_points_to_it(shop: Bench) -> None:
    declare(shop, version_aliases={"current": 2}, versions={"2": "enabled", "3": "disabled"})
    edit(
        shop,
        versions=[
            *row_of(shop)["versions"],
            {"state": "ENABLED", "createTime": "2026-11-01T00:00:00Z"},
        ],
    )
    shop.world.forget()

    assert shop.apply(shop.plan()).result == "done"

    paths = [one.path.removeprefix(STRIPE) for one in shop.world.writes()]
    assert paths == ["/versions/2:enable", "", "/versions/3:disable"]


def test_gc15_disabling_what_latest_means_is_refused(shop: Bench) -> None:
    declare(shop, versions={"3": "disabled"})

    refusal = shop.plan().refusals[0]

    assert refusal.rule == "latest"
    assert "not an earlier one" in refusal.message
    assert "gcloud secrets versions disable 3 --secret=STRIPE_KEY" in refusal.remedy


def test_gc15_going_back_to_that_state_is_warned_of(shop: Bench) -> None:
    versions = row_of(shop)["versions"]
    edit(shop, versions=[*versions[:2], {**versions[2], "state": "DISABLED"}])
    declare(shop, versions={"3": "disabled"})
    good = shop.keep()
    edit(shop, versions=versions)

    plan = shop.plan(good)

    assert not plan.refusals
    assert [one.weight for one in plan.findings if one.rule == "latest"] == [Weight.WARNING]


def test_gc16_a_destroyed_version_in_the_target_fails_in_the_plan(shop: Bench) -> None:
    declare(shop)
    good = shop.keep()
    versions = row_of(shop)["versions"]
    edit(shop, versions=[*versions[:2], {**versions[2], "state": "DESTROYED"}])

    refusal = shop.plan(good).refusals[0]

    assert (refusal.rule, "version 3 is destroyed" in refusal.message) == ("version", True)


def test_a_version_that_was_added_since_stays_in_a_rollback(shop: Bench) -> None:
    declare(shop)
    good = shop.keep()
    added = {"state": "ENABLED", "createTime": "2026-11-01T00:00:00Z"}
    edit(shop, versions=[*row_of(shop)["versions"], added])

    assert shop.plan(good).changes == ()


def test_an_alias_to_a_version_that_cannot_be_read_is_told(shop: Bench) -> None:
    declare(shop, version_aliases={"current": 2})

    notes = shop.plan().changes[0].notes

    assert "current points to version 2, which is disabled" in notes


def test_a_secret_is_never_deleted(shop: Bench) -> None:
    shop.declare(
        {"kind": KIND, "name": "key", "state": "absent", "spec": {"secret_id": "STRIPE_KEY"}}
    )

    plan = shop.plan()

    assert [(one.action, one.calls) for one in plan.changes] == [(Action.MANUAL, 0)]
    assert "destroyed with it" in plan.changes[0].reversibility_reason
    shop.apply(plan)
    assert row_of(shop)["id"] == "STRIPE_KEY"


def test_a_new_secret_says_whose_it_is_and_has_no_version(shop: Bench) -> None:
    declare(shop, one_id="NEW_KEY", labels={"team": "payments"}, annotations={"owner": "Ama"})

    assert shop.apply(shop.plan()).result == "done"

    row = row_of(shop, "NEW_KEY")
    assert row["annotations"] == {"owner": "Ama", "reconciler": "conformance/gcp.secret/key"}
    assert row["versions"] == []


def test_the_marker_outlives_a_change_of_the_other_annotations(shop: Bench) -> None:
    declare(shop, one_id="NEW_KEY")
    shop.apply(shop.plan())
    declare(shop, one_id="NEW_KEY", annotations={"owner": "Ama"})

    shop.apply(shop.plan())

    assert row_of(shop, "NEW_KEY")["annotations"]["reconciler"] == "conformance/gcp.secret/key"


def test_the_first_reminder_comes_a_period_from_now(shop: Bench) -> None:
    topics = ["projects/shop-prod/topics/rotation"]
    declare(shop, one_id="DATABASE_URL", rotation_period="7200s", topics=topics)

    assert shop.apply(shop.plan()).result == "done"

    assert row_of(shop, "DATABASE_URL")["rotation"]["rotationPeriod"] == "7200s"


@pytest.mark.parametrize(
    "spec",
    [
        {"rotation_period": "7200s"},
        {"annotations": {"reconciler": "mine"}},
        {"versions": {"3": "destroyed"}},
        {"versions": {"latest": "enabled"}},
        {"labels": {"Team": "x"}},
    ],
)
def test_what_cannot_be_is_refused_in_the_file(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Secret.model_validate({"secret_id": "KEY", **spec})
