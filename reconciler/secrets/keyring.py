"""Secrets in the keyring of the operating system: ``${secret:keyring/NAME}``. Never a keyring that is a plain file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from reconciler.core.errors import SecretUnavailable
from reconciler.core.record import Record
from reconciler.secrets import refusals
from reconciler.secrets.store import Fetched, Right

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

    from reconciler.core.reference import SecretName
    from reconciler.secrets.store import Surroundings


class KeyringSettings(Record):
    """``secrets.stores.keyring`` of an environment file."""

    service: str = Field(
        default="reconciler",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@/:-]*$",
        description="the service that the secrets are stored under",
    )


class KeyringSecrets:
    """Reads and writes entries of one service; the name of a secret is the user of its entry."""

    settings_type = KeyringSettings

    def __init__(self, settings: KeyringSettings, surroundings: Surroundings) -> None:
        del surroundings
        self._service = settings.service

    def fetch(self, name: SecretName) -> Fetched:
        """Return the value. Raises SecretUnavailable."""
        if name.version is not None:
            raise refusals.no_versions(name, "entries of a keyring")
        keyring = _keyring(name)
        try:
            value = keyring.get_password(self._service, name.name)
        except Exception:  # noqa: BLE001 - each kind of keyring raises what it likes
            raise _unusable(name, keyring) from None
        if value is None:
            raise SecretUnavailable(
                f"{name}: there is no such entry under {self._service}", mend=self._setting(name)
            )
        if not value:
            raise refusals.empty(name, self._setting(name))
        return Fetched(value)

    def keep(self, name: SecretName, value: str) -> str | None:
        """Write the entry. Raises SecretUnavailable."""
        if name.version is not None:
            raise refusals.no_versions(name, "entries of a keyring")
        if not value:
            raise refusals.nothing_to_keep(name)
        keyring = _keyring(name)
        if "plaintext" in type(keyring).__name__.lower():
            raise SecretUnavailable(
                f"{name}: this keyring is a file that is not encrypted",
                detail=f"It is {_kind(keyring)}.",
                mend="keyring --list-backends",
            )
        try:
            keyring.set_password(self._service, name.name, value)
        except Exception:  # noqa: BLE001 - each kind of keyring raises what it likes
            raise _unusable(name, keyring) from None
        return None

    def rights(self, name: SecretName, *, writes: bool) -> tuple[Right, ...]:
        """Nothing but the unlocked keyring of this user is needed."""
        del writes
        return (Right("unlock", "the keyring of this user", self._setting(name)),)

    def _setting(self, name: SecretName) -> str:
        return f"keyring set {self._service} {name.name}"


def _keyring(name: SecretName) -> KeyringBackend:
    try:
        import keyring
    except ImportError:
        raise refusals.missing_library("keyring", "keyring") from None
    try:
        return keyring.get_keyring()
    except Exception:  # noqa: BLE001 - each kind of keyring raises what it likes
        raise SecretUnavailable(
            f"{name}: the keyring cannot be opened", mend="keyring --list-backends"
        ) from None


def _unusable(name: SecretName, keyring: KeyringBackend) -> SecretUnavailable:
    return SecretUnavailable(
        f"{name}: the keyring cannot be used",
        detail=f"It is {_kind(keyring)}. Is there one on this machine, and is it unlocked?",
        mend="keyring --list-backends",
    )


def _kind(keyring: KeyringBackend) -> str:
    return f"{type(keyring).__module__}.{type(keyring).__qualname__}"
