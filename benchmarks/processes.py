"""Run things in processes of their own, and tell what each took. Never judges a number.

Nothing of the product is imported into this process: a child begins with the memory peak of its parent
(Linux, ``getrusage(2)``), so this one stays small.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120
"""After which a child is stopped."""

CREDENTIALS = {
    "BENCH_STRIPE_KEY": "sk_test_bench",
    "BENCH_OTHER_STRIPE_KEY": "sk_test_other",
    "BENCH_VERCEL_TOKEN": "vercel_bench_token",
}
"""They open the sandbox alone."""

_PEAK_UNIT = 1024 * 1024 if sys.platform == "darwin" else 1024


class Failed(Exception):
    """A child did not do what it was started for."""


class Ran(NamedTuple):
    """One finished process: wall and processor time in seconds, peak memory in MiB, its output."""

    seconds: float
    processor: float
    peak: float
    output: str


class Medians(NamedTuple):
    """Several runs of one command. ``best`` is the run that was disturbed least."""

    seconds: float
    best: float
    processor: float
    peak: float


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of every child.

    Compiled files are kept in ``folder``, as an installed program has its own; where they may not be written,
    each start would compile the program anew.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_KEPT}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    caches = folder / "pycache"
    return {**kept, **CREDENTIALS, "PYTHONPATH": path, "PYTHONPYCACHEPREFIX": str(caches)}


_NOT_KEPT = frozenset({"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPROFILEIMPORTTIME"})


def python(*words: str, folder: Path, expected: int = 0) -> Ran:
    """Run the same Python with ``words`` in ``folder``. Raises Failed for another exit code."""
    with (folder / "stdout").open("wb+") as out, (folder / "stderr").open("wb+") as err:
        begun = perf_counter()
        child = subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=environment(folder), stdout=out, stderr=err
        )
        ran = _awaited(child, begun)
        out.seek(0)
        err.seek(0)
        output, complaint = out.read().decode(), err.read().decode()
    if child.returncode != expected:
        raise Failed(f"{' '.join(words)} ended with {child.returncode}:\n{complaint[-2000:]}")
    return ran._replace(output=output)


def reconciler(*words: str, folder: Path, expected: int = 0) -> Ran:
    """Run the command line in ``folder``."""
    return python("-m", "reconciler", *words, folder=folder, expected=expected)


def told(module: str, *words: str, folder: Path) -> dict[str, Any]:
    """Run ``benchmarks.<module>`` as a child; return the JSON object it prints last."""
    output = python("-m", f"benchmarks.{module}", *words, folder=folder).output
    found: dict[str, Any] = json.loads(output.rstrip().rpartition("\n")[2])
    return found


def _awaited(child: subprocess.Popen[bytes], begun: float) -> Ran:
    limit = threading.Timer(SECONDS, child.kill)
    limit.start()
    try:
        _, status, usage = os.wait4(child.pid, 0)
        seconds = perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        limit.cancel()
        if child.returncode is None:
            _stop(child)
    return Ran(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / _PEAK_UNIT, "")


def alternating(
    commands: Mapping[str, Sequence[str]], folder: Path, runs: int
) -> dict[str, Medians]:
    """Run each of ``commands`` so often, in turn, so that a busy moment hits all of them.

    One round before that fills the caches, and is not counted.
    """
    rounds = [
        {name: python(*words, folder=folder) for name, words in commands.items()}
        for _ in range(runs + 1)
    ][1:]
    return {name: medians([one[name] for one in rounds]) for name in commands}


def medians(runs: Sequence[Ran]) -> Medians:
    """Return what ``runs`` of one command have in common."""
    return Medians(
        seconds=median(ran.seconds for ran in runs),
        best=min(ran.seconds for ran in runs),
        processor=median(ran.processor for ran in runs),
        peak=median(ran.peak for ran in runs),
    )


@contextmanager
def sandbox(
    folder: Path, seed: Mapping[str, Any], *, latency: str = "0ms", vendors: str = "stripe,vercel"
) -> Iterator[Mapping[str, str]]:
    """Serve the sandbox from a process of its own, on ports that the system chooses; yield its addresses."""
    (folder / "seed.json").write_text(json.dumps(seed), encoding="utf-8")
    words = ["-m", "reconciler", "sandbox", "serve", "--port", "0", "--vendors", vendors]
    words += ["--seed", "seed.json", "--latency", latency]
    child = subprocess.Popen(
        [sys.executable, *words], cwd=folder, env=environment(folder), stdout=subprocess.PIPE
    )
    try:
        yield _addresses(child)
    finally:
        _stop(child)


def _addresses(child: subprocess.Popen[bytes]) -> dict[str, str]:
    if child.stdout is None or not select.select([child.stdout], [], [], 30)[0]:
        raise Failed("the sandbox did not start")
    line = child.stdout.readline()
    if not line:
        raise Failed("the sandbox ended at once")
    found: dict[str, str] = json.loads(line)
    return found


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Ask ``child`` to end, and end it."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdout is not None:
        child.stdout.close()
