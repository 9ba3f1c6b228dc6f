"""What exists nowhere else is kept encrypted, and opened by the operator's identity alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyrage
import pytest

from reconciler.core.secret import SecretValue, with_secrets
from reconciler.core.stored import parse_snapshot, snapshot_text
from tests.cli import wired
from tests.cli.wired import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Shop


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


def test_a_private_key_among_the_recipients_is_not_shown(shop: Shop) -> None:
    identity = str(pyrage.x25519.Identity.generate())
    shop.edit(
        "environment.yaml",
        "environment: sandbox",
        f"environment: sandbox\nseal: {{recipients: [{identity}]}}",
    )

    ran = shop.run("validate", "sandbox")

    assert ran.code == 1
    assert identity[:24] not in ran.all


def test_what_was_sealed_is_stored_by_the_next_apply_with_the_identity(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_for(shop, age_keys(shop), monkeypatch)
    wired.begin(shop)
    wired.lose_endpoint(shop)
    wired.place(shop).unlink()
    wired.place(shop).mkdir()
    shop.run("apply", "sandbox", "--yes")
    wired.place(shop).rmdir()

    ran = shop.run("apply", "sandbox", "--yes", "--identity", shop.root / "identity.txt")

    assert ran.code == 0, ran.all
    assert wired.stored(shop) == wired.at_stripe(shop)["secret"] == wired.at_vercel(shop)
