"""A snapshot: what it holds, and before it is needed, what it could not give back."""

from __future__ import annotations

from reconciler.core.restoring import Restorable, Way
from reconciler.core.secret import SecretValue
from reconciler.core.state import (
    Account,
    Criticality,
    Entry,
    Snapshot,
    SnapshotHeader,
    Unreadable,
)
from reconciler.render.snapshot_text import snapshot_json, snapshot_text

SNAPSHOT = Snapshot(
    SnapshotHeader(
        environment="production",
        taken_at="2026-11-19T18:02:00Z",
        tool_version="0.1.0",
        accounts=(Account(vendor="stripe", id="acct_1Nx", mode="live"),),
        unreadable=(
            Unreadable(
                kind="twilio.number",
                reason="permission denied",
                mend="reconciler permissions production",
            ),
        ),
        git_commit="0123456789abcdef",
        note="before the release",
    ),
    (
        Entry(
            address="stripe.webhook_endpoint/payments",
            kind="stripe.webhook_endpoint",
            remote_id="we_1",
            criticality=Criticality.P0,
            values={"url": "https://api.example", "enabled_events": ["charge.refunded"]},
        ),
        Entry(
            address="vercel.env_var/k",
            kind="vercel.env_var",
            remote_id="env_1",
            created_by="r1",
            values={"value": SecretValue(None)},
        ),
        Entry(address=None, kind="vercel.env_var", remote_id="env_9", values={"key": "DEBUG"}),
    ),
    "20261119T180200Z-1a2b3c4d",
    "good",
)
HIDDEN = "the vendor never shows it, and no reference to it is declared"
SEEN = "the vendor shows it while the object exists"
SECRETS = (
    Restorable("vercel.env_var/k", "value", Way.NOWHERE, HIDDEN),
    Restorable(
        "stripe.webhook_endpoint/payments", "secret", Way.NOWHERE, "shown once, at creation"
    ),
    *(Restorable(f"vercel.env_var/v{n}", "value", Way.NOWHERE, HIDDEN) for n in range(5)),
    Restorable("vercel.env_var/a", "value", Way.REFERENCE),
    Restorable("vercel.env_var/b", "value", Way.SEALED),
    Restorable("vercel.env_var/c", "value", Way.VENDOR, SEEN),
)
SUMMARY = """\
snapshot 20261119T180200Z-1a2b3c4d   good
production · 2026-11-19T18:02Z · stripe acct_1Nx live · 3 objects · commit 0123456789
  before the release
unknown: twilio.number could not be read: permission denied
    to mend it: reconciler permissions production
  stripe.webhook_endpoint     1
  vercel.env_var              2   (1 not managed)
secrets: 1 by reference, 1 sealed, 1 readable at the vendor, 7 not restorable
  the vendor never shows it, and no reference to it is declared:
    vercel.env_var/k#value, vercel.env_var/v0#value, vercel.env_var/v1#value,
    vercel.env_var/v2#value, and 2 more
  shown once, at creation:
    stripe.webhook_endpoint/payments#secret
  the vendor shows it while the object exists:
    vercel.env_var/c#value
"""


def test_a_snapshot_says_what_it_lacks_grouped_by_reason() -> None:
    assert snapshot_text(SNAPSHOT, SECRETS, width=90) == SUMMARY


def test_its_objects_are_shown_with_their_fields_when_asked_for() -> None:
    assert snapshot_text(SNAPSHOT, SECRETS, entries=True, width=90) == SUMMARY + (
        """
stripe.webhook_endpoint/payments   P0   we_1
    url             "https://api.example"
    enabled_events  [charge.refunded]

vercel.env_var/k   env_1   made by run r1
    value  [secret, not known]

vercel.env_var (not managed)   env_9
    key  "DEBUG"
"""
    )


def test_as_json_its_objects_come_when_asked_for() -> None:
    short = snapshot_json(SNAPSHOT, SECRETS)
    whole = snapshot_json(SNAPSHOT, SECRETS, entries=True)

    assert short["counts"] == {"stripe.webhook_endpoint": 1, "vercel.env_var": 2}
    assert short["secrets"][0] == {
        "address": "vercel.env_var/k",
        "field": "value",
        "way": "not restorable",
        "why": HIDDEN,
    }
    assert "entries" not in short
    assert whole["entries"][1]["values"] == {"value": {"secret": None, "fingerprint": None}}
