"""The whole look: nothing is changed, everything is told, and no secret is shown."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.doctoring.looking import look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Shop


def test_a_shop_that_is_well_has_nothing_to_mend(well: Shop) -> None:
    found = look(well)

    assert found.code == 0
    assert found.of("warn") == []
    assert found.of("fail") == []
    assert found.of("untried") == []
    assert found["account stripe"]["found"].startswith("acct_1SandboxShop (Shop (sandbox)) test")
    assert found["read stripe.webhook_endpoint"]["found"].startswith("3 objects")


def test_nothing_is_changed_and_only_reads_are_sent(well: Shop) -> None:
    before = well.files()
    well.world.forget()

    look(well)

    assert well.files() == before
    assert well.world.asked() != ()
    assert well.world.writes() == ()


def test_the_text_has_a_line_for_each_thing_and_the_mend_on_its_own(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_SENTRY_DSN")

    ran = well.run("doctor", "sandbox")

    assert ran.code == 4
    assert "ok    lock   free" in ran.out.splitlines()
    line = next(one for one in ran.out.splitlines() if "secret env/SHOP_SENTRY_DSN" in one)
    assert line.startswith("FAIL")
    assert "for vercel.env_var/sentry-dsn value" in ran.words
    assert "          export SHOP_SENTRY_DSN=…" in ran.out.splitlines()
    assert "1 failed" in ran.out


@pytest.fixture
def canaries(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Give every secret variable a value that can be searched for."""
    names = {
        part.partition("}")[0]
        for path in shop.folder.glob("*.yaml")
        for part in path.read_text(encoding="utf-8").split("${secret:env/")[1:]
    }
    values = {name: f"FAKEcanary{number:02}of{name}" for number, name in enumerate(sorted(names))}
    values["SANDBOX_STRIPE_KEY"] = "sk_test_FAKEcanaryOfTheKey"
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    yield values
    shop.world.heal()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("status", [None, 401, 403, 418, 500])
def test_no_secret_is_shown_whatever_a_vendor_says(
    shop: Shop, canaries: dict[str, str], form: str, status: int | None
) -> None:
    if status is not None:
        said = " ".join(canaries.values())
        shop.world.fail(vendor="*", status=status, body={"error": {"message": said, "code": said}})

    for command in ("doctor", "permissions"):
        ran = shop.run(command, "sandbox", "--format", form)

        assert [name for name, value in canaries.items() if value in ran.all] == []
        assert "Traceback" not in ran.all


def test_the_exit_code_of_a_mistyped_option_is_one(well: Shop) -> None:
    assert well.run("doctor", "sandbox", "--offlin").code == 1


def test_nothing_of_a_vendors_library_is_loaded_offline(well: Shop) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "stripe"]:
        del sys.modules[name]

    look(well, "--offline")

    assert "stripe" not in sys.modules


def test_a_trace_is_written_as_for_every_command(well: Shop) -> None:
    well.done("--trace", "trace.jsonl", "doctor", "sandbox")

    lines = (well.root / "trace.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["vendor"] for line in lines} == {"stripe", "vercel"}
