"""What happens to webhook endpoints at night. ``ST-nn`` are the traps of the vendor's sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.conformance.bench import items
from reconciler.core.change import Action
from reconciler.core.digest import digest
from reconciler.core.errors import AmbiguousIdentity, InvalidInput, WrongAccount
from reconciler.core.guard import Consent
from reconciler.core.state import Criticality
from reconciler.engine.outcome import Result

if TYPE_CHECKING:
    from reconciler.conformance.bench import Bench

KIND = "stripe.webhook_endpoint"
PATH = "/v1/webhook_endpoints"
PAYMENTS = f"{KIND}/payments"
URL = "https://shop.example/api/webhooks/stripe"
NEW = "https://shop.example/hooks/new"


def declare(shop: Bench, **specs: dict[str, Any]) -> None:
    shop.declare(*items(KIND, specs))


def endpoints(shop: Bench) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in shop.world.state("stripe")["webhook_endpoints"]}


def by_hand(shop: Bench, remote_id: str, **fields: Any) -> None:
    """Change an endpoint as the Dashboard does; ``None`` for all of it deletes it."""
    state = shop.world.state("stripe")
    found = [
        {**one, **fields} if one["id"] == remote_id else one
        for one in state["webhook_endpoints"]
        if fields or one["id"] != remote_id
    ]
    shop.world.put("stripe", {**state, "webhook_endpoints": found})


def seed(shop: Bench, *found: dict[str, Any]) -> None:
    state = shop.world.state("stripe")
    pattern = state["webhook_endpoints"][0]
    made = [
        {**pattern, "id": f"we_{number}", "secret": f"whsec_FAKE{number}", **one}
        for number, one in enumerate(found)
    ]
    shop.world.put("stripe", {**state, "webhook_endpoints": made})


def adopt(shop: Bench) -> None:
    """Declare the payments endpoint as it is, and remember it as applied."""
    live = endpoints(shop)["we_payments"]
    names = ("url", "enabled_events", "description", "metadata")
    declare(shop, payments={name: live[name] for name in names})
    shop.apply(shop.plan())
    shop.world.forget()


def test_a_url_edited_by_hand_is_updated_in_place(shop: Bench) -> None:
    """One call, the same id, the same signing secret."""
    adopt(shop)
    before = endpoints(shop)["we_payments"]
    by_hand(shop, "we_payments", url="https://old.example/stripe")

    plan = shop.plan()
    report = shop.apply(plan)

    assert [(one.address, one.action) for one in plan.changes] == [(PAYMENTS, Action.UPDATE)]
    assert plan.changes[0].reason.startswith("drift")
    assert report.result == "done"
    assert [(w.method, w.path) for w in shop.world.writes()] == [("POST", f"{PATH}/we_payments")]
    assert endpoints(shop)["we_payments"] == before


def test_a_url_edited_by_hand_is_found_by_the_ownership_marker(shop: Bench) -> None:
    """Without a binding, on a fresh clone."""
    marker = {"reconciler": f"conformance/{PAYMENTS}"}
    by_hand(shop, "we_payments", url="https://old.example/stripe", metadata=marker)
    declare(shop, payments={"url": URL, "enabled_events": ["charge.refunded"]})

    plan = shop.plan()

    assert [(one.remote_id, one.action) for one in plan.changes] == [("we_payments", Action.UPDATE)]


def test_the_eleventh_endpoint_is_found(shop: Bench) -> None:
    """ST-01: the vendor's default page has ten."""
    seed(shop, *({"url": f"https://shop.example/{number}"} for number in range(12)))
    declare(shop, old={"url": "https://shop.example/0", "enabled_events": ["charge.refunded"]})

    plan = shop.plan()

    assert [change.remote_id for change in plan.changes] == ["we_0"]


def test_two_endpoints_with_one_url_are_not_guessed_at(shop: Bench) -> None:
    """ST-02."""
    seed(shop, {"url": URL}, {"url": URL})
    declare(shop, payments={"url": URL, "enabled_events": ["charge.refunded"]})

    with pytest.raises(AmbiguousIdentity) as caught:
        shop.plan()

    assert "we_0, we_1" in caught.value.detail
    assert shop.world.writes() == ()


@pytest.mark.parametrize("connect", [True, False])
def test_what_is_never_returned_is_no_difference(shop: Bench, *, connect: bool) -> None:
    """ST-03: neither value of connect is read, so neither yields a change, let alone a replace."""
    live = endpoints(shop)["we_connect"]
    spec = {"url": live["url"], "enabled_events": live["enabled_events"], "connect": connect}
    declare(shop, connect=spec)

    plan = shop.plan()

    assert plan.changes == ()
    assert [(one.address, one.field) for one in plan.summary.unverifiable] == [
        (f"{KIND}/connect", "connect")
    ]


