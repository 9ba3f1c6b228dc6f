"""The composition root: one folder with ``desired_state/`` and ``snapshots/``, and everything wired together."""

from __future__ import annotations

import getpass
import os
import re
import secrets as randomness
import socket
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import reconciler
from reconciler.cli.console import MASKER, say
from reconciler.core.agreement import Rules
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.snapshotting import take
from reconciler.core.state import DesiredState, Snapshot, SnapshotHeader
from reconciler.core.storing import StoreSettings
from reconciler.core.vendor_text import masked_unreadable
from reconciler.engine.observing import observe, vendor_of
from reconciler.engine.planning import stamp
from reconciler.files.loading import Catalogue, Loaded, environments, load, load_environment
from reconciler.providers import registry
from reconciler.secrets import registry as secret_stores
from reconciler.secrets.opening import Around, Wanted, open_secrets
from reconciler.stores.guarding import Guard, stands_in
from reconciler.stores.opening import Kind, Opening, open_store

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    import click

    from reconciler.core.ports import Session
    from reconciler.core.resource import Resource
    from reconciler.secrets.resolver import Resolver
    from reconciler.stores.records import Records
    from reconciler.wire.transport import Connections


_NAMES_A_STORE = re.compile(rb"\bstore\b[\"']?\s*:")


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Live(NamedTuple):
    """What was just read, as a snapshot that is not stored, and the state it was compared with."""

    snapshot: Snapshot
    base: Snapshot | None


