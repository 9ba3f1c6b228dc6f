"""The other end of ``warm``: start a command line as a process of its own, in a few milliseconds."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PATIENCE = 60
"""Seconds after which a process counts as stuck."""

ROOT = Path(__file__).parents[2]


class Ended(NamedTuple):
    """How a process ended (minus nine: by SIGKILL), the codes of its commands, and what it wrote."""

    status: int
    codes: tuple[int, ...]
    said: str


class Process:
    """One forked child."""

    def __init__(self, forks: Forks, pid: int, job: Mapping[str, Any]) -> None:
        self.pid = pid
        self._forks = forks
        self._job = job

    def poll(self) -> int | None:
        """Return how it ended; ``None`` while it runs."""
        found: int | None = self._forks.ask(poll=self.pid)["status"]
        return found

    def wait(self) -> Ended:
        """Return when it has ended; at most as long as nobody would wait."""
        deadline = time.monotonic() + PATIENCE
        while (status := self.poll()) is None:
            assert time.monotonic() < deadline, self.said
            select.select([], [], [], 0.002)
        codes = Path(self._job["codes"])
        found = tuple(map(int, codes.read_text().split())) if codes.exists() else ()
        return Ended(status, found, self.said)

    @property
    def said(self) -> str:
        path = Path(self._job["out"])
        return path.read_text(encoding="utf-8") if path.exists() else ""


class Forks:
    """A warm process, and the folder where its children write."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._number = 0

    def ask(self, **order: Any) -> dict[str, Any]:
        """Send one order and return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def start(
        self, *commands: Sequence[str | Path], environ: Mapping[str, str], **more: Any
    ) -> Process:
        """Fork a child that runs the commands one after the other. ``more``: see ``warm``."""
        self._number += 1
        job = {
            "commands": [[str(word) for word in command] for command in commands],
            "environ": dict(environ),
            "out": str(self._folder / f"{self._number}.out"),
            "codes": str(self._folder / f"{self._number}.codes"),
            **more,
        }
        return Process(self, self.ask(start=job)["pid"], job)

    def run(
        self, *commands: Sequence[str | Path], environ: Mapping[str, str], **more: Any
    ) -> Ended:
        """Fork a child and wait for its end."""
        return self.start(*commands, environ=environ, **more).wait()


@contextmanager
def forks(folder: Path, program: Path | None = None) -> Iterator[Forks]:
    """Start a warm process, and stop it with all its children. ``program`` is another one than ``warm``."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, program or Path(__file__).with_name("warm.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield Forks(process, folder)
    finally:
        process.communicate(timeout=PATIENCE)
