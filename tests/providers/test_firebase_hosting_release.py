"""``firebase.hosting_release``: what the laws of all kinds do not say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.core.change import Action
from reconciler.core.finding import Weight
from tests.providers.firebase import Night, night_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World

KIND = "firebase.hosting_release"
GOOD, OLDER, NEXT = "b41c0ffee0000041", "b40c0ffee0000040", "b42c0ffee0000042"


@pytest.fixture
def night(world: World, tmp_path: Path) -> Iterator[Night]:
    with night_of(world, tmp_path, KIND) as night:
        yield night


def wanted(night: Night, version: str, **more: object) -> None:
    night.declare("shop", KIND, site="shop", version=version, **more)


def test_going_back_releases_the_old_version_again(night: Night) -> None:
    wanted(night, OLDER)

    report = night.bench.apply(night.bench.plan())

    hosting = night.state["hosting"]
    newest = hosting["releases"][-1]
    assert report.result == "done"
    assert (newest["version"], newest["type"]) == (OLDER, "ROLLBACK")
    assert len(hosting["releases"]) == 4


def test_a_preview_channel_is_not_what_is_live(night: Night) -> None:
    found = {one.remote_id: one.values["version"] for one in night.bench.look().entries}

    assert found == {"sites/shop/channels/live": GOOD, "sites/shop/channels/next": NEXT}


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("b39c0ffee0000039", "is DELETED"),
        ("b12c0ffee0000012", "is EXPIRED"),
        ("b43c0ffee0000043", "is CREATED"),
        ("nowhere", "does not exist any more"),
    ],
)
def test_a_version_that_cannot_be_released_is_refused_in_the_plan(
    night: Night, version: str, why: str
) -> None:
    wanted(night, version)

    (finding,) = night.bench.plan().refusals

    assert finding.rule == "restorable_version"
    assert why in finding.message
    assert f"{NEXT}, {GOOD}, {OLDER}" in finding.remedy


def test_a_deploy_between_plan_and_apply_is_not_overwritten(night: Night) -> None:
    wanted(night, OLDER)
    plan = night.bench.plan()
    channels = night.state["hosting"]["channels"]
    channels[0]["release"] = {**channels[0]["release"], "version": NEXT}
    night.put("hosting", channels=channels)
    night.world.forget()

    report = night.bench.apply(plan)

    assert report.outcomes[0].result == "stale"
    assert night.sent("POST") == []


def test_a_rewrite_that_is_pinned_to_a_revision_is_warned_of(night: Night) -> None:
    wanted(night, NEXT)

    findings = [one for one in night.bench.plan().findings if one.rule == "pinned_rewrite"]

    assert [one.weight for one in findings] == [Weight.WARNING]
    assert "revision of api that is tagged fh-b42" in findings[0].message


def test_a_site_is_switched_off_and_on_again(night: Night) -> None:
    good = night.bench.keep()
    wanted(night, "disabled")
    night.bench.apply(night.bench.plan())
    off = night.state["hosting"]["releases"][-1]

    wanted(night, GOOD)
    report = night.bench.apply(night.bench.plan())

    assert off["type"] == "SITE_DISABLE"
    assert "version" not in off
    assert report.result == "done"
    assert night.state["hosting"]["releases"][-1]["version"] == GOOD
    assert good.id


def test_another_site_is_left_to_people(night: Night) -> None:
    wanted(night, GOOD)
    night.bench.apply(night.bench.plan())
    night.bench.keep()
    night.declare("shop", KIND, site="docs", version=GOOD)

    changes = night.bench.plan().changes

    assert [one.action for one in changes] == [Action.MANUAL]


def test_who_released_and_when_is_kept(night: Night) -> None:
    entry = next(one for one in night.bench.look().entries if one.values["channel"] == "live")

    assert entry.evidence["released_by"] == "ci@shop-prod.iam.gserviceaccount.com"
    assert entry.evidence["released_at"] == "2026-11-13T09:00:00Z"
    assert entry.evidence["message"] == "v41"
