"""``firebase.flag`` and ``firebase.remote_config``: what the laws of all kinds do not say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from reconciler.core.errors import InvalidInput
from reconciler.core.finding import Weight
from reconciler.providers.google.flag import ANSWERED_LATE, Flag
from tests.providers.firebase import Night, night_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World

FLAG = "firebase.flag"
CONFIG = "firebase.remote_config"
MAINTENANCE = {"parameter": "maintenance_mode", "type": "BOOLEAN"}
IOS = {"name": "iOS", "expression": "device.os == 'ios'", "tag_color": "BLUE"}
BETA = {"name": "Beta testers", "expression": "app.userProperty['beta'] == 'true'"}


@pytest.fixture
def night(world: World, tmp_path: Path) -> Iterator[Night]:
    with night_of(world, tmp_path, FLAG, CONFIG) as night:
        yield night


def template(night: Night) -> dict[str, Any]:
    found: dict[str, Any] = night.state["remote_config"]
    return found


def test_maintenance_goes_on_and_off_and_nothing_else_moves(night: Night) -> None:
    before = template(night)
    night.declare("maintenance", FLAG, **MAINTENANCE, value=True)
    night.bench.apply(night.bench.plan())
    on = template(night)
    night.declare("maintenance", FLAG, **MAINTENANCE, value=False)

    report = night.bench.apply(night.bench.plan())

    after = template(night)
    assert on["parameters"]["maintenance_mode"]["defaultValue"] == {"value": "true"}
    assert report.result == "done"
    for part in ("parameters", "parameterGroups", "conditions", "order"):
        assert after[part] == before[part]
    assert after["version"]["versionNumber"] == "42"


def test_a_plan_says_when_apps_notice(night: Night) -> None:
    night.declare("maintenance", FLAG, **MAINTENANCE, value=True)

    (change,) = night.bench.plan().changes

    assert ANSWERED_LATE in change.notes


def test_parameters_that_others_publish_meanwhile_are_kept(night: Night) -> None:
    night.declare("maintenance", FLAG, **MAINTENANCE, value=True)
    plan = night.bench.plan()
    row = {"defaultValue": {"value": "new"}}
    night.put("remote_config", parameters={**template(night)["parameters"], "theirs": row})

    report = night.bench.apply(plan)

    assert report.result == "done"
    assert template(night)["parameters"]["theirs"] == row


def test_a_stale_etag_is_answered_by_reading_and_merging_again(night: Night) -> None:
    night.declare("maintenance", FLAG, **MAINTENANCE, value=True)
    plan = night.bench.plan()
    mismatch = {"error": {"code": 412, "message": "[VERSION_MISMATCH]", "status": "ABORTED"}}
    night.world.fail(vendor="google", method="PUT", times=1, status=412, body=mismatch)
    night.world.forget()

    report = night.bench.apply(plan)

    assert report.result == "done"
    assert len(night.sent("PUT")) == 2


def test_an_etag_that_is_always_stale_is_a_stale_plan(night: Night) -> None:
    night.declare("maintenance", FLAG, **MAINTENANCE, value=True)
    plan = night.bench.plan()
    mismatch = {"error": {"code": 412, "message": "[VERSION_MISMATCH]"}}
    night.world.fail(vendor="google", method="PUT", times=99, status=412, body=mismatch)

    report = night.bench.apply(plan)

    assert report.result == "incomplete"
    assert "reconciler plan" in report.outcomes[0].mend


def test_a_flag_that_moved_since_the_plan_is_not_overwritten(night: Night) -> None:
    night.declare("minutes", FLAG, parameter="max_call_minutes", type="NUMBER", value=30)
    plan = night.bench.plan()
    row = {"defaultValue": {"value": "45"}, "valueType": "NUMBER"}
    parameters = {**template(night)["parameters"], "max_call_minutes": row}
    night.put("remote_config", parameters=parameters)
    night.world.forget()

    report = night.bench.apply(plan)

    assert report.outcomes[0].result == "stale"
    assert night.sent("PUT") == []


def test_a_parameter_under_a_rollout_is_refused(night: Night) -> None:
    night.declare("onboarding", FLAG, parameter="new_onboarding", type="BOOLEAN", value=False)

    (finding,) = night.bench.plan().refusals

    assert finding.rule == "read_only"
    assert "rolloutValue" in finding.message


@pytest.mark.parametrize(
    ("spec", "row"),
    [
        ({"type": "BOOLEAN", "value": True}, {"value": "true"}),
        ({"type": "NUMBER", "value": 1}, {"value": "1.0"}),
        ({"type": "JSON", "value": {"b": 1, "a": [2]}}, {"value": '{"a":[2.0], "b" : 1}'}),
        ({"type": "STRING", "value": "true"}, {"value": "true"}),
        ({"type": "STRING"}, {"useInAppDefault": True}),
    ],
)
def test_values_are_compared_by_what_they_mean(
    night: Night, spec: dict[str, Any], row: dict[str, Any]
) -> None:
    there = {"defaultValue": row, "valueType": spec["type"]}
    night.put("remote_config", parameters={"x": there})
    night.declare("x", FLAG, parameter="x", **spec)

    assert night.bench.plan().changes == ()


def test_true_is_not_one(night: Night) -> None:
    row = {"defaultValue": {"value": '{"on": 1}'}, "valueType": "JSON"}
    night.put("remote_config", parameters={"x": row})
    night.declare("x", FLAG, parameter="x", type="JSON", value={"on": True})

    assert len(night.bench.plan().changes) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": True},
        {"value": 1},
        {"type": "BOOLEAN", "value": "true"},
        {"type": "NUMBER", "value": "1"},
        {"type": "NUMBER", "value": True},
        {"type": "COLOUR"},
        {"type": "BOOLEAN", "conditional_values": {"iOS": "yes"}},
        {"parameter": "with space"},
        {"parameter": "x" * 257},
    ],
)
def test_a_spec_that_firebase_would_refuse_is_refused_here(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Flag.model_validate({"parameter": "x", **wrong})


def test_a_type_that_is_not_known_yet_is_read_all_the_same(night: Night) -> None:
    row = {"defaultValue": {"value": "#fff"}, "valueType": "COLOUR"}
    night.put("remote_config", parameters={"x": row})

    (entry,) = [one for one in night.bench.look().entries if one.remote_id == "parameters/x"]

    assert entry.values["type"] == "COLOUR"
    assert entry.values["value"] == "#fff"


def test_who_published_and_when_is_kept(night: Night) -> None:
    (entry,) = [one for one in night.bench.look().entries if one.kind == CONFIG]

    assert entry.evidence["published_by"] == "ama@shop.example"
    assert entry.evidence["version"] == "40"


def test_a_condition_that_is_not_there_is_warned_of(night: Night) -> None:
    spec = {"parameter": "x", "value": "a", "conditional_values": {"Android": "b"}}
    night.declare("x", FLAG, **spec)

    findings = [one for one in night.bench.plan().findings if one.rule == "condition"]

    assert [one.weight for one in findings] == [Weight.WARNING]


def test_the_order_of_conditions_is_a_difference(night: Night) -> None:
    night.declare("template", CONFIG, conditions=[BETA, IOS])

    (change,) = night.bench.plan().changes
    report = night.bench.apply(night.bench.plan())

    assert "the order changes: where several conditions hold, another one decides" in change.notes
    assert report.result == "done"
    assert template(night)["order"] == ["Beta testers", "iOS"]


def test_a_condition_that_flags_use_is_not_taken_away(night: Night) -> None:
    night.declare("template", CONFIG, conditions=[BETA])

    (finding,) = night.bench.plan().refusals

    assert "iOS still has values in payment_provider" in finding.message


def test_a_flag_and_a_condition_go_into_the_template_in_one_run(night: Night) -> None:
    android = {"name": "Android", "expression": "device.os == 'android'"}
    night.bench.declare(
        {"kind": CONFIG, "name": "template", "spec": {"conditions": [IOS, BETA, android]}},
        {"kind": FLAG, "name": "on", "spec": {**MAINTENANCE, "value": True}},
        {
            "kind": FLAG,
            "name": "banner",
            "depends_on": [f"{CONFIG}/template"],
            "spec": {"parameter": "banner", "value": "a", "conditional_values": {"Android": "b"}},
        },
    )

    report = night.bench.apply(night.bench.plan())

    assert report.result == "done"
    assert template(night)["order"] == ["iOS", "Beta testers", "Android"]
    assert template(night)["parameters"]["banner"]["conditionalValues"] == {
        "Android": {"value": "b"}
    }


def test_a_secret_is_no_flag(night: Night) -> None:
    night.declare("key", FLAG, parameter="api_key", value="${secret:env/GOOGLE_TOKEN}")

    with pytest.raises(InvalidInput):
        night.bench.plan()
