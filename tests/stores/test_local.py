"""The files of a store in a folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import CorruptFile, StalePlan
from reconciler.stores.labels import Label

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.core.plan import Plan
    from reconciler.core.state import Snapshot
    from reconciler.stores.local import LocalStore


def test_a_foreign_file_does_not_stand_in_the_way_of_saving(
    local: LocalStore, tmp_path: Path, snapshot_of: Callable[..., Snapshot]
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "notes.jsonl").write_text("{}\n")

    assert local.save(snapshot_of(n=1)).id.startswith("2026")


@pytest.mark.parametrize("damage", ["altered", "cut", "added", "bytes", "empty"])
def test_a_damaged_snapshot_is_refused_by_name(
    local: LocalStore, tmp_path: Path, snapshot_of: Callable[..., Snapshot], damage: str
) -> None:
    saved = local.save(snapshot_of(url="https://a.example"))
    path = tmp_path / "shop" / f"{saved.id}.jsonl"
    content = path.read_bytes()
    path.write_bytes(
        {
            "altered": content.replace(b"a.example", b"b.example"),
            "cut": content[: content.index(b"\n") + 1],
            "added": content + content.splitlines(keepends=True)[1],
            "bytes": content.replace(b"a.example", b"\xff.example"),
            "empty": b"",
        }[damage]
    )

    with pytest.raises(CorruptFile, match=saved.id):
        local.load(saved.id)


def test_nothing_is_begun_when_the_plan_cannot_be_written(
    local: LocalStore, plan_of: Callable[[str], Plan], tmp_path: Path
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "runs").write_text("a file where a folder should be")

    with pytest.raises(OSError, match="runs"):
        local.begin_run("r1", plan_of("p1"), plan_of("u1"), 1)


def test_labels_are_readable_by_a_person(
    local: LocalStore, tmp_path: Path, snapshot_of: Callable[..., Snapshot]
) -> None:
    saved = local.save(snapshot_of(n=1))
    local.label(Label("good", saved.id, "2026-11-19T03:00:00Z", "before the deploy"))

    found = json.loads((tmp_path / "shop" / "labels.json").read_text())

    assert found["good"]["snapshot"] == saved.id
    assert found["good"]["note"] == "before the deploy"


def test_a_plan_that_was_used_leaves_no_folder(
    local: LocalStore, plan_of: Callable[[str], Plan], tmp_path: Path
) -> None:
    local.begin_run("r1", plan_of("p1"), plan_of("u1"), 1).close()

    with pytest.raises(StalePlan):
        local.begin_run("r2", plan_of("p1"), plan_of("u1"), 2)

    assert not (tmp_path / "shop" / "runs" / "r2").exists()