def test_another_api_version_is_a_replacement_that_wants_consent(shop: Bench) -> None:
    """ST-04."""
    live = endpoints(shop)["we_connect"]
    spec = {name: live[name] for name in ("url", "enabled_events")}
    declare(shop, connect={**spec, "api_version": "2025-03-31.basil"})

    plan = shop.plan(consent=Consent())

    assert [change.action for change in plan.changes] == [Action.REPLACE]
    assert [finding.rule for finding in plan.refusals] == ["allow_replace"]
    assert "a new signing secret" in plan.changes[0].reversibility_reason
    assert any("give it to every consumer" in step for step in plan.changes[0].follow_ups)


def test_order_and_repetition_of_events_are_no_difference(shop: Bench) -> None:
    """ST-05."""
    events = endpoints(shop)["we_payments"]["enabled_events"]
    declare(shop, payments={"url": URL, "enabled_events": [*reversed(events), events[0]]})

    assert shop.plan().changes == ()


@pytest.mark.parametrize(
    ("live", "wanted"),
    [(["*"], ["charge.refunded"]), (["charge.refunded"], ["*"])],
    ids=["from all", "to all"],
)
def test_a_star_is_one_update_and_never_written_out(
    shop: Bench, live: list[str], wanted: list[str]
) -> None:
    """ST-06."""
    by_hand(shop, "we_payments", enabled_events=live)
    declare(shop, payments={"url": URL, "enabled_events": wanted})

    plan = shop.plan()
    shop.apply(plan)

    assert [(one.before, one.after) for one in plan.changes[0].field_changes] == [(live, wanted)]
    assert endpoints(shop)["we_payments"]["enabled_events"] == wanted


def test_an_endpoint_without_events_is_a_mistake_in_the_file(shop: Bench) -> None:
    """ST-07."""
    declare(shop, payments={"url": URL, "enabled_events": []})

    with pytest.raises(InvalidInput) as caught:
        shop.plan()

    place = caught.value.diagnostics[0].place
    assert place is not None
    assert place.file.endswith("resources-0.yaml")
    assert shop.world.asked() == ()


def test_a_metadata_key_taken_out_of_the_file_is_deleted_and_others_stay(shop: Bench) -> None:
    """ST-08."""
    spec = {"url": URL, "enabled_events": ["charge.refunded"]}
    by_hand(shop, "we_payments", metadata={"team": "payments", "pager": "by hand"})
    declare(shop, payments={**spec, "metadata": {"team": "payments", "tier": "1"}})
    shop.apply(shop.plan())
    declare(shop, payments={**spec, "metadata": {"team": "payments"}})

    plan = shop.plan()
    shop.apply(plan)

    fields = plan.changes[0].field_changes
    assert [(one.field, one.removed) for one in fields] == [("metadata.tier", True)]
    assert endpoints(shop)["we_payments"]["metadata"] == {"team": "payments", "pager": "by hand"}


@pytest.mark.parametrize("wanted", ["", None])
def test_an_empty_description_is_no_description(shop: Bench, wanted: str | None) -> None:
    """ST-09."""
    by_hand(shop, "we_analytics", description=None)
    live = endpoints(shop)["we_analytics"]
    spec = {name: live[name] for name in ("url", "enabled_events")}
    declare(shop, analytics={**spec, "description": wanted})

    assert shop.plan().changes == ()


def test_a_description_is_cleared(shop: Bench) -> None:
    live = endpoints(shop)["we_analytics"]
    spec = {name: live[name] for name in ("url", "enabled_events")}
    declare(shop, analytics={**spec, "description": None})

    report = shop.apply(shop.plan())

    assert report.result == "done"
    assert endpoints(shop)["we_analytics"]["description"] is None


def test_an_endpoint_that_is_to_be_disabled_is_created_and_then_disabled(shop: Bench) -> None:
    """ST-10."""
    declare(shop, new={"url": NEW, "enabled_events": ["*"], "status": "disabled"})
    plan = shop.plan()

    report = shop.apply(plan)

    assert (report.result, plan.calls, len(shop.world.writes())) == ("done", 2, 2)
    (made,) = (one for one in endpoints(shop).values() if one["url"] == NEW)
    assert made["status"] == "disabled"


def test_a_replaced_endpoint_stays_disabled_and_every_call_is_announced(shop: Bench) -> None:
    by_hand(shop, "we_connect", status="disabled")
    live = endpoints(shop)["we_connect"]
    spec = {name: live[name] for name in ("url", "enabled_events")}
    declare(shop, connect={**spec, "api_version": "2025-03-31.basil"})
    plan = shop.plan()

    report = shop.apply(plan)

    assert report.result == "done"
    assert (plan.calls, len(shop.world.writes())) == (3, 3)
    (made,) = (one for one in endpoints(shop).values() if one["url"] == live["url"])
    assert made["status"] == "disabled"


