"""``firebase.app_distribution_release``: there is no way back, and a plan says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.core.change import Action
from reconciler.providers.google.app_distribution_release import NO_WAY_BACK
from tests.providers.firebase import Night, night_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World

KIND = "firebase.app_distribution_release"
APP = "1:123456789012:android:0a1b2c3d4e5f6071"


@pytest.fixture
def night(world: World, tmp_path: Path) -> Iterator[Night]:
    with night_of(world, tmp_path, KIND) as night:
        yield night


def upload(night: Night, version: str, build: str) -> None:
    found = night.state["app_distribution"]["releases"]
    row = {
        "appId": APP,
        "id": f"r{build}",
        "displayVersion": version,
        "buildVersion": build,
        "createTime": "2026-11-20T09:00:00Z",
    }
    night.put("app_distribution", releases=[*found, row])


def test_the_newest_release_is_read_without_its_links(night: Night) -> None:
    (entry,) = night.bench.look().entries

    assert entry.values == {"app": APP, "display_version": "2.4.0", "build_version": "240"}
    assert "https://" not in repr(entry)


def test_going_back_is_a_step_for_people_with_its_text(night: Night) -> None:
    night.declare("app", KIND, app=APP)
    good = night.bench.keep()
    upload(night, "2.5.0", "250")
    night.world.forget()

    plan = night.bench.plan(good)

    (change,) = plan.changes
    assert (change.action, change.reversibility_reason) == (Action.MANUAL, NO_WAY_BACK)
    assert "is at 2.5.0 (250): build the code of 2.4.0 (240)" in change.follow_ups[-1]
    assert f"firebase appdistribution:distribute FILE --app {APP}" in change.follow_ups[-1]
    assert night.bench.apply(plan).result == "done"
    assert night.world.writes() == ()


def test_another_version_that_is_declared_is_one_too(night: Night) -> None:
    night.declare("app", KIND, app=APP, display_version="2.3.0")

    (change,) = night.bench.plan().changes

    assert (change.action, change.calls) == (Action.MANUAL, 0)
