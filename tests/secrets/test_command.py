from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from reconciler.core.errors import SecretUnavailable
from reconciler.core.reference import SecretName
from reconciler.secrets.command import CommandSecrets, CommandSettings
from reconciler.secrets.store import Retires, TellsVersions
from tests.secrets.canary import CANARY, overheard, surroundings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READER = 'cat "$2.secret"'
WRITER = """
printf '%s\\n' "$0" "$@" >> seen; env >> seen
test ! -r /proc/$$/cmdline || cat /proc/$$/cmdline >> seen
cat > "$1.secret"
"""


def named(name: str, version: str | None = None) -> SecretName:
    return SecretName("command", name, version)


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], str]:
    """Return what writes a program into the working folder and gives its name."""

    def write(name: str, text: str) -> str:
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        file.chmod(0o700)
        return f"./{name}"

    return write


@pytest.fixture
def opened(tmp_path: Path, script: Callable[[str, str], str]) -> Callable[..., CommandSecrets]:
    """Return what makes a store of two programs."""

    def make(read: str = READER, write: str | None = WRITER, timeout: float = 10) -> CommandSecrets:
        settings = CommandSettings(
            read=(script("reader", read), "show", "{name}"),
            write=None if write is None else (script("writer", write), "{name}"),
            timeout=timeout,
        )
        return CommandSecrets(settings, surroundings(tmp_path, {"PATH": os.environ["PATH"]}))

    return make


def test_a_value_is_what_the_program_prints_without_one_line_end(
    opened: Callable[..., CommandSecrets],
) -> None:
    assert opened("echo FAKE-value").fetch(named("KEY")) == ("FAKE-value", None)
    assert opened("printf 'FAKE\\n\\n'").fetch(named("KEY")).value == "FAKE\n"
    assert opened("printf 'FAKE\\r\\n'").fetch(named("KEY")).value == "FAKE"
    assert opened("printf ' FAKE'").fetch(named("KEY")).value == " FAKE"


@pytest.mark.parametrize("name", ["a;touch${IFS}x", "$(id)", "a'b", "*", "a|b", "deep/er"])
def test_a_name_is_one_argument_whatever_is_in_it(
    opened: Callable[..., CommandSecrets], name: str
) -> None:
    assert opened('printf %s "$#:$2"').fetch(named(name)).value == f"2:{name}"


def test_a_name_may_be_a_part_of_an_argument(
    tmp_path: Path, script: Callable[[str, str], str]
) -> None:
    settings = CommandSettings(read=(script("reader", 'echo "$1"'), "op://shop/{name}/password"))
    store = CommandSecrets(settings, surroundings(tmp_path, {"PATH": os.environ["PATH"]}))

    assert store.fetch(named("KEY")).value == "op://shop/KEY/password"


def test_what_is_kept_is_found_again(opened: Callable[..., CommandSecrets]) -> None:
    store = opened()

    assert store.keep(named("KEY"), "FAKE\nvalue") is None
    assert store.fetch(named("KEY")).value == "FAKE\nvalue"
    assert not isinstance(store, (TellsVersions, Retires))


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("exit 3", "ended with exit code 3"),
        ("kill -TERM $$", "ended by signal 15"),
        ("true", "printed nothing"),
        ("echo", "printed nothing"),
        ("printf '\\377\\376'", "is not text"),
        ("head -c 70000 /dev/zero", "printed more than 65536 bytes"),
    ],
)
def test_each_failure_has_its_own_words_and_the_command_to_run_by_hand(
    opened: Callable[..., CommandSecrets], program: str, says: str
) -> None:
    with pytest.raises(SecretUnavailable, match=says) as caught:
        opened(program).fetch(named("K Y"))

    assert caught.value.mend == "run it by hand: ./reader show 'K Y'"


def test_a_program_that_does_not_end_is_stopped_though_its_children_go_on(
    opened: Callable[..., CommandSecrets],
) -> None:
    started = time.monotonic()

    with pytest.raises(SecretUnavailable, match=r"did not end within 0\.2 s"):
        opened("sleep 5 & sleep 5", timeout=0.2).fetch(named("KEY"))

    assert time.monotonic() - started < 4


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    settings = CommandSettings(read=("./missing", "{name}"))

    with pytest.raises(SecretUnavailable, match="cannot be run") as caught:
        CommandSecrets(settings, surroundings(tmp_path)).fetch(named("KEY"))

    assert caught.value.mend == "command -v ./missing"


@pytest.mark.parametrize(("name", "version"), [("-rf", None), ("--help", None), ("KEY", "2")])
def test_an_option_and_a_version_are_refused(
    opened: Callable[..., CommandSecrets], name: str, version: str | None
) -> None:
    with pytest.raises(SecretUnavailable):
        opened("echo FAKE").fetch(named(name, version))


def test_nothing_is_kept_where_no_program_is_set_for_it(
    opened: Callable[..., CommandSecrets],
) -> None:
    with pytest.raises(SecretUnavailable, match="no program is set"):
        opened(write=None).keep(named("KEY"), "FAKE")
    with pytest.raises(SecretUnavailable, match="empty value"):
        opened().keep(named("KEY"), "")


@pytest.mark.parametrize("read", [("pass",), ("pass", "show"), ("{name}", "x"), ("", "{name}")])
def test_settings_must_name_a_program_and_say_where_the_name_goes(read: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        CommandSettings(read=read)


def test_the_programs_are_what_rights_name(opened: Callable[..., CommandSecrets]) -> None:
    store = opened()

    assert [right.on for right in store.rights(named("KEY"), writes=False)] == [
        "the program ./reader"
    ]
    assert len(store.rights(named("KEY"), writes=True)) == 2


def test_a_canary_is_no_argument_and_in_no_environment(
    opened: Callable[..., CommandSecrets], tmp_path: Path
) -> None:
    store = opened()

    with overheard() as noise:
        store.keep(named("KEY"), CANARY)
        assert store.fetch(named("KEY")).value == CANARY

    seen = (tmp_path / "seen").read_text("utf-8")
    assert "./writer\nKEY\n" in seen
    noise.texts.append(seen)
    noise.assert_silent_about(CANARY)


@pytest.mark.parametrize("end", ["exit 1", "printf '\\377'", "sleep 5"])
def test_a_canary_that_a_program_prints_before_it_fails_is_not_repeated(
    opened: Callable[..., CommandSecrets], tmp_path: Path, end: str
) -> None:
    (tmp_path / "KEY.secret").write_text(CANARY, encoding="utf-8")
    store = opened(f"{READER}; {READER} >&2; {end}", timeout=0.2)

    with overheard() as noise, pytest.raises(SecretUnavailable) as caught:
        store.fetch(named("KEY"))

    noise.show(caught.value)
    noise.assert_silent_about(CANARY)
