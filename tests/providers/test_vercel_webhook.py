"""``vercel.webhook``: what the laws of all kinds do not say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from reconciler.conformance.bench import Bench
from reconciler.conformance.world import no_waiting
from reconciler.core.change import Action
from reconciler.providers.vercel.webhook import MOST_PROJECTS, Webhook, create_body
from reconciler.wire.transport import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World

KIND = "vercel.webhook"
SPEC = {"url": "https://ops.example/vercel", "events": ["deployment.error", "domain.created"]}
PINNED = {"token": "${secret:env/VERCEL_TOKEN}", "team": "team_sandbox", "project": "shop"}


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Iterator[Bench]:
    world.reset()
    with Connections(no_waiting()) as connections:
        yield Bench(
            tmp_path,
            world,
            connections,
            accounts={"vercel": PINNED},
            environ={"VERCEL_TOKEN": "canary_token_Jb7dPq2w"},
            kinds=[KIND],
        )


def declare(shop: Bench, capture: str | None = None, **more: object) -> None:
    item = {"kind": KIND, "name": "deploys", "spec": {**SPEC, **more}}
    shop.declare({**item, "capture": {"secret": capture}} if capture else item)


def live(shop: Bench) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.world.state("vercel").get("webhooks", [])
    return found


def put(shop: Bench, **more: object) -> None:
    """Put a webhook there that was made by hand."""
    by_hand = {
        "id": "account_hook_byhand",
        **SPEC,
        "projectIds": ["prj_sandbox"],
        "ownerId": "team_sandbox",
        "createdAt": 1,
        "updatedAt": 1,
        "secret": "sandboxFAKEbyhand",
        **more,
    }
    shop.world.put("vercel", {**shop.world.state("vercel"), "webhooks": [by_hand]})


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ops.example/vercel"},
        {"events": []},
        {"events": ["deployment error"]},
        {"events": ["*"]},
        {"project_ids": ["prj_other"]},
        {"project_ids": ["this", "my-shop"]},
        {"project_ids": ["this", *(f"prj_{number}" for number in range(MOST_PROJECTS))]},
        {"secret": "mine"},
    ],
)
def test_a_spec_that_vercel_would_refuse_is_refused_here(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Webhook.model_validate({**SPEC, **wrong})


@pytest.mark.parametrize(
    ("chosen", "sent"),
    [
        ({}, {"projectIds": ["prj_own"]}),
        ({"project_ids": ["this"]}, {"projectIds": ["prj_own"]}),
        ({"project_ids": ["this", "prj_docs"]}, {"projectIds": ["prj_docs", "prj_own"]}),
        ({"project_ids": []}, {}),
    ],
)
def test_projects_are_told_by_id_and_all_of_them_by_none(
    chosen: dict[str, Any], sent: dict[str, Any]
) -> None:
    desired = Webhook.model_validate({**SPEC, **chosen})

    assert create_body(desired, "prj_own") == {**SPEC, **sent}


def test_events_of_the_whole_account_are_remarked_on() -> None:
    spec: dict[str, Any] = {**SPEC, "events": ["project.created", "deployment.error"]}

    (note,) = Webhook.expand(spec).notes

    assert note.startswith("project.created is an event of the account")
    assert Webhook.expand({**spec, "project_ids": []}).notes == ()


@pytest.mark.parametrize("pin", ["shop", "prj_sandbox"])
def test_a_webhook_is_for_the_pinned_project_however_that_is_pinned(shop: Bench, pin: str) -> None:
    declare(shop)
    shop.apply(shop.plan())

    shop.open_accounts({"vercel": {**PINNED, "project": pin}})

    assert live(shop)[0]["projectIds"] == ["prj_sandbox"]
    assert shop.plan().changes == ()


def test_the_same_file_finds_a_webhook_that_was_made_by_hand(shop: Bench) -> None:
    put(shop, events=SPEC["events"][::-1])

    declare(shop)

    assert shop.plan().changes == ()


def test_order_and_repetition_of_events_are_no_difference(shop: Bench) -> None:
    """VC-14."""
    declare(shop)
    shop.apply(shop.plan())
    (row,) = live(shop)
    put(shop, **{**row, "events": [*row["events"][::-1], row["events"][0]]})

    declare(shop, events=SPEC["events"][::-1])

    assert shop.plan().changes == ()


def test_other_events_replace_the_webhook_and_the_new_secret_is_kept(shop: Bench) -> None:
    """VC-14."""
    declare(shop, "${secret:file/signing}")
    shop.apply(shop.plan())
    (before,) = live(shop)
    declare(shop, "${secret:file/signing}", events=["deployment.error"])

    plan = shop.plan()
    report = shop.apply(plan)

    (change,) = plan.changes
    (after,) = live(shop)
    assert change.action is Action.REPLACE
    assert "the signing secret rotates" in change.notes
    assert "the new signing secret goes to ${secret:file/signing}" in change.notes
    assert report.result == "done"
    assert after["id"] != before["id"]
    assert shop.secrets.resolve("${secret:file/signing}") == after["secret"] != before["secret"]


def test_the_new_webhook_is_there_before_the_old_one_goes(shop: Bench) -> None:
    declare(shop)
    shop.apply(shop.plan())
    declare(shop, events=["deployment.error"])
    plan = shop.plan()
    shop.world.forget()

    shop.apply(plan)

    assert [(write.method, write.path) for write in shop.world.writes()] == [
        ("POST", "/v1/webhooks"),
        ("DELETE", "/v1/webhooks/account_hook_sandbox000001"),
    ]


def test_a_refused_replacement_leaves_the_old_webhook(shop: Bench) -> None:
    declare(shop)
    shop.apply(shop.plan())
    before = live(shop)
    declare(shop, events=["deployment.eror"])
    plan = shop.plan()
    shop.world.fail(vendor="vercel", method="POST", path="/v1/webhooks", status=400)

    report = shop.apply(plan)

    assert report.result == "incomplete"
    assert live(shop) == before


def test_without_capture_the_plan_says_that_the_secret_is_lost(shop: Bench) -> None:
    declare(shop)

    (change,) = shop.plan().changes

    assert [line for line in change.follow_ups if "capture: {secret:" in line and "lost" in line]


@pytest.mark.parametrize("own", ["prj_sandbox", "shop"])
def test_the_own_project_under_its_own_name_is_refused(shop: Bench, own: str) -> None:
    declare(shop, project_ids=["this", own])

    (refusal,) = shop.plan().refusals

    assert refusal.rule == "own_project"
    assert own in refusal.message
    assert "`this`" in refusal.remedy


def test_webhooks_of_other_projects_are_somebody_elses(shop: Bench) -> None:
    put(shop, projectIds=["prj_other"])

    assert shop.look().entries == ()


def test_a_webhook_of_all_projects_is_everybodys(shop: Bench) -> None:
    put(shop, projectIds=[])

    (entry,) = shop.look().entries

    assert entry.values["project_ids"] == []


def test_a_webhook_that_serves_others_by_now_is_not_deleted(shop: Bench) -> None:
    declare(shop)
    shop.apply(shop.plan())
    shop.declare({"kind": KIND, "name": "deploys", "state": "absent", "spec": SPEC})
    plan = shop.plan()
    (row,) = live(shop)
    put(shop, **{**row, "projectIds": ["prj_other"]})

    report = shop.apply(plan)

    (outcome,) = report.outcomes
    assert str(outcome.result) == "stale"
    assert "project_ids" in outcome.detail
    assert len(live(shop)) == 1


def test_a_webhook_of_alert_rules_is_not_replaced(shop: Bench) -> None:
    put(shop, alertRuleIds=["ar_1"])
    shop.declare({"kind": KIND, "name": "deploys", "state": "absent", "spec": SPEC})

    (refusal,) = shop.plan().refusals

    assert refusal.rule == "read_only"
    assert "ar_1" in refusal.message
