"""What a journal tells of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.core.secret import SecretValue, decode

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

NOT_FINISHED = "not finished"


UNDO = "undo of run "
"""How the source of an undo begins; the run's id follows."""


class RunRecord(NamedTuple):
    """One run as its journal tells it; ``source`` says in words what it was for."""

    id: str
    started_at: str
    finished_at: str | None
    result: str
    done: int
    failed: int
    by: str
    source: str = ""

    @property
    def is_finished(self) -> bool:
        """Tell whether the run came to an end, good or bad."""
        return self.finished_at is not None


def told(run: str, records: Sequence[dict[str, Any]]) -> RunRecord:
    """Tell a run's story from its journal alone: the last outcome of each change counts."""
    last = {one["address"]: one for one in records if one["event"] == "outcome"}
    end = next((one for one in reversed(records) if one["event"] == "finished"), None)
    start = records[0] if records else {}
    outcomes = [one.get("outcome") for one in last.values()]
    return RunRecord(
        id=run,
        started_at=start.get("at", ""),
        finished_at=end["at"] if end else None,
        result=end["result"] if end else NOT_FINISHED,
        done=outcomes.count("done"),
        failed=sum(outcome in {"failed", "unknown"} for outcome in outcomes),
        by=str(start.get("by", "")),
        source=str(start.get("source", "")),
    )


def touched(records: Sequence[dict[str, Any]]) -> frozenset[str]:
    """Return the addresses that a run changed or may have changed: done, unknown, or begun without an end."""
    state: dict[str, str] = {}
    for record in records:
        if record["event"] == "intent":
            state[record["address"]] = "begun"
        if record["event"] == "outcome":
            state[record["address"]] = record["outcome"]
    return frozenset(
        address for address, end in state.items() if end in {"begun", "done", "unknown"}
    )


def secrets_put(records: Sequence[dict[str, Any]]) -> tuple[SecretValue, ...]:
    """Return the secrets that a run stored or set aside, and where."""
    return tuple(_secrets(records, {"captured", "set aside"}).values())


def secrets_by_field(records: Sequence[dict[str, Any]]) -> dict[str, SecretValue]:
    """Return what a run stored or sealed of new objects, by ``address#output``."""
    return {field: secret for (_, field), secret in _secrets(records, {"captured"}).items()}


def _secrets(
    records: Sequence[dict[str, Any]], events: Container[str]
) -> dict[tuple[str, str], SecretValue]:
    told = {
        (one["event"], f"{one['address']}#{one['output']}"): decode(one["secret"])
        for one in records
        if one["event"] in events
    }
    return {name: secret for name, secret in told.items() if isinstance(secret, SecretValue)}


def cut_off(runs: Sequence[RunRecord]) -> tuple[RunRecord, ...]:
    """Return the runs that did not finish, and that no later undo has taken back."""
    taken_back = {
        run.source.removeprefix(UNDO)
        for run in runs
        if run.result == "done" and run.source.startswith(UNDO)
    }
    return tuple(run for run in runs if not run.is_finished and run.id not in taken_back)
