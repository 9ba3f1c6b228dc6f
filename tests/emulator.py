"""Google's own Firestore emulator: one for a whole test session, however many workers it has.

A keeper starts it and stops it when nobody uses it any more, also when the tests were killed: each user holds a shared
lock on a file, and the keeper waits for that file alone. Other emulators will not do: some accept a stale update.
"""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "FIRESTORE_EMULATOR_HOST"
MISSING = (
    "Google's Firestore emulator was not found: install the Cloud SDK with its component"
    f" cloud-firestore-emulator and a Java runtime, or set {VARIABLE}"
)
GIVEN = os.environ.get(VARIABLE)
IS_REQUIRED = os.environ.get("CI", "").lower() == "true"
MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
JAR = Path("platform", "cloud-firestore-emulator", "cloud-firestore-emulator.jar")
PATIENCE = 60.0
"""Seconds in which the emulator must have started; it takes two on an idle machine."""


def command() -> list[str] | None:
    """Return how the emulator is started, without its port; ``None`` where there is none."""
    java = shutil.which("java")
    gcloud = shutil.which("gcloud")
    roots = [Path(gcloud).resolve().parents[1]] if gcloud else []
    roots += [Path(root) for root in (os.environ.get("CLOUDSDK_ROOT_DIR"),) if root]
    jar = next((root / JAR for root in roots if (root / JAR).is_file()), None)
    if java is None or jar is None:
        return None
    options = ["-Duser.language=en", "-XX:TieredStopAtLevel=1", "-Xmx1g"]
    return [java, *options, "-cp", str(jar), MAIN, "start", "--host=127.0.0.1"]


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Yield the address of the emulator that all users of ``folder`` share."""
    with (folder / "starting").open("a") as starting, (folder / "users").open("a") as users:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        address = folder / "address"
        if not address.exists():
            _start_keeper(folder)
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield address.read_text(encoding="utf-8")


def _start_keeper(folder: Path) -> None:
    with (folder / "emulator.log").open("ab") as log:
        keeper = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, __file__, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE
    while not (folder / "address").exists():
        ended = keeper.poll() is not None
        assert not ended, (folder / "emulator.log").read_text(encoding="utf-8")
        assert time.monotonic() < deadline, "the Firestore emulator did not start"
        select.select([], [], [], 0.02)
    keeper.returncode = 0  # it outlives this process when others use it, and is not waited for


def keep(folder: Path) -> None:
    """Run the emulator until nobody uses it."""
    start = command()
    assert start is not None
    port = _free_port()
    emulator = subprocess.Popen([*start, f"--port={port}"])  # noqa: S603 - of the Cloud SDK
    address = folder / "address"
    try:
        while not _answers(port):
            assert emulator.poll() is None
            select.select([], [], [], 0.05)
        making = folder / "address.new"
        making.write_text(f"127.0.0.1:{port}", encoding="utf-8")
        making.rename(address)
        with (folder / "users").open("a") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            address.unlink()
            emulator.terminate()
            emulator.wait(20)
    finally:
        emulator.kill()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}/", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
