"""What the engine asks of the outside world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeVar, runtime_checkable

from reconciler.core.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.change import Change
    from reconciler.core.errors import ReconcilerError
    from reconciler.core.finding import Finding
    from reconciler.core.plan import Plan
    from reconciler.core.secret import Json, SecretValue
    from reconciler.core.state import Account, Observed, Snapshot

R = TypeVar("R", bound=Resource)
R_contra = TypeVar("R_contra", bound=Resource, contravariant=True)


class New(NamedTuple):
    """An object to create. ``marker`` is ``<environment>/<address>``; ``values`` are fully known.

    ``idempotency_key`` is the same when the same change of the same run is tried again, and never else.
    """

    values: dict[str, Json]
    marker: str
    idempotency_key: str


class Created(NamedTuple):
    """A created object. ``outputs`` are values shown only now; they live in memory alone.

    ``trouble`` is what went wrong after the object was made: it exists, but is not wholly as wanted.
    """

    remote_id: str
    outputs: dict[str, str] = {}
    trouble: ReconcilerError | None = None


class Update(NamedTuple):
    """What to change in a live object that was read just now.

    ``fields`` maps field names to new values; for a merged mapping, its changed keys alone, with ``None`` for a
    key to take away.
    """

    live: Observed
    fields: dict[str, Json]


class Provider(Protocol):
    """Reads and writes the objects of one kind in one account.

    Every method raises the errors of ``core.errors``; PartialRead when a list is known to be incomplete.
    """

    @property
    def resource_type(self) -> type[Resource]: ...

    def observe(self) -> Iterator[Observed]:
        """Yield every object of the kind."""
        ...

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return those of ``remote_ids`` that still exist, in as few requests as the vendor allows."""
        ...

    def create(self, new: New) -> Created:
        """Make one object."""
        ...

    def update(self, update: Update) -> None:
        """Change one object in place."""
        ...

    def delete(self, remote_id: str) -> None:
        """Remove one object; one that is gone already is success."""
        ...


@runtime_checkable
class CreatesInBulk(Protocol):
    """A provider whose vendor makes several objects in one call."""

    def create_many(self, new: Sequence[New]) -> Sequence[Created | ReconcilerError]:
        """Make objects in one call; the answer has one item for each, in order."""
        ...


@runtime_checkable
class DeletesInBulk(Protocol):
    """A provider whose vendor removes several objects in one call."""

    def delete_many(self, remote_ids: Sequence[str]) -> None:
        """Remove objects in one call."""
        ...


@runtime_checkable
class Inspects(Protocol):
    """A provider that can tell by reading whether planned changes will be accepted."""

    def inspect(self, changes: Sequence[Change]) -> Iterable[Finding]:
        """Return what speaks against ``changes`` of this kind. Reads only."""
        ...


@runtime_checkable
class Reveals(Protocol):
    """A provider whose vendor gives out secret values to whoever may read them."""

    def reveal(self, remote_id: str) -> Mapping[str, str]:
        """Return the secret fields of an object that can be read, by name. Reads only."""
        ...


class Session(Protocol):
    """One vendor account, opened for reading or for writing."""

    @property
    def vendor(self) -> str: ...

    def identify(self) -> Account:
        """Ask the vendor which account this is.

        Raises WrongAccount when it is not the pinned one, Unauthenticated or PermissionDenied.
        """
        ...

    def provider(self, kind: str) -> Provider:
        """Return the provider of one kind of this vendor."""
        ...

    def before_writes(self, check: Callable[[], None]) -> None:
        """Call ``check`` right before each request that is no read; what it raises stops the request."""
        ...


class Clock(Protocol):
    """Tells the time, and lets it pass."""

    def now(self) -> datetime:
        """Return the time, with time zone UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SecretSource(Protocol):
    """Where secret values come from, and where captured ones go. Every value it meets is masked from then on."""

    def resolve(self, text: str) -> str:
        """Return ``text`` with every ``${secret:…}`` filled in. Raises SecretUnavailable."""
        ...

    def known(self, text: str) -> SecretValue:
        """Return fingerprint and version of what ``text`` resolves to. Raises SecretUnavailable."""
        ...

    def newest(self, reference: str) -> SecretValue | None:
        """Return the version that ``reference`` stands for now; ``None`` where only the value tells.

        Raises SecretUnavailable.
        """
        ...

    def keep(self, reference: str, value: str) -> SecretValue:
        """Store ``value`` where ``reference`` will find it, and tell what is known of it. Raises SecretUnavailable."""
        ...

    def preserved(self, reference: str) -> str | None:
        """Return a reference to the present value that outlives the next ``keep``; ``None`` where there is no such.

        Raises SecretUnavailable, SecretNotFound when there is no value yet.
        """
        ...

    def retire(self, reference: str) -> bool:
        """Let an old version no longer be fetched; False where the store cannot. Raises SecretUnavailable."""
        ...

    def learn(self, value: str) -> None:
        """Mask ``value`` in every output from now on."""
        ...

    def fingerprint(self, value: str) -> str:
        """Return the keyed fingerprint of ``value``. Raises SecretUnavailable without a key."""
        ...

    def is_ours(self, fingerprint: str) -> bool:
        """Tell whether our key made ``fingerprint``. Raises SecretUnavailable without a key."""
        ...

    @property
    def seals(self) -> bool:
        """Tell whether a recipient is named who could open what is sealed."""
        ...

    def seal(self, value: str) -> str | None:
        """Return ``value`` encrypted for the operator; ``None`` when no recipient is named."""
        ...

    def unseal(self, secret: SecretValue, what: str) -> str:
        """Open a sealed value; ``what`` names it. Raises SecretUnavailable, CorruptFile."""
        ...


class Journal(Protocol):
    """The append-only record of one run."""

    def append(self, event: str, **facts: Any) -> None:  # noqa: ANN401 - facts are JSON
        """Write one record and force it to disk before returning."""
        ...

    def close(self) -> None:
        """Give back the file."""
        ...


class Lock(Protocol):
    """A held lock of an environment; entering it keeps it alive, leaving it gives it back."""

    @property
    def fence(self) -> int:
        """Return a number that rises with every holder."""
        ...

    def check(self) -> None:
        """Raise LockHeld unless the lock is still ours."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class SnapshotStore(Protocol):
    """Where the snapshots, labels and runs of one environment live."""

    def base(self) -> Snapshot | None:
        """Return the newest snapshot that was applied or labelled; else the newest of all."""
        ...

    def save(self, snapshot: Snapshot) -> Snapshot:
        """Write ``snapshot`` and return it with its id and digest."""
        ...

    def begin_run(self, run: str, plan: Plan, undo: Plan, fence: int) -> Journal:
        """Write ``plan`` and its ``undo`` as those of ``run`` and open its journal.

        Raises StalePlan if a run used the plan before.
        """
        ...

    def resume_run(self, run: str, fence: int) -> Journal:
        """Open the journal of a run that did not finish, to go on in it."""
        ...

    def cut_off(self) -> tuple[str, ...]:
        """Return the ids of the runs that neither finished nor were taken back, newest first."""
        ...

    def is_confirmed(self, run: str) -> bool:
        """Tell whether somebody said that what a run did is to stay."""
        ...

    def journal(self, run: str) -> tuple[dict[str, Any], ...]:
        """Return the records of a run."""
        ...

    def lock(self, purpose: str) -> Lock:
        """Take the environment. Raises LockHeld, naming the holder."""
        ...