def test_an_endpoint_that_could_not_be_disabled_is_known_and_finished_later(shop: Bench) -> None:
    """ST-10, interrupted between the two calls."""
    declare(shop, new={"url": NEW, "enabled_events": ["*"], "status": "disabled"})
    shop.world.fail(vendor="stripe", method="POST", path=f"{PATH}/*", status=400)

    report = shop.apply(shop.plan())
    shop.world.heal()
    rest = shop.plan()

    assert [one.result for one in report.outcomes] == [Result.FAILED]
    assert [(one.action, set(one.after())) for one in rest.changes] == [(Action.UPDATE, {"status"})]
    assert shop.apply(rest).result == "done"
    assert len(endpoints(shop)) == 4


def test_a_seventeenth_endpoint_is_refused_before_anything_is_written(shop: Bench) -> None:
    """ST-11."""
    seed(shop, *({"url": f"https://shop.example/{number}"} for number in range(16)))
    declare(
        shop,
        first={"url": "https://shop.example/0", "enabled_events": ["charge.refunded"]},
        new={"url": NEW, "enabled_events": ["*"]},
    )

    plan = shop.plan()

    assert [finding.rule for finding in plan.refusals] == ["vendor_limit"]
    assert "16" in plan.refusals[0].message or "17" in plan.refusals[0].message
    assert shop.world.writes() == ()


def test_a_success_without_an_effect_is_noticed(shop: Bench) -> None:
    """ST-12."""
    adopt(shop)
    by_hand(shop, "we_payments", url="https://old.example/stripe")
    plan = shop.plan()
    shop.world.fail(vendor="stripe", method="POST", no_effect=True)

    report = shop.apply(plan)

    assert report.result == "not verified"
    assert [change.address for change in report.differing] == [PAYMENTS]


def test_a_refusal_for_the_pace_is_waited_out(shop: Bench) -> None:
    """ST-13."""
    adopt(shop)
    by_hand(shop, "we_payments", url="https://old.example/stripe")
    shop.world.fail(vendor="stripe", status=429, times=2)

    assert shop.apply(shop.plan()).result == "done"


@pytest.mark.parametrize("fault", [{"status": 500, "after_effect": True}, {"drop": "after"}])
def test_a_create_whose_answer_is_lost_makes_one_endpoint(
    shop: Bench, fault: dict[str, Any]
) -> None:
    """ST-13."""
    declare(shop, new={"url": NEW, "enabled_events": ["*"]})
    shop.world.fail(vendor="stripe", method="POST", times=1, **fault)

    report = shop.apply(shop.plan())

    assert report.result == "done"
    assert [one["url"] for one in endpoints(shop).values()].count(NEW) == 1
    assert shop.plan().changes == ()


def test_create_delete_and_create_within_a_day_make_a_new_object(shop: Bench) -> None:
    """ST-15: the answer of the first create must not be given again."""
    item = {"kind": KIND, "name": "new", "spec": {"url": NEW, "enabled_events": ["*"]}}
    shop.declare(item)
    shop.apply(shop.plan())
    shop.declare({**item, "state": "absent"})
    shop.apply(shop.plan())
    shop.declare(item)

    report = shop.apply(shop.plan())

    assert report.result == "done"
    assert report.outcomes[0].remote_id in endpoints(shop)


@pytest.mark.parametrize("key", ["sk_live_FAKE4eC39HqLyjWDarjtT1zdp7dc", "rk_live_FAKE4eC39HqLy"])
def test_a_live_key_under_a_test_environment_is_refused_before_the_first_call(
    shop: Bench, key: str
) -> None:
    """ST-16."""
    shop.environ["STRIPE_KEY"] = key
    declare(shop, payments={"url": URL, "enabled_events": ["*"]})

    with pytest.raises(WrongAccount):
        shop.plan()

    assert shop.world.asked() == ()


def test_an_object_of_the_other_mode_stops_everything(shop: Bench) -> None:
    """ST-17."""
    by_hand(shop, "we_payments", livemode=True)
    declare(shop, payments={"url": URL, "enabled_events": ["*"]})

    with pytest.raises(WrongAccount) as caught:
        shop.plan()

    assert "we_payments" in caught.value.summary


