"""What every examination starts from. Looks at nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.cli.doctoring.clocks import Clocks
    from reconciler.cli.workspace import Workspace
    from reconciler.core.state import Snapshot
    from reconciler.files.loading import Loaded
    from reconciler.stores.records import Records

UNREADABLE = "the files of the environment cannot be read"
OFFLINE = "--offline"
SUBJECTS = frozenset({"lock", "store", "base", "records", "runs", "freeze"})
"""What is looked at in the store."""


class Case(NamedTuple):
    """An environment that is looked at.

    ``loaded`` is what its files say: all of them, or ``environment.yaml`` alone when ``invalid`` says what is wrong
    with others; ``None`` when not even that can be read. ``base`` is the last known state, ``None`` also when it cannot
    be read: that is said where it is examined.
    """

    workspace: Workspace
    environment: str
    loaded: Loaded | None
    invalid: ReconcilerError | None
    base: Snapshot | None
    clocks: Clocks
    offline: bool

    @property
    def store(self) -> Records:
        return self.workspace.store(self.environment)

    def keeps_away_from(self, subject: str) -> bool:
        """Tell whether ``subject`` is not to be looked at, as its store is distant."""
        return self.offline and subject in SUBJECTS and self.store.is_distant


def case_of(workspace: Workspace, environment: str, clocks: Clocks, *, offline: bool) -> Case:
    """Return what is known of an environment before anything is asked."""
    loaded = None
    invalid = None
    try:
        loaded = workspace.load(environment)
    except (ReconcilerError, OSError) as error:
        invalid = _as_ours(error)
        try:
            loaded = workspace.load_environment(environment)
        except (ReconcilerError, OSError):
            loaded = None
    try:
        store = workspace.store(environment)
        base = None if offline and store.is_distant else store.base()
    except (ReconcilerError, OSError):
        base = None
    return Case(workspace, environment, loaded, invalid, base, clocks, offline)


def _as_ours(error: ReconcilerError | OSError) -> ReconcilerError:
    if isinstance(error, ReconcilerError):
        return error
    return ReconcilerError(f"{error.filename}: {error.strerror}")
