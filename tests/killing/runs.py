"""Start an apply that is cut off somewhere, settle it, and judge what is left."""

from __future__ import annotations

import json
import select
import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.killing import shop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reconciler.conformance.world import World
    from tests.killing.forking import Ended, Forks, Process

KILLED = -signal.SIGKILL
CONSENT = [word for address in shop.REPLACED for word in ("--allow-replace", address)]


class Cut(NamedTuple):
    """Where a process ends itself: ``side`` of the ``n``-th record, request, fsync or step of the secret store."""

    at: str
    n: int
    side: str

    def __str__(self) -> str:
        return f"{self.at}-{self.n:02d}-{self.side}"


class Stage:
    """One shop in a folder, the vendors behind it, and processes that work on it."""

    def __init__(
        self,
        folder: Path,
        world: World,
        warm: Forks,
        environ: Mapping[str, str] = shop.ENVIRON,
    ) -> None:
        self.folder = folder
        self.world = world
        self._warm = warm
        self._environ = environ

    def start(self, *commands: Sequence[str], **more: Any) -> Process:
        """Start ``reconciler`` commands in the shop, one after the other in one process."""
        words = [["-C", str(self.folder), *command] for command in commands]
        return self._warm.start(*words, environ=self._environ, **more)

    def run(self, *commands: Sequence[str], **more: Any) -> Ended:
        return self.start(*commands, **more).wait()

    def apply(self, *options: str, **more: Any) -> Ended:
        """Apply the files."""
        return self.run(["apply", "shop", "--yes", *CONSENT, *options], **more)

    def recover(self, *options: str, **more: Any) -> Ended:
        """Settle what was cut off."""
        return self.run(["recover", "shop", "--yes", *options], **more)

    @property
    def runs(self) -> list[str]:
        """Return the ids of the runs, oldest first."""
        found = (self.folder / "snapshots" / "shop" / "runs").glob("[!.]*")
        return sorted(path.name for path in found)

    def journal(self, run: str) -> list[dict[str, Any]]:
        path = self.folder / "snapshots" / "shop" / "runs" / run / "journal.jsonl"
        return [json.loads(line) for line in path.read_bytes().splitlines()]

    def awaits_confirmation(self) -> bool:
        """Tell whether a run waits for somebody to confirm it."""
        journals = (self.folder / "snapshots" / "shop" / "runs").glob("[!.]*/journal.jsonl")
        return any('"event": "awaiting"' in path.read_text(encoding="utf-8") for path in journals)

    def lease_has_expired(self) -> bool:
        """Tell whether the holder of the environment has let its lease expire."""
        path = self.folder / "snapshots" / "shop" / ".lock.json"
        until = json.loads(path.read_text(encoding="utf-8"))["until"]
        return datetime.fromisoformat(until) < datetime.now(UTC)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so; at most as long as nobody would."""
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline
            select.select([], [], [], 0.002)

    def assert_settled(self) -> None:
        """The shop is as declared, the journal tells the story, and nothing is left to do."""
        shop.assert_as_declared(self.world, self.folder)
        self.assert_story(done=shop.CHANGES)
        self.world.forget()
        ended = self.run(
            ["history", "shop", "--verify"],
            *(["show", run] for run in self.runs),
            ["plan", "shop", "--exit-code"],
            ["recover", "shop", "--yes"],
        )
        assert ended.status == 0, ended.said
        assert set(ended.codes) == {0}, ended.said
        assert "Nothing to recover" in ended.said
        assert self.world.writes() == ()

    def assert_nothing_left_to_recover(self) -> None:
        """The journals are whole, and every run has ended."""
        ended = self.run(["history", "shop", "--verify"], ["recover", "shop", "--yes"])
        assert ended.codes == (0, 0), ended.said
        assert "Nothing to recover" in ended.said

    def assert_story(self, *, done: int) -> None:
        """Every intent has an outcome after it, the last outcome of each change is good, fences never fall."""
        ended: dict[str, str] = {}
        for run in self.runs:
            records = self.journal(run)
            assert records[-1]["event"] == "finished"
            fences = [record["fence"] for record in records]
            assert fences == sorted(fences)
            pending = set()
            for record in records:
                if record["event"] == "intent":
                    pending.add(record["address"])
                if record["event"] == "outcome":
                    pending.discard(record["address"])
                    ended[record["address"]] = record["outcome"]
            assert pending == set()
        assert set(ended.values()) == {"done"}
        assert len(ended) == done
