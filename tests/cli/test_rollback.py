"""Going back: to the last good state unless told otherwise, also with broken files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Shop

GOOD_URL = "https://shop.example/api/webhooks/stripe"
OLD_URL = "https://old.example/stripe"


@pytest.fixture
def broken(good: Shop) -> Shop:
    """Return a shop after a bad night in the dashboards."""
    good.click(url=OLD_URL, enabled_events=["charge.refunded"])
    good.lose("DATABASE_URL")
    good.change_project(production="dpl_bad_42", autoAssignCustomDomains=True)
    good.world.forget()
    return good


def test_the_default_is_the_last_good_snapshot(broken: Shop) -> None:
    ran = broken.run("rollback", "sandbox", "--yes")

    assert ran.code == 0, ran.all
    assert "last-good is" in ran.err
    assert "the newest labelled good" in ran.err
    assert broken.endpoint()["url"] == GOOD_URL
    assert len([row for row in broken.rows() if row["key"] == "DATABASE_URL"]) == 2
    assert broken.world.state("vercel")["projects"][0]["production"] == "dpl_good_41"


def test_after_it_nothing_is_left_to_do(broken: Shop) -> None:
    broken.done("rollback", "sandbox", "--yes")

    assert broken.run("plan", "sandbox", "--exit-code").code == 0
    assert broken.run("drift", "sandbox").code == 0
    assert broken.run("plan", "sandbox", "--to", "good", "--exit-code").code == 0


def test_an_edited_endpoint_is_updated_in_place_with_one_call(good: Shop) -> None:
    good.click(url=OLD_URL)
    secret = good.endpoint()["secret"]

    good.done("rollback", "sandbox", "--yes")

    assert good.endpoint()["secret"] == secret
    assert [(one.method, one.path) for one in good.world.writes()] == [
        ("POST", "/v1/webhook_endpoints/we_payments")
    ]


def test_an_unknown_label_is_answered_with_what_there_is(broken: Shop) -> None:
    ran = broken.run("rollback", "sandbox", "--to", "godo", "--yes")

    assert ran.code == 1
    assert "There is no snapshot or label 'godo' of sandbox" in ran.err
    assert "There are: good" in ran.err
    assert broken.world.asked() == ()


def test_without_a_good_snapshot_one_must_be_chosen(shop: Shop) -> None:
    taken = shop.done("snapshot", "sandbox", "--format", "json").json

    ran = shop.run("rollback", "sandbox", "--yes")

    assert ran.code == 1
    assert "No snapshot of sandbox was labelled good" in ran.err
    assert shop.run("rollback", "sandbox", "--to", taken["id"], "--yes").code == 0


def test_a_snapshot_is_found_by_the_beginning_of_its_id(broken: Shop) -> None:
    (path,) = broken.snapshots.glob("*.jsonl")

    broken.done("rollback", "sandbox", "--to", path.stem[:-3], "--yes")

    assert broken.endpoint()["url"] == GOOD_URL


@pytest.mark.parametrize(
    "text", ["resources: [", "resources:\n  - kind: nothing.at_all\n    name: x\n", "\0"]
)
def test_broken_resource_files_do_not_stand_in_the_way(broken: Shop, text: str) -> None:
    broken.write(text)

    ran = broken.run("rollback", "sandbox", "--yes")

    assert ran.code == 0, ran.all
    assert "desired_state/sandbox has errors" in ran.err
    assert broken.endpoint()["url"] == GOOD_URL


def test_files_that_are_gone_do_not_stand_in_the_way(broken: Shop) -> None:
    (broken.folder / "web.yaml").unlink()
    (broken.folder / "payments.yaml").unlink()

    broken.done("rollback", "sandbox", "--yes")

    assert broken.endpoint()["url"] == GOOD_URL


def test_a_broken_environment_file_does(broken: Shop) -> None:
    broken.edit("environment.yaml", "providers:", "provider:")

    ran = broken.run("rollback", "sandbox", "--yes")

    assert ran.code == 1
    assert "Did you mean providers?" in ran.err
    assert broken.world.asked() == ()


def test_an_altered_snapshot_is_refused_by_name(broken: Shop) -> None:
    (path,) = broken.snapshots.glob("*.jsonl")
    path.write_text(path.read_text().replace("https://shop.example", "https://evil.example"))

    ran = broken.run("rollback", "sandbox", "--yes")

    assert ran.code == 1
    assert f"{path.name}: the snapshot was altered or cut off" in ran.err
    assert broken.world.writes() == ()


def test_a_newer_snapshot_is_refused_by_name(broken: Shop) -> None:
    (path,) = broken.snapshots.glob("*.jsonl")
    path.write_text(path.read_text().replace('"format_version":1', '"format_version":2'))

    ran = broken.run("rollback", "sandbox", "--yes")

    assert ran.code == 1
    assert f"{path.name}: written by a newer version" in ran.err
    assert "Its format is 2; this version knows formats up to 1" in ran.err


def test_a_snapshot_of_another_environment_is_refused_by_name(broken: Shop) -> None:
    (path,) = broken.snapshots.glob("*.jsonl")
    other = broken.root / "snapshots" / "staging"
    path.parent.rename(other)
    staging = broken.folder.parent / "staging"
    broken.folder.rename(staging)
    file = staging / "environment.yaml"
    file.write_text(file.read_text().replace("environment: sandbox", "environment: staging"))

    ran = broken.run("rollback", "staging", "--yes")

    assert ran.code == 1
    assert f"{path.name}: a snapshot of sandbox, not of staging" in ran.err


@pytest.mark.parametrize("content", ["", "{", "[]", '{"good": {}}', '{"good": 1}', "\xff"])
def test_broken_labels_are_refused_by_name(broken: Shop, content: str) -> None:
    (broken.snapshots / "labels.json").write_bytes(content.encode("latin-1"))

    ran = broken.run("rollback", "sandbox", "--yes")

    assert ran.code == 1
    assert "labels.json: not readable" in ran.err
    assert broken.world.writes() == ()


def test_a_label_of_a_snapshot_that_is_gone_is_named(broken: Shop) -> None:
    (path,) = broken.snapshots.glob("*.jsonl")
    path.unlink()

    ran = broken.run("rollback", "sandbox", "--yes")

    assert ran.code == 1
    assert path.stem in ran.err
    assert broken.world.writes() == ()


def test_good_with_evidence_is_preferred_to_good_without(broken: Shop) -> None:
    broken.done("snapshot", "sandbox", "--label", "good-later")
    labels = json.loads((broken.snapshots / "labels.json").read_text())
    labels["good"]["evidence"] = [{"name": "shop", "passed": True}]
    (broken.snapshots / "labels.json").write_text(json.dumps(labels))

    ran = broken.run("rollback", "sandbox", "--yes")

    assert f"last-good is {labels['good']['snapshot']}" in ran.err
    assert "with 1 passed checks" in ran.err


def test_what_cannot_be_restored_is_said_before_the_question(good: Shop) -> None:
    good.edit("web.yaml", "value: ${secret:env/SHOP_SMTP_URL}", "value: ${secret:env/SHOP_OTHER}")
    good.lose("SMTP_URL")

    ran = good.run("rollback", "sandbox", "--only", "vercel.env_var/smtp-url")

    assert ran.code == 5
    assert "vercel.env_var/smtp-url" in ran.out


def test_only_some_of_it_can_be_taken_back(broken: Shop) -> None:
    broken.done("rollback", "sandbox", "--only", "stripe.*", "--yes")

    assert broken.endpoint()["url"] == GOOD_URL
    assert broken.world.state("vercel")["projects"][0]["production"] == "dpl_bad_42"


def test_what_a_run_created_since_is_deleted_when_the_budget_allows(good: Shop) -> None:
    good.write(
        "resources:\n  - kind: vercel.env_var\n    name: new\n"
        "    spec: {key: NEW, target: [preview], type: plain, value: x}\n"
    )
    good.done("apply", "sandbox", "--yes")
    good.edit("environment.yaml", "max_deletes: 0", "max_deletes: 1")

    ran = good.run("rollback", "sandbox", "--to", "good", "--yes")

    assert ran.code == 0, ran.all
    assert "NEW" not in {row["key"] for row in good.rows()}


def test_what_could_not_be_had_back_is_said_before_it_is_needed(broken: Shop) -> None:
    ran = broken.run("rollback", "sandbox")

    assert ran.code == 5
    assert "Not restorable" in ran.words
    assert "stripe.webhook_endpoint/payments#secret" in ran.words
