"""Secrets that moved while nobody looked: what a rollback, a rotation and a revocation make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.engine import applying
from tests.cli import wired
from tests.cli.wired import ENDPOINT, VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shop

FIRST, OTHER = "https://FAKE-first@sentry.example/1", "https://FAKE-other@sentry.example/1"


def by_hand(shop: Shop, key: str) -> None:
    """Overwrite a variable as somebody does in the dashboard."""
    rows = shop.rows()
    for row in rows:
        if row["key"] == key:
            row |= {"value": "FAKE-by-hand", "updatedAt": row["updatedAt"] + 1000}
    shop.change_project(env=rows)


def value_of(shop: Shop, key: str) -> str:
    return next(str(row["value"]) for row in shop.rows() if row["key"] == key)


def kept(path: Path, value: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(value, encoding="utf-8")
    path.chmod(0o600)


def in_file(shop: Shop, variable: str, name: str) -> Path:
    """Let a variable come from a file of its own, and return the file."""
    path = next(one for one in shop.folder.glob("*.yaml") if variable in one.read_text())
    shop.edit(path.name, f"${{secret:env/{variable}}}", f"${{secret:file/.secrets/{name}}}")
    return shop.root / ".secrets" / name


@pytest.fixture
def applied(shop: Shop) -> Path:
    """Apply a variable from a file, label that good, and return the file."""
    path = in_file(shop, "SHOP_SENTRY_DSN", "dsn")
    kept(path, FIRST)
    shop.done("snapshot", "sandbox", "--label", "good")
    by_hand(shop, "SENTRY_DSN")
    shop.done("apply", "sandbox", "--yes")
    shop.done("snapshot", "sandbox", "--label", "good")
    assert value_of(shop, "SENTRY_DSN") == FIRST
    return path


def test_a_value_that_is_nowhere_any_more_is_left_to_a_person(shop: Shop, applied: Path) -> None:
    by_hand(shop, "SENTRY_DSN")
    kept(applied, OTHER)

    ran = shop.run("rollback", "sandbox", "--to", "good", "--yes")

    assert "no reference gives it any more" in ran.words
    assert value_of(shop, "SENTRY_DSN") == "FAKE-by-hand"
    assert FIRST not in ran.all
    assert OTHER not in ran.all


def test_a_consumer_is_written_in_the_plan_that_puts_its_secret_back(shop: Shop) -> None:
    first = wired.begin(shop)
    kept(in_file(shop, "SHOP_SENTRY_DSN", "copy"), first)
    by_hand(shop, "SENTRY_DSN")
    shop.done("apply", "sandbox", "--yes")
    wired.place(shop).write_text("FAKE-overwritten", encoding="utf-8")
    by_hand(shop, "STRIPE_WEBHOOK_SECRET")

    ran = shop.run("apply", "sandbox", "--yes")

    assert ran.code == 0, ran.all
    assert wired.at_vercel(shop) == wired.stored(shop) == first


def test_a_longer_text_follows_a_secret_that_was_made_anew_before(shop: Shop) -> None:
    wired.begin(shop)
    reference = f"${{ref:{ENDPOINT}#secret}}"
    path = next(one for one in shop.folder.glob("*.yaml") if reference in one.read_text())
    shop.edit(path.name, reference, f"v1,{reference}")
    shop.run("apply", "sandbox", "--yes")
    wired.lose_endpoint(shop)
    shop.run("apply", "sandbox", "--yes", "--only", ENDPOINT)

    shop.run("apply", "sandbox", "--yes", "--only", VARIABLE)

    assert wired.at_vercel(shop) == f"v1,{wired.stored(shop)}"


def test_what_is_declared_absent_is_not_rotated_away(shop: Shop) -> None:
    wired.begin(shop)
    shop.edit("payments.yaml", "    name: payments\n", "    name: payments\n    state: absent\n")

    ran = shop.run("rotate", "sandbox", ENDPOINT, "--yes")

    assert ran.code == 5
    assert "is declared absent" in ran.words
    assert len(wired.endpoints(shop)) == 1


@pytest.mark.parametrize(
    ("reference", "reason", "said"),
    [
        ("env/SHOP_SMTP_URL", " ", "--reason is empty"),
        ("x", "leaked", "x is no secret reference"),
        ("Bearer ${secret:env/SHOP_SMTP_URL}", "leaked", "What is revoked is one secret"),
        ("env/NOT_SET", "leaked", "The environment variable NOT_SET is not set"),
        ("${secret:nope/X}", "leaked", "There is no secret store 'nope'"),
    ],
)
def test_what_cannot_be_revoked_is_said_and_nothing_is_written(
    shop: Shop, reference: str, reason: str, said: str
) -> None:
    ran = shop.run("revoke", "sandbox", reference, "--reason", reason)

    assert ran.code in {1, 4}
    assert said in ran.words
    assert not (shop.folder / "revoked.yaml").exists()


def test_a_secret_is_revoked_once(shop: Shop) -> None:
    first = shop.done("revoke", "sandbox", "env/SHOP_SMTP_URL", "--reason", "leaked")
    written = (shop.folder / "revoked.yaml").read_bytes()

    again = shop.done("revoke", "sandbox", "env/SHOP_SMTP_URL", "--reason", "leaked again")

    assert "is revoked." in first.words
    assert "is revoked already" in again.words
    assert (shop.folder / "revoked.yaml").read_bytes() == written


def test_a_spoilt_fingerprint_key_is_named(shop: Shop) -> None:
    shop.done("revoke", "sandbox", "env/SHOP_SMTP_URL", "--reason", "leaked")
    (shop.root / ".reconciler" / "fingerprint.key").write_bytes(b"\xff\xfe" * 30)

    ran = shop.run("revoke", "sandbox", "env/SHOP_SENTRY_DSN", "--reason", "leaked")

    assert ran.code == 4
    assert "fingerprint.key holds no fingerprint key" in ran.words


# --- Revoked, whichever way it would come


def test_a_revoked_secret_inside_a_longer_text_is_refused(shop: Shop) -> None:
    shop.edit("web.yaml", "${secret:env/SHOP_SENTRY_DSN}", "'dsn: ${secret:env/SHOP_SENTRY_DSN}'")
    shop.done("revoke", "sandbox", "env/SHOP_SENTRY_DSN", "--reason", "in a log")
    shop.lose("SENTRY_DSN")

    ran = shop.run("apply", "sandbox", "--yes")

    assert ran.code == 5
    assert "revoked on 2026-11-19: in a log" in ran.words
    assert "SENTRY_DSN" not in {row["key"] for row in shop.rows()}


def test_a_run_that_was_cut_off_does_not_send_what_was_revoked_since(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.done("snapshot", "sandbox", "--label", "good")
    shop.lose("SENTRY_DSN")

    def cut(*_: object, **__: object) -> None:
        raise RuntimeError("the cable")

    with monkeypatch.context() as patch:
        patch.setattr(applying, "carry_on", cut)
        shop.debugged("apply", "sandbox", "--yes")
    shop.done("revoke", "sandbox", "env/SHOP_SENTRY_DSN", "--reason", "in a log")

    ran = shop.run("recover", "sandbox", "--yes")

    assert ran.code == 5, ran.all
    assert "SENTRY_DSN" not in {row["key"] for row in shop.rows()}


def test_a_deleted_variable_whose_value_is_nowhere_is_left_to_a_person(
    shop: Shop, applied: Path
) -> None:
    kept(applied, OTHER)
    shop.lose("SENTRY_DSN")

    ran = shop.run("rollback", "sandbox", "--to", "good", "--yes")

    assert ran.code in {0, 3}, ran.all
    assert "by hand" in ran.words
    assert "SENTRY_DSN" not in {row["key"] for row in shop.rows()}


# --- What a plan leaves out


def test_a_consumer_alone_is_refused_while_its_place_is_wrong(shop: Shop) -> None:
    kept(shop.root / ".secrets" / "copy", wired.begin(shop))
    shop.write(
        "resources:\n  - kind: vercel.env_var\n    name: copy\n    spec:\n"
        "      {key: COPY, target: [preview], value: '${secret:file/.secrets/copy}'}\n"
    )
    shop.done("apply", "sandbox", "--yes")
    wired.place(shop).write_text("whsec_FAKE_overwritten", encoding="utf-8")
    by_hand(shop, "STRIPE_WEBHOOK_SECRET")

    ran = shop.run("apply", "sandbox", "--yes", "--only", VARIABLE)

    assert ran.code == 5, ran.all
    assert f"it needs {ENDPOINT}, whose place does not hold the right value" in ran.words


def test_another_fingerprint_key_proves_nothing_and_the_plan_says_so(shop: Shop) -> None:
    wired.begin(shop)
    (shop.root / ".reconciler" / "fingerprint.key").write_text("f" * 64, encoding="utf-8")

    ran = shop.run("plan", "sandbox")

    assert ran.code == 0
    assert "No changes" in ran.words
    assert f"{wired.PLACE} is not compared with the secret of the live object" in ran.words
    assert "made with another key" in ran.words
