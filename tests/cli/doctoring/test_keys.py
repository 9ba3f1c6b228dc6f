"""Keys: the one that fingerprints are made with, and the one that opens what is sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.doctoring.looking import look, set_clocks

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Hands, Shop


def test_a_fingerprint_key_that_is_missing_or_short_is_told(
    shop: Shop, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clocks(shop, hands)

    found = look(shop)["fingerprint key"]

    assert found["standing"] == "warn"
    assert "fingerprint_key: ${secret:env/RECONCILER_FINGERPRINT_KEY}" in found["mend"]

    key = "secrets: {fingerprint_key: '${secret:env/FINGERPRINT_KEY}'}\npolicy:"
    shop.edit("environment.yaml", "policy:", key)
    monkeypatch.setenv("FINGERPRINT_KEY", "FAKE-short")
    found = look(shop)["fingerprint key"]

    assert found["standing"] == "fail"
    assert found["mend"].startswith("openssl rand -hex 32")

    monkeypatch.setenv("FINGERPRINT_KEY", "FAKE-key-that-is-long-enough")
    found = look(shop)["fingerprint key"]

    assert found["standing"] == "ok"
    assert found["found"] == "${secret:env/FINGERPRINT_KEY}"


def test_fingerprints_of_another_key_are_told(well: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    well.click(url="https://old.example/stripe")
    well.lose("SENTRY_DSN")
    well.done("apply", "sandbox", "--yes")
    key = "secrets: {fingerprint_key: '${secret:env/FINGERPRINT_KEY}'}\npolicy:"
    well.edit("environment.yaml", "policy:", key)
    monkeypatch.setenv("FINGERPRINT_KEY", "FAKE-key-that-is-long-enough")

    found = look(well)["fingerprint key"]

    assert found["standing"] == "warn"
    assert "another key made the fingerprints" in found["found"]
    assert found["mend"].startswith("reconciler snapshot sandbox")


def test_a_local_key_that_others_may_read_is_told(well: Shop) -> None:
    path = well.root / ".reconciler" / "fingerprint.key"
    path.chmod(0o644)

    found = look(well)

    assert found.code == 1
    assert found["fingerprint key"]["mend"] == f"chmod 600 {path}"


def test_a_seal_without_an_identity_is_told_and_one_with_it_is_tried(
    well: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity.txt").write_text(f"{identity}\n", encoding="utf-8")
    monkeypatch.setenv("FINGERPRINT_KEY", "FAKE-key-that-is-long-enough")
    seal = (
        "secrets: {fingerprint_key: '${secret:env/FINGERPRINT_KEY}'}\n"
        f"seal: {{recipients: [{identity.to_public()}]}}\npolicy:"
    )
    well.edit("environment.yaml", "policy:", seal)

    without = look(well)["seal"]
    opened = look(well, "--identity", str(tmp_path / "identity.txt"))["seal"]

    assert without["standing"] == "warn"
    assert "--identity FILE" in without["mend"]
    assert opened["standing"] == "ok"
