"""A plan on a terminal, as the engineer on call reads it at three in the morning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.core.change import Action, Change, FieldChange, Origin, Reversibility
from reconciler.core.finding import Finding, Weight
from reconciler.core.plan import (
    DesiredSource,
    Ignored,
    Managed,
    Plan,
    Summary,
    Unmanaged,
    Unverifiable,
)
from reconciler.core.secret import Deferred, SecretValue
from reconciler.core.state import Criticality, Unreadable
from reconciler.render.plan_text import plan_text

MakePlan = Callable[..., Plan]
SINCE = "2026-11-19T18:02:00Z"
EVENTS = [f"payment_intent.{name}" for name in ("canceled", "created", "succeeded")]


def drift(field: str, before: Any, after: Any, **more: Any) -> FieldChange:
    return FieldChange(field=field, before=before, after=after, origin=Origin.DRIFT, **more)


def intent(field: str, before: Any, after: Any, **more: Any) -> FieldChange:
    return FieldChange(field=field, before=before, after=after, origin=Origin.INTENT, **more)


def change(address: str, action: Action, reason: str, **more: Any) -> Change:
    return Change(
        address=address, kind=address.partition("/")[0], action=action, reason=reason, **more
    )


def text(plan: Plan, width: int = 110) -> str:
    return plan_text(plan, color=False, width=width)


def body(plan: Plan, width: int = 110) -> str:
    """The text without its header and totals."""
    return text(plan, width).split("\n\n", 1)[1].rsplit("\n\n", 1)[0]


CLICKED_AWAY = change(
    "stripe.webhook_endpoint/payments",
    Action.UPDATE,
    f"drift, changed outside since {SINCE}",
    remote_id="we_1",
    criticality=Criticality.P0,
    field_changes=(
        drift("url", "https://old.example/s", "https://api.example/s", place="payments.yaml:7"),
        drift(
            "enabled_events",
            [*EVENTS, "invoice.paid"],
            ["charge.refunded", *EVENTS],
            place="payments.yaml:8",
        ),
    ),
)
NEW_VERSION = change(
    "stripe.webhook_endpoint/connect",
    Action.REPLACE,
    "declared otherwise",
    remote_id="we_2",
    criticality=Criticality.P1,
    calls=2,
    step=1,
    field_changes=(
        intent(
            "api_version",
            "2023-10-16",
            "2026-10-28",
            forces_replacement=True,
            note="fixed at birth",
        ),
    ),
    reversibility=Reversibility.LOSSY,
    reversibility_reason="a new signing secret and a new id",
    capture={"secret": "${secret:gcp/CONNECT}"},
    follow_ups=("resend the events of the gap",),
)
FOLLOWER = change(
    "vercel.env_var/connect-secret",
    Action.UPDATE,
    "declared otherwise",
    step=2,
    field_changes=(
        intent(
            "value",
            SecretValue("${secret:gcp/OLD@3}"),
            Deferred("${ref:stripe.webhook_endpoint/connect#secret}"),
            note="follows stripe.webhook_endpoint/connect",
        ),
    ),
    place="web.yaml:4",
)


def test_a_webhook_clicked_away_and_a_new_version_read_as_one_story(make_plan: MakePlan) -> None:
    plan = make_plan(
        changes=(CLICKED_AWAY, NEW_VERSION, FOLLOWER),
        findings=(
            Finding(
                weight=Weight.REFUSAL,
                rule="allow_replace",
                message="replace: a new signing secret and a new id",
                address="stripe.webhook_endpoint/connect",
                remedy="--allow-replace stripe.webhook_endpoint/connect",
            ),
        ),
        summary=Summary(
            unchanged=tuple(f"vercel.env_var/v{n}" for n in range(38)),
            unmanaged=(Unmanaged(kind="vercel.env_var", remote_id="e9", what="DEBUG"),),
            ignored=(
                Ignored(
                    address="vercel.env_var/v1", field="comment", reason="tests", until="2026-12-31"
                ),
            ),
            unverifiable=(
                Unverifiable(
                    address="vercel.env_var/v2", field="value", since="2026-10-11T00:00:00Z"
                ),
            ),
        ),
        managed={
            f"vercel.env_var/v{n}": Managed(f"env_{n}", (), {}, Criticality.P2, protected=False)
            for n in range(38)
        },
    )

    shown = text(plan).replace(plan.digest.removeprefix("sha256:")[:8], "7d2f0000")

    assert (
        shown
        == """\
production (protected) · stripe acct_1Nx live · vercel shop · 41 read, 0 unreadable
  base 2026-11-19T18:02Z good

