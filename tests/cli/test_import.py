"""Live objects as files: what is written can be planned at once, and nothing is overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.cli.conftest import Shop


@pytest.fixture
def undeclared(shop: Shop) -> Shop:
    """Return a shop whose files declare nothing."""
    (shop.folder / "payments.yaml").unlink()
    (shop.folder / "web.yaml").unlink()
    return shop


def test_what_is_imported_needs_no_change(
    undeclared: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    undeclared.done("import", "sandbox", "-o", "desired_state/sandbox/imported.yaml")
    for line in (undeclared.folder / "imported.yaml").read_text().splitlines():
        if "${secret:env/" in line:
            name = line.partition("${secret:env/")[2].partition("}")[0]
            monkeypatch.setenv(name, f"FAKE-{name}")

    ran = undeclared.run("plan", "sandbox", "--exit-code", "--format", "json")

    assert ran.code == 0, ran.all
    assert ran.json["changes"] == []
    assert len(ran.json["summary"]["unchanged"]) == 18


def test_the_result_alone_is_on_stdout(undeclared: Shop) -> None:
    ran = undeclared.done("import", "sandbox")

    assert ran.err == ""
    kinds = {item["kind"] for item in yaml.safe_load(ran.out)["resources"]}
    assert kinds == {
        "stripe.webhook_endpoint",
        "vercel.env_var",
        "vercel.production_deployment",
    }


def test_kinds_can_be_chosen(undeclared: Shop) -> None:
    ran = undeclared.done("import", "sandbox", "stripe.webhook_endpoint")

    assert len(yaml.safe_load(ran.out)["resources"]) == 3
    assert {one.vendor for one in undeclared.world.asked()} == {"stripe"}


def test_only_what_nobody_declares_is_written(good: Shop) -> None:
    found = yaml.safe_load(good.done("import", "sandbox").out)["resources"]

    assert [item["name"] for item in found] == [
        "analytics-example-stripe",
        "feature-flags-url-preview-feature-checkout-v2",
    ]


def test_an_existing_file_is_never_overwritten(undeclared: Shop) -> None:
    undeclared.write("resources: []\n", "mine.yaml")

    ran = undeclared.run("import", "sandbox", "-o", "desired_state/sandbox/mine.yaml")

    assert ran.code == 1
    assert "exists already; it is not overwritten" in ran.err
    assert (undeclared.folder / "mine.yaml").read_text() == "resources: []\n"


def test_an_unknown_kind_is_answered_with_the_one_that_was_meant(shop: Shop) -> None:
    ran = shop.run("import", "sandbox", "vercel.envvar")

    assert ran.code == 1
    assert "Did you mean vercel.env_var?" in ran.err
    assert shop.world.asked() == ()


def test_no_secret_value_is_written(undeclared: Shop) -> None:
    ran = undeclared.done("import", "sandbox")

    secret = [row["value"] for row in undeclared.rows() if row["type"] != "plain"]
    secret += [one["secret"] for one in undeclared.world.state("stripe")["webhook_endpoints"]]
    assert [value for value in secret if value in ran.all] == []


def test_half_a_list_is_not_imported(undeclared: Shop) -> None:
    undeclared.change_project(hiddenProductionEnvCount=2)

    ran = undeclared.run("import", "sandbox", "-o", "desired_state/sandbox/imported.yaml")

    assert ran.code == 7
    assert "Vercel hides 2 production variables" in ran.err
    assert not (undeclared.folder / "imported.yaml").exists()


def test_a_refused_credential_is_said_with_its_place(
    undeclared: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_STRIPE_KEY", "sk_test_wrong!")

    ran = undeclared.run("import", "sandbox")

    assert ran.code == 4
    assert "${secret:env/SANDBOX_STRIPE_KEY}" in ran.err
    assert ran.out == ""


def test_live_values_that_look_like_references_stay_what_they_are(undeclared: Shop) -> None:
    undeclared.click("we_analytics", description="${secret:env/HOME} $${x} ${")
    undeclared.done(
        "import", "sandbox", "stripe.webhook_endpoint", "-o", "desired_state/sandbox/a.yaml"
    )

    ran = undeclared.run("plan", "sandbox", "--exit-code")

    assert ran.code == 0, ran.all
