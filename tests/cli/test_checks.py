"""The declared checks: evidence that it works, or that it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Shop


def declare(shop: Shop, *checks: tuple[str, str, int]) -> None:
    lines = "".join(
        f"\n  - name: {name}\n    http: {{url: '{shop.world.urls['stripe']}{path}', expect_status: {status}}}"
        for name, path, status in checks
    )
    shop.edit("environment.yaml", "policy:", f"checks:{lines}\npolicy:")


@pytest.fixture
def passing(shop: Shop) -> Shop:
    declare(shop, ("shop answers", "/v1/account", 401))
    return shop


@pytest.fixture
def failing(shop: Shop) -> Shop:
    declare(shop, ("shop answers", "/v1/account", 401), ("shop sells", "/v1/account", 200))
    return shop


def test_no_checks_are_no_failure(shop: Shop) -> None:
    assert shop.run("check", "sandbox").code == 0


def test_a_check_that_passes(passing: Shop) -> None:
    ran = passing.run("check", "sandbox")

    assert ran.code == 0
    assert "shop answers: passed" in ran.err
    assert "1 passed, 0 failed" in ran.out


def test_a_check_that_fails_is_named(failing: Shop) -> None:
    ran = failing.run("check", "sandbox")

    assert ran.code == 1
    assert "shop sells: FAILED (401, expected 200" in ran.err


def test_checks_in_json(failing: Shop) -> None:
    ran = failing.run("check", "sandbox", "--format", "json")

    assert ran.code == 1
    assert [one["passed"] for one in ran.json["checks"]] == [True, False]


def test_no_credential_is_sent_by_a_check(passing: Shop) -> None:
    passing.done("check", "sandbox")

    assert [one.status for one in passing.world.asked()] == [401]


def test_a_check_without_an_answer_fails(shop: Shop) -> None:
    declare(shop, ("nobody", "/v1/account", 401))
    shop.edit("environment.yaml", f"'{shop.world.urls['stripe']}/v1", "'http://127.0.0.1:1/v1")

    ran = shop.run("check", "sandbox")

    assert ran.code == 1
    assert "nobody: FAILED (ConnectError" in ran.err


def test_passed_checks_are_the_evidence_of_a_label(passing: Shop) -> None:
    passing.done("snapshot", "sandbox", "--label", "good")

    (label,) = passing.done("history", "sandbox", "--format", "json").json["labels"]

    assert [one["name"] for one in label["evidence"]] == ["shop answers"]


def test_failed_checks_are_no_evidence(failing: Shop) -> None:
    ran = failing.run("snapshot", "sandbox", "--label", "good")

    assert "although checks failed" in ran.err
    (label,) = failing.done("history", "sandbox", "--format", "json").json["labels"]
    assert label["evidence"] == []


def test_an_apply_whose_checks_fail_is_no_success(failing: Shop) -> None:
    failing.done("snapshot", "sandbox", "--label", "good")
    failing.click(url="https://old.example/stripe")

    ran = failing.run("apply", "sandbox", "--yes")

    assert ran.code == 3
    assert "these checks failed: shop sells" in ran.err
    assert failing.endpoint()["url"] == "https://shop.example/api/webhooks/stripe"
