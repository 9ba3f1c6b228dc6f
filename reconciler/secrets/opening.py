"""The secrets of one environment, wired together: its stores, its fingerprint key, its seal. Opens no store yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.errors import SecretUnavailable
from reconciler.secrets import registry
from reconciler.secrets.fingerprints import Fingerprints, local_key
from reconciler.secrets.resolver import Resolver
from reconciler.secrets.sealing import Identity, Seal
from reconciler.secrets.store import SecretStore, Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.core.masking import Masker
    from reconciler.core.record import Record
    from reconciler.wire.transport import Connections


class Wanted(NamedTuple):
    """What environment.yaml says of secrets, and what the command line adds.

    ``settings`` are those of stores, by name. ``fingerprint_key`` is a reference; without one, the key of the working
    folder is used. ``recipients`` are age keys to seal for, ``identity`` the file of one that opens what was sealed.
    """

    settings: Mapping[str, Record] = {}
    fingerprint_key: str | None = None
    recipients: tuple[str, ...] = ()
    identity: Path | None = None


class Around(NamedTuple):
    """The process that the secrets are opened in."""

    folder: Path
    environ: Mapping[str, str]
    masker: Masker
    connections: Callable[[], Connections]


def open_secrets(wanted: Wanted, around: Around) -> Resolver:
    """Return the secret source of one environment."""

    def resolve(text: str) -> str:
        return resolver.resolve(text)

    def key() -> str:
        if wanted.fingerprint_key is not None:
            return resolve(wanted.fingerprint_key)
        found = local_key(around.folder)
        around.masker.add(found)
        return found

    resolver = Resolver(
        _Stores(wanted.settings, around, resolve),
        around.masker,
        Fingerprints(key),
        Seal(wanted.recipients) if wanted.recipients else None,
        Identity(wanted.identity) if wanted.identity is not None else None,
    )
    return resolver


class _Stores(Mapping[str, SecretStore]):
    """The stores by name, each made when it is first asked for."""

    def __init__(
        self, settings: Mapping[str, Record], around: Around, resolve: Callable[[str], str]
    ) -> None:
        self._settings = settings
        self._around = around
        self._resolve = resolve
        self._open: dict[str, SecretStore] = {}

    def __getitem__(self, name: str) -> SecretStore:
        if name not in self._open:
            self._open[name] = self._opened(name)
        return self._open[name]

    def __iter__(self) -> Iterator[str]:
        return iter(registry.store_names())

    def __len__(self) -> int:
        return len(registry.store_names())

    def _opened(self, name: str) -> SecretStore:
        store_type = registry.store_type(name)  # raises KeyError, as a mapping does
        settings = self._settings.get(name)
        if settings is None:
            try:
                settings = store_type.settings_type()
            except ValueError:
                raise SecretUnavailable(
                    f"The secret store {name} has no settings",
                    detail=f"${{secret:{name}/…}} needs to know where to look.",
                    mend=f"secrets: {{stores: {{{name}: {{…}}}}}}   # in environment.yaml",
                ) from None
        around = Surroundings(
            self._around.folder,
            self._around.environ,
            self._around.masker,
            self._resolve,
            self._around.connections(),
        )
        store: SecretStore = store_type(settings, around)
        return store
