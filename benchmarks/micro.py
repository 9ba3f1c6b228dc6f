"""What each step costs for one item: to see which of them became slower. None has a target."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.big_shop import NAME, write
from benchmarks.figures import Figure
from benchmarks.processes import told

if TYPE_CHECKING:
    from collections.abc import Callable

ITEMS = 2000
RUNS = 5


def measured(folder: Path) -> list[Figure]:
    """Time the steps of an offline plan one by one, in a process of its own."""
    found = told("micro", folder=folder)
    return [Figure(name, seconds * 1e6, "us an item") for name, seconds in found.items()]


def seconds_an_item() -> dict[str, float]:
    """Return the best of several runs of each step, divided by the number of items."""
    from jsonschema import Draft202012Validator

    from reconciler.cli.workspace import SystemClock, catalogue
    from reconciler.core.compare import compare
    from reconciler.core.masking import Masker
    from reconciler.core.planning import decide
    from reconciler.core.stored import parse_snapshot, snapshot_text
    from reconciler.files.loading import load
    from reconciler.files.schemas import item_schema
    from reconciler.files.yaml_reader import read_items
    from reconciler.stores.guarding import Guard
    from reconciler.stores.local import LocalStore

    root = Path.cwd()
    write(root, ITEMS)
    text = (root / "desired_state" / NAME / "web.yaml").read_text(encoding="utf-8")
    items = [item.value for item in read_items(text, "web.yaml")]
    known = catalogue()
    model = known.model("vercel.env_var")
    validator = Draft202012Validator(item_schema(model, known.kinds))
    desired = load(root, NAME, known, os.environ).desired
    store = LocalStore(root / "snapshots", NAME, SystemClock(), Guard(Masker()))
    base = store.load("latest")
    stored = snapshot_text(base)
    entries = base.by_address()
    pairs = [(item, entries[item.address]) for item in desired.resources]
    return {
        "compose YAML": _best(lambda: [*read_items(text, "web.yaml")]),
        "validate with the model": _best(
            lambda: [model.model_validate(item["spec"]) for item in items]
        ),
        "validate with JSON Schema (only what is wrong)": _best(
            lambda: [validator.is_valid(item) for item in items]
        ),
        "load files, all of it": _best(lambda: load(root, NAME, known, os.environ)),
        "compare": _best(lambda: [compare(model, item, entry, entry) for item, entry in pairs]),
        "decide on changes, all of it": _best(
            lambda: decide(desired, base, base, today="2026-01-01")
        ),
        "write a snapshot as text": _best(lambda: snapshot_text(base)),
        "read a snapshot from text": _best(
            lambda: parse_snapshot(stored.splitlines(keepends=True), "snapshot")
        ),
        "save a snapshot": _best(lambda: store.save(base)),
        "load a snapshot": _best(lambda: store.load("latest")),
    }


def _best(step: Callable[[], object]) -> float:
    """Return the seconds of the shortest run by item, without the garbage collector."""
    seconds = []
    gc.disable()
    for _ in range(RUNS):
        begun = perf_counter()
        step()
        seconds.append(perf_counter() - begun)
        gc.collect()
    gc.enable()
    return min(seconds) / ITEMS


if __name__ == "__main__":
    print(json.dumps(seconds_an_item()))
