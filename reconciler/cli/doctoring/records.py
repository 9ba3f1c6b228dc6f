"""The records of an environment: its lock, snapshots, runs and freeze. Reads only, and takes no lock."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.cli.doctoring.case import UNREADABLE
from reconciler.core.errors import ReconcilerError
from reconciler.core.examination import doubtful, fine, untried, wrong
from reconciler.stores.holder import is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.doctoring.case import Case
    from reconciler.core.examination import Examined


def lock_examined(case: Case) -> Iterator[Examined]:
    """Tell who holds the environment."""
    holder = case.store.holder()
    if holder is None or holder.pid == 0:
        yield fine("lock", "free")
    elif is_alive(holder, case.workspace.clock.now()):
        mend = f"reconciler history {case.environment}"
        yield doubtful("lock", f"held by {holder}; an apply would end with 6 now", mend)
    else:
        words = f"expired: its holder has gone ({holder}); the next apply takes it over"
        yield doubtful("lock", words, f"reconciler recover {case.environment}")


def store_examined(case: Case) -> Iterator[Examined]:
    """Tell whether snapshots can be written; of a distant store, whether it answers. Nothing is written to find out."""
    store = case.store
    store.medium.check_writable()
    yield fine("store", f"{store.medium.place} can be {'read' if store.is_distant else 'written'}")


def base_examined(case: Case) -> Iterator[Examined]:
    """Tell how old the state is that a rollback goes to, and whether anybody called it good."""
    base = case.store.base()
    labels = case.store.labels()
    mend = f"reconciler snapshot {case.environment} --label good   # while things work"
    if base is None and case.loaded is None:
        yield untried("base", UNREADABLE)
        return
    if base is None:
        yield doubtful("base", "no snapshot yet: there is nothing to go back to", mend)
        return
    taken = datetime.fromisoformat(base.header.taken_at)
    age = _age((case.workspace.clock.now() - taken).total_seconds())
    words = f"{base.id}{f' ({base.label})' if base.label else ''}, taken {age} ago"
    if not labels:
        yield doubtful("base", f"{words}; none is labelled as good", mend)
    else:
        yield fine("base", words)


def records_examined(case: Case) -> Iterator[Examined]:
    """Tell whether the newest snapshot and the newest run are as they were written."""
    from reconciler.cli.history_command import problems_of_run

    store = case.store
    newest = next(store.headers(), None)
    if newest is not None:
        store.load(newest[0])
    run = next(store.runs(), None)
    problems = problems_of_run(store, run.id) if run is not None else []
    if problems:
        words = f"run {run.id if run else ''}: {'; '.join(problems)}"
        yield wrong("records", words, f"reconciler history {case.environment} --verify")
        return
    names = [f"snapshot {newest[0]}"] if newest is not None else []
    names += [f"run {run.id}"] if run is not None else []
    yield fine("records", f"intact: {', '.join(names)}" if names else "none yet")


def runs_examined(case: Case) -> Iterator[Examined]:
    """Tell which runs were cut off."""
    found = case.store.cut_off()
    if not found:
        yield fine("runs", "none was cut off")
        return
    names = ", ".join(found)
    mend = f"reconciler recover {case.environment}"
    try:
        holder = case.store.holder()
    except ReconcilerError:
        holder = None
    if holder is not None and is_alive(holder, case.workspace.clock.now()):
        yield doubtful(
            "runs", f"not finished: {names}; perhaps under way, as the lock is held", mend
        )
        return
    yield wrong("runs", f"cut off: {names}; what it changed is not known to be whole", mend)


def freeze_examined(case: Case) -> Iterator[Examined]:
    """Tell whether changes are refused for now."""
    freeze = case.store.freeze()
    if freeze is None:
        yield fine("freeze", "none")
        return
    words = f"until {freeze.until}, by {freeze.by}: {freeze.reason}"
    yield doubtful("freeze", words, f"reconciler freeze {case.environment} --off")


def _age(seconds: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(0, seconds):.0f} s"
