"""``gcp.function``: what the laws of all kinds do not say of it. GC-09 and the like are vendor traps by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from reconciler.conformance.bench import Bench
from reconciler.conformance.world import no_waiting
from reconciler.core.change import Action
from reconciler.core.finding import Weight
from reconciler.providers.google.function import Function
from reconciler.providers.google.function_names import HASH, SENTINEL, declarable, is_secret
from reconciler.wire.transport import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World
    from reconciler.core.plan import Plan

KIND = "gcp.function"
AT = "projects/shop-prod/locations/europe-west1"
SECOND = {
    "function": "stripeWebhook",
    "location": "europe-west1",
    "generation": 2,
    "runtime": "nodejs22",
    "entry_point": "stripeWebhook",
}
FIRST = {**SECOND, "function": "paypalWebhook", "generation": 1, "entry_point": "paypalWebhook"}
SETTINGS = {"project": "shop-prod", "access_token": "${secret:env/GOOGLE_TOKEN}"}
PIN = [
    {
        "type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION",
        "revision": "stripewebhook-00041-abc",
        "percent": 100,
    }
]


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


def declare(shop: Bench, base: dict[str, Any] = SECOND, **spec: object) -> None:
    shop.declare({"kind": KIND, "name": "webhook", "spec": {**base, **spec}})


def row_of(state: dict[str, Any], name: str = "stripeWebhook") -> dict[str, Any]:
    rows = [*state["functions"]["first"], *state["functions"]["second"]]
    found: dict[str, Any] = next(row for row in rows if row["name"].endswith(f"/{name}"))
    return found


def change(shop: Bench, name: str = "stripeWebhook", **changes: object) -> None:
    state = shop.world.state("google")
    row_of(state, name).update(changes)
    shop.world.put("google", state)


def put(shop: Bench, part: str, **changes: object) -> None:
    state = shop.world.state("google")
    shop.world.put("google", {**state, part: {**state[part], **changes}})


def pin(shop: Bench) -> None:
    rows = shop.world.state("google")["run"]["services"]
    pinned = [
        {**row, "traffic": PIN} if row["name"].endswith("/stripewebhook") else row for row in rows
    ]
    put(shop, "run", services=pinned)


def traffic(shop: Bench) -> list[dict[str, Any]]:
    rows = shop.world.state("google")["run"]["services"]
    found: list[dict[str, Any]] = next(
        row["traffic"] for row in rows if row["name"].endswith("/stripewebhook")
    )
    return found


def told(plan: Plan, weight: Weight) -> list[str]:
    return [one.message for one in plan.findings if one.weight is weight]


def test_variables_of_tools_and_values_like_secrets_are_no_difference_and_stay(shop: Bench) -> None:
    """GC-13."""
    state = shop.world.state("google")
    row_of(state)["serviceConfig"]["environmentVariables"]["OLD_KEY"] = "sk_live_FAKEplanted1"
    shop.world.put("google", state)
    declare(shop, environment={"CURRENCY": "usd"})

    plan = shop.plan()
    shop.apply(plan)

    assert [one.field for one in plan.changes[0].field_changes] == ["environment.CURRENCY"]
    kept = row_of(shop.world.state("google"))["serviceConfig"]["environmentVariables"]
    assert kept["CURRENCY"] == "usd"
    assert kept["FUNCTION_TARGET"] == "stripeWebhook"
    assert kept["OLD_KEY"] == "sk_live_FAKEplanted1"
    assert "sk_live" not in repr(shop.look())


def test_a_lost_variable_and_a_bumped_secret_come_back_by_a_rollback(shop: Bench) -> None:
    declare(
        shop, {**SECOND, "function": "createPaymentIntent", "entry_point": "createPaymentIntent"}
    )
    shop.world.fail(
        vendor="google",
        path="/v1/*/secrets/stripe-key/versions/3",
        status=200,
        body={"state": "ENABLED"},
    )
    good = shop.keep()
    state = shop.world.state("google")
    config = row_of(state, "createPaymentIntent")["serviceConfig"]
    config["environmentVariables"].pop("CURRENCY")
    config["secretEnvironmentVariables"][0]["version"] = "4"
    shop.world.put("google", state)

    plan = shop.plan(good)
    report = shop.apply(plan)
    shop.world.heal()

    assert report.result == "done"
    assert plan.calls == 1
    config = row_of(shop.world.state("google"), "createPaymentIntent")["serviceConfig"]
    assert config["environmentVariables"]["CURRENCY"] == "eur"
    assert [one["version"] for one in config["secretEnvironmentVariables"]] == ["3"]


def test_every_write_of_a_function_of_firebase_makes_its_digest_void(shop: Bench) -> None:
    """GC-14: else a later `firebase deploy` of the older code would be skipped."""
    declare(shop, timeout=120)

    shop.apply(shop.plan())

    assert row_of(shop.world.state("google"))["labels"][HASH] == SENTINEL


@pytest.mark.parametrize("unpins", [True, False])
def test_requests_that_were_pinned_are_pinned_after_an_update(shop: Bench, *, unpins: bool) -> None:
    """GC-11: whether an update moves them is documented both ways."""
    pin(shop)
    put(shop, "functions", unpins=unpins)
    declare(shop, timeout=120)

    plan = shop.plan()
    report = shop.apply(plan)

    assert report.result == "done"
    assert plan.calls == 2
    assert any("sent back right after" in note for note in plan.changes[0].notes)
    assert traffic(shop) == PIN


def test_a_function_that_lost_its_public_caller_gets_it_again(shop: Bench) -> None:
    put(shop, "functions", policies={})
    declare(shop, invokers=["public"])

    plan = shop.plan()
    shop.apply(plan)

    assert plan.calls == 1
    policy = shop.world.state("google")["functions"]["policies"][f"{AT}/services/stripewebhook"]
    assert policy["bindings"] == [{"role": "roles/run.invoker", "members": ["allUsers"]}]
    assert shop.plan().changes == ()


def test_other_code_is_a_step_for_people_with_its_command(shop: Bench) -> None:
    declare(shop, FIRST)
    good = shop.keep()
    change(shop, "paypalWebhook", sourceArchiveUrl="gs://shop-sources/paypal-8.zip")

    (found,) = shop.plan(good).changes

    assert found.action is Action.MANUAL
    assert "--source=gs://shop-sources/paypal-7.zip" in found.follow_ups[0]


def test_other_code_does_not_keep_settings_from_going_back(shop: Bench) -> None:
    declare(shop)
    good = shop.keep()
    source = {"bucket": "b", "object": "o", "generation": "2"}
    config = {**row_of(shop.world.state("google"))["serviceConfig"], "timeoutSeconds": 9}
    change(shop, source=source, serviceConfig=config)

    (found,) = shop.plan(good).changes

    assert [one.field for one in found.field_changes] == ["timeout"]
    assert "gcp.run_traffic" in found.follow_ups[0]
    assert "--gen2" in found.follow_ups[1]


def test_a_version_that_counts_up_is_no_difference(shop: Bench) -> None:
    """GC-07 and GC-08."""
    declare(shop, FIRST)
    good = shop.keep()
    change(shop, "paypalWebhook", versionId=99, updateTime="2026-11-20T03:00:00Z")

    assert shop.plan(good).changes == ()


def test_a_function_that_is_gone_is_a_step_for_people(shop: Bench) -> None:
    declare(shop, FIRST, function="capturePayment")

    (found,) = shop.plan().changes

    assert found.action is Action.MANUAL
    assert found.follow_ups[0].startswith("gcloud functions deploy capturePayment --no-gen2")


def test_a_function_is_never_deleted(shop: Bench) -> None:
    shop.declare({"kind": KIND, "name": "webhook", "state": "absent", "spec": FIRST})

    (found,) = shop.plan().changes

    assert found.action is Action.MANUAL
    assert "gcloud functions delete paypalWebhook" in found.follow_ups[0]


def test_a_runtime_that_is_not_built_any_more_is_refused(shop: Bench) -> None:
    declare(shop, runtime="nodejs16")
    refused = shop.plan().refusals
    declare(shop, runtime="nodejs20")
    warned = told(shop.plan(), Weight.WARNING)

    assert "nodejs16 cannot be deployed any more" in refused[0].message
    assert any("nodejs20 is deprecated: Google ends it on 2027-04-30" in one for one in warned)


def test_a_secret_version_that_is_off_is_refused(shop: Bench) -> None:
    shop.world.fail(
        vendor="google", path="/v1/*/versions/9", status=200, body={"state": "DESTROYED"}
    )
    declare(shop, secret_environment={"SMTP_URL": "smtp-url@9"})

    (refused,) = shop.plan().refusals
    shop.world.heal()

    assert "SMTP_URL reads version 9 of the secret smtp-url, which is DESTROYED" in refused.message


def test_a_function_that_is_being_deployed_is_refused(shop: Bench) -> None:
    change(shop, state="DEPLOYING")
    declare(shop, timeout=120)

    assert "it is DEPLOYING" in shop.plan().refusals[0].message


def test_an_operation_that_ends_badly_fails_the_change(shop: Bench) -> None:
    """GC-05."""
    state = shop.world.state("google")
    error = {"code": 9, "message": "Build failed: npm ci"}
    shop.world.put("google", {**state, "lro": {"polls": 1, "error": error}})
    declare(shop, FIRST, timeout=120)

    (outcome,) = shop.apply(shop.plan()).outcomes

    assert outcome.result == "failed"
    assert "npm ci" in outcome.detail


def test_500_functions_take_one_list_of_each_generation(shop: Bench) -> None:
    """GC-26: a function in both lists is one object."""
    row = shop.world.state("google")["functions"]["first"][1]
    many = [{**row, "name": f"{AT}/functions/f{number}"} for number in range(500)]
    put(shop, "functions", first=many, second=[])
    shop.world.forget()

    found = shop.look()

    lists = [one for one in shop.world.asked() if one.path.endswith("/locations/-/functions")]
    assert len(lists) == 2
    assert len(shop.world.asked()) == 3
    assert len(found.entries) == 500


def test_project_number_and_id_are_one(shop: Bench) -> None:
    """GC-18."""
    declare(
        shop,
        {**SECOND, "function": "createPaymentIntent", "entry_point": "createPaymentIntent"},
        secret_environment={"STRIPE_KEY": "stripe-key@3"},
    )

    assert shop.plan().changes == ()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"environment": {"PORT": "1"}}, "set by Google"),
        ({"environment": {"FIREBASE_X": "1"}}, "set by Google"),
        ({"environment": {"K_SERVICE": "1"}}, "set by Google"),
        ({"environment": {"lower": "1"}}, "is no name"),
        ({"environment": {"A": "whsec_FAKE12345678"}}, "looks like a secret"),
        ({"environment": {"A": "x" * 33_000}}, "32 KiB"),
        ({"environment": {"A": "1"}, "secret_environment": {"A": "a@1"}}, "in environment as well"),
        ({"labels": {HASH: "x"}}, "kept by deployment tools"),
        ({"max_instances": 0}, "has a limit"),
        ({"secret_environment": {"A": "stripe-key"}}, "pattern"),
    ],
)
def test_what_google_or_a_rollback_would_not_take_is_refused(
    spec: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        Function(**{**SECOND, **spec})


def test_the_newest_version_of_a_secret_is_warned_of() -> None:
    notes = Function.expand({"secret_environment": {"A": "stripe-key@latest"}}).notes

    assert "cannot bring the older one back" in notes[0]


@pytest.mark.parametrize(
    "value",
    [
        "sk_live_FAKE12345678",
        "-----BEGIN PRIVATE KEY-----\nFAKE",
        "postgres://shop:FAKE@db.example/x",
    ],
)
def test_values_like_secrets_are_known(value: str) -> None:
    assert is_secret(value)
    assert declarable({"A": value, "B": "plain", "FUNCTION_TARGET": "x"}) == {"B": "plain"}
