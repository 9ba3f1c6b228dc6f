"""What changed outside: the question a scheduler asks every quarter of an hour."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Shop

OLD = "https://old.example/stripe"


def test_nothing_drifted(good: Shop) -> None:
    assert good.run("drift", "sandbox").code == 0
    assert good.world.writes() == ()


def test_a_click_is_drift(good: Shop) -> None:
    good.click(url=OLD)

    ran = good.run("drift", "sandbox")

    assert ran.code == 2
    assert "stripe.webhook_endpoint/payments" in ran.out
    assert "changed outside since" in ran.out


def test_an_edited_file_is_no_drift(good: Shop) -> None:
    good.edit("payments.yaml", "Payments, refunds and disputes", "Something new")

    assert good.run("drift", "sandbox").code == 0


def test_a_click_on_a_field_that_nobody_declares_is_no_drift(good: Shop) -> None:
    good.click(metadata={"team": "payments", "seen": "by somebody"})

    assert good.run("drift", "sandbox").code == 0


@pytest.mark.parametrize(("level", "code"), [("P0", 0), ("P1", 2), ("P2", 2), ("P3", 2)])
def test_drift_can_count_from_a_criticality_on(good: Shop, level: str, code: int) -> None:
    good.click("we_connect", description="changed")

    ran = good.run("drift", "sandbox", "--fail-on", level)

    assert ran.code == code
    assert "stripe.webhook_endpoint/connect" in ran.out


def test_drift_that_is_expected_is_ignored_until_its_day(good: Shop) -> None:
    good.click(url=OLD)
    ignore = "    ignore: [{{path: url, reason: a move, until: '{}'}}]\n    criticality: P0"

    good.edit("payments.yaml", "    criticality: P0", ignore.format("2026-12-31"))
    before = good.run("drift", "sandbox")
    good.edit("payments.yaml", "2026-12-31", "2026-11-18")
    after = good.run("drift", "sandbox")

    assert (before.code, after.code) == (0, 2)


def test_not_knowing_is_never_no_drift(good: Shop) -> None:
    good.world.fail(vendor="stripe", path="/v1/webhook_endpoints", status=500)

    ran = good.run("drift", "sandbox")

    assert ran.code == 7
    assert "stripe.webhook_endpoint" in ran.all


def test_the_worst_of_several_environments_counts(good: Shop) -> None:
    staging = good.folder.parent / "staging"
    shutil.copytree(good.folder, staging)
    file = staging / "environment.yaml"
    file.write_text(file.read_text().replace("environment: sandbox", "environment: staging"))
    good.done("snapshot", "staging", "--label", "good")
    good.click(url=OLD)
    good.done("apply", "sandbox", "--yes", "--only", "vercel.env_var/log-level-development")

    ran = good.run("drift", "sandbox", "staging", "--format", "json")

    assert ran.code == 2
    assert set(ran.json["environments"]) == {"sandbox", "staging"}


def test_one_environment_in_json_is_one_plan(good: Shop) -> None:
    good.click(url=OLD)

    ran = good.run("drift", "sandbox", "--format", "json")

    assert [change["action"] for change in ran.json["changes"]] == ["update"]


def test_drift_in_markdown_is_for_a_chat(good: Shop) -> None:
    good.click(url=OLD)

    ran = good.run("drift", "sandbox", "--format", "markdown")

    assert ran.code == 2
    assert "payments" in ran.out
