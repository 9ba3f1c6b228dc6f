"""Nights with secrets, told from the command line: recreated, rotated, rolled back, revoked, sealed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyrage
import pytest

from reconciler.core.secret import SecretValue, with_secrets
from reconciler.core.stored import parse_snapshot, snapshot_text
from tests.cli import wired
from tests.cli.wired import ENDPOINT, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Shop


@pytest.fixture
def first(shop: Shop) -> str:
    """Wire the shop, and return the signing secret that is everywhere."""
    return wired.begin(shop)


# --- The endpoint was deleted by hand


def test_one_apply_brings_a_new_secret_to_everyone_who_needs_it(shop: Shop, first: str) -> None:
    wired.lose_endpoint(shop)

    ran = shop.run("apply", "sandbox", "--yes")

    new = wired.at_stripe(shop)["secret"]
    assert ran.code == 0, ran.all
    assert new != first
    assert wired.everywhere(shop, new) == [".secrets/stripe-webhook", "STRIPE_WEBHOOK_SECRET"]
    assert wired.everywhere(shop, first) == []
    assert "check payments webhook: passed" in ran.err
    assert wired.takes(shop, new)
    assert not wired.takes(shop, first)
    assert shop.run("plan", "sandbox", "--exit-code").code == 0


def test_whoever_reads_the_place_gets_it_in_the_same_apply(shop: Shop) -> None:
    wired.begin(shop)
    shop.edit("web.yaml", f"${{ref:{ENDPOINT}#secret}}", wired.PLACE)
    assert shop.run("plan", "sandbox", "--exit-code").code == 0
    wired.lose_endpoint(shop)

    ran = shop.run("apply", "sandbox", "--yes")

    assert ran.code == 0, ran.all
    assert wired.at_vercel(shop) == wired.stored(shop) == wired.at_stripe(shop)["secret"]


def test_snapshot_and_journal_tell_where_it_is_and_hash_it(shop: Shop, first: str) -> None:
    files = {name: content.decode() for name, content in shop.files().items()}
    journal = next(text for name, text in files.items() if name.endswith("journal.jsonl"))

    assert '"event":"captured"' in journal.replace(" ", "")
    assert "hmac-sha256:" in journal
    assert all(first not in text for name, text in files.items() if not name.startswith(".secrets"))
    applied = shop.done("show", "good").out
    assert wired.PLACE in applied
    assert "by reference" in applied


def test_a_store_that_was_overwritten_is_put_right_from_nowhere_only_by_a_rotation(
    shop: Shop, first: str
) -> None:
    wired.place(shop).write_text("whsec_FAKE_overwritten", encoding="utf-8")

    ran = shop.run("plan", "sandbox")

    assert "holds another value than the secret of the live object" in ran.words
    assert f"reconciler rotate sandbox {ENDPOINT}" in ran.words
    assert first not in ran.all


def test_a_variable_set_by_hand_gets_the_secret_again(shop: Shop, first: str) -> None:
    rows = shop.rows()
    for row in rows:
        if row["key"] == "STRIPE_WEBHOOK_SECRET":
            row |= {"value": "whsec_FAKE_by_hand", "updatedAt": row["updatedAt"] + 1000}
    shop.change_project(env=rows)

    ran = shop.run("apply", "sandbox", "--yes")

    assert ran.code == 0, ran.all
    assert wired.at_vercel(shop) == first


# --- Rotation


def test_a_rotation_overlaps_and_ends_in_a_step_of_its_own(shop: Shop, first: str) -> None:
    ran = shop.run("rotate", "sandbox", ENDPOINT, "--yes")

    old, new = wired.endpoints(shop)
    assert ran.code == 0, ran.all
    assert old["secret"] == first
    assert wired.stored(shop) == wired.at_vercel(shop) == new["secret"]
    assert wired.takes(shop, new["secret"])
    assert f"reconciler rotate sandbox {ENDPOINT} --retire" in shop.done("plan", "sandbox").words

    ended = shop.run("rotate", "sandbox", ENDPOINT, "--retire", "--yes")

    assert ended.code == 0, ended.all
    assert wired.at_stripe(shop)["id"] == new["id"]
    assert wired.everywhere(shop, first) == []
    assert shop.run("plan", "sandbox", "--exit-code").code == 0


def test_a_secret_that_was_never_stored_is_rotated_into_its_place(shop: Shop) -> None:
    wired.wire(shop)
    shop.done("snapshot", "sandbox", "--label", "good")

    ran = shop.run("rotate", "sandbox", ENDPOINT, "--yes")

    assert ran.code == 0, ran.all
    assert wired.stored(shop) == wired.at_vercel(shop) == wired.endpoints(shop)[-1]["secret"]
    assert [path.name for path in wired.place(shop).parent.iterdir()] == ["stripe-webhook"]


def test_undo_in_the_overlap_goes_back_to_the_first_secret(shop: Shop, first: str) -> None:
    shop.done("rotate", "sandbox", ENDPOINT, "--yes")

    refused = shop.run("undo", "sandbox", "--yes")
    ran = shop.run("undo", "sandbox", "--yes", "--allow-delete", f"{ENDPOINT}~previous")

    assert refused.code == 5
    assert f"--allow-delete {ENDPOINT}~previous" in refused.words
    assert ran.code == 0, ran.all
    assert wired.at_stripe(shop)["secret"] == first
    assert wired.stored(shop) == wired.at_vercel(shop) == first
    assert wired.takes(shop, first)
    assert shop.run("plan", "sandbox", "--exit-code").code == 0


def test_rollback_in_the_overlap_does_the_same(shop: Shop, first: str) -> None:
    shop.done("rotate", "sandbox", ENDPOINT, "--yes")

    ran = shop.run(
        "rollback", "sandbox", "--to", "good", "--yes", "--allow-delete", f"{ENDPOINT}~previous"
    )

    assert ran.code == 0, ran.all
    assert wired.at_stripe(shop)["secret"] == first
    assert wired.stored(shop) == wired.at_vercel(shop) == first
    assert wired.takes(shop, first)


def test_rollback_after_the_old_one_was_retired_keeps_what_works(shop: Shop) -> None:
    wired.begin(shop)
    shop.done("rotate", "sandbox", ENDPOINT, "--yes")
    shop.done("rotate", "sandbox", ENDPOINT, "--retire", "--yes")
    new = wired.at_stripe(shop)

    ran = shop.run("rollback", "sandbox", "--to", "good", "--yes")

    assert ran.code == 0, ran.all
    assert wired.at_stripe(shop) == new
    assert wired.stored(shop) == wired.at_vercel(shop) == new["secret"]
    assert wired.takes(shop, new["secret"])


def test_the_old_one_stays_while_the_new_secret_is_not_proven(shop: Shop, first: str) -> None:
    shop.done("rotate", "sandbox", ENDPOINT, "--yes")
    shop.world.put("shop", {**shop.world.state("shop"), "webhook_secret": first})

    ran = shop.run("rotate", "sandbox", ENDPOINT, "--retire", "--yes")

    assert ran.code == 5
    assert "still needed" in ran.words
    assert len(wired.endpoints(shop)) == 2


def test_there_is_no_rotation_without_a_free_endpoint(shop: Shop, first: str) -> None:
    state = shop.world.state("stripe")
    one = state["webhook_endpoints"][0]
    more = [
        {**one, "id": f"we_{n}", "url": f"https://x.example/{n}", "metadata": {}} for n in range(14)
    ]
    shop.world.put("stripe", {**state, "webhook_endpoints": state["webhook_endpoints"] + more})

    ran = shop.run("rotate", "sandbox", ENDPOINT, "--yes")

    assert ran.code == 5
    assert "the vendor allows 16" in ran.words
    assert wired.at_vercel(shop) == first


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (VARIABLE, "has no secret to rotate"),
        ("stripe.webhook_endpoint/connect", "there is no place for its new secret"),
        ("stripe.webhook_endpoint/paymnts", "is not declared"),
    ],
)
def test_what_cannot_be_rotated_is_refused_by_name(
    shop: Shop, first: str, address: str, said: str
) -> None:
    ran = shop.run("rotate", "sandbox", address, "--yes")

    assert ran.code in {1, 5}
    assert said in ran.words
    assert wired.at_stripe(shop)["secret"] == first


# --- Revoked


def test_a_revoked_secret_is_brought_back_by_nobody(shop: Shop, first: str) -> None:
    shop.done("rotate", "sandbox", ENDPOINT, "--yes")
    shop.done("revoke", "sandbox", "${secret:file/.secrets/stripe-webhook@1}", "--reason", "leaked")

    for command in (("rollback", "sandbox", "--to", "good"), ("undo", "sandbox")):
        ran = shop.run(*command, "--yes", "--allow-delete", f"{ENDPOINT}~previous")

        assert ran.code == 5, ran.all
        assert "revoked on 2026-11-19: leaked" in ran.words
    assert wired.at_vercel(shop) != first
    assert first not in (shop.folder / "revoked.yaml").read_text(encoding="utf-8")


def test_a_plan_made_before_the_revocation_is_refused_too(shop: Shop) -> None:
    wired.begin(shop)
    shop.lose("DATABASE_URL")
    shop.done("plan", "sandbox", "-o", "saved.json")
    shop.done("revoke", "sandbox", "${secret:env/SHOP_DATABASE_URL}", "--reason", "in a log")

    ran = shop.run("apply", "sandbox", "saved.json", "--yes")

    assert ran.code == 5
    assert "revoked" in ran.words
    assert "DATABASE_URL" not in {
        row["key"] for row in shop.rows() if "production" in row["target"]
    }


# --- Sealed values


def age_keys(shop: Shop) -> str:
    """Make an age key pair; return the recipient. The identity is in ``identity.txt``."""
    identity = pyrage.x25519.Identity.generate()
    (shop.root / "identity.txt").write_text(f"# created today\n{identity}\n", encoding="utf-8")
    return str(identity.to_public())


def seal_for(shop: Shop, recipient: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINGERPRINT_KEY", "FAKE-key-of-sixteen-and-more")
    shop.edit(
        "environment.yaml",
        "environment: sandbox",
        "environment: sandbox\nsecrets: {fingerprint_key: '${secret:env/FINGERPRINT_KEY}'}\n"
        f"seal: {{recipients: [{recipient}]}}",
    )


def set_by_hand(shop: Shop, value: str) -> None:
    rows = shop.rows()
    for row in rows:
        if row["key"] == "SENTRY_DSN":
            row |= {"value": value, "updatedAt": row["updatedAt"] + 1000}
    shop.change_project(env=rows)


def dsn(shop: Shop) -> str:
    return next(str(row["value"]) for row in shop.rows() if row["key"] == "SENTRY_DSN")


@pytest.fixture
def sealed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set a variable by hand, seal it in a good snapshot, overwrite it; return what it was."""
    seal_for(shop, age_keys(shop), monkeypatch)
    set_by_hand(shop, "https://FAKE-by-hand@sentry.example/2")
    shop.done("snapshot", "sandbox", "--label", "good")
    shop.done("apply", "sandbox", "--yes")
    set_by_hand(shop, "https://FAKE-lost@sentry.example/3")
    return "https://FAKE-by-hand@sentry.example/2"


