"""``firebase.rules``: what the laws of all kinds do not say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.core.finding import Weight
from tests.providers.firebase import Night, night_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World

KIND = "firebase.rules"
FIRESTORE = "cloud.firestore"
CLOSED = "rules_version = '2';\nservice cloud.firestore {\n}\n"


@pytest.fixture
def night(world: World, tmp_path: Path) -> Iterator[Night]:
    with night_of(world, tmp_path, KIND) as night:
        yield night


def in_force(night: Night, release: str = FIRESTORE) -> str:
    rules = night.state["rules"]
    found: str = rules["rulesets"][rules["releases"][release]["ruleset"]]["files"][0]["content"]
    return found


def test_the_same_text_under_another_ruleset_is_no_difference(night: Night) -> None:
    night.declare("firestore", KIND, release=FIRESTORE, source=in_force(night))
    rules = night.state["rules"]
    rulesets = {**rules["rulesets"], "other": next(iter(rules["rulesets"].values()))}
    releases = {**rules["releases"]}
    releases[FIRESTORE] = {**releases[FIRESTORE], "ruleset": "other"}
    night.put("rules", rulesets=rulesets, releases=releases)

    assert night.bench.plan().changes == ()


def test_rules_go_back_although_their_ruleset_is_gone(night: Night) -> None:
    before = in_force(night)
    night.declare("firestore", KIND, release=FIRESTORE, source=before)
    good = night.bench.keep()
    rules = night.state["rules"]
    bad = {
        "files": [{"name": "firestore.rules", "content": CLOSED}],
        "createTime": "2026-11-20T00:00:00Z",
    }
    storage = rules["releases"]["firebase.storage/shop-prod.appspot.com"]["ruleset"]
    releases = {**rules["releases"]}
    releases[FIRESTORE] = {**releases[FIRESTORE], "ruleset": "bad"}
    night.put(
        "rules", releases=releases, rulesets={storage: rules["rulesets"][storage], "bad": bad}
    )

    report = night.bench.apply(night.bench.plan(good))

    assert report.result == "done"
    assert in_force(night) == before


def test_only_the_named_release_is_moved(night: Night) -> None:
    rules = night.state["rules"]
    named = {**rules["releases"], f"{FIRESTORE}/ledger": rules["releases"][FIRESTORE]}
    night.put("rules", releases=named)
    before = in_force(night)
    night.declare("firestore", KIND, release=FIRESTORE, source=CLOSED)

    night.bench.apply(night.bench.plan())

    assert in_force(night) == CLOSED
    assert in_force(night, f"{FIRESTORE}/ledger") == before


def test_a_text_that_does_not_compile_is_refused_in_the_plan(night: Night) -> None:
    night.declare("firestore", KIND, release=FIRESTORE, source="service cloud.firestore {\n")

    (finding,) = night.bench.plan().refusals

    assert (finding.rule, finding.message[:7]) == ("rules_text", "line 2:")


def test_a_text_that_firebase_warns_of_can_be_released(night: Night) -> None:
    text = "service cloud.firestore {\n  allow write: if true;\n}\n"
    night.declare("firestore", KIND, release=FIRESTORE, source=text)

    plan = night.bench.plan()

    assert [one.weight for one in plan.findings if one.rule == "rules_text"] == [Weight.WARNING]
    assert night.bench.apply(plan).result == "done"


def test_rules_in_several_files_are_left_alone(night: Night) -> None:
    rules = night.state["rules"]
    key = rules["releases"][FIRESTORE]["ruleset"]
    files = [*rules["rulesets"][key]["files"], {"name": "more.rules", "content": "service x {}"}]
    row = {**rules["rulesets"][key], "files": files}
    night.put("rules", rulesets={**rules["rulesets"], key: row})
    night.declare("firestore", KIND, release=FIRESTORE, source=CLOSED)

    (finding,) = night.bench.plan().refusals

    assert finding.rule == "read_only"
