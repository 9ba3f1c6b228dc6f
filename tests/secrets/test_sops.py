from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import SecretUnavailable
from reconciler.core.reference import SecretName
from reconciler.secrets.sops import SopsSecrets, SopsSettings
from tests.secrets.canary import CANARY, overheard, surroundings

if TYPE_CHECKING:
    from pathlib import Path

STAND_IN = """\
#!/bin/sh
# What sops 3.13 does with these arguments; "encrypted" files hold one text.
echo "$*" >> seen
case "$*" in
"set --help") echo "HELP" ;;
"decrypt --extract "*) test -f "$4" && cat "$4" ;;
"set --value-stdin "*) cat > "$3" ;;
*) exit 100 ;;
esac
"""


def named(name: str, version: str | None = None) -> SecretName:
    return SecretName("sops", name, version)


def opened(folder: Path, stand_in: str | None = None, helps: str = "--value-stdin") -> SopsSecrets:
    environ = {"PATH": os.environ["PATH"], "SOPS_AGE_KEY_FILE": str(folder / "key.txt")}
    if stand_in is None:
        return SopsSecrets(SopsSettings(), surroundings(folder, environ))
    program = folder / "sops"
    program.write_text(stand_in.replace("HELP", helps), encoding="utf-8")
    program.chmod(0o700)
    return SopsSecrets(SopsSettings(program="./sops"), surroundings(folder, environ))


@pytest.fixture
def store(tmp_path: Path) -> SopsSecrets:
    return opened(tmp_path, STAND_IN)


def seen(folder: Path) -> list[str]:
    """Return the arguments of each call."""
    return (folder / "seen").read_text("utf-8").splitlines()


def test_a_value_is_extracted_by_its_path_and_taken_character_for_character(
    store: SopsSecrets, tmp_path: Path
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.enc.yaml").write_text("FAKE-pem\n", encoding="utf-8")

    assert store.fetch(named("deep/file.enc.yaml:stripe.keys.0")) == ("FAKE-pem\n", None)
    assert seen(tmp_path) == ['decrypt --extract ["stripe"]["keys"][0] ./deep/file.enc.yaml']


def test_a_file_that_begins_like_an_option_is_a_file(store: SopsSecrets, tmp_path: Path) -> None:
    (tmp_path / "-x.yaml").write_text("FAKE", encoding="utf-8")

    assert store.fetch(named("-x.yaml:a")).value == "FAKE"


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [
        ("/etc/file.yaml:a", None, "inside the working folder"),
        ("../file.yaml:a", None, "inside the working folder"),
        ("deep/../../file.yaml:a", None, "inside the working folder"),
        ("outside/file.yaml:a", None, "inside the working folder"),
        ("file.yaml", None, "does not name a value"),
        ("file.yaml:a..b", None, "does not name a value"),
        ('file.yaml:a"]["b', None, "does not name a value"),
        ("file.yaml:a", "2", "have no versions"),
        ("missing.yaml:a", None, "ended with exit code 1"),
        ("empty.yaml:a", None, "is empty"),
    ],
)
def test_each_failure_has_its_own_words(
    store: SopsSecrets, tmp_path: Path, name: str, version: str | None, says: str
) -> None:
    (tmp_path / "empty.yaml").touch()
    (tmp_path / "outside").symlink_to(tmp_path.parent)

    with pytest.raises(SecretUnavailable, match=says) as caught:
        store.fetch(named(name, version))

    assert caught.value.mend


def test_a_value_to_keep_goes_through_the_input_alone(store: SopsSecrets, tmp_path: Path) -> None:
    with overheard() as noise:
        store.keep(named("file.enc.yaml:stripe.webhook"), CANARY)

    assert json.loads((tmp_path / "file.enc.yaml").read_text("utf-8")) == CANARY
    assert seen(tmp_path)[1] == 'set --value-stdin ./file.enc.yaml ["stripe"]["webhook"]'
    noise.texts += seen(tmp_path)
    noise.assert_silent_about(CANARY)


def test_a_sops_that_takes_values_from_arguments_alone_is_not_used(tmp_path: Path) -> None:
    store = opened(tmp_path, STAND_IN, helps="--value-file")

    with pytest.raises(SecretUnavailable, match="from its arguments alone") as caught:
        store.keep(named("file.enc.yaml:a"), CANARY)

    assert seen(tmp_path) == ["set --help"]
    assert "sops 3.11 or newer" in caught.value.mend


def test_what_sops_prints_when_it_fails_is_not_repeated(tmp_path: Path) -> None:
    store = opened(tmp_path, f"#!/bin/sh\necho '{CANARY}' | tee /dev/stderr; exit 128\n")

    with overheard() as noise, pytest.raises(SecretUnavailable) as caught:
        store.fetch(named("file.enc.yaml:a"))

    noise.show(caught.value)
    noise.assert_silent_about(CANARY)
    assert caught.value.mend.startswith("run it by hand: ./sops decrypt --extract")


def test_an_empty_value_is_not_kept(store: SopsSecrets) -> None:
    with pytest.raises(SecretUnavailable, match="empty value"):
        store.keep(named("file.enc.yaml:a"), "")


def test_a_sops_that_is_not_there_is_said(tmp_path: Path) -> None:
    store = SopsSecrets(SopsSettings(program="./missing"), surroundings(tmp_path))

    with pytest.raises(SecretUnavailable, match="cannot be run"):
        store.fetch(named("file.enc.yaml:a"))


def test_the_key_and_the_file_are_what_rights_name(store: SopsSecrets) -> None:
    rights = store.rights(named("file.enc.yaml:a"), writes=True)

    assert [(right.name, right.on) for right in rights] == [
        ("decrypt", "file.enc.yaml"),
        ("write", "file.enc.yaml"),
    ]


@pytest.mark.skipif(
    not (shutil.which("sops") and shutil.which("age-keygen")),
    reason="NOT JUDGED: sops and age-keygen are not on PATH, only a stand-in was used",
)
def test_the_real_sops_keeps_and_finds_a_value(tmp_path: Path) -> None:
    made = subprocess.run(  # noqa: S603 - a fixed command
        ["age-keygen", "-o", tmp_path / "key.txt"],  # noqa: S607 - from PATH, as sops
        check=True,
        capture_output=True,
        text=True,
    )
    recipient = made.stderr.rpartition(" ")[2].strip()
    (tmp_path / "file.enc.yaml").write_text("stripe: {webhook: FAKE}\n", encoding="utf-8")
    subprocess.run(  # noqa: S603 - the recipient was made here
        ["sops", "encrypt", "-i", "--age", recipient, "file.enc.yaml"],  # noqa: S607 - see above
        check=True,
        cwd=tmp_path,
    )
    store = opened(tmp_path)

    store.keep(named("file.enc.yaml:stripe.webhook"), CANARY)

    assert store.fetch(named("file.enc.yaml:stripe.webhook")).value == CANARY
    assert CANARY not in (tmp_path / "file.enc.yaml").read_text("utf-8")
