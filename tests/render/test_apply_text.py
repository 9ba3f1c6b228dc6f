"""A run: what was done, what is certain of it, and the command that leads on."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from reconciler.core.change import Action, Change, FieldChange, Origin, Reversibility
from reconciler.render.apply_text import (
    journal_json,
    journal_text,
    outcome_text,
    run_json,
    run_text,
    starting_text,
)


class Outcome(NamedTuple):
    address: str
    action: Action
    result: str
    detail: str = ""
    mend: str = ""
    remote_id: str | None = None


class Report(NamedTuple):
    run: str
    result: str
    outcomes: tuple[Outcome, ...]
    differing: tuple[Change, ...] = ()
    unreadable: tuple[str, ...] = ()
    snapshot: str | None = None


PAYMENTS = Change(
    address="stripe.webhook_endpoint/payments",
    kind="stripe.webhook_endpoint",
    action=Action.REPLACE,
    reason="declared otherwise",
    field_changes=(
        FieldChange(field="api_version", before="1", after="2", origin=Origin.INTENT),
        FieldChange(field="url", before="1", after="2", origin=Origin.INTENT),
    ),
    reversibility=Reversibility.LOSSY,
    reversibility_reason="a new signing secret and a new id",
)
DONE = Outcome("vercel.env_var/a", Action.UPDATE, "done", remote_id="env_1")
FAILED = Outcome("vercel.env_var/b", Action.UPDATE, "failed", "Vercel refused it", "check the key")
SKIPPED = Outcome("vercel.env_var/c", Action.DELETE, "skipped", "vercel.env_var/b was not done")


def test_before_a_change_its_cost_is_said_again() -> None:
    assert (
        starting_text(PAYMENTS, at=2, of=3)
        == """\
[2/3] -/+ stripe.webhook_endpoint/payments   api_version, url
      lossy: a new signing secret and a new id
"""
    )


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(DONE, "      done   vercel.env_var/a\n", id="done"),
        pytest.param(
            FAILED,
            "      FAILED   vercel.env_var/b: Vercel refused it\n        to mend it: check the key\n",
            id="failed",
        ),
        pytest.param(
            SKIPPED,
            "      not attempted   vercel.env_var/c: vercel.env_var/b was not done\n",
            id="skipped",
        ),
        pytest.param(
            DONE._replace(result="unknown"),
            "      UNKNOWN whether it was made   vercel.env_var/a\n",
            id="unknown",
        ),
    ],
)
def test_an_outcome_says_what_happened_to_which_change(outcome: Outcome, expected: str) -> None:
    assert outcome_text(outcome) == expected


def test_success_is_claimed_only_when_verified() -> None:
    assert (
        run_text(Report("r1", "done", (DONE,)), "production")
        == """\

Run r1: 1 done, 0 failed, 0 not attempted. Verified: read again, and nothing differs.
to check that it works: reconciler check production
to take it back: reconciler undo production r1
"""
    )


def test_a_run_in_part_names_what_failed_and_the_way_on() -> None:
    assert (
        run_text(Report("r1", "incomplete", (DONE, FAILED, SKIPPED)), "production")
        == """\

Run r1: 1 done, 1 failed, 1 not attempted. INCOMPLETE.
  FAILED   vercel.env_var/b: Vercel refused it
    to mend it: check the key
to see what is left: reconciler plan production
to settle what was in flight: reconciler recover production r1
to take it back: reconciler undo production r1
"""
    )


def test_a_run_that_is_not_verified_says_what_still_differs() -> None:
    report = Report("r1", "not verified", (DONE,), (PAYMENTS,), ("twilio.number: 503",))

    assert (
        run_text(report, "production")
        == """\

Run r1: 1 done, 0 failed, 0 not attempted. NOT VERIFIED: every call was accepted, but see below.
  still differs: stripe.webhook_endpoint/payments: replace api_version, url
  not read again: twilio.number: 503; nothing is concluded about it
to look again: reconciler plan production
to take it back: reconciler undo production r1
"""
    )


def test_a_run_that_touched_nothing_offers_no_undo() -> None:
    stale = Outcome("vercel.env_var/a", Action.UPDATE, "stale", "changed since the plan was made")

    shown = run_text(Report("r1", "incomplete", (stale,)), "production")

    assert "STALE, not made   vercel.env_var/a: changed since the plan was made" in shown
    assert "undo" not in shown


def test_a_run_as_json_counts_and_lists_its_outcomes() -> None:
    document = run_json(Report("r1", "incomplete", (DONE, FAILED, SKIPPED), (PAYMENTS,)))

    assert document["counts"] == {
        "done": 1,
        "failed": 1,
        "stale": 0,
        "not_attempted": 1,
        "by_hand": 0,
    }
    assert document["verified"] is False
    assert document["outcomes"][1]["mend"] == "check the key"
    assert document["still_differing"][0]["address"] == PAYMENTS.address


def test_a_journal_is_told_in_its_order() -> None:
    at = "2026-11-20T03:12:0{}.000+00:00"
    records = [
        {"seq": 1, "at": at.format(1), "event": "started", "by": "ana"},
        {"seq": 2, "at": at.format(2), "event": "intent", "action": "update", "address": "a.b/c"},
        {"seq": 3, "at": at.format(3), "event": "outcome", "outcome": "failed", "detail": "no"},
    ]

    assert (
        journal_text("r1", records)
        == """\
2026-11-20 03:12:01  started  ana
2026-11-20 03:12:02  intent   update · a.b/c
2026-11-20 03:12:03  outcome  FAILED · no
"""
    )
    assert journal_json("r1", records)["records"] == records


def test_an_empty_journal_says_so() -> None:
    assert journal_text("r1", ()) == "The journal of run r1 is empty.\n"
