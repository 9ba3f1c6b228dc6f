"""What happened: runs, snapshots, labels, and each of them in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Shop


@pytest.fixture
def applied(good: Shop) -> Shop:
    """Return a shop with one run behind it."""
    good.click(url="https://old.example/stripe")
    good.done("plan", "sandbox", "-o", "a.json")
    good.done("apply", "sandbox", "a.json", "--yes")
    return good


def run_id(shop: Shop) -> str:
    found: str = shop.done("history", "sandbox", "--format", "json").json["runs"][0]["id"]
    return found


def test_an_empty_history_is_no_error(shop: Shop) -> None:
    assert shop.run("history", "sandbox").code == 0
    assert shop.world.asked() == ()


def test_history_tells_of_runs_snapshots_and_labels(applied: Shop) -> None:
    ran = applied.done("history", "sandbox")

    assert run_id(applied) in ran.out
    assert "good" in ran.out
    assert "1 done, 0 failed" in ran.out


def test_history_in_json_holds_the_same(applied: Shop) -> None:
    found = applied.done("history", "sandbox", "--format", "json").json

    assert [run["result"] for run in found["runs"]] == ["done"]
    assert len(found["snapshots"]) == 3
    assert [label["name"] for label in found["labels"]] == ["good"]


def test_a_run_is_shown_with_its_plan_and_its_journal(applied: Shop) -> None:
    ran = applied.done("show", run_id(applied))

    assert "stripe.webhook_endpoint/payments" in ran.out
    assert ran.out.index("intent") < ran.out.index("outcome")


def test_a_run_in_json_is_its_journal(applied: Shop) -> None:
    records = applied.done("show", run_id(applied), "--format", "json").json["records"]

    events = [record["event"] for record in records]
    assert events[0] == "started"
    assert events[-1] == "finished"
    assert events.index("intent") < events.index("outcome")


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
@pytest.mark.parametrize("thing", ["good", "latest", "a.json"])
def test_a_snapshot_and_a_plan_are_shown(applied: Shop, thing: str, form: str) -> None:
    ran = applied.run("show", thing, "--format", form)

    assert ran.code == 0, ran.all
    assert "payments" in ran.out


def test_what_is_not_there_is_an_error(applied: Shop) -> None:
    ran = applied.run("show", "nothing")

    assert ran.code == 1
    assert "There is no run, snapshot, label or plan file 'nothing'" in ran.err


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "..", "", "runs/../good"])
def test_a_name_is_never_a_way_out_of_the_folder(applied: Shop, name: str) -> None:
    ran = applied.run("show", name)

    assert ran.code == 1
    assert "root:" not in ran.all


def test_an_environment_that_is_not_there_has_no_history(shop: Shop) -> None:
    assert shop.run("history", "sandbx").code == 1


@pytest.mark.parametrize("label", ["live", "desired", "latest", "../x", "a b", "", "-x"])
def test_a_label_that_means_something_else_is_refused(shop: Shop, label: str) -> None:
    ran = shop.run("snapshot", "sandbox", f"--label={label}")

    assert ran.code == 1
    assert "cannot be a label" in ran.err


def test_a_label_moves_to_the_newer_snapshot(good: Shop) -> None:
    good.done("snapshot", "sandbox", "--label", "good", "--note", "again")

    (label,) = good.done("history", "sandbox", "--format", "json").json["labels"]

    assert label["note"] == "again"


def test_half_a_snapshot_gets_no_label(good: Shop) -> None:
    good.world.fail(vendor="vercel", path="/v10/projects/shop/env", status=500)

    ran = good.run("snapshot", "sandbox", "--label", "better")

    assert ran.code == 7
    assert "Not labelled better" in ran.err
    assert "better" not in good.done("history", "sandbox").out


def test_a_snapshot_says_what_could_not_be_restored_from_it(shop: Shop) -> None:
    ran = shop.done("snapshot", "sandbox")

    assert "not restorable" in ran.out
    assert "stripe.webhook_endpoint/payments#secret" in ran.out


def test_a_snapshot_only_reads(shop: Shop) -> None:
    shop.done("snapshot", "sandbox", "--label", "good")

    assert shop.world.writes() == ()