def test_a_key_of_another_account_is_refused_before_anything_else_is_read(shop: Bench) -> None:
    state = shop.world.state("stripe")
    shop.world.put("stripe", {**state, "account": {**state["account"], "id": "acct_other"}})
    declare(shop, payments={"url": URL, "enabled_events": ["*"]})

    with pytest.raises(WrongAccount) as caught:
        shop.plan()

    assert "acct_other" in caught.value.detail
    assert [one.path for one in shop.world.asked() if one.vendor == "stripe"] == ["/v1/account"]


def test_a_glob_is_written_out_from_the_catalogue_and_shown(shop: Bench) -> None:
    """ST-22."""
    declare(shop, payments={"url": URL, "enabled_events": ["payment_intent.*"]})

    plan = shop.plan()
    shop.apply(plan)

    notes = [finding.message for finding in plan.findings if finding.address == PAYMENTS]
    assert notes == ["payment_intent.* = 8 events of the catalogue of 2026-10-28"]
    sent = endpoints(shop)["we_payments"]["enabled_events"]
    assert len(sent) == 8
    assert all(name.startswith("payment_intent.") for name in sent)


def test_an_event_that_is_not_in_the_catalogue_is_sent_with_a_remark(shop: Bench) -> None:
    """ST-25."""
    declare(shop, payments={"url": URL, "enabled_events": ["moon.landed"]})

    plan = shop.plan()
    report = shop.apply(plan)

    assert any("moon.landed" in finding.message for finding in plan.findings)
    assert report.result == "done"
    assert endpoints(shop)["we_payments"]["enabled_events"] == ["moon.landed"]


def test_two_looks_at_the_same_state_are_the_same_bytes(shop: Bench) -> None:
    """ST-23."""
    shop.declare()

    first, second = shop.look(), shop.look()

    assert digest([one.values for one in first.entries]) == digest(
        [one.values for one in second.entries]
    )


def test_an_endpoint_deleted_after_the_plan_is_stale_and_not_made_anew(shop: Bench) -> None:
    """ST-24."""
    adopt(shop)
    by_hand(shop, "we_payments", url="https://old.example/stripe")
    plan = shop.plan()
    by_hand(shop, "we_payments")

    report = shop.apply(plan)

    assert [(one.result, one.detail) for one in report.outcomes] == [
        (Result.STALE, "we_payments is gone")
    ]
    assert shop.world.writes() == ()


def test_disabling_says_that_events_of_the_gap_are_lost(shop: Bench) -> None:
    """ST-28."""
    events = endpoints(shop)["we_payments"]["enabled_events"]
    declare(shop, payments={"url": URL, "enabled_events": events, "status": "disabled"})

    (change,) = shop.plan().changes

    assert any("not sent later; resend" in step for step in change.follow_ups)


def test_a_deleted_payments_endpoint_comes_back_with_everything_it_had(shop: Bench) -> None:
    """The night of the expert-call marketplace: someone deleted the webhook in the Dashboard."""
    adopt(shop)
    good = shop.keep()
    before = endpoints(shop)["we_payments"]
    by_hand(shop, "we_payments")

    plan = shop.plan(good)
    report = shop.apply(plan)

    assert [(one.address, one.action) for one in plan.changes] == [(PAYMENTS, Action.CREATE)]
    assert plan.changes[0].reason.startswith("deleted outside since")
    assert report.result == "done"
    (made,) = (one for one in endpoints(shop).values() if one["url"] == URL)
    assert set(made["enabled_events"]) == set(before["enabled_events"])
    assert made["metadata"]["team"] == "payments"
    assert made["secret"] != before["secret"]


def test_a_p0_endpoint_is_deleted_only_when_it_is_named(shop: Bench) -> None:
    live = endpoints(shop)["we_payments"]
    spec = {name: live[name] for name in ("url", "enabled_events")}
    item = {"kind": KIND, "name": "payments", "criticality": "P0", "spec": spec}
    shop.declare({**item, "state": "absent"})

    unnamed = shop.plan(consent=Consent())
    named = shop.plan(consent=Consent(delete=frozenset({PAYMENTS})))

    assert [finding.rule for finding in unnamed.refusals] == ["protected"]
    assert named.refusals == ()
    assert named.changes[0].criticality is Criticality.P0


def test_a_renamed_resource_keeps_its_endpoint(shop: Bench) -> None:
    """One that we made: its ownership marker still has the old name."""
    declare(shop, old={"url": NEW, "enabled_events": ["*"]})
    shop.apply(shop.plan())
    declare(shop, new={"url": NEW, "enabled_events": ["*"]})

    plan = shop.plan()
    report = shop.apply(plan)

    assert plan.changes == ()
    assert report.result == "done"
    assert [entry.address for entry in shop.look().entries if entry.values.get("url") == NEW] == [
        f"{KIND}/new"
    ]
