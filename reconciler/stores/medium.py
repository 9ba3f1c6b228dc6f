"""What the records of one environment are kept in: the port of all stores.

A medium keeps texts and knows no rules; those stand once, in ``records.py``. Whatever it writes has passed its guard,
and is durable before a method returns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.core.ports import Journal
    from reconciler.core.secret import Json
    from reconciler.stores.holder import Holder
    from reconciler.stores.lease import Lease
    from reconciler.stores.runs import RunRecord

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
"""How a label, a run or a snapshot may be called."""

PLAN: Final = "plan.json"
UNDO: Final = "undo.json"
CONFIRMED: Final = "confirmed.json"
RUN_TEXTS: Final = (PLAN, UNDO, CONFIRMED)


class Medium(Protocol):
    """Keeps snapshots, labels, runs and the lock of one environment.

    Every method may raise OSError or VendorError when it cannot be reached, CorruptFile when what it finds is not what
    was written, and each that writes Refused when a secret value stands in a text.
    """

    @property
    def environment(self) -> str: ...

    @property
    def is_distant(self) -> bool:
        """Tell whether it is not on this machine."""
        ...

    @property
    def place(self) -> str:
        """Return where this is, for people."""
        ...

    def where(self, name: str) -> str:
        """Return where ``name`` stands, for people."""
        ...

    def snapshot_ids(self, beginning: str = "") -> Iterator[str]:
        """Yield the ids of snapshots that begin so, newest first."""
        ...

    def snapshot_headers(self) -> Iterator[tuple[str, str]]:
        """Yield id and first line of each snapshot, newest first; reads no further than it is asked."""
        ...

    def snapshot_lines(self, snapshot_id: str) -> Iterator[str]:
        """Yield the lines of a snapshot that is there."""
        ...

    def add_snapshot(self, snapshot_id: str, text: str) -> None:
        """Write a snapshot under a new id."""
        ...

    def labels(self) -> Mapping[str, Json]:
        """Return what is written down of each label, by its name."""
        ...

    def set_label(self, name: str, content: Json) -> None:
        """Write a label; one of that name is replaced."""
        ...

    def freeze(self) -> str | None:
        """Return the text of the freeze."""
        ...

    def set_freeze(self, text: str | None) -> None:
        """Write a freeze, or take it away."""
        ...

    def spend(self, plan: str, run: str) -> str:
        """Mark a plan as used by ``run``, and return the run that used it: an earlier one if there is one."""
        ...

    def spent(self) -> Mapping[str, str]:
        """Return the run that used it, by the id of each plan that was used."""
        ...

    def add_run(self, run: str, texts: Mapping[str, str]) -> None:
        """Begin a run that has all of ``texts``; before that there is nothing of it."""
        ...

    def has_run(self, run: str) -> bool: ...

    def run_ids(self) -> Iterable[str]:
        """Return the ids of all runs, newest first."""
        ...

    def stories(self) -> Iterator[RunRecord]:
        """Yield what the journal of each run tells, newest first."""
        ...

    def run_text(self, run: str, name: str) -> str | None:
        """Return one of the texts of a run."""
        ...

    def put_run_text(self, run: str, name: str, text: str) -> None:
        """Write one of the texts of a run, anew if it is there."""
        ...

    def journal_lines(self, run: str) -> Sequence[bytes]:
        """Return the lines of a run's journal with their ends, also one that was cut off."""
        ...

    def open_journal(self, run: str, fence: int) -> Journal:
        """Open the journal of a run that is there, to write after what it holds."""
        ...

    def copy_journal(self, run: str, lines: Sequence[bytes]) -> None:
        """Write records of another store as they are, after those that are there."""
        ...

    def lock(self, purpose: str) -> Lease:
        """Take the environment. Raises LockHeld, naming the holder."""
        ...

    def holder(self) -> Holder | None:
        """Return who holds the environment, or held it last. Raises LockHeld when that cannot be read."""
        ...

    def check_writable(self) -> None:
        """Raise what would stop a write, as far as reading tells. Nothing is written."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
