from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import SecretUnavailable
from reconciler.core.masking import Masker
from reconciler.core.reference import SecretName
from reconciler.secrets.file import LARGEST, FileSecrets, FileSettings
from reconciler.secrets.store import Fetched, Surroundings
from reconciler.wire.transport import Connections

if TYPE_CHECKING:
    from pathlib import Path


def named(name: str, version: str | None = None) -> SecretName:
    return SecretName("file", name, version)


def files(folder: Path) -> FileSecrets:
    with Connections() as connections:
        around = Surroundings(folder, {}, Masker(), str, connections)
        return FileSecrets(FileSettings(), around)


def put(folder: Path, name: str, content: bytes, mode: int = 0o600) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"FAKE", "FAKE"),
        (b"FAKE\n", "FAKE"),
        (b"FAKE\r\n", "FAKE"),
        (b"FAKE\n\n", "FAKE\n"),
        (b" FAKE \n", " FAKE "),
        ("é\n".encode(), "é"),
        (b"-----BEGIN-----\nabc\n-----END-----\n", "-----BEGIN-----\nabc\n-----END-----"),
    ],
)
def test_the_content_is_returned_without_the_line_end(
    tmp_path: Path, content: bytes, value: str
) -> None:
    put(tmp_path, "a folder/key", content)

    assert files(tmp_path).fetch(named("a folder/key")) == Fetched(value)


def test_a_path_may_be_absolute(tmp_path: Path) -> None:
    path = put(tmp_path, "key", b"FAKE")

    assert files(tmp_path / "elsewhere").fetch(named(str(path))).value == "FAKE"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o622, 0o601])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = put(tmp_path, "key", b"FAKE", mode)

    with pytest.raises(SecretUnavailable, match="may be read by others") as caught:
        files(tmp_path).fetch(named("key"))

    assert caught.value.mend == f"chmod 600 {path}"
    assert f"{mode:04o}" in caught.value.detail


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "key", b"FAKE")
    if path.stat().st_uid == 0:
        os.chown(path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)

    with pytest.raises(SecretUnavailable, match="belongs to another user"):
        files(tmp_path).fetch(named("key"))


@pytest.mark.parametrize("content", [b"", b"\n", b" \t\r\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "key", content)

    with pytest.raises(SecretUnavailable, match="is empty"):
        files(tmp_path).fetch(named("key"))


def test_a_file_that_is_too_large_is_refused_without_reading_all_of_it(tmp_path: Path) -> None:
    put(tmp_path, "most", b"x" * LARGEST)
    with put(tmp_path, "more", b"").open("r+b") as file:
        file.truncate(10 * 1024**3)

    assert len(files(tmp_path).fetch(named("most")).value) == LARGEST
    with pytest.raises(SecretUnavailable, match="larger than"):
        files(tmp_path).fetch(named("more"))


def test_bytes_that_are_no_text_are_refused_and_not_shown(tmp_path: Path) -> None:
    put(tmp_path, "key", b"FAKE\xff")

    with pytest.raises(SecretUnavailable, match="not UTF-8") as caught:
        files(tmp_path).fetch(named("key"))

    assert "FAKE" not in f"{caught.value}{caught.value.detail}"


def test_a_file_that_is_not_there_is_named_with_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match="cannot be read") as caught:
        files(tmp_path).fetch(named("key"))

    assert "install -m 600" in caught.value.mend


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match="cannot be read"):
        files(tmp_path).fetch(named("."))


def test_a_value_that_was_set_aside_outlives_the_next_one(tmp_path: Path) -> None:
    store = files(tmp_path)
    for value in ("FAKE one", "FAKE two"):
        store.keep(named("key"), value)
        store.set_aside(named("key"))

    store.keep(named("key"), "FAKE three")

    assert store.fetch(named("key", "1")) == Fetched("FAKE one", "1")
    assert store.fetch(named("key", "2")) == Fetched("FAKE two", "2")
    assert store.fetch(named("key")) == Fetched("FAKE three")
    assert (tmp_path / "key@1").stat().st_mode & 0o777 == 0o600


def test_a_value_that_was_set_aside_already_is_not_set_aside_again(tmp_path: Path) -> None:
    store = files(tmp_path)
    store.keep(named("key"), "FAKE one")

    versions = {store.set_aside(named("key")) for _ in range(2)}

    assert versions == {"1"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "key@1"]


def test_what_a_killed_process_left_goes_with_the_next_write_and_nothing_else(
    tmp_path: Path,
) -> None:
    for name in (".key.abcd1234.unfinished", ".key@1.abcd1234.unfinished"):
        put(tmp_path, name, b"FAKE left")
    others = (".key.other.abcd1234.unfinished", ".keys.abcd1234.unfinished", ".key.mine")
    for name in others:
        put(tmp_path, name, b"FAKE of somebody else")
    (tmp_path / ".key.0000abcd.unfinished").mkdir()  # no file of ours

    files(tmp_path).keep(named("key"), "FAKE new")

    left = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert left == sorted([*others, "key"])


def test_what_somebody_writes_just_now_stays(tmp_path: Path) -> None:
    path = put(tmp_path, ".key.abcd1234.unfinished", b"FAKE being written")

    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        files(tmp_path).keep(named("key"), "FAKE new")

    assert path.exists()


def test_a_retired_value_is_gone_and_retiring_it_again_is_success(tmp_path: Path) -> None:
    store = files(tmp_path)
    store.keep(named("key"), "FAKE one")
    version = store.set_aside(named("key"))

    for _ in range(2):
        store.retire(named("key", version))

    with pytest.raises(SecretUnavailable, match="is empty"):
        store.fetch(named("key", version))
    assert store.set_aside(named("key")) == "2"


def test_what_is_kept_comes_back_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    store = files(tmp_path)

    store.keep(named("new/key"), "FAKE one\r\ntwo")
    store.keep(named("new/key"), "FAKE second")

    path = tmp_path / "new" / "key"
    assert store.fetch(named("new/key")).value == "FAKE second"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_kept_leaves_the_old_value_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, "key", b"FAKE old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(SecretUnavailable, match="cannot be written") as caught:
        files(tmp_path).keep(named("key"), "FAKE new")

    assert path.read_bytes() == b"FAKE old"
    assert list(tmp_path.iterdir()) == [path]
    assert "FAKE" not in f"{caught.value}{caught.value.detail}"
