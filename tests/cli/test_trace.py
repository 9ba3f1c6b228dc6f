"""``--trace`` and ``-v`` tell of requests; stdout stays the result alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Shop


def test_a_trace_is_relative_to_the_folder_and_grows(shop: Shop) -> None:
    for _ in range(2):
        shop.run("--trace", "traces/a.jsonl", "plan", "sandbox")

    path = shop.root / "traces" / "a.jsonl"
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(records) == len(shop.world.asked())
    assert {one["vendor"] for one in records} == {"stripe", "vercel"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_variable_asks_for_a_trace_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_TRACE", "a.jsonl")

    shop.done("plan", "sandbox")

    assert (shop.root / "a.jsonl").stat().st_size > 0


def test_nothing_is_traced_unless_asked_for(shop: Shop) -> None:
    ran = shop.done("plan", "sandbox")

    assert "GET http" not in ran.err


def test_each_request_is_said_on_stderr(shop: Shop) -> None:
    ran = shop.done("-v", "plan", "sandbox", "--format", "json")

    assert ran.json["environment"] == "sandbox"
    lines = [line for line in ran.err.splitlines() if line.startswith("GET http")]
    assert len(lines) == len(shop.world.asked())
    assert "  < " not in ran.err


def test_bodies_are_said_when_asked_for_twice(shop: Shop) -> None:
    ran = shop.done("-vv", "plan", "sandbox")

    assert '  < {"object": "list"' in ran.err


def test_a_trace_that_cannot_be_opened_is_an_error(shop: Shop) -> None:
    (shop.root / "a").mkdir()

    ran = shop.run("--trace", "a", "plan", "sandbox")

    assert ran.code == 1
    assert "The trace file a cannot be opened" in ran.err
    assert shop.world.asked() == ()