def test_rollback_restores_what_was_sealed_with_the_identity(shop: Shop, sealed: str) -> None:
    ran = shop.run(
        "rollback", "sandbox", "--to", "good", "--yes", "--identity", shop.root / "identity.txt"
    )

    assert ran.code == 0, ran.all
    assert dsn(shop) == sealed
    assert sealed not in ran.all
    assert wired.everywhere(shop, sealed) == ["SENTRY_DSN"]


def test_a_sealed_snapshot_is_useless_without_the_identity(shop: Shop, sealed: str) -> None:
    age_keys(shop)  # another one

    without = shop.run("rollback", "sandbox", "--to", "good", "--yes")
    with_another = shop.run(
        "rollback", "sandbox", "--to", "good", "--yes", "--identity", shop.root / "identity.txt"
    )

    assert (without.code, with_another.code) == (4, 4)
    assert "#value is sealed, and no identity was given" in without.words
    assert "this identity does not open it" in with_another.words
    assert dsn(shop) == "https://FAKE-lost@sentry.example/3"
    assert sealed not in without.all + with_another.all


@pytest.mark.usefixtures("sealed")
def test_what_is_sealed_and_what_is_not_is_told_apart(shop: Shop) -> None:
    told = shop.done("show", "good", "--format", "json").json["secrets"]

    ways = {f"{one['address']}#{one['field']}": one["way"] for one in told}
    assert ways["vercel.env_var/sentry-dsn#value"] == "sealed"
    assert ways["vercel.env_var/smtp-url#value"] == "by reference"
    assert ways["stripe.webhook_endpoint/payments#secret"] == "not restorable"


