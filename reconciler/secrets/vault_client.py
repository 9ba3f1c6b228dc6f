"""Ask Vault, and say in our words what it answers: its own, and those of hvac, may hold values.

Source: Vault, KV secrets engine version 2 (API); hvac, kv_v2.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.core.errors import SecretUnavailable
from reconciler.secrets.refusals import missing_library
from reconciler.wire.transport import checked_base_url, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.reference import SecretName
    from reconciler.secrets.store import Surroundings
    from reconciler.secrets.vault import VaultSettings

CONNECT_SECONDS = 5
READ_SECONDS = 30
RETRIES = 2
"""How often a read is sent again, when Vault is busy, sealed or gone."""

_LOOKUP = "vault token lookup"
_MEANINGS: Mapping[str, tuple[str, str]] = {
    "Forbidden": ("the token does not permit this, or is not valid", "{policy}\n" + _LOOKUP),
    "Unauthorized": ("Vault does not accept the token", _LOOKUP),
    "RateLimitExceeded": ("Vault refuses more requests for now", "try again later"),
    "VaultDown": ("Vault is sealed, or under maintenance", "vault status"),
    "VaultNotInitialized": ("Vault is not initialised", "vault status"),
    "InternalServerError": ("Vault failed", "vault status"),
    "BadGateway": ("Vault failed", "vault status"),
}


class Read(NamedTuple):
    """One version of a secret; ``keys`` is ``None`` when it is deleted. Version 0 is a secret that is not there."""

    version: int
    keys: dict[str, Any] | None
    is_destroyed: bool = False


class VaultClient:
    """Speaks to one mount of one Vault, from the first request on. Thread-safe."""

    def __init__(self, settings: VaultSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._around = surroundings
        self._lock = threading.Lock()
        self._opened: Any = None

    def read(self, name: SecretName, path: str, version: int | None) -> Read:
        """Return a version, without one the newest. Raises SecretUnavailable."""
        with self._asking(name, f"data/{path}", "read") as engine:
            from hvac.exceptions import InvalidPath

            try:
                answer = engine.read_secret_version(
                    path,
                    version=version,
                    mount_point=self._settings.mount,
                    raise_on_deleted_version=True,
                )
            except InvalidPath as error:
                return _deleted(error.json)
            return _read(answer["data"])

    def metadata(self, name: SecretName, path: str) -> dict[str, Any]:
        """Return ``current_version`` and ``versions`` of a secret; empty for one that is not there."""
        with self._asking(name, f"metadata/{path}", "read") as engine:
            from hvac.exceptions import InvalidPath

            try:
                answer = engine.read_secret_metadata(path, mount_point=self._settings.mount)
            except InvalidPath:
                return {}
            found: dict[str, Any] = answer["data"]
            return found

    def write(self, name: SecretName, path: str, keys: dict[str, Any], cas: int) -> int | None:
        """Write a version on top of version ``cas`` and return its number; ``None`` when another one is newest."""
        with self._asking(name, f"data/{path}", "create, update") as engine:
            from hvac.exceptions import InvalidRequest

            try:
                answer = engine.create_or_update_secret(
                    path, secret=keys, cas=cas, mount_point=self._settings.mount
                )
            except InvalidRequest as error:
                if "check-and-set" in str(error.errors):
                    return None
                raise
            return int(answer["data"]["version"])

    def delete(self, name: SecretName, path: str, version: int) -> None:
        """Delete a version such that it can be undeleted."""
        with self._asking(name, f"delete/{path}", "update") as engine:
            engine.delete_secret_versions(path, [version], mount_point=self._settings.mount)

    @contextmanager
    def _asking(self, name: SecretName, path: str, capabilities: str) -> Iterator[Any]:
        """Lend the engine. Raises SecretUnavailable for whatever goes wrong inside the block."""
        engine = self._client(name).secrets.kv.v2
        from hvac.exceptions import VaultError
        from requests.exceptions import RequestException

        try:
            yield engine
        except RequestException:
            raise SecretUnavailable(
                f"{name}: Vault could not be reached",
                detail=f"Its address is {self._address()}.",
                mend="vault status",
            ) from None
        except VaultError as error:
            kind = type(error).__name__
            summary, mend = _MEANINGS.get(kind, ("Vault refused the request", ""))
            line = policy(f"{self._settings.mount}/{path}", capabilities)
            raise SecretUnavailable(
                f"{name}: {summary}",
                detail=f"{capabilities} on {self._settings.mount}/{path}: {kind}.",
                mend=mend.replace("{policy}", line),
            ) from None
        except (KeyError, TypeError, ValueError):
            raise SecretUnavailable(
                f"{name}: the answer is not Vault's",
                detail="Is there a proxy or another server in between, or a redirect, which is not followed?",
                mend="vault status",
            ) from None

    def _client(self, name: SecretName) -> Any:  # noqa: ANN401 - hvac carries no types
        with self._lock:
            if self._opened is None:
                self._opened = self._open(name)
            return self._opened

    def _open(self, name: SecretName) -> Any:  # noqa: ANN401 - see _client
        try:
            import hvac
            import requests
            from requests.adapters import HTTPAdapter
            from urllib3.util import Retry
        except ImportError:
            raise missing_library("vault", "hvac") from None
        address = self._address()
        token = self._around.resolve(self._settings.token)
        self._around.masker.add(token)
        if not (token.isascii() and token.isprintable()):
            raise SecretUnavailable(
                f"{name}: the token of Vault cannot be sent",
                detail="It holds a line break or another character that HTTP does not allow in a header.",
                mend=f"check {self._settings.token}",
            )
        session = requests.Session()
        session.trust_env = not is_loopback(address)
        environ = self._around.environ
        session.verify = environ.get("VAULT_CACERT") or environ.get("VAULT_CAPATH") or True
        again = Retry(
            total=RETRIES,
            backoff_factor=0.5,
            status_forcelist=(429, 502, 503),
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=again))
        return hvac.Client(
            url=address,
            token=token,
            namespace=self._settings.namespace,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            session=session,
            allow_redirects=False,  # another host would be sent the token
        )

    def _address(self) -> str:
        address = self._settings.address or self._around.environ.get("VAULT_ADDR")
        if not address:
            raise SecretUnavailable(
                "The address of Vault is not known",
                mend="secrets: {stores: {vault: {address: https://…}}}   # in environment.yaml, or set VAULT_ADDR",
            )
        return checked_base_url(address)


def policy(path: str, capabilities: str) -> str:
    """Return the line of a policy that gives ``capabilities`` (``create, update``) on ``path``."""
    listed = ", ".join(f'"{one}"' for one in capabilities.split(", "))
    return f'path "{path}" {{ capabilities = [{listed}] }}'


def _read(data: Any) -> Read:  # noqa: ANN401 - JSON
    metadata = data["metadata"]
    return Read(int(metadata["version"]), data["data"], bool(metadata.get("destroyed")))


def _deleted(body: Any) -> Read:  # noqa: ANN401 - JSON
    """Return what a 404 tells: a version without data, or nothing at all."""
    data = body.get("data") if isinstance(body, dict) else None
    return _read({**data, "data": None}) if isinstance(data, dict) and data else Read(0, None)