~ stripe.webhook_endpoint/payments   P0   drift, changed outside since 2026-11-19T18:02Z
    url             "https://old.example/s" → "https://api.example/s"   payments.yaml:7
    enabled_events  + charge.refunded   - invoice.paid   (3 unchanged)   payments.yaml:8
-/+ stripe.webhook_endpoint/connect   P1   we_2   replace: api_version, fixed at birth; declared otherwise
    REFUSED allow_replace: replace: a new signing secret and a new id
      to allow it: --allow-replace stripe.webhook_endpoint/connect
    lossy: a new signing secret and a new id
    api_version  "2023-10-16" → "2026-10-28"
    note: secret is kept in ${secret:gcp/CONNECT}
    to do: resend the events of the gap
~ vercel.env_var/connect-secret   declared otherwise   web.yaml:4
    value  [secret ${secret:gcp/OLD@3}] → (known after apply: ${ref:stripe.webhook_endpoint/connect#secret})
           (follows stripe.webhook_endpoint/connect)
not managed: 1 (reconciler import production)   ignored: 1 until 2026-12-31 (vercel.env_var/v1#comment)
  unverifiable: 1 (vercel.env_var/v2#value, recorded 40 d ago)

Plan: 2 to change, 1 to replace, 0 to delete, 38 unchanged · 4 calls · sha256:7d2f0000…
REFUSED by allow_replace: nothing is applied until that is settled.
"""
    )


def test_a_narrow_terminal_stacks_values_and_keeps_commands_whole(make_plan: MakePlan) -> None:
    assert (
        body(make_plan(changes=(CLICKED_AWAY,)), 60)
        == """\
~ stripe.webhook_endpoint/payments   P0
    drift, changed outside since 2026-11-19T18:02Z
    url             "https://old.example/s"
                    → "https://api.example/s"
                    payments.yaml:7
    enabled_events  + charge.refunded   - invoice.paid
                    (3 unchanged)   payments.yaml:8"""
    )


def test_what_was_deleted_by_hand_is_shown_with_what_it_will_hold(make_plan: MakePlan) -> None:
    deleted = change(
        "vercel.env_var/api-url",
        Action.CREATE,
        "deleted outside since 2026-11-20T01:40:10Z",
        field_changes=(
            drift("key", None, "API_URL"),
            drift("target", None, ["production"]),
            drift("value", None, SecretValue("${secret:env/API_URL}")),
        ),
        place="web.yaml:14",
    )

    assert (
        body(make_plan(changes=(deleted,)))
        == """\
+ vercel.env_var/api-url   create: deleted outside since 01:40Z   web.yaml:14
    key     "API_URL"
    target  [production]
    value   [secret ${secret:env/API_URL}]"""
    )


def test_a_secret_that_nobody_knows_is_left_to_a_person(make_plan: MakePlan) -> None:
    manual = change(
        "vercel.env_var/paypal-secret",
        Action.MANUAL,
        "declared, and not there",
        criticality=Criticality.P0,
        calls=0,
        field_changes=(drift("value", None, SecretValue(None)),),
        reversibility=Reversibility.MANUAL,
        reversibility_reason="value was never readable, and no reference to it is declared",
        follow_ups=("declare value with a ${secret:…} reference, then plan again",),
    )

    plan = make_plan(changes=(manual,))

    assert (
        body(plan)
        == """\
! vercel.env_var/paypal-secret   P0   by hand: value was never readable, and no reference to it is declared
    value  [secret, not known]
    to do: declare value with a ${secret:…} reference, then plan again"""
    )
    assert "1 by hand, 38 unchanged · 0 calls" in text(plan)


def test_a_delete_says_which_object_goes_and_what_it_holds(make_plan: MakePlan) -> None:
    gone = change(
        "stripe.webhook_endpoint/old",
        Action.DELETE,
        "declared absent",
        remote_id="we_9",
        protected=True,
        criticality=Criticality.P2,
        field_changes=(
            intent("url", "https://old.example", None),
            intent("description", None, None),
            intent("metadata", {}, None),
        ),
        reversibility=Reversibility.LOSSY,
        reversibility_reason="created again it has a new signing secret",
    )

    assert (
        body(make_plan(changes=(gone,)))
        == """\
- stripe.webhook_endpoint/old   protected   we_9   delete: declared absent
    lossy: created again it has a new signing secret
    url  "https://old.example\""""
    )


def test_drift_is_told_field_by_field_when_the_file_moved_as_well(make_plan: MakePlan) -> None:
    mixed = change(
        "stripe.webhook_endpoint/payments",
        Action.UPDATE,
        f"declared otherwise, and also changed outside since {SINCE}",
        field_changes=(
            drift("status", "disabled", "enabled"),
            intent("metadata.team", "a", None, removed=True, note="no longer in the file"),
        ),
    )

    assert (
        body(make_plan(changes=(mixed,)))
        == """\
~ stripe.webhook_endpoint/payments   declared otherwise, and also changed outside since 2026-11-19T18:02Z
    status         "disabled" → "enabled"   drift
    metadata.team  "a" → (removed)   (no longer in the file)"""
    )


def test_what_could_not_be_read_comes_before_everything_else(make_plan: MakePlan) -> None:
    plan = make_plan(
        changes=(FOLLOWER,),
        unreadable=(
            Unreadable(
                kind="stripe.webhook_endpoint",
                reason="Stripe denied the request",
                detail="The key lacks Webhook Endpoints: Read.",
                mend="reconciler permissions production",
                denied=True,
            ),
        ),
        summary=Summary(unknown=("stripe.webhook_endpoint/payments",)),
    )

    assert body(plan).startswith(
        """\
unknown: stripe.webhook_endpoint could not be read: Stripe denied the request
    The key lacks Webhook Endpoints: Read.
    nothing is concluded about stripe.webhook_endpoint/payments
    to mend it: reconciler permissions production

~ vercel.env_var/connect-secret"""
    )
    assert "0 unchanged, 1 unknown · 1 call ·" in text(plan)


def test_rules_about_the_whole_plan_stand_after_its_changes(make_plan: MakePlan) -> None:
    plan = make_plan(
        changes=(FOLLOWER,),
        findings=(
            Finding(weight=Weight.WARNING, rule="inspect", message="Vercel did not answer"),
            Finding(
                weight=Weight.REFUSAL,
                rule="missing",
                message="this one was not found",
                address="twilio.number/hotline",
                remedy="check the account",
            ),
        ),
    )

    assert body(plan).endswith(
        """

REFUSED missing: twilio.number/hotline: this one was not found
  to allow it: check the account
warning: Vercel did not answer"""
    )


def test_a_plan_without_changes_is_one_calm_line(make_plan: MakePlan) -> None:
    assert text(make_plan()).splitlines()[-1] == "No changes: 38 resources, as declared."


def test_a_rollback_without_changes_names_the_snapshot(make_plan: MakePlan) -> None:
    plan = make_plan(desired=DesiredSource(source="snapshot good", digest="d"))

    assert text(plan).splitlines()[-1] == "No changes: 38 resources, as in snapshot good."


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(
            {
                "unreadable": (Unreadable(kind="a.b", reason="503"),),
                "summary": Summary(unchanged=("c.d/e",), unknown=("a.b/x",)),
            },
            "No changes found in what could be read: 1 resource as declared, 1 unknown.",
            id="unknown",
        ),
        pytest.param(
            {"offline": True},
            "No changes against the live state of 2026-11-20T03:12Z; nothing was read now.",
            id="offline",
        ),
    ],
)
def test_a_calm_line_never_says_more_than_is_known(
    make_plan: MakePlan, parts: dict[str, Any], expected: str
) -> None:
    assert text(make_plan(**parts)).splitlines()[-1] == expected


def test_an_empty_plan_that_is_refused_is_not_calm(make_plan: MakePlan) -> None:
    refused = Finding(weight=Weight.REFUSAL, rule="missing", message="not found")

    last = text(make_plan(findings=(refused,))).splitlines()[-2:]

    assert last == [
        "No changes can be planned: see what is refused above.",
        "REFUSED by missing: nothing is applied until that is settled.",
    ]


def test_changes_stand_in_the_order_in_which_they_are_made(make_plan: MakePlan) -> None:
    shown = text(make_plan(changes=(FOLLOWER, NEW_VERSION, CLICKED_AWAY)))

    places = [shown.index(one.address) for one in (FOLLOWER, NEW_VERSION, CLICKED_AWAY)]
    assert places[0] < places[2]
    assert shown.index("-/+") < shown.index("~ stripe.webhook_endpoint/payments")


def test_colours_add_nothing_that_is_not_said_in_words(make_plan: MakePlan) -> None:
    plan = make_plan(changes=(CLICKED_AWAY, NEW_VERSION))

    colored = plan_text(plan, color=True, width=100)

    assert "\x1b[33m~ stripe.webhook_endpoint/payments\x1b[0m" in colored
    assert "\x1b" not in plan_text(plan, color=False, width=100)
