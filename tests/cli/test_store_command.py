"""Where the records of an environment are to live, and the way from one store to another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.sharing import name_store

if TYPE_CHECKING:
    from reconciler.stores.firestore.failures import Place
    from tests.cli.conftest import Ran, Run, Shop

ROOT = Path(__file__).parents[2]


def copy(shop: Shop, source: str, target: str) -> Ran:
    return shop.run("store", "copy", "sandbox", "--from", source, "--to", target, "--yes")


def test_records_move_to_the_shared_store_and_back(good: Shop, place: Place) -> None:
    good.click(url="https://old.example/stripe")
    good.done("apply", "sandbox", "--yes")
    before = good.done("history", "sandbox", "--format", "json").json
    name_store(good, place, "local")

    there = copy(good, "local", "firestore")

    assert there.code == 0, there.all
    assert "1 labels, 1 plans, 1 runs, 3 snapshots" in there.out
    assert "write `kind: firestore`" in there.err
    name_store(good, place)
    assert good.done("history", "sandbox", "--format", "json").json == before
    good.done("history", "sandbox", "--verify")
    files = good.files()
    again = copy(good, "firestore", "local")
    assert "nothing, it was all there" in again.out
    assert {name: one for name, one in good.files().items() if ".lock" not in name} == {
        name: one for name, one in files.items() if ".lock" not in name
    }


def test_copying_asks_first(good: Shop, place: Place) -> None:
    name_store(good, place, "local")

    ran = good.run("store", "copy", "sandbox", "--from", "local", "--to", "firestore")

    assert ran.code == 5
    assert "add --yes" in ran.err


@pytest.mark.parametrize(("source", "target"), [("local", "local"), ("local", "firestore")])
def test_a_copy_to_nowhere_is_refused(good: Shop, source: str, target: str) -> None:
    ran = copy(good, source, target)

    assert ran.code == 1
    assert "same store" in ran.err or "does not say where its Firestore store is" in ran.err


@pytest.mark.parametrize("command", ["plan", "apply", "history", "snapshot"])
def test_a_store_that_is_down_is_told_with_what_mends_it(
    shop: Shop, place: Place, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    name_store(shop, place)
    shop.world.forget()

    ran = shop.run(command, "sandbox")

    assert ran.code == 1
    assert "The shared store cannot be reached" in ran.err
    assert "project demo-shop, database reconciler" in ran.err
    assert "FIRESTORE_EMULATOR_HOST" in ran.err
    assert shop.world.writes() == ()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"database": "(default)"}, "accept_default_database"),
        ({"database": "(default)", "accept_default_database": False}, "accept_default_database"),
        ({"project": "UPPER"}, "project"),
        ({"bucket": "x"}, "bucket"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    shop: Shop, place: Place, more: dict[str, str], told: str
) -> None:
    name_store(shop, place, **more)

    ran = shop.run("validate", "sandbox")

    assert ran.code == 1
    assert "environment.yaml" in ran.err
    assert told in ran.err


def test_the_products_own_database_is_used_when_that_is_accepted(shop: Shop, place: Place) -> None:
    more = {"database": "(default)", "accept_default_database": True}
    name_store(shop, place, **more)  # type: ignore[arg-type]  # JSON

    shop.done("snapshot", "sandbox")

    assert not shop.snapshots.exists()


def test_firestore_needs_a_project(shop: Shop) -> None:
    file = shop.folder / "environment.yaml"
    file.write_text(file.read_text("utf-8") + "\nstore: {kind: firestore}\n", "utf-8")

    ran = shop.run("validate", "sandbox")

    assert ran.code == 1
    assert "project" in ran.err


def test_a_broken_file_does_not_lead_to_the_wrong_store(good: Shop, place: Place) -> None:
    name_store(good, place)
    good.edit("environment.yaml", "environment: sandbox", "environment: [")

    ran = good.run("show", "good")

    assert ran.code == 1
    assert "environment.yaml" in ran.err


def test_commands_of_a_local_store_import_nothing_of_google(good: Shop) -> None:
    program = (
        "import json, sys; from reconciler.cli.main import main;"
        "codes = [main([*sys.argv[1:3], *words.split()]) for words in sys.argv[3:]];"
        "found = [name for name in sys.modules if name == 'grpc' or name.startswith('google.')];"
        "print(json.dumps([codes, found]))"
    )
    commands = ["validate", "plan sandbox", "history sandbox", "show good", "doctor sandbox"]

    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, "-C", str(good.root), *commands],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    codes, imported = json.loads(ended.stdout.splitlines()[-1])
    assert codes[:4] == [0, 0, 0, 0], ended.stderr
    assert imported == []


def test_the_command_without_a_word_shows_its_help(run: Run) -> None:
    assert "copy" in run("store").all
