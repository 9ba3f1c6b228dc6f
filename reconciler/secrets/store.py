"""What a secret store is: the port that every file beside this one fills. Knows no store.

Further stores come in by the entry point group ``reconciler.secret_stores``, whose entries name a class with
``settings_type`` and a constructor that takes settings and surroundings: ``acme = "acme_secrets:AcmeSecrets"``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping  # noqa: TC003 - part of a value
from pathlib import Path  # noqa: TC003 - part of a value
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from reconciler.core.masking import Masker
    from reconciler.core.record import Record
    from reconciler.core.reference import SecretName
    from reconciler.wire.transport import Connections


class Fetched(NamedTuple):
    """A value and the version it had; ``None`` where the store has no versions."""

    value: str
    version: str | None = None


class Right(NamedTuple):
    """The least permission that a reference needs: ``name`` in the store's own words, ``on`` what, and ``grant``.

    ``grant`` is the command or the line of a policy that gives it.
    """

    name: str
    on: str
    grant: str = ""


class Surroundings(NamedTuple):
    """What stores may need besides their settings.

    ``folder`` is what paths are relative to. ``resolve`` fills in a store's own credential
    (``${secret:env/VAULT_TOKEN}``). ``connections`` are shared by everything that speaks HTTP in this process.
    """

    folder: Path
    environ: Mapping[str, str]
    masker: Masker
    resolve: Callable[[str], str]
    connections: Connections


class SecretStore(Protocol):
    """One place where secrets are kept. Methods are called from several threads at once."""

    def fetch(self, name: SecretName) -> Fetched:
        """Return the value of ``name``: of its version, else of the newest. Raises SecretUnavailable."""
        ...

    def keep(self, name: SecretName, value: str) -> str | None:
        """Store a value and return the version it became. Raises SecretUnavailable when it cannot be stored."""
        ...

    def rights(self, name: SecretName, *, writes: bool) -> tuple[Right, ...]:
        """Return the least permissions to read ``name``, and to write it where ``writes``. Asks nobody."""
        ...


@runtime_checkable
class TellsVersions(Protocol):
    """A store that says which version is the newest without giving the value away."""

    def newest(self, name: SecretName) -> str | None:
        """Return the version that ``name`` stands for now. Raises SecretUnavailable."""
        ...


@runtime_checkable
class Retires(Protocol):
    """A store that keeps earlier versions, and can let one go. Never destroys what can be disabled."""

    def retire(self, name: SecretName) -> None:
        """Let the version that ``name`` gives no longer be fetched; one that is gone already is success.

        Raises SecretUnavailable.
        """
        ...


@runtime_checkable
class SetsAside(Protocol):
    """A store without versions of its own that can copy the present value to where a later one won't replace it."""

    def set_aside(self, name: SecretName) -> str:
        """Copy the value and return the version under which the copy is found. Raises SecretUnavailable."""
        ...


class StoreType(Protocol):
    """A class of stores. One with ``may_keep = False`` keeps nothing, whatever its settings."""

    settings_type: type[Record]

    def __call__(self, settings: Record, surroundings: Surroundings) -> SecretStore: ...
