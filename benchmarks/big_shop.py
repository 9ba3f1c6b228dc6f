"""Write an environment of many Vercel variables, and the snapshot of when they were applied.

A program of its own, since it imports the product: ``python -m benchmarks.big_shop COUNT``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.shops import vercel_state, write_environment, write_variables

NAME = "big"
EVERY = 100
"""One in so many is declared otherwise than it was applied."""


def write(root: Path, count: int) -> None:
    """Write ``desired_state/`` and ``snapshots/`` below ``root``."""
    from reconciler.cli.workspace import SystemClock
    from reconciler.core.masking import Masker
    from reconciler.core.state import Entry, Snapshot, SnapshotHeader
    from reconciler.stores.guarding import Guard
    from reconciler.stores.local import LocalStore

    write_environment(root, NAME, {"vercel": ""})
    write_variables(root, NAME, count, changed=range(0, count, EVERY))
    entries = [
        Entry(
            address=f"vercel.env_var/var-{number}",
            kind="vercel.env_var",
            remote_id=row["id"],
            values={
                "key": row["key"],
                "target": sorted(row["target"]),
                "custom_environments": [],
                "git_branch": None,
                "type": row["type"],
                "value": row["value"],
                "comment": row["comment"],
            },
            evidence={"updated_at": row["updatedAt"], "created_at": row["createdAt"]},
            owned=("comment", "key", "target", "type", "value"),
        )
        for number, row in enumerate(vercel_state(count)["projects"][0]["env"])
    ]
    entries.sort(key=lambda entry: entry.address or "")
    header = SnapshotHeader(
        environment=NAME, taken_at="2026-01-01T00:00:00Z", tool_version="0", role="applied"
    )
    LocalStore(root / "snapshots", NAME, SystemClock(), Guard(Masker())).save(
        Snapshot(header, tuple(entries))
    )


if __name__ == "__main__":
    write(Path.cwd(), int(sys.argv[1]))
