"""Keyed fingerprints, and the key of a working folder."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import SecretUnavailable
from reconciler.secrets.fingerprints import SHORTEST_KEY, Fingerprints, local_key

ROOT = Path(__file__).parents[2]
KEY, OTHER = "FAKE-key-of-sixteen", "FAKE-other-key-of-sixteen"
values = st.text(max_size=20)


@given(one=values, other=values)
def test_equal_values_and_no_others_have_equal_fingerprints(one: str, other: str) -> None:
    ours = Fingerprints(lambda: KEY)

    assert (ours.of(one) == ours.of(other)) is (one == other)


@given(value=values)
def test_another_key_makes_another_fingerprint_that_is_not_ours(value: str) -> None:
    ours, theirs = Fingerprints(lambda: KEY), Fingerprints(lambda: OTHER)

    assert ours.of(value) != theirs.of(value)
    assert ours.is_ours(ours.of(value))
    assert not ours.is_ours(theirs.of(value))
    assert not ours.is_ours("")


def test_a_fingerprint_tells_neither_value_nor_key() -> None:
    found = Fingerprints(lambda: KEY).of("FAKE-value")

    assert found.startswith("hmac-sha256:")
    assert len(found) == len("hmac-sha256:") + 8 + 1 + 32
    assert "FAKE" not in found


def test_a_value_that_is_no_valid_text_has_a_fingerprint_as_well() -> None:
    """A vendor's JSON may hold half a surrogate pair, and the environment bytes that are not UTF-8."""
    assert Fingerprints(lambda: KEY).of("\udcff").startswith("hmac-sha256:")


def test_the_key_is_asked_for_once_and_only_when_it_is_needed() -> None:
    asked: list[str] = []

    def key() -> str:
        asked.append("key")
        return KEY

    prints = Fingerprints(key)
    before = list(asked)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(prints.of, ["value"] * 20))

    assert (before, asked, len(found)) == ([], ["key"], 1)


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(SecretUnavailable) as caught:
        Fingerprints(lambda: "x" * (SHORTEST_KEY - 1)).of("value")

    assert caught.value.mend


# --- The key of a working folder


def test_a_folder_has_one_key_that_its_owner_alone_reads(tmp_path: Path) -> None:
    found = local_key(tmp_path)

    file = tmp_path / ".reconciler" / "fingerprint.key"
    assert local_key(tmp_path) == found == file.read_text(encoding="utf-8")
    assert len(found) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) & 0o077 == 0
    assert sorted(one.name for one in file.parent.iterdir()) == [".gitignore", "fingerprint.key"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not on PATH")
def test_git_ignores_the_key(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        ended = subprocess.run(  # noqa: S603 - fixed program
            ["git", "-C", str(tmp_path), *arguments],  # noqa: S607 - whichever git there is
            check=True,
            capture_output=True,
            text=True,
        )
        return ended.stdout

    git("init", "--quiet")
    local_key(tmp_path)

    assert git("status", "--porcelain", "--untracked-files=all") == ""


def test_threads_that_race_get_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: local_key(tmp_path), range(32)))

    assert len(found) == 1


def test_processes_that_race_get_one_key(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from reconciler.secrets.fingerprints import local_key;"
        " print('ready', flush=True); sys.stdin.readline(); print(local_key(Path(sys.argv[1])))"
    )
    running = [
        subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]

    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    found = {one.communicate("go\n", timeout=30)[0] for one in running}

    assert found == {f"{local_key(tmp_path)}\n"}


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"\xff\xfe" * 30, b"two lines of\na key that was edited"],
    ids=["empty", "short", "no text", "two lines"],
)
def test_a_key_file_that_was_spoilt_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    local_key(tmp_path)
    file = tmp_path / ".reconciler" / "fingerprint.key"
    file.write_bytes(content)

    with pytest.raises(SecretUnavailable) as caught:
        local_key(tmp_path)

    assert str(file) in caught.value.detail
    assert caught.value.mend
    assert file.read_bytes() == content


@pytest.mark.parametrize("what", ["a file in the way", "a folder in the way", "no folder"])
def test_a_key_that_can_neither_be_read_nor_made_is_an_error_with_a_way_out(
    tmp_path: Path, what: str
) -> None:
    folder = tmp_path / ("none" if what == "no folder" else ".")
    if what == "a file in the way":
        (tmp_path / ".reconciler").write_text("", encoding="utf-8")
    if what == "a folder in the way":
        (tmp_path / ".reconciler" / "fingerprint.key").mkdir(parents=True)

    with pytest.raises(SecretUnavailable) as caught:
        local_key(folder)

    assert "fingerprint_key" in caught.value.mend
