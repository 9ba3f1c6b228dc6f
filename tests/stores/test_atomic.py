"""A reader, or a power cut, sees the old content or the new, and nothing between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.core.masking import Masker
from reconciler.stores.atomic import write_text
from reconciler.stores.guarding import Guard

NO_SECRETS = Guard(Masker())


def fail(*_: object, **__: object) -> None:
    raise OSError(5, "Input/output error")


def test_what_is_written_is_there(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "é.json"

    write_text(path, "a\r\nb\n", NO_SECRETS)

    assert path.read_bytes() == b"a\r\nb\n"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_mode_can_be_asked_for(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "x", NO_SECRETS, mode=0o600)

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("owner", "name"), [(os, "fsync"), (Path, "replace"), (Path, "chmod"), (os, "fdopen")]
)
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        with pytest.raises(OSError, match="Input/output error"):
            write_text(path, "new", NO_SECRETS)

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_ctrl_c_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_text(path, "new", NO_SECRETS)

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        done.append("fsync")
        fsync(descriptor)

    def noted_replace(old: Path, new: Path) -> Path:
        done.append("rename")
        return replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)

    write_text(tmp_path / "a", "x", NO_SECRETS)

    assert done == ["fsync", "rename", "fsync"]
