"""The journal: what is told is on disk, what was cut off never was told."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from reconciler.core.masking import Masker
from reconciler.stores.guarding import Guard
from reconciler.stores.journal import FileJournal, problems_of, read_journal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores.conftest import Clock


@pytest.fixture
def path(tmp_path: Path, clock: Clock) -> Path:
    """Return a journal of three records."""
    path = tmp_path / "r1" / "journal.jsonl"
    journal = FileJournal(path, "r1", clock, Guard(Masker()))
    for number in range(3):
        journal.append("intent", address=f"é/{number}")
    journal.close()
    return path


def test_records_come_back_in_order(path: Path) -> None:
    assert [(one["seq"], one["event"], one["address"]) for one in read_journal(path)] == [
        (1, "intent", "é/0"),
        (2, "intent", "é/1"),
        (3, "intent", "é/2"),
    ]
    assert list(problems_of(path)) == []


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none.jsonl") == ()


@pytest.mark.parametrize("kept", range(1, 40, 3))
def test_a_torn_last_line_was_never_told(path: Path, clock: Clock, kept: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:kept])

    assert [one["seq"] for one in read_journal(path)] == [1, 2]

    journal = FileJournal(path, "r1", clock, Guard(Masker()))
    journal.append("resumed")
    journal.close()

    assert [(one["seq"], one["event"]) for one in read_journal(path)] == [
        (1, "intent"),
        (2, "intent"),
        (3, "resumed"),
    ]
    assert list(problems_of(path)) == []


@pytest.mark.parametrize("damage", ["altered", "taken out", "swapped", "made up"])
def test_tampering_is_noticed(path: Path, damage: str) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    changed = {
        "altered": [lines[0].replace(b"intent", b"Intent"), *lines[1:]],
        "taken out": [lines[0], lines[2]],
        "swapped": [lines[1], lines[0], lines[2]],
        "made up": [*lines, b'{"seq": 4, "event": "finished"}\n'],
    }[damage]
    path.write_bytes(b"".join(changed))

    assert list(problems_of(path)) != []


def test_a_record_is_on_disk_before_append_returns(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = FileJournal(path, "r1", clock, Guard(Masker()))
    synced: list[int] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        fsync(descriptor)
        synced.append(len(path.read_bytes().splitlines()))

    monkeypatch.setattr(os, "fsync", note)
    journal.append("outcome")
    journal.close()

    assert synced == [4]


def test_a_full_disk_is_an_error(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = FileJournal(path, "r1", clock, Guard(Masker()))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        journal.append("intent")
    journal.close()


def test_a_record_is_one_line_whatever_it_holds(path: Path, clock: Clock) -> None:
    journal = FileJournal(path, "r1", clock, Guard(Masker()))
    journal.append("outcome", detail="a\nb\r\u2028c")
    journal.close()

    assert len(path.read_bytes().split(b"\n")) == 5
    assert read_journal(path)[-1]["detail"] == "a\nb\r\u2028c"
    assert json.loads(path.read_bytes().split(b"\n")[3])["detail"] == "a\nb\r\u2028c"