class Workspace:
    """A working folder. ``root`` is absolute; messages show paths relative to it.

    ``identity`` is the file of the age identity that opens sealed values, relative to where the command was started.
    """

    def __init__(self, ctx: click.Context, *, identity: str | None = None) -> None:
        self.root = Path(ctx.obj["directory"]).resolve()
        if not self.root.is_dir():
            raise InvalidInput([Diagnostic(summary=f"There is no folder {ctx.obj['directory']}")])
        self.clock = SystemClock()
        self._ctx = ctx
        self._identity = Path(identity).resolve() if identity is not None else None
        self._secrets: dict[str, Resolver] = {}
        self._connections: Connections | None = None
        self._stores: dict[tuple[str, Kind | None], Records] = {}

    @property
    def environments(self) -> tuple[str, ...]:
        """Return the names of the environments."""
        return environments(self.root / "desired_state")

    def load(self, environment: str, root: Path | None = None) -> Loaded:
        """Read an environment's files (below another ``root``, for a Git revision). Raises InvalidInput."""
        return load(root or self.root, environment, catalogue(), os.environ)

    def load_environment(self, environment: str) -> Loaded:
        """Read ``environment.yaml`` alone: enough to go back to a snapshot when other files are broken."""
        return load_environment(self.root, environment, catalogue(), os.environ)

    def load_as_far_as_readable(self, environment: str) -> Loaded:
        """Read an environment; its ``environment.yaml`` alone when other files are broken. Raises InvalidInput."""
        try:
            return self.load(environment)
        except InvalidInput as error:
            loaded = self.load_environment(environment)
            say(
                f"desired_state/{environment} has errors ({len(error.diagnostics)});"
                " its environment.yaml is enough for this"
            )
            return loaded

    def store(self, environment: str, kind: Kind | None = None) -> Records:
        """Return the store of an environment, opened once: the one in use, or that of another ``kind``.

        Raises InvalidInput when its files do not say clearly where that is.
        """
        key = (environment, kind)
        if key not in self._stores:
            opening = Opening(self.root / "snapshots", self.clock, self.guard)
            settings = self._store_settings(environment)
            self._stores[key] = open_store(environment, settings, opening, kind)
            self._ctx.call_on_close(self._stores[key].close)
        return self._stores[key]

    def _store_settings(self, environment: str) -> StoreSettings:
        """Return where the records are. A broken file that names no store leaves them where they are by default."""
        try:
            return self.load_environment(environment).environment.store
        except InvalidInput:
            path = self.root / "desired_state" / environment / "environment.yaml"
            if path.is_file() and _NAMES_A_STORE.search(path.read_bytes()):
                raise
            return StoreSettings()

    @property
    def guard(self) -> Guard:
        """Return what keeps secret values out of files; what ``desired_state/`` says in plain is no secret."""
        return Guard(MASKER, lambda form: stands_in(self.root / "desired_state", form))

    def secrets(self, loaded: Loaded) -> Resolver:
        """Return the secrets of an environment: one source for everything that a command does in it."""
        environment = loaded.environment
        name = environment.environment
        if name not in self._secrets:
            recipients = environment.seal.recipients if environment.seal is not None else ()
            wanted = Wanted(
                loaded.stores, environment.secrets.fingerprint_key, recipients, self._identity
            )
            around = Around(self.root, os.environ, MASKER, self.connections)
            self._secrets[name] = open_secrets(wanted, around)
        return self._secrets[name]

    def connections(self) -> Connections:
        """Return the connections of this command, which are closed when it ends."""
        if self._connections is None:
            from reconciler.wire.transport import Connections

            self._connections = Connections(tracer=self._ctx.obj.get("tracer"))
            self._ctx.call_on_close(self._connections.close)
        return self._connections

    @contextmanager
    def sessions(
        self, loaded: Loaded, kinds: Iterable[str], *, writes: bool
    ) -> Iterator[dict[str, Session]]:
        """Open the accounts of the vendors of ``kinds``. Nothing is sent yet."""
        from reconciler.providers.opening import Opening

        opening = Opening(self.secrets(loaded), MASKER, self.connections(), writes=writes)
        yield {
            vendor: registry.open_session(vendor, loaded.settings[vendor], opening)
            for vendor in sorted({vendor_of(kind) for kind in kinds})
            if vendor in loaded.settings
        }

    def look(
        self,
        desired: DesiredState,
        sessions: Mapping[str, Session],
        base: Snapshot | None,
        *,
        role_note: str = "",
    ) -> Live:
        """Read the live state of everything that is declared, or was managed in ``base``."""
        kinds = kinds_of(desired, base, sessions)
        observation = observe(sessions, kinds)
        unreadable = masked_unreadable(observation.unreadable, MASKER)
        observation = observation._replace(unreadable=unreadable)
        header = SnapshotHeader(
            environment=desired.environment,
            taken_at=stamp(self.clock.now()),
            tool_version=reconciler.__version__,
            desired_digest=desired.digest,
            git_commit=desired.git_commit,
            note=role_note,
        )
        wider = desired._replace(models=with_models(desired, kinds))
        return Live(take(observation, wider, base, header), base)

    def new_id(self) -> str:
        """Return an id for a run or plan: the time in milliseconds, so that ids sort, and something random."""
        moment = self.clock.now().strftime("%Y%m%dT%H%M%S.%f")[:-3]
        return f"{moment}Z-{randomness.token_hex(4)}"

    @property
    def who(self) -> str:
        """Return who runs this, for the journal."""
        try:
            name = getpass.getuser()
        except (KeyError, OSError):
            name = str(os.getuid())
        return f"{name}@{socket.gethostname()}"


def catalogue() -> Catalogue:
    """Return the kinds and vendors that files may name."""
    return Catalogue(
        kinds=registry.kind_names(),
        vendors=registry.vendor_names(),
        stores=secret_stores.store_names(),
        model=registry.model_of,
        settings=lambda vendor: registry.account_type(vendor).settings_type,
        store_settings=lambda store: secret_stores.store_type(store).settings_type,
        may_keep=secret_stores.may_keep,
    )


def kinds_of(
    desired: DesiredState, base: Snapshot | None, vendors: Container[str]
) -> frozenset[str]:
    """Return the kinds to read: the declared ones, and those of ``vendors`` that the last snapshot remembers."""
    declared = {item.kind for item in desired.resources}
    remembered = (
        {entry.kind for entry in base.entries if entry.address} if base is not None else set()
    )
    return frozenset(declared | {kind for kind in remembered if vendor_of(kind) in vendors})


def with_models(desired: DesiredState, kinds: Iterable[str]) -> dict[str, type[Resource]]:
    """Return the models of ``desired`` and of ``kinds``."""
    return {**registry.models(tuple(kinds)), **desired.models}


def agreement_rules(loaded: Loaded) -> Rules:
    """Return what must agree in an environment."""
    return Rules(loaded.environment.invariants, registry.modes(loaded.settings))
