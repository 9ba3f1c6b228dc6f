"""The store in Firestore on Google's emulator: a large snapshot there and back, the lock, and the journal.

As a program, ``python -m benchmarks.shared_store`` measures at the emulator that FIRESTORE_EMULATOR_HOST names, and
prints seconds as JSON.
"""

from __future__ import annotations

import json
import os
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import uuid4

from benchmarks.big_shop import NAME, write
from benchmarks.figures import Figure
from benchmarks.processes import told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ITEMS = 10_000
RUNS = 3
RECORDS = 50


def measured(folder: Path) -> list[Figure]:
    """Measure in a process of its own. Without an emulator there is nothing to tell."""
    from tests.emulator import GIVEN, MISSING, VARIABLE, command, running

    if GIVEN is None and command() is None:
        return [Figure("emulator", 0, "", note=MISSING)]
    begun = perf_counter()
    with running(folder) as address:
        ready = perf_counter() - begun
        os.environ[VARIABLE] = GIVEN or address
        found = told("shared_store", folder=folder)
    return [
        Figure("start the emulator", ready, "s"),
        Figure(f"write {ITEMS:,} resources", found["save"], "s", at_most=5),
        Figure(f"read {ITEMS:,} resources", found["load"], "s", at_most=5),
        Figure("their text", found["size"] / 2**20, "MiB"),
        Figure("the first request, import included", found["first"] * 1e3, "ms"),
        Figure("take the lock and give it back", found["lock"] * 1e3, "ms"),
        Figure("look whether the lock is still ours", found["check"] * 1e3, "ms"),
        Figure("append a record to the journal", found["append"] * 1e3, "ms"),
    ]


def seconds(root: Path) -> dict[str, float]:
    """Return what each step takes, the best of several."""
    from reconciler.cli.workspace import SystemClock
    from reconciler.core.masking import Masker
    from reconciler.core.stored import snapshot_text
    from reconciler.stores.firestore.failures import Place
    from reconciler.stores.firestore.store import FirestoreStore
    from reconciler.stores.guarding import Guard
    from reconciler.stores.local import LocalStore

    write(root, ITEMS)
    guard = Guard(Masker())
    large = LocalStore(root / "snapshots", NAME, SystemClock(), guard).load("latest")
    place = Place("demo-bench", "reconciler", f"b{uuid4().hex}")
    store = FirestoreStore(place, NAME, SystemClock(), guard)
    first = _best(store.holder, 1)
    saved = store.save(large)
    lease = store.lock("bench")
    store.medium.add_run("r1", {})
    journal = store.medium.open_journal("r1", lease.fence)
    append = _best(lambda: _often(lambda: journal.append("intent", address="a.b/c")))
    check = _best(lambda: _often(lease.check))
    with lease:
        pass

    def lock() -> None:
        with store.lock("bench"):
            pass

    found = {
        "first": first,
        "save": _best(lambda: store.save(large)),
        "load": _best(lambda: store.load(saved.id)),
        "size": float(len(snapshot_text(large))),
        "lock": _best(lock),
        "check": check / RECORDS,
        "append": append / RECORDS,
    }
    store.close()
    return found


def _often(step: Callable[[], object]) -> None:
    for _ in range(RECORDS):
        step()


def _best(step: Callable[[], object], runs: int = RUNS) -> float:
    times = []
    for _ in range(runs):
        begun = perf_counter()
        step()
        times.append(perf_counter() - begun)
    return min(times)


if __name__ == "__main__":
    from pathlib import Path

    print(json.dumps(seconds(Path.cwd())))