def test_other_tools_open_what_was_sealed(shop: Shop, sealed: str) -> None:
    text = shop.done("show", "good", "--sealed", "vercel.env_var/sentry-dsn#value").out

    key = (shop.root / "identity.txt").read_text(encoding="utf-8").splitlines()[1]
    opened = pyrage.decrypt(text.encode(), [pyrage.x25519.Identity.from_str(key)])
    assert opened.decode() == sealed
    assert text.startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("what", ["cut", "exchanged"])
def test_an_altered_sealed_value_is_refused_by_name(shop: Shop, what: str) -> None:
    def altered(text: str) -> str:
        if what == "cut":
            return text.replace("\n-----END", "AAAA\n-----END")
        recipient = (shop.folder / "environment.yaml").read_text(encoding="utf-8")
        key = recipient.partition("recipients: [")[2].partition("]")[0]
        other = pyrage.encrypt(
            b"FAKE-attacker", [pyrage.x25519.Recipient.from_str(key)], armored=True
        )
        return str(other.decode())

    forge(shop, altered)

    ran = shop.run(
        "rollback", "sandbox", "--to", "good", "--yes", "--identity", shop.root / "identity.txt"
    )

    assert ran.code == 1, ran.all
    assert "vercel.env_var/sentry-dsn#value: the sealed value was altered" in ran.words
    assert dsn(shop) == "https://FAKE-lost@sentry.example/3"


