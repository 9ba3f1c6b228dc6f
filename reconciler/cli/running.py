"""What the commands share that go on from an earlier run: undo, recover, confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.stores.runs import UNDO

if TYPE_CHECKING:
    from reconciler.stores.records import Records
    from reconciler.stores.runs import RunRecord


def run_to_undo(store: Records, environment: str, named: str | None) -> RunRecord:
    """Return the named run, or the newest that changed something and is not itself an undo.

    Raises InvalidInput when there is none.
    """
    runs = tuple(store.runs())
    if named is None:
        found = next((run for run in runs if run.done and not run.source.startswith(UNDO)), None)
    else:
        found = next((run for run in runs if run.id == named), None)
    if found is None:
        what = "no run yet" if named is None else f"no run {named!r}"
        raise InvalidInput(
            [
                Diagnostic(
                    summary=f"There is {what} of {environment} to go by",
                    mend=f"reconciler history {environment}",
                )
            ]
        )
    return found
