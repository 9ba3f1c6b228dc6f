"""Ctrl-C, a held lock, and a disk that is full: what was begun is finished or told, never lost."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.cli.workspace import SystemClock
from reconciler.core.masking import Masker
from reconciler.stores.guarding import Guard
from reconciler.stores.local import LocalStore

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.cli.conftest import Shop

OLD = "https://old.example/stripe"


def records(shop: Shop) -> list[dict[str, Any]]:
    (journal,) = shop.snapshots.glob("runs/*/journal.jsonl")
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so; at most as long as nobody would."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.01)


@pytest.fixture
def two_steps(good: Shop) -> Shop:
    """Return a shop with two changes to make, the second after the first, which takes a while."""
    depends = "name: log-level-development\n    depends_on: [stripe.webhook_endpoint/payments]"
    good.edit("web.yaml", "name: log-level-development", depends)
    good.click(url=OLD)
    good.lose("LOG_LEVEL")
    good.world.fail(vendor="stripe", method="POST", delay=0.5, times=1)
    return good


def test_ctrl_c_finishes_the_call_in_flight(
    two_steps: Shop, start: Callable[..., subprocess.Popen[str]]
) -> None:
    good = two_steps
    process = start("-C", good.root, "apply", "sandbox", "--yes", "--format", "json")

    wait_for(lambda: bool(good.world.writes()))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert process.returncode == 130, err
    assert "press Ctrl-C again" in err
    assert "Traceback" not in err
    assert json.loads(out)["result"] == "interrupted"
    assert good.endpoint()["url"] == "https://shop.example/api/webhooks/stripe"
    assert "LOG_LEVEL" not in {row["key"] for row in good.rows()}
    outcomes = [one["outcome"] for one in records(good) if one["event"] == "outcome"]
    assert outcomes == ["done", "skipped"]
    assert records(good)[-1]["event"] == "finished"


def test_after_ctrl_c_the_next_apply_does_the_rest(
    two_steps: Shop, start: Callable[..., subprocess.Popen[str]]
) -> None:
    good = two_steps
    process = start("-C", good.root, "apply", "sandbox", "--yes")
    wait_for(lambda: bool(good.world.writes()))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    ran = good.run("apply", "sandbox", "--yes", "--format", "json")

    assert ran.code == 0, ran.all
    assert [one["address"] for one in ran.json["outcomes"]] == [
        "vercel.env_var/log-level-development"
    ]


def test_a_held_lock_is_respected_and_its_holder_named(good: Shop) -> None:
    good.click(url=OLD)
    store = LocalStore(good.root / "snapshots", "sandbox", SystemClock(), Guard(Masker()))
    before = {name: content for name, content in good.files().items() if ".lock" not in name}

    with store.lock("apply by somebody"):
        ran = good.run("apply", "sandbox", "--yes")

    assert ran.code == 6
    assert "apply by somebody" in ran.err
    assert str(os.getpid()) in ran.err
    assert good.world.writes() == ()
    after = {name: content for name, content in good.files().items() if ".lock" not in name}
    assert after == before


def test_the_lock_is_released_after_a_failure(good: Shop) -> None:
    good.click(url=OLD)
    good.world.fail(vendor="stripe", method="POST", status=400, times=1)
    assert good.run("apply", "sandbox", "--yes").code == 3

    assert good.run("apply", "sandbox", "--yes").code == 0


def test_nothing_is_written_to_a_vendor_when_the_snapshot_before_it_cannot_be(
    good: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    good.click(url=OLD)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    ran = good.run("apply", "sandbox", "--yes")

    assert ran.code == 1
    assert "No space left on device" in ran.err
    assert good.world.writes() == ()


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_an_interrupted_write_leaves_the_old_file(
    good: Shop, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    labels = (good.snapshots / "labels.json").read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    owner: object = os if broken == "fsync" else Path
    monkeypatch.setattr(owner, broken, fail)
    ran = good.run("snapshot", "sandbox", "--label", "good")
    monkeypatch.undo()

    assert ran.code == 1
    assert (good.snapshots / "labels.json").read_bytes() == labels
    assert [path.name for path in good.snapshots.iterdir() if path.suffix == ".tmp"] == []


def test_a_plan_file_is_replaced_as_a_whole(good: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    good.done("plan", "sandbox", "-o", "a.json")
    before = (good.root / "a.json").read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", fail)
    ran = good.run("plan", "sandbox", "-o", "a.json")

    assert ran.code == 1
    assert (good.root / "a.json").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_named(good: Shop) -> None:
    (good.root / "file").write_text("")

    ran = good.run("plan", "sandbox", "-o", "file/a.json")

    assert ran.code == 1
    assert "file" in ran.err
