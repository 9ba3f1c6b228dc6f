"""A working folder with everything wired together, as the command line does it. Prints and asks nothing."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import reconciler
from reconciler.conformance.world import Ticking, World, no_waiting
from reconciler.core.going_back import desired_from
from reconciler.core.guard import Consent, Policy
from reconciler.core.masking import Masker
from reconciler.core.snapshotting import take
from reconciler.core.state import DesiredState, Snapshot, SnapshotHeader
from reconciler.engine.applying import Report, Tools, apply
from reconciler.engine.observing import observe, vendor_of
from reconciler.engine.outcome import Outcome
from reconciler.engine.planning import Request, make_plan, stamp
from reconciler.files.importing import import_text
from reconciler.files.loading import Catalogue, Loaded, load
from reconciler.providers import registry
from reconciler.providers.opening import Opening
from reconciler.secrets import registry as secret_stores
from reconciler.secrets.opening import Around, Wanted, open_secrets
from reconciler.stores.guarding import Guard
from reconciler.stores.labels import Label
from reconciler.stores.local import LocalStore
from reconciler.wire.transport import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from reconciler.conformance.fixture import KindFixture, Spec
    from reconciler.core.plan import Plan
    from reconciler.core.ports import Session
    from reconciler.core.resource import Resource
    from reconciler.engine.scheduling import OnError

ENVIRONMENT = "conformance"


class Bench:
    """One environment in a folder of its own, against a sandbox.

    ``accounts`` are the ``providers`` of its environment file, ``environ`` holds the secrets they refer to,
    ``kinds`` are read whether declared or not.
    """

    def __init__(
        self,
        folder: Path,
        world: World,
        connections: Connections,
        *,
        accounts: Mapping[str, Mapping[str, Any]],
        environ: Mapping[str, str],
        kinds: Sequence[str],
    ) -> None:
        self.folder = folder
        self.world = world
        self.clock = Ticking()
        self.masker = Masker()
        self.environ = dict(environ)
        self.kinds = tuple(kinds)
        self.policy = Policy()
        around = Around(folder, self.environ, self.masker, lambda: connections)
        self.secrets = open_secrets(Wanted(), around)
        self.store = LocalStore(folder / "snapshots", ENVIRONMENT, self.clock, Guard(self.masker))
        self._connections = connections
        self._numbers = count(1)
        self.open_accounts(accounts)

    def open_accounts(self, accounts: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the environment file anew."""
        providers = {
            vendor: {"base_url": self.world.urls[registry.imitated_by(vendor)], **settings}
            for vendor, settings in accounts.items()
        }
        self._write("environment.yaml", {"environment": ENVIRONMENT, "providers": providers})

    def declare(self, *resources: Mapping[str, Any], files: int = 1) -> None:
        """Declare ``resources`` and nothing else, dealt out over as many files."""
        for path in self._desired_state.glob("resources-*.yaml"):
            path.unlink()
        for number in range(files):
            items = list(resources[number::files])
            self._write(f"resources-{number}.yaml", {"resources": items})

    def declare_text(self, text: str) -> None:
        """Declare what ``text`` says and nothing else."""
        self.declare()
        (self._desired_state / "resources-0.yaml").write_text(text, encoding="utf-8")

    def load(self) -> Loaded:
        """Read the files. Raises InvalidInput."""
        return load(self.folder, ENVIRONMENT, _catalogue(), self.environ)

    @property
    def models(self) -> dict[str, type[Resource]]:
        """Return the models of ``kinds``."""
        return registry.models(self.kinds)

    @contextmanager
    def sessions(self, *, writes: bool) -> Iterator[dict[str, registry.VendorSession]]:
        """Open the accounts."""
        settings = self.load().settings
        opening = Opening(self.secrets, self.masker, self._connections, writes=writes)
        vendors = sorted({vendor_of(kind) for kind in self.kinds})
        yield {name: registry.open_session(name, settings[name], opening) for name in vendors}

    def look(self) -> Snapshot:
        """Read the live state; nothing is stored."""
        with self.sessions(writes=False) as sessions:
            return self._seen(self.load().desired._replace(models=self.models), sessions)

    def _seen(self, wanted: DesiredState, sessions: Mapping[str, Session]) -> Snapshot:
        observation = observe(sessions, self.kinds)
        header = SnapshotHeader(
            environment=ENVIRONMENT,
            taken_at=stamp(self.clock.now()),
            tool_version=reconciler.__version__,
            desired_digest=wanted.digest,
        )
        return take(observation, wanted, self.store.base(), header)

    def keep(self, label: str = "good") -> Snapshot:
        """Take a snapshot and label it."""
        saved = self.store.save(self.look())
        self.store.label(Label(label, saved.id, stamp(self.clock.now())))
        return self.store.load(label)

    def import_all(self) -> None:
        """Declare every live object that is not declared yet, in the words of ``reconciler import``."""
        self.declare_text(import_text(self.look(), self.models, set()))

    def plan(
        self,
        to: Snapshot | None = None,
        *,
        consent: Consent | None = None,
        prune: bool = False,
    ) -> Plan:
        """Make a plan to the files, or to a snapshot. Agrees to every replace and delete unless told."""
        desired = self.load().desired
        if to is not None:
            desired = desired_from(to, self.models, source=f"snapshot {to.id}", captures={})
        desired = desired._replace(models=self.models)
        with self.sessions(writes=False) as sessions:
            live = self._seen(desired, sessions)
            request = Request(
                id=f"plan-{next(self._numbers):03d}",
                now=self.clock.now(),
                tool_version=reconciler.__version__,
                policy=self.policy,
                consent=_to_everything(desired, live) if consent is None else consent,
                prune=prune,
                secrets=self.secrets,
            )
            return make_plan(desired, live, self.store.base(), sessions, request)

    def apply(
        self, plan: Plan, *, stop_after: int | None = None, on_error: OnError = "stop"
    ) -> Report:
        """Carry ``plan`` out; start nothing more once ``stop_after`` changes have ended."""
        ended = 0
        report: Report | None = None
        with self.sessions(writes=True) as sessions:
            tools = Tools(
                sessions=sessions,
                store=self.store,
                secrets=self.secrets,
                clock=self.clock,
                models=self.models,
                tool_version=reconciler.__version__,
                by="conformance",
                stopping=lambda: stop_after is not None and ended >= stop_after,
                on_error=on_error,
            )
            for event in apply(plan, tools, f"run-{next(self._numbers):03d}"):
                ended += isinstance(event, Outcome)
                report = event if isinstance(event, Report) else None
        if report is None:
            raise TypeError("a run ends with a report")
        return report

    @property
    def _desired_state(self) -> Path:
        return self.folder / "desired_state" / ENVIRONMENT

    def _write(self, name: str, value: object) -> None:
        self._desired_state.mkdir(parents=True, exist_ok=True)
        text = json.dumps(value, ensure_ascii=False, indent=1)
        (self._desired_state / name).write_text(text, encoding="utf-8")


