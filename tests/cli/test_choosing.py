"""What a plan is made for: some addresses, a snapshot, a Git revision, or without what is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Shop

PAYMENTS = "stripe.webhook_endpoint/payments"
LOG_LEVEL = "vercel.env_var/log-level-development"
OLD = "https://old.example/stripe"


@pytest.fixture
def drifted(good: Shop) -> Shop:
    good.click(url=OLD)
    good.lose("LOG_LEVEL")
    return good


def planned(shop: Shop, *options: str) -> list[str]:
    """Return ``action address`` of every change of a plan."""
    ran = shop.run("plan", "sandbox", *options, "--format", "json")
    assert ran.code in {0, 5}, ran.all
    return [f"{change['action']} {change['address']}" for change in ran.json["changes"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [f"update {PAYMENTS}", f"create {LOG_LEVEL}"]),
        (("--only", PAYMENTS), [f"update {PAYMENTS}"]),
        (("--only", "vercel.*"), [f"create {LOG_LEVEL}"]),
        (
            ("--only", "stripe.*", "--only", "*/log-*"),
            [f"update {PAYMENTS}", f"create {LOG_LEVEL}"],
        ),
        (("--exclude", "stripe.*"), [f"create {LOG_LEVEL}"]),
        (("--only", "*", "--exclude", "*"), []),
    ],
)
def test_only_and_exclude_choose_by_address(
    drifted: Shop, options: tuple[str, ...], expected: list[str]
) -> None:
    assert planned(drifted, *options) == expected


def test_apply_only_leaves_the_rest_for_the_next_plan(drifted: Shop) -> None:
    drifted.done("apply", "sandbox", "--yes", "--only", PAYMENTS)

    assert planned(drifted) == [f"create {LOG_LEVEL}"]


def test_to_a_snapshot_ignores_what_the_files_say_now(drifted: Shop) -> None:
    drifted.edit("payments.yaml", "Payments, refunds and disputes", "Something new")

    ran = drifted.done("plan", "sandbox", "--to", "good", "--only", PAYMENTS, "--format", "json")

    (change,) = ran.json["changes"]
    assert [one["field"] for one in change["field_changes"]] == ["url"]


def test_at_a_git_revision_the_files_of_then_are_used(
    repository: Shop, git_in: Callable[..., str]
) -> None:
    then = git_in(repository.root, "rev-parse", "HEAD")
    repository.edit("payments.yaml", "Payments, refunds and disputes", "Something new")
    git_in(repository.root, "commit", "--quiet", "--all", "--message", "Describe it anew")

    now = repository.done("plan", "sandbox", "--format", "json").json
    before = repository.done("plan", "sandbox", "--at", "HEAD~1", "--format", "json").json

    assert [change["address"] for change in now["changes"]] == [PAYMENTS]
    assert before["changes"] == []
    assert before["desired"]["git_commit"] == then
    assert now["desired"]["git_commit"] == git_in(repository.root, "rev-parse", "HEAD")


def test_a_revision_is_used_although_the_files_of_now_are_broken(repository: Shop) -> None:
    repository.write("resources: [")

    assert planned(repository, "--at", "HEAD") == []


@pytest.mark.parametrize("revision", ["nowhere", "--all", "HEAD; echo", "", "HEAD:desired_state"])
def test_an_unknown_revision_is_named(repository: Shop, revision: str) -> None:
    ran = repository.run("plan", "sandbox", f"--at={revision}")

    assert ran.code == 1
    assert f"There is no Git revision {revision!r}" in ran.err


def test_outside_a_repository_there_are_no_revisions(good: Shop) -> None:
    ran = good.run("plan", "sandbox", "--at", "HEAD")

    assert ran.code == 1
    assert "There is no Git revision 'HEAD' here" in ran.err


def test_an_environment_that_a_revision_did_not_have_is_named(repository: Shop) -> None:
    (repository.folder.parent / "staging").mkdir()
    (repository.folder.parent / "staging" / "environment.yaml").write_text("environment: staging\n")

    ran = repository.run("plan", "staging", "--at", "HEAD")

    assert ran.code == 1
    assert "There is no environment 'staging'" in ran.err


def test_a_snapshot_and_a_revision_together_are_refused(repository: Shop) -> None:
    ran = repository.run("plan", "sandbox", "--to", "good", "--at", "HEAD")

    assert ran.code == 1
    assert "--to and --at cannot be used together" in ran.err


def test_what_is_no_longer_declared_is_left_alone(good: Shop) -> None:
    remove(good, "log-level-development")

    assert planned(good) == []


def test_prune_deletes_what_is_no_longer_declared_within_the_budget(good: Shop) -> None:
    remove(good, "log-level-development")

    assert planned(good, "--prune") == [f"delete {LOG_LEVEL}"]
    assert good.run("apply", "sandbox", "--prune", "--yes").code == 5

    good.edit("environment.yaml", "max_deletes: 0", "max_deletes: 1")
    good.done("apply", "sandbox", "--prune", "--yes")

    assert "LOG_LEVEL" not in {row["key"] for row in good.rows()}


def test_prune_never_touches_what_nobody_declared(good: Shop) -> None:
    good.edit("environment.yaml", "max_deletes: 0", "max_deletes: 9")

    assert planned(good, "--prune") == []


def test_prune_deletes_no_critical_resource_that_was_not_named(good: Shop) -> None:
    remove(good, "stripe-webhook-secret")
    good.edit("environment.yaml", "max_deletes: 0", "max_deletes: 1")
    address = "vercel.env_var/stripe-webhook-secret"

    ran = good.run("plan", "sandbox", "--prune")

    assert ran.code == 5
    assert f"--allow-delete {address}" in ran.out
    assert good.run("plan", "sandbox", "--prune", "--allow-delete", address).code == 0


def remove(shop: Shop, name: str) -> None:
    """Take a resource out of the files."""
    path = shop.folder / "web.yaml"
    items = path.read_text(encoding="utf-8").split("\n\n")
    kept = [item for item in items if f"name: {name}\n" not in item]
    assert len(kept) == len(items) - 1
    path.write_text("\n\n".join(kept) + "\n", encoding="utf-8")


def test_a_glob_that_matches_nothing_is_an_error_and_not_no_changes(drifted: Shop) -> None:
    ran = drifted.run("plan", "sandbox", "--only", "stripe")

    assert ran.code == 1
    assert "--only stripe matches no resource" in ran.err
    assert "*stripe*" in ran.err
