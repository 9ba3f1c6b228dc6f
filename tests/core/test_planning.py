"""What is planned, case by case, without any vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.core.change import Action, Origin, Reversibility
from reconciler.core.secret import Deferred, SecretValue
from reconciler.core.state import Criticality, Ignore

if TYPE_CHECKING:
    from types import SimpleNamespace

PAYMENTS = "stripe.webhook_endpoint/payments"
SECRET = "vercel.env_var/secret"
URL = {"url": "https://shop.example/stripe", "enabled_events": ["charge.refunded"]}
OTHER = {"url": "https://old.example/stripe", "enabled_events": ["charge.refunded"]}
PLACE = {"key": "STRIPE_WEBHOOK_SECRET", "target": ["production"], "type": "sensitive"}


def test_what_is_live_as_declared_is_not_in_the_plan(shop: SimpleNamespace) -> None:
    found = shop.decided([shop.declared(PAYMENTS, URL)], [shop.entry(PAYMENTS, "we_1", URL)])

    assert found.changes == ()
    assert found.summary.unchanged == (PAYMENTS,)


@pytest.mark.parametrize(
    ("base", "origin", "reason"),
    [
        (URL, Origin.DRIFT, "drift, changed outside since 2026-11-19T02:00:00Z"),
        (OTHER, Origin.INTENT, "declared otherwise"),
    ],
    ids=["the live object moved", "the file moved"],
)
def test_the_reason_says_who_moved(
    shop: SimpleNamespace, base: dict[str, Any], origin: Origin, reason: str
) -> None:
    found = shop.decided(
        [shop.declared(PAYMENTS, URL)],
        [shop.entry(PAYMENTS, "we_1", OTHER)],
        [shop.entry(PAYMENTS, "we_1", base)],
    )

    (change,) = found.changes
    assert [(one.field, one.origin) for one in change.field_changes] == [("url", origin)]
    assert change.reason == reason


def test_a_drift_that_is_expected_until_a_day_is_ignored_until_then(shop: SimpleNamespace) -> None:
    def planned(until: str) -> Any:
        ignore = (Ignore("url", "migration of the host", until),)
        item = shop.declared(PAYMENTS, URL, ignore=ignore)
        return shop.decided([item], [shop.entry(PAYMENTS, "we_1", OTHER)])

    held, over = planned("2026-11-19"), planned("2026-11-18")

    assert held.changes == ()
    assert [(one.field, one.reason) for one in held.summary.ignored] == [
        ("url", "migration of the host")
    ]
    assert [change.action for change in over.changes] == [Action.UPDATE]


def test_an_unknown_kind_gets_no_change_and_no_delete(shop: SimpleNamespace) -> None:
    from reconciler.core.planning import decide
    from reconciler.core.state import DesiredState, Unreadable
    from reconciler.providers import registry

    lost = shop.snapshot()
    unreadable = (Unreadable(kind="stripe.webhook_endpoint", reason="no answer"),)
    header = lost.header.model_copy(update={"unreadable": unreadable})
    items = (shop.declared(PAYMENTS, URL, absent=True), shop.declared(f"{PAYMENTS}2", URL))
    wanted = DesiredState("shop", items, "files", "sha256:0", models=registry.models())
    base = shop.snapshot(shop.entry(PAYMENTS, "we_1", URL))

    found = decide(wanted, lost._replace(header=header), base, today="2026-11-19", prune=True)

    assert found.changes == ()
    assert found.summary.unknown == (PAYMENTS, f"{PAYMENTS}2")


def test_what_refers_to_a_new_object_waits_for_it(shop: SimpleNamespace) -> None:
    reference = SecretValue(f"${{ref:{PAYMENTS}#secret}}")
    item = shop.declared(SECRET, {**PLACE, "value": reference}, refers=((PAYMENTS, "secret"),))
    live = shop.entry(SECRET, "env_1", PLACE)

    found = shop.decided([item, shop.declared(PAYMENTS, URL)], [live])

    assert [(c.address, c.action, c.depends_on) for c in found.changes] == [
        (PAYMENTS, Action.CREATE, ()),
        (SECRET, Action.UPDATE, (PAYMENTS,)),
    ]
    (field,) = found.changes[1].field_changes
    assert (field.field, field.note) == ("value", f"follows {PAYMENTS}")


def test_a_reference_to_what_is_known_is_filled_in(shop: SimpleNamespace) -> None:
    text = Deferred(f"${{ref:{PAYMENTS}#id}}")
    values = {**PLACE, "type": "plain", "value": text}
    item = shop.declared(SECRET, values, refers=((PAYMENTS, "id"),))
    live = [
        shop.entry(PAYMENTS, "we_1", URL),
        shop.entry(SECRET, "env_1", {**PLACE, "type": "plain", "value": "we_0"}),
    ]

    found = shop.decided([item, shop.declared(PAYMENTS, URL)], live)

    (change,) = found.changes
    assert change.after() == {"value": "we_1"}


def test_a_secret_that_nobody_can_provide_is_a_step_for_a_person(shop: SimpleNamespace) -> None:
    values = {**PLACE, "value": SecretValue(None)}

    found = shop.decided([shop.declared(SECRET, values, owns_all=True)], [])

    (change,) = found.changes
    assert (change.action, change.calls) == (Action.MANUAL, 0)
    assert change.reversibility is Reversibility.MANUAL
    assert "never readable" in change.reversibility_reason
    assert change.follow_ups


@pytest.mark.parametrize(
    ("address", "live", "kind"),
    [(PAYMENTS, URL, Reversibility.LOSSY), (SECRET, PLACE, Reversibility.LOSSY)],
)
def test_a_delete_says_what_undo_cannot_give_back(
    shop: SimpleNamespace, address: str, live: dict[str, Any], kind: Reversibility
) -> None:
    found = shop.decided(
        [shop.declared(address, live, absent=True)], [shop.entry(address, "id_1", live)]
    )

    (change,) = found.changes
    assert change.action is Action.DELETE
    assert change.reversibility is kind
    assert change.reversibility_reason


def test_a_plan_narrowed_to_some_addresses_leaves_the_others(shop: SimpleNamespace) -> None:
    items = [
        shop.declared(PAYMENTS, URL),
        shop.declared(f"{PAYMENTS}-2", {**URL, "url": "https://b"}),
    ]

    found = shop.decided(items, [], selected=lambda address: address == PAYMENTS)

    assert [change.address for change in found.changes] == [PAYMENTS]


def test_what_nobody_declared_is_listed_and_left_alone(shop: SimpleNamespace) -> None:
    found = shop.decided([], [shop.entry(None, "we_9", OTHER)])

    assert found.changes == ()
    assert [(one.remote_id, one.what) for one in found.summary.unmanaged] == [
        ("we_9", "https://old.example/stripe")
    ]


def test_protection_is_remembered_when_the_entry_is_taken_out_of_the_file(
    shop: SimpleNamespace,
) -> None:
    remembered = shop.entry(
        PAYMENTS, "we_1", URL, criticality=Criticality.P0, protected=True, created_by="run-1"
    )

    found = shop.decided([], [shop.entry(PAYMENTS, "we_1", URL)], [remembered], prune=True)

    (change,) = found.changes
    assert (change.action, change.criticality, change.protected) == (
        Action.DELETE,
        Criticality.P0,
        True,
    )