@contextmanager
def bench_of(fixture: KindFixture, world: World, folder: Path) -> Iterator[Bench]:
    """Return a bench for one kind, in a world put back to its seed."""
    world.reset()
    with Connections(no_waiting()) as connections:
        yield Bench(
            folder,
            world,
            connections,
            accounts={fixture.vendor: fixture.settings},
            environ=fixture.secrets,
            kinds=[fixture.kind],
        )


def _to_everything(desired: DesiredState, live: Snapshot) -> Consent:
    declared = {item.address for item in desired.resources}
    managed = {entry.address for entry in live.entries if entry.address is not None}
    return Consent(frozenset(declared | managed), frozenset(declared | managed))


def items(kind: str, specs: Mapping[str, Spec]) -> list[dict[str, Any]]:
    """Return the items of a resources file."""
    return [{"kind": kind, "name": name, "spec": spec} for name, spec in specs.items()]


def _catalogue() -> Catalogue:
    return Catalogue(
        kinds=registry.kind_names(),
        vendors=registry.vendor_names(),
        stores=secret_stores.store_names(),
        model=registry.model_of,
        settings=lambda vendor: registry.account_type(vendor).settings_type,
        store_settings=lambda store: secret_stores.store_type(store).settings_type,
        may_keep=secret_stores.may_keep,
    )
