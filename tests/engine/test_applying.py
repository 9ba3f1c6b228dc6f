"""What apply promises, whatever the kind."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.core.change import Action
from reconciler.core.errors import (
    AmbiguousIdentity,
    InvalidInput,
    LockHeld,
    Refused,
    StalePlan,
    WrongAccount,
)
from reconciler.core.guard import Policy
from reconciler.engine.outcome import Result

if TYPE_CHECKING:
    from reconciler.conformance.bench import Bench

ENDPOINT = "stripe.webhook_endpoint"
VARIABLE = "vercel.env_var"
URL = "https://shop.example/api/webhooks/stripe"
NEW = "https://shop.example/hooks/new"


def endpoint(name: str = "payments", url: str = URL, **more: Any) -> dict[str, Any]:
    spec = {"url": url, "enabled_events": ["charge.refunded"]}
    return {"kind": ENDPOINT, "name": name, "spec": spec, **more}


def variable(name: str, key: str, **spec: Any) -> dict[str, Any]:
    values = {"key": key, "target": ["production"], "type": "plain", "value": "x", **spec}
    return {"kind": VARIABLE, "name": name, "spec": values}


def live_rows(shop: Bench) -> dict[str, dict[str, Any]]:
    found = shop.world.state("vercel")["projects"][0]["env"]
    return {f"{row['key']} {','.join(row['target'])}": row for row in found}


def test_an_empty_desired_state_deletes_nothing(shop: Bench) -> None:
    shop.declare(endpoint())
    shop.apply(shop.plan())
    shop.declare()

    plan = shop.plan()

    assert plan.changes == ()
    assert shop.apply(plan).result == "done"


def test_what_was_made_and_is_no_longer_declared_is_deleted_only_when_asked(shop: Bench) -> None:
    shop.declare(endpoint("new", NEW))
    shop.apply(shop.plan())
    shop.declare()

    pruning = shop.plan(prune=True)

    assert [(c.address, c.action) for c in pruning.changes] == [(f"{ENDPOINT}/new", Action.DELETE)]
    assert shop.apply(pruning).result == "done"
    assert len(shop.world.state("stripe")["webhook_endpoints"]) == 3


def test_a_rollback_deletes_what_a_later_run_made_and_nothing_else(shop: Bench) -> None:
    shop.declare(endpoint())
    shop.apply(shop.plan())
    good = shop.keep()
    shop.declare(endpoint(), endpoint("new", NEW))
    shop.apply(shop.plan())

    plan = shop.plan(good)

    assert [(c.address, c.action) for c in plan.changes] == [(f"{ENDPOINT}/new", Action.DELETE)]
    assert "which this goes back before" in plan.changes[0].reason
    assert shop.apply(plan).result == "done"


def test_a_plan_is_applied_once(shop: Bench) -> None:
    shop.declare(endpoint())
    plan = shop.plan()
    shop.apply(plan)

    with pytest.raises(StalePlan) as caught:
        shop.apply(plan)

    assert "used already" in caught.value.summary


def test_a_plan_expires(shop: Bench) -> None:
    shop.declare(endpoint())
    plan = shop.plan()
    shop.clock.sleep(3601)

    with pytest.raises(StalePlan) as caught:
        shop.apply(plan)

    assert plan.expires_at in caught.value.detail
    assert shop.world.writes() == ()


def test_a_plan_for_another_account_is_not_applied(shop: Bench) -> None:
    shop.declare(endpoint())
    plan = shop.plan()
    state = shop.world.state("stripe")
    shop.world.put("stripe", {**state, "account": {**state["account"], "id": "acct_other"}})
    shop.open_accounts(
        {
            "stripe": {"api_key": "${secret:env/STRIPE_KEY}"},
            "vercel": {
                "token": "${secret:env/VERCEL_TOKEN}",
                "team": "team_sandbox",
                "project": "shop",
            },
        }
    )

    with pytest.raises(WrongAccount):
        shop.apply(plan)

    assert shop.world.writes() == ()


def test_a_second_apply_is_kept_out_and_changes_nothing(shop: Bench) -> None:
    shop.declare(endpoint())
    plan = shop.plan()

    with shop.store.lock("apply by someone else"), pytest.raises(LockHeld):
        shop.apply(plan)

    assert shop.world.writes() == ()


def test_a_refused_plan_is_not_applied_and_says_what_would_allow_it(shop: Bench) -> None:
    shop.policy = Policy(max_changes=0)
    shop.declare(endpoint())

    with pytest.raises(Refused) as caught:
        shop.apply(shop.plan())

    assert "raise policy.max_changes" in caught.value.detail
    assert shop.world.writes() == ()


def test_everything_is_on_disk_before_the_first_call(shop: Bench) -> None:
    shop.declare(endpoint())
    plan = shop.plan()
    shop.world.fail(vendor="stripe", method="POST", status=400)

    report = shop.apply(plan)

    folder = shop.folder / "snapshots" / "conformance"
    run = folder / "runs" / report.run
    events = [
        json.loads(line)["event"] for line in (run / "journal.jsonl").read_text().splitlines()
    ]
    assert {"plan.json", "undo.json", "journal.jsonl"} <= {one.name for one in run.iterdir()}
    assert events == ["started", "intent", "outcome", "finished"]
    roles = [json.loads(one.read_text().splitlines()[0])["role"] for one in folder.glob("*.jsonl")]
    assert sorted(roles) == ["applied", "pre_apply"]


def test_nothing_is_written_to_a_vendor_when_nothing_can_be_written_to_disk(shop: Bench) -> None:
    shop.declare(endpoint())
    plan = shop.plan()
    folder = shop.folder / "snapshots"
    folder.write_text("in the way")

    with pytest.raises(OSError, match="snapshots"):
        shop.apply(plan)

    assert shop.world.writes() == ()


def test_a_failed_change_skips_the_rest(shop: Bench) -> None:
    shop.declare(endpoint(), variable("site", "NEXT_PUBLIC_SITE_URL", value="https://new.example"))
    plan = shop.plan()
    shop.world.fail(vendor="vercel", method="PATCH", status=403)
    shop.world.fail(vendor="stripe", method="POST", status=403)

    report = shop.apply(plan)

    assert report.result == "incomplete"
    assert Result.DONE not in {one.result for one in report.outcomes}
    assert all(one.detail for one in report.outcomes)


def test_independent_changes_go_on_when_asked(shop: Bench) -> None:
    shop.declare(endpoint(), variable("site", "NEXT_PUBLIC_SITE_URL", value="https://new.example"))
    plan = shop.plan()
    shop.world.fail(vendor="stripe", method="POST", status=403)

    report = shop.apply(plan, on_error="continue")

    results = {one.address: one.result for one in report.outcomes}
    assert results == {
        f"{ENDPOINT}/payments": Result.FAILED,
        f"{VARIABLE}/site": Result.DONE,
    }


def test_a_variable_follows_the_signing_secret_of_an_endpoint_made_anew(shop: Bench) -> None:
    """The endpoint was deleted by hand: the new secret reaches the variable in the same run."""
    reference = f"${{ref:{ENDPOINT}/payments#secret}}"
    follower = variable("secret", "STRIPE_WEBHOOK_SECRET", type="sensitive", value=reference)
    state = shop.world.state("stripe")
    shop.declare(endpoint(), follower)
    shop.apply(shop.plan())
    left = [one for one in state["webhook_endpoints"] if one["id"] != "we_payments"]
    shop.world.put("stripe", {**state, "webhook_endpoints": left})

    plan = shop.plan()
    report = shop.apply(plan)

    assert [(c.address, c.action) for c in plan.changes] == [
        (f"{ENDPOINT}/payments", Action.CREATE),
        (f"{VARIABLE}/secret", Action.UPDATE),
    ]
    assert report.result == "done"
    (made,) = (one for one in shop.world.state("stripe")["webhook_endpoints"] if one["url"] == URL)
    assert live_rows(shop)["STRIPE_WEBHOOK_SECRET production"]["value"] == made["secret"]
    assert shop.plan().changes == ()


def test_a_captured_secret_goes_to_its_store_and_nowhere_else(shop: Bench) -> None:
    shop.declare(endpoint("new", NEW, capture={"secret": "${secret:file/private/whsec}"}))

    report = shop.apply(shop.plan())

    (made,) = (one for one in shop.world.state("stripe")["webhook_endpoints"] if one["url"] == NEW)
    kept = shop.folder / "private" / "whsec"
    assert report.result == "done"
    assert kept.read_text() == made["secret"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    others = [one for one in shop.folder.rglob("*") if one.is_file() and one != kept]
    assert not [one for one in others if made["secret"] in one.read_text(errors="replace")]


def test_an_endpoint_whose_secret_cannot_be_kept_is_taken_back(shop: Bench) -> None:
    (shop.folder / "taken").mkdir()
    shop.declare(endpoint("new", NEW, capture={"secret": "${secret:file/taken}"}))

    report = shop.apply(shop.plan())

    assert [one.result for one in report.outcomes] == [Result.FAILED]
    assert "cannot be written" in report.outcomes[0].detail
    assert len(shop.world.state("stripe")["webhook_endpoints"]) == 3


def test_one_lost_vendor_does_not_hide_the_other(shop: Bench) -> None:
    shop.declare(endpoint(), variable("site", "NEXT_PUBLIC_SITE_URL", value="https://new.example"))
    shop.world.fail(vendor="vercel", status=503)

    plan = shop.plan()

    assert [change.address for change in plan.changes] == [f"{ENDPOINT}/payments"]
    assert plan.summary.unknown == (f"{VARIABLE}/site",)
    assert {item.kind for item in plan.unreadable} >= {VARIABLE}


def test_a_place_moves_from_one_variable_to_another(shop: Bench) -> None:
    def both(first: list[str], second: list[str]) -> list[dict[str, Any]]:
        return [
            variable("a-first", "MOVING", target=first),
            variable("b-second", "MOVING", target=second),
        ]

    shop.declare(*both(["production"], ["preview", "development"]))
    shop.apply(shop.plan())
    shop.declare(*both(["production", "development"], ["preview"]))

    report = shop.apply(shop.plan())

    assert report.result == "done"


def test_a_new_variable_takes_the_key_that_another_gives_up(shop: Bench) -> None:
    shop.declare(variable("first", "OLD_KEY"))
    shop.apply(shop.plan())
    shop.declare(variable("first", "NEW_KEY"), variable("second", "OLD_KEY"))

    report = shop.apply(shop.plan())

    assert report.result == "done"


def test_a_new_endpoint_takes_the_url_that_another_gives_up(shop: Bench) -> None:
    """Both changes may be under way together; the create must not take the other for its double."""
    shop.declare(endpoint())
    shop.apply(shop.plan())
    shop.declare(endpoint(url=NEW), endpoint("second"))

    plan = shop.plan()
    report = shop.apply(plan)

    assert [(c.address, c.action) for c in plan.changes] == [
        (f"{ENDPOINT}/payments", Action.UPDATE),
        (f"{ENDPOINT}/second", Action.CREATE),
    ]
    assert report.result == "done"


def test_what_another_environment_owns_is_not_imported(shop: Bench) -> None:
    state = shop.world.state("stripe")
    marked = [
        {**one, "metadata": {"reconciler": f"staging/{ENDPOINT}/payments"}}
        for one in state["webhook_endpoints"]
    ]
    shop.world.put("stripe", {**state, "webhook_endpoints": marked})
    shop.import_all()

    plan = shop.plan()

    assert [change for change in plan.changes if change.kind == ENDPOINT] == []


@pytest.mark.parametrize(
    ("vendor", "path"),
    [("stripe", "/v1/webhook_endpoints"), ("vercel", "/v10/projects/*/env")],
)
def test_an_answer_of_another_shape_makes_the_kind_unknown(
    shop: Bench, vendor: str, path: str
) -> None:
    shop.declare()
    shop.world.fail(vendor=vendor, method="GET", path=path, body={"object": "something"})

    plan = shop.plan()

    assert len(plan.unreadable) == 1


def test_the_key_of_the_ownership_marker_cannot_be_declared(shop: Bench) -> None:
    item = endpoint()
    item["spec"]["metadata"] = {"reconciler": "mine"}
    shop.declare(item)

    try:
        plan = shop.plan()
    except (InvalidInput, AmbiguousIdentity):
        return

    assert plan.refusals or shop.apply(plan).result == "done"
