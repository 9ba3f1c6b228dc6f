"""What happens to environment variables at night. ``VC-nn`` are the traps of the vendor's sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.conformance.bench import items
from reconciler.core.change import Action
from reconciler.core.errors import LiveStateUnknown, SecretUnavailable
from reconciler.core.guard import Consent
from reconciler.engine.outcome import Result

if TYPE_CHECKING:
    from reconciler.conformance.bench import Bench

KIND = "vercel.env_var"
SITE = {"key": "NEXT_PUBLIC_SITE_URL", "target": ["production"], "type": "plain"}
DATABASE = {"key": "DATABASE_URL", "target": ["production"], "value": "${secret:env/DATABASE_URL}"}


def declare(shop: Bench, **specs: dict[str, Any]) -> None:
    shop.declare(*items(KIND, specs))


def rows(shop: Bench) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in shop.world.state("vercel")["projects"][0]["env"]}


def with_project(shop: Bench, **fields: Any) -> None:
    state = shop.world.state("vercel")
    shop.world.put("vercel", {**state, "projects": [{**state["projects"][0], **fields}]})


def by_hand(shop: Bench, remote_id: str, **fields: Any) -> None:
    """Change a variable as the dashboard does; without fields, delete it."""
    changed = {"updatedAt": 1_799_999_999_999, **fields}
    with_project(
        shop,
        env=[
            {**row, **changed} if row["id"] == remote_id else row
            for row in rows(shop).values()
            if fields or row["id"] != remote_id
        ],
    )


def test_a_change_says_that_it_takes_effect_with_the_next_deployment(shop: Bench) -> None:
    """VC-01."""
    declare(shop, site={**SITE, "value": "https://new.example"})

    (change,) = shop.plan().changes

    assert change.notes == ("takes effect with the next deployment",)


def test_a_variable_that_was_lost_comes_back_with_its_value(shop: Bench) -> None:
    """The night of the direct-to-fan platform: someone removed DATABASE_URL."""
    declare(shop, database=DATABASE)
    shop.apply(shop.plan())
    good = shop.keep()
    before = rows(shop)["env_shop05"]
    by_hand(shop, "env_shop05")

    report = shop.apply(shop.plan(good))

    (made,) = (
        row
        for row in rows(shop).values()
        if (row["key"], row["target"]) == ("DATABASE_URL", ["production"])
    )
    assert report.result == "done"
    assert (made["value"], made["type"]) == (before["value"], before["type"])


def test_a_secret_written_by_hand_is_noticed_and_set_again(shop: Bench) -> None:
    declare(shop, database=DATABASE)
    shop.apply(shop.plan())
    by_hand(shop, "env_shop05", value="postgres://somewhere-else")
    shop.world.forget()

    plan = shop.plan()
    report = shop.apply(plan)

    (field,) = plan.changes[0].field_changes
    assert (field.field, str(field.origin)) == ("value", "drift")
    assert report.result == "done"
    assert rows(shop)["env_shop05"]["value"] == shop.environ["DATABASE_URL"]
    assert [write.method for write in shop.world.writes()] == ["PATCH"]


def test_variables_are_created_in_one_call(shop: Bench) -> None:
    specs = {f"v{n}": {**SITE, "key": f"NEW_{n}", "value": "x"} for n in range(3)}
    declare(shop, **specs)
    plan = shop.plan()

    report = shop.apply(plan)

    assert (report.result, plan.calls) == ("done", 1)
    assert [write.method for write in shop.world.writes()] == ["POST"]


def test_a_part_that_failed_is_a_failure_and_the_other_part_is_remembered(shop: Bench) -> None:
    """VC-03: a 201 with a list of failures."""
    declare(
        shop,
        one={**SITE, "key": "NEW_ONE", "value": "x"},
        two={**SITE, "key": "NEW_TWO", "value": "x"},
    )
    plan = shop.plan()
    made = {"id": "env_made", "key": "NEW_ONE", "target": ["production"], "type": "plain"}
    error = {"code": "ENV_CONFLICT", "message": "exists already", "key": "NEW_TWO"}
    answer = {"created": [made], "failed": [{"error": error}]}
    pattern = rows(shop)["env_shop01"]
    with_project(shop, env=[*rows(shop).values()])
    shop.world.fail(vendor="vercel", method="POST", status=201, body=answer, times=1)

    report = shop.apply(plan)

    assert [(one.address, one.result) for one in report.outcomes] == [
        (f"{KIND}/one", Result.DONE),
        (f"{KIND}/two", Result.FAILED),
    ]
    assert report.outcomes[0].remote_id == "env_made"
    assert "ENV_CONFLICT" in report.outcomes[1].detail
    assert report.result == "incomplete"
    with_project(shop, env=[*rows(shop).values(), {**pattern, **made, "value": "x"}])
    assert [change.address for change in shop.plan().changes] == [f"{KIND}/two"]


def test_hidden_variables_are_unknown_and_nothing_is_planned(shop: Bench) -> None:
    """VC-04."""
    with_project(shop, hiddenProductionEnvCount=3, env=[])
    declare(shop, site={**SITE, "value": "https://new.example"})

    plan = shop.plan()

    assert plan.changes == ()
    assert plan.summary.unknown == (f"{KIND}/site",)
    assert "hides 3" in plan.unreadable[0].reason
    with pytest.raises(LiveStateUnknown):
        shop.apply(plan)


@pytest.mark.parametrize("team", [None, "team_other"])
def test_a_token_in_the_wrong_scope_plans_no_creates(shop: Bench, team: str | None) -> None:
    """VC-05: under another scope the project looks as if it did not exist."""
    token = {"token": "${secret:env/VERCEL_TOKEN}", "project": "shop"}
    stripe = {"api_key": "${secret:env/STRIPE_KEY}"}
    shop.open_accounts({"stripe": stripe, "vercel": token | ({"team": team} if team else {})})
    declare(shop, site={**SITE, "value": "https://new.example"})

    try:
        plan = shop.plan()
    except Exception as error:  # noqa: BLE001 - the type is what is judged
        assert type(error).__name__ == "WrongAccount"  # noqa: PT017
    else:
        assert plan.changes == ()
        assert {item.kind for item in plan.unreadable} >= {KIND}
    assert shop.world.writes() == ()


def test_a_variable_taken_out_of_production_stays_in_preview(shop: Bench) -> None:
    """VC-06."""
    spec = {"key": "STRIPE_PUBLISHABLE_KEY", "target": ["production"]}
    shop.declare({"kind": KIND, "name": "key", "state": "absent", "spec": spec})

    plan = shop.plan()
    report = shop.apply(plan)

    assert [change.action for change in plan.changes] == [Action.UPDATE]
    assert report.result == "done"
    assert rows(shop)["env_shop03"]["target"] == ["preview"]


@pytest.mark.parametrize(
    ("key", "type_"), [("DATABASE_URL", "encrypted"), ("STRIPE_WEBHOOK_SECRET", "sensitive")]
)
def test_a_value_that_is_not_shown_is_never_compared(shop: Bench, key: str, type_: str) -> None:
    """VC-07."""
    declare(shop, one={**DATABASE, "key": key, "type": type_})

    plan = shop.plan()

    assert plan.changes == ()
    assert [one.field for one in plan.summary.unverifiable] == ["value"]


@pytest.mark.parametrize("type_", ["plain", "sensitive"])
def test_a_step_to_sensitive_is_a_replacement_and_says_so(shop: Bench, type_: str) -> None:
    """VC-08."""
    secret = "${secret:env/DATABASE_URL}"
    value = "https://shop.example" if type_ == "plain" else secret
    key, remote_id = {
        "plain": ("STRIPE_WEBHOOK_SECRET", "env_shop04"),
        "sensitive": ("NEXT_PUBLIC_SITE_URL", "env_shop01"),
    }[type_]
    spec = {"key": key, "target": ["production"], "type": type_, "value": value}
    declare(shop, one=spec)

    plan = shop.plan(consent=Consent())

    assert [(one.action, one.remote_id) for one in plan.changes] == [(Action.REPLACE, remote_id)]
    assert [finding.rule for finding in plan.refusals] == ["allow_replace"]
    notes = [one.note for one in plan.changes[0].field_changes if one.forces_replacement]
    assert notes == ["a sensitive variable is another record than one that can be read"]


def test_a_replaced_variable_survives_a_secret_that_cannot_be_had(shop: Bench) -> None:
    """The old record goes first, so everything that can fail has to fail before the first write."""
    spec = {"key": "NEXT_PUBLIC_SITE_URL", "target": ["production"], "type": "sensitive"}
    declare(shop, one={**spec, "value": "${secret:env/NOWHERE}"})
    plan = shop.plan()

    with pytest.raises(SecretUnavailable, match="NOWHERE"):
        shop.apply(plan)

    assert "env_shop01" in rows(shop)
    assert shop.world.writes() == ()


def test_a_replacement_that_would_not_be_valid_is_refused_in_the_plan(shop: Bench) -> None:
    """A sensitive variable cannot be one of development, which the live object keeps."""
    with_project(shop, customEnvironments=[{"id": "env_stage", "slug": "stage"}])
    by_hand(shop, "env_shop08", customEnvironmentIds=["env_stage"])
    spec = {"key": "FEATURE_CHECKOUT_V2", "custom_environments": ["env_stage"]}
    declare(shop, flag={**spec, "type": "sensitive", "value": "${secret:env/DATABASE_URL}"})

    plan = shop.plan()

    assert [finding.rule for finding in plan.refusals] == ["invalid"]
    assert "development" in plan.refusals[0].message


def test_an_update_that_would_not_be_valid_is_refused_in_the_plan(shop: Bench) -> None:
    """The live variable is sensitive, the file does not say so and wants it in development."""
    spec = {"key": "SMTP_URL", "target": ["production", "development"]}
    declare(shop, smtp={**spec, "value": "${secret:env/DATABASE_URL}"})

    plan = shop.plan()

    assert [finding.rule for finding in plan.refusals] == ["invalid"]
    assert "sensitive" in plan.refusals[0].message


def test_a_plain_variable_that_becomes_encrypted_gets_its_secret_value(shop: Bench) -> None:
    spec = {"key": "PAYPAL_CLIENT_ID", "target": ["production"], "type": "encrypted"}
    declare(shop, paypal={**spec, "value": "${secret:env/PAYPAL_SECRET}"})

    report = shop.apply(shop.plan())

    assert report.result == "done"
    row = rows(shop)["env_shop11"]
    assert (row["type"], row["value"]) == ("encrypted", shop.environ["PAYPAL_SECRET"])


def test_a_secret_is_not_written_into_a_variable_that_someone_made_plain(shop: Bench) -> None:
    """Also when the file does not say the type."""
    by_hand(shop, "env_shop05", type="plain", value="in the open")
    declare(shop, database=DATABASE)

    plan = shop.plan()
    report = shop.apply(plan)

    assert set(plan.changes[0].after()) == {"type", "value"}
    assert report.result == "done"
    row = rows(shop)["env_shop05"]
    assert (row["type"], row["value"]) == ("encrypted", shop.environ["DATABASE_URL"])


def test_a_variable_of_an_integration_is_read_only(shop: Bench) -> None:
    """VC-09."""
    spec = {"key": "POSTGRES_URL", "target": ["production", "preview"], "comment": "mine"}
    declare(shop, postgres={**spec, "value": "${secret:env/DATABASE_URL}"})

    plan = shop.plan()

    assert [finding.rule for finding in plan.refusals] == ["read_only"]
    assert plan.refusals[0].message == "managed by the Vercel integration icfg_SandboxPostgres"


def test_a_list_that_does_not_advance_is_unknown(shop: Bench) -> None:
    """VC-16."""
    body = {"envs": [], "pagination": {"count": 0, "next": 7, "prev": None}}
    shop.world.fail(vendor="vercel", method="GET", path="/v10/projects/*/env", body=body)
    declare(shop, site={**SITE, "value": "https://new.example"})

    plan = shop.plan()

    assert plan.changes == ()
    assert "does not advance" in plan.unreadable[0].reason


def test_another_update_under_way_is_waited_out(shop: Bench) -> None:
    """VC-20."""
    error = {"code": "bad_request", "message": "There is an ongoing update env in progress."}
    declare(shop, site={**SITE, "value": "https://new.example"})
    plan = shop.plan()
    shop.world.fail(vendor="vercel", method="PATCH", status=400, body={"error": error}, times=1)

    report = shop.apply(plan)

    assert report.result == "done"
    assert [write.status for write in shop.world.writes()] == [400, 200]
