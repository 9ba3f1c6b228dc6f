from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import keyring
import keyring.backends.fail
import pytest
from keyring.backend import KeyringBackend

from reconciler.core.errors import SecretUnavailable
from reconciler.core.reference import SecretName
from reconciler.secrets.keyring import KeyringSecrets, KeyringSettings
from tests.secrets.canary import CANARY, overheard, surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator


def named(name: str, version: str | None = None) -> SecretName:
    return SecretName("keyring", name, version)


class InMemory(KeyringBackend):
    """A keyring that lasts as long as a test."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


class PlaintextInMemory(InMemory):
    """Stands for a keyring that is a file."""


class Failing(InMemory):
    """Raises what no caller expects, with the value in it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"{service} {username} {CANARY}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"{service} {username} {password}")


@pytest.fixture(autouse=True)
def _own_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def memory() -> InMemory:
    memory = InMemory()
    keyring.set_keyring(memory)
    return memory


def opened(**settings: str) -> KeyringSecrets:
    return KeyringSecrets(KeyringSettings(**settings), surroundings())


def test_what_is_kept_is_found_again_under_the_service(memory: InMemory) -> None:
    assert opened().keep(named("KEY"), "FAKE-value") is None
    assert opened().fetch(named("KEY")) == ("FAKE-value", None)
    assert memory.entries == {("reconciler", "KEY"): "FAKE-value"}


def test_another_service_has_other_entries(memory: InMemory) -> None:
    memory.entries["shop", "KEY"] = "FAKE-shop"

    assert opened(service="shop").fetch(named("KEY")).value == "FAKE-shop"


@pytest.mark.usefixtures("memory")
def test_an_entry_that_is_missing_is_said_with_the_command_that_makes_it() -> None:
    with pytest.raises(SecretUnavailable, match="no such entry under reconciler") as caught:
        opened().fetch(named("KEY"))

    assert caught.value.mend == "keyring set reconciler KEY"


def test_empty_values_and_versions_are_refused(memory: InMemory) -> None:
    memory.entries["reconciler", "KEY"] = ""

    with pytest.raises(SecretUnavailable, match="is empty"):
        opened().fetch(named("KEY"))
    with pytest.raises(SecretUnavailable, match="empty value"):
        opened().keep(named("KEY"), "")
    with pytest.raises(SecretUnavailable, match="have no versions"):
        opened().fetch(named("KEY", "2"))
    with pytest.raises(SecretUnavailable, match="have no versions"):
        opened().keep(named("KEY", "2"), "FAKE")


def test_a_machine_without_a_keyring_is_said() -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]  # keyring's own

    with pytest.raises(SecretUnavailable, match="cannot be used") as caught:
        opened().fetch(named("KEY"))

    assert "keyring.backends.fail.Keyring" in caught.value.detail


def test_a_keyring_that_is_a_plain_file_keeps_nothing() -> None:
    plain = PlaintextInMemory()
    keyring.set_keyring(plain)

    with pytest.raises(SecretUnavailable, match="not encrypted"):
        opened().keep(named("KEY"), "FAKE")

    assert plain.entries == {}


def test_the_keyring_is_what_rights_name() -> None:
    (right,) = opened().rights(named("KEY"), writes=True)

    assert right.grant == "keyring set reconciler KEY"


def test_a_canary_is_told_by_no_error_and_no_log(memory: InMemory) -> None:
    with overheard("keyring") as noise:
        opened().keep(named("KEY"), CANARY)
        assert opened().fetch(named("KEY")).value == memory.entries["reconciler", "KEY"] == CANARY
        keyring.set_keyring(Failing())
        with pytest.raises(SecretUnavailable) as reading:
            opened().fetch(named("KEY"))
        with pytest.raises(SecretUnavailable) as writing:
            opened().keep(named("KEY"), CANARY)

    noise.show(reading.value)
    noise.show(writing.value)
    noise.assert_silent_about(CANARY)


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(SecretUnavailable, match="library keyring") as caught:
        opened().fetch(named("KEY"))

    assert caught.value.mend == "pip install 'reconciler[keyring]'"