def forge(shop: Shop, altered: Callable[[str], str]) -> None:
    """Exchange the sealed value in the good snapshot, as somebody does who can write the repository."""
    name = shop.done("show", "good", "--format", "json").json["id"]
    path = shop.snapshots / f"{name}.jsonl"
    snapshot = parse_snapshot(path.read_text(encoding="utf-8").splitlines(keepends=True), "good")
    entries = tuple(
        replace(entry, values=with_secrets(entry.values, lambda one: _forged(one, altered)))
        if entry.address == "vercel.env_var/sentry-dsn"
        else entry
        for entry in snapshot.entries
    )
    path.write_text(snapshot_text(snapshot._replace(entries=entries)), encoding="utf-8")


def _forged(secret: SecretValue, altered: Callable[[str], str]) -> SecretValue:
    return secret._replace(sealed=altered(secret.sealed)) if secret.sealed else secret


def test_undo_restores_a_value_set_by_hand_that_the_run_overwrote(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_for(shop, age_keys(shop), monkeypatch)
    shop.done("apply", "sandbox", "--yes")
    shop.done("snapshot", "sandbox", "--label", "good")
    set_by_hand(shop, "https://FAKE-by-hand@sentry.example/2")
    shop.done("apply", "sandbox", "--yes")

    ran = shop.run("undo", "sandbox", "--yes", "--identity", shop.root / "identity.txt")

    assert ran.code == 0, ran.all
    assert dsn(shop) == "https://FAKE-by-hand@sentry.example/2"


def test_a_seal_needs_a_key_that_everybody_has(shop: Shop) -> None:
    shop.edit(
        "environment.yaml",
        "environment: sandbox",
        f"environment: sandbox\nseal: {{recipients: [{age_keys(shop)}]}}",
    )

    ran = shop.run("validate", "sandbox")

    assert ran.code == 1
    assert "needs secrets.fingerprint_key" in ran.words


# --- A store that cannot be written


def test_without_a_seal_the_new_endpoint_is_taken_back(shop: Shop) -> None:
    wired.begin(shop)
    wired.lose_endpoint(shop)
    wired.place(shop).unlink()
    wired.place(shop).mkdir()

    ran = shop.run("apply", "sandbox", "--yes")

    assert ran.code == 3
    assert wired.endpoints(shop) == []
    assert "cannot be written" in ran.words
    assert '"taken back"' in journal_of(shop)


def test_with_a_seal_the_secret_is_in_the_journal_for_its_owner_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_for(shop, age_keys(shop), monkeypatch)
    wired.begin(shop)
    wired.lose_endpoint(shop)
    wired.place(shop).unlink()
    wired.place(shop).mkdir()

    ran = shop.run("apply", "sandbox", "--yes")

    secret = wired.at_stripe(shop)["secret"]
    assert ran.code == 3
    assert secret not in ran.all + journal_of(shop)
    run = shop.done("history", "sandbox", "--format", "json").json["runs"][0]["id"]
    assert f"reconciler show {run} --sealed '{ENDPOINT}#secret'" in ran.words
    text = shop.done("show", run, "--sealed", f"{ENDPOINT}#secret").out
    key = (shop.root / "identity.txt").read_text(encoding="utf-8").splitlines()[1]
    assert pyrage.decrypt(text.encode(), [pyrage.x25519.Identity.from_str(key)]) == secret.encode()

    wired.place(shop).rmdir()
    wired.place(shop).write_text(secret, encoding="utf-8")
    wired.place(shop).chmod(0o600)
    mended = shop.run("apply", "sandbox", "--yes")

    assert mended.code == 0, mended.all
    assert wired.takes(shop, secret)


def journal_of(shop: Shop) -> str:
    return max(shop.snapshots.glob("runs/*/journal.jsonl")).read_text(encoding="utf-8")


# --- What must agree across vendors


def test_a_consumer_with_another_secret_is_named_by_drift_and_check(shop: Shop) -> None:
    wired.begin(shop)
    shop.run("rotate", "sandbox", ENDPOINT, "--yes", "--on-error", "stop")
    shop.done("undo", "sandbox", "--yes", "--allow-delete", f"{ENDPOINT}~previous")
    shop.done("drift", "sandbox")
    wired.lose_endpoint(shop)
    shop.run("apply", "sandbox", "--yes", "--only", ENDPOINT)

    for command in ("drift", "check"):
        ran = shop.run(command, "sandbox")

        assert f"{VARIABLE}#value" in ran.words
        assert f"holds another value than the secret of {ENDPOINT}" in ran.words
        assert "payments.yaml:" in ran.words
    assert shop.run("check", "sandbox").code == 1


def test_a_key_of_the_other_mode_is_named(shop: Shop) -> None:
    shop.edit("web.yaml", "pk_test_FAKE_shop", "pk_live_FAKE_shop")

    ran = shop.run("plan", "sandbox")

    assert "vercel.env_var/stripe-publishable-key#value" in ran.words
    assert (
        "is a stripe key of live mode; the stripe account of this environment is in test mode"
        in ran.words
    )


def test_an_endpoint_that_leads_past_the_deployment_is_named(shop: Shop) -> None:
    shop.edit(
        "payments.yaml", "${var:site}/api/webhooks/stripe\n", "https://old.shop.example/hook\n"
    )

    ran = shop.run("plan", "sandbox")

    assert "leads to old.shop.example, which vercel.production_deployment/shop" in ran.words


def test_declared_invariants_hold_or_are_named(shop: Shop) -> None:
    environment = shop.folder / "environment.yaml"
    text = environment.read_text(encoding="utf-8")
    environment.write_text(
        f"{text}\ninvariants:\n"
        "  - name: one site\n"
        "    equal: [vercel.env_var/site-url-production#value, vercel.env_var/site-url-preview#value]\n"
        "  - name: the shop takes its events\n"
        f"    served: {{url: '{ENDPOINT}#url', by: vercel.production_deployment/shop}}\n",
        encoding="utf-8",
    )
    shop.done("snapshot", "sandbox", "--label", "good")

    ran = shop.run("check", "sandbox")

    assert ran.code == 1
    assert "check the shop takes its events: passed" in ran.err
    assert "one site: it is not as vercel.env_var/site-url-preview#value" in ran.words
    assert "one site" in shop.run("plan", "sandbox").words
