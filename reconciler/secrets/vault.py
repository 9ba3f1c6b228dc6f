"""Secrets in HashiCorp Vault's key-value engine, version 2: ``${secret:vault/path/to/secret:key@version}``.

Deletes versions softly alone, and never writes over what somebody else wrote meanwhile.
Source: Vault, KV secrets engine version 2 (API).
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from pydantic import Field

from reconciler.core.errors import SecretNotFound, SecretUnavailable
from reconciler.core.record import Record
from reconciler.secrets import refusals
from reconciler.secrets.store import Fetched, Right
from reconciler.secrets.vault_client import Read, VaultClient, policy

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName
    from reconciler.secrets.store import Surroundings

KEY = "value"
"""The key that is meant when none is named."""

ATTEMPTS = 3
"""How often a write is tried when others write at the same time."""

_NAME = re.compile(r"(?P<path>[^:?/]+(?:/[^:?/]+)*)(?::(?P<key>[^:]+))?\Z")


class VaultSettings(Record):
    """``secrets.stores.vault`` of an environment file."""

    address: str | None = Field(
        default=None, description="https address of Vault; without one, VAULT_ADDR"
    )
    mount: str = Field(
        default="secret",
        pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$",
        description="where the key-value engine is mounted",
    )
    namespace: str | None = Field(default=None, description="namespace of Vault Enterprise")
    token: str = Field(
        default="${secret:env/VAULT_TOKEN}",
        pattern=r"^\$\{secret:[^{}]+\}$",
        description="a ${secret:env/…} reference to a token",
        json_schema_extra={"x-secret": True},
    )


class VaultSecrets:
    """Reads and writes keys of secrets, each write a new version. Thread-safe."""

    settings_type = VaultSettings

    def __init__(self, settings: VaultSettings, surroundings: Surroundings) -> None:
        self._mount = settings.mount
        self._masker = surroundings.masker
        self._client = VaultClient(settings, surroundings)
        self._writing = threading.Lock()

    def fetch(self, name: SecretName) -> Fetched:
        """Return value and version number. Raises SecretUnavailable."""
        path, key = _parts(name)
        found = self._client.read(name, path, _number(name))
        if found.keys is None:
            raise self._gone(name, path, found)
        mend = f"vault kv patch -mount={self._mount} {path} {key}=-"
        if key not in found.keys:
            raise SecretUnavailable(
                f"{name}: the secret has no key {key}",
                detail=f"It has: {', '.join(sorted(found.keys)) or 'none'}.",
                mend=mend,
            )
        value = found.keys[key]
        if not isinstance(value, str):
            raise refusals.not_text(name, f"Under {key} is no JSON string.", mend)
        if not value:
            raise refusals.empty(name, mend)
        return Fetched(value, str(found.version))

    def newest(self, name: SecretName) -> str | None:
        """Return the number of the version that ``name`` stands for, without any value. Raises SecretUnavailable."""
        number = _number(name)
        found = self._metadata(name)
        if number is not None and str(number) not in found["versions"]:
            raise self._gone(name, _parts(name)[0], Read(0, None))
        return str(number or found["current_version"])

    def keep(self, name: SecretName, value: str) -> str | None:
        """Write one key beside the others and return the number of the new version. Raises SecretUnavailable."""
        if name.version is not None:
            raise refusals.fixed_version(name)
        if not value:
            raise refusals.nothing_to_keep(name)
        self._masker.add(value)
        path, key = _parts(name)
        with self._writing:
            for _ in range(ATTEMPTS):
                found = self._client.read(name, path, None)
                keys = {**(found.keys or {}), key: value}
                version = self._client.write(name, path, keys, cas=found.version)
                if version is not None:
                    return str(version)
        raise SecretUnavailable(
            f"{name}: others write to this secret at the same time",
            detail="Nothing of theirs was overwritten, and the value was not stored.",
            mend="run it again",
        )

    def retire(self, name: SecretName) -> None:
        """Delete a version that is not the newest, such that it can be undeleted. Raises SecretUnavailable."""
        number = _number(name)
        if number is None:
            raise refusals.moving_version(name)
        path, key = _parts(name)
        metadata = self._metadata(name)
        version = metadata["versions"].get(str(number))
        if version is None or version.get("deletion_time") or version.get("destroyed"):
            return
        if number == metadata["current_version"]:
            mend = f"write another first: vault kv patch -mount={self._mount} {path} {key}=-"
            raise refusals.newest_version(name, mend)
        self._client.delete(name, path, number)

    def rights(self, name: SecretName, *, writes: bool) -> tuple[Right, ...]:
        """Return the lines of a policy for this one secret; its metadata tells which version is the newest."""
        path, _ = _parts(name)
        needed = [("data", "create, read, update" if writes else "read")]
        if name.version is None:
            needed.append(("metadata", "read"))
        return tuple(
            Right(
                capabilities,
                f"{self._mount}/{kind}/{path}",
                policy(f"{self._mount}/{kind}/{path}", capabilities),
            )
            for kind, capabilities in needed
        )

    def _metadata(self, name: SecretName) -> dict[str, Any]:
        path, _ = _parts(name)
        found = self._client.metadata(name, path)
        if not found:
            raise self._gone(name, path, Read(0, None))
        return found

    def _gone(self, name: SecretName, path: str, found: Read) -> SecretUnavailable:
        """Return the error for a secret or version that cannot be read."""
        here = f"-mount={self._mount} {path}"
        if found.is_destroyed:
            return SecretUnavailable(
                f"{name}: version {found.version} is destroyed, and cannot be brought back",
                mend=f"vault kv metadata get {here}",
            )
        if found.version:
            return SecretUnavailable(
                f"{name}: version {found.version} is deleted",
                mend=f"vault kv undelete -versions={found.version} {here}",
            )
        version = f" version {name.version}, or no such" if name.version else " such"
        kind = SecretUnavailable if name.version else SecretNotFound
        return kind(
            f"{name}: there is no{version} secret",
            detail=f"Looked for at {path} in {self._mount}, which must be a key-value engine of version 2.",
            mend=f"vault kv metadata get {here}",
        )


def _parts(name: SecretName) -> tuple[str, str]:
    """Return path and key. Raises SecretUnavailable."""
    found = _NAME.match(name.name)
    if found is None or not {".", ".."}.isdisjoint(found["path"].split("/")):
        raise SecretUnavailable(
            f"{name} does not name a secret of Vault",
            mend="${secret:vault/path/to/secret:key}",
        )
    return found["path"], found["key"] or KEY


def _number(name: SecretName) -> int | None:
    """Return the version as a number; ``None`` for the newest. Raises SecretUnavailable."""
    if name.version is None:
        return None
    if not (name.version.isascii() and name.version.isdecimal() and int(name.version)):
        raise SecretUnavailable(
            f"{name}: Vault counts its versions, and {name.version} is no number",
            mend=f"${{secret:{name._replace(version='1')}}}",
        )
    return int(name.version)
