"""Secrets: whether each can be had, by which right, and what keeps values apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.secrets.env import EnvSecrets
from tests.cli.doctoring.looking import add_capture, look

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Shop


def test_a_missing_variable_is_told_with_what_needs_it(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_DATABASE_URL")

    found = look(well)

    assert found.code == 4
    secret = found["secret env/SHOP_DATABASE_URL"]
    assert secret["standing"] == "fail"
    assert secret["trouble"] == "denied"
    assert "vercel.env_var/database-url-production value" in secret["found"]
    assert secret["mend"] == "export SHOP_DATABASE_URL=…"


def test_each_secret_names_the_right_that_it_needs(well: Shop) -> None:
    found = look(well)

    secret = found["secret env/SANDBOX_STRIPE_KEY"]["found"]
    assert "right: set on the environment variable SANDBOX_STRIPE_KEY" in secret
    assert "for the stripe account (api_key)" in secret


def test_a_capture_that_cannot_be_kept_is_told(well: Shop) -> None:
    add_capture(well, "env/NEW_SECRET")

    found = well.run("doctor", "sandbox", "--offline")

    assert found.code == 1
    assert "A capture into a store that cannot be written" in found.words


def test_a_captured_secret_that_is_there_says_that_writing_was_not_tried(well: Shop) -> None:
    add_capture(well, "file/captured/new")
    path = well.root / "captured" / "new"
    path.parent.mkdir()
    path.write_text("whsec_FAKE_kept", encoding="utf-8")
    path.chmod(0o600)

    found = look(well)["secret file/captured/new"]

    assert found["standing"] == "ok"
    assert "writing is not tried, and needs write on the folder" in found["found"]


def test_a_captured_secret_that_others_may_read_is_no_missing_one(well: Shop) -> None:
    add_capture(well, "file/captured/new")
    path = well.root / "captured" / "new"
    path.parent.mkdir()
    path.write_text("whsec_FAKE_kept", encoding="utf-8")
    path.chmod(0o644)

    assert look(well)["secret file/captured/new"]["standing"] == "fail"


def test_a_store_that_tells_versions_is_not_asked_for_the_value(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    fetch = EnvSecrets.fetch

    def noted(self: EnvSecrets, name: Any) -> Any:
        fetched.append(name.name)
        return fetch(self, name)

    monkeypatch.setattr(EnvSecrets, "fetch", noted)
    monkeypatch.setattr(EnvSecrets, "newest", lambda _, __: "7", raising=False)

    found = look(well)

    assert "version 7 is the newest" in found["secret env/SHOP_DATABASE_URL"]["found"]
    assert set(fetched) == {"SANDBOX_STRIPE_KEY", "SANDBOX_VERCEL_TOKEN"}  # the accounts need them


def test_a_store_with_a_defect_does_not_end_the_look(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("sk_test_sandbox")

    monkeypatch.setattr(EnvSecrets, "rights", fail)

    found = look(well)

    assert found.code == 7
    assert found["secret env/SHOP_SMTP_URL"]["found"].startswith("the store failed (RuntimeError)")
    assert found["account stripe"]["standing"] == "ok"


def test_a_store_that_needs_settings_is_told(well: Shop) -> None:
    well.edit("web.yaml", "${secret:env/SHOP_SMTP_URL}", "${secret:gcp/SMTP_URL}")

    found = look(well, "--offline")

    assert found.code == 4
    assert "has no settings" in found["secret gcp/SMTP_URL"]["found"]


def test_a_distant_store_is_not_asked_offline(well: Shop) -> None:
    well.edit("web.yaml", "${secret:env/SHOP_SMTP_URL}", "${secret:gcp/SMTP_URL@3}")
    well.edit("environment.yaml", "policy:", "secrets: {stores: {gcp: {project: shop}}}\npolicy:")

    found = look(well, "--offline")

    assert found.code == 0
    secret = found["secret gcp/SMTP_URL@3"]
    assert secret["standing"] == "untried"
    assert "roles/secretmanager.secretAccessor" in secret["found"]
