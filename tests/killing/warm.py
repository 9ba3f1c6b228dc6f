"""A process that has everything imported already and forks one child for each command line.

It has no threads, so that a child is a real process of its own which may be stopped and killed at any moment. What
it was told on one line of stdin it answers on one line of stdout: ``start`` forks, ``poll`` asks how a child fares.

A child can be told to end itself with SIGKILL: before or after the n-th record of the journal, request or fsync, or
step of the store that keeps secrets in files.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

Job = dict[str, Any]


def serve() -> None:
    """Answer until stdin ends; kill the children that are left."""
    preload()
    running: set[int] = set()
    print("ready", flush=True)  # noqa: T201 - the protocol
    for line in sys.stdin:
        order: Job = json.loads(line)
        if "start" in order:
            pid = os.fork()
            if pid == 0:
                be_the_child(order["start"])
            running.add(pid)
            answer: Job = {"pid": pid}
        else:
            pid, status = os.waitpid(order["poll"], os.WNOHANG)
            running.discard(pid)
            answer = {"status": os.waitstatus_to_exitcode(status) if pid else None}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the protocol
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def preload() -> None:
    """Import what commands import late, and build what is built once."""
    from importlib import import_module

    import filelock  # noqa: F401
    import httpx
    import stripe

    from reconciler.cli.main import COMMANDS
    from reconciler.core.behaviour import rules_of
    from reconciler.providers import registry

    for name in COMMANDS:
        import_module(f"reconciler.cli.{name}_command")
    import_module("reconciler.providers.stripe.client")
    for kind in registry.kind_names():
        vendor = kind.partition(".")[0]
        registry.account_type(vendor)
        rules_of(registry.model_of(kind))
    client = stripe.StripeClient(
        "sk_test_none", http_client=stripe.HTTPXClient(allow_sync_methods=True)
    )
    _ = client.v1.webhook_endpoints
    httpx.Client(verify=False, trust_env=False).close()  # noqa: S501 - nothing is sent


def be_the_child(job: Job) -> None:
    """Run the commands of ``job`` and end with the exit code of the last."""
    code = 70
    try:
        out = os.open(job["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.environ |= job["environ"]
        hurry(job)
        if job.get("cut"):
            cut_off(**job["cut"])
        from reconciler.cli.main import main

        for arguments in job["commands"]:
            code = main(arguments)
            sys.stdout.flush()
            with Path(job["codes"]).open("a", encoding="utf-8") as file:
                file.write(f"{code}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def hurry(job: Job) -> None:
    """Let no time pass where the product waits for a vendor; shorten leases when told."""
    from datetime import timedelta

    from reconciler.cli.workspace import SystemClock
    from reconciler.conformance.world import no_waiting
    from reconciler.providers.vercel import production_deployment
    from reconciler.wire import transport

    vars(transport)["Timing"] = no_waiting
    vars(production_deployment)["POLL_SECONDS"] = 0
    type.__setattr__(SystemClock, "sleep", lambda _self, _seconds: None)
    if "lease" in job:
        shorten_leases(timedelta(seconds=job["lease"]))
    if "pause" in job:
        pause(job["pause"], Path(job["flag"]))


def shorten_leases(lasts: timedelta) -> None:
    from reconciler.stores import lease, local

    def take(folder: Path, purpose: str, clock: Any) -> lease.Lease:
        return lease.take_lease(folder, purpose, clock, lasts=lasts)

    vars(local)["take_lease"] = take


def pause(where: dict[str, Any], flag: Path) -> None:
    """Stop this process, as SIGSTOP from outside would, at a boundary; ``flag`` then exists."""

    def stop() -> None:
        flag.touch()
        # to this thread: with os.kill another one may take the signal, and this one goes on for a moment
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

    at_boundary(stop, **where)


def cut_off(at: str, n: int, side: str) -> None:
    """End this process with SIGKILL at a boundary."""
    at_boundary(lambda: os.kill(os.getpid(), signal.SIGKILL), at=at, n=n, side=side)


def at_boundary(act: Callable[[], None], *, at: str, n: int, side: str) -> None:
    """Call ``act`` before or after the ``n``-th record of the journal, request, fsync, or step of the secret store."""
    import httpx

    from reconciler.secrets.file import FileSecrets
    from reconciler.stores.journal import FileJournal

    is_storing = threading.local()
    owners: dict[str, tuple[tuple[Any, str], ...]] = {
        "append": ((FileJournal, "append"),),
        "request": ((httpx.Client, "send"),),
        "fsync": ((os, "fsync"),),
        "store": ((tempfile, "mkstemp"), (os, "fsync"), (Path, "replace")),
    }
    numbers = count(1)
    counting = threading.Lock()

    def is_it() -> bool:
        if at == "store" and not getattr(is_storing, "now", False):
            return False
        with counting:
            return next(numbers) == n

    for owner, name in owners[at]:
        setattr(owner, name, interrupted(getattr(owner, name), act, is_it, side))
    for name in ("keep", "set_aside", "retire"):
        setattr(FileSecrets, name, noted(getattr(FileSecrets, name), is_storing))


def interrupted(
    original: Callable[..., Any], act: Callable[[], None], is_it: Callable[[], bool], side: str
) -> Callable[..., Any]:
    """Return ``original`` with ``act`` on one side of the call that ``is_it``."""

    def counted(*args: Any, **options: Any) -> Any:
        strikes = is_it()
        if strikes and side == "torn":
            tear(args[0])
        if strikes and side != "after":
            act()
        result = original(*args, **options)
        if strikes and side == "after":
            act()
        return result

    return counted


def noted(original: Callable[..., Any], is_storing: Any) -> Callable[..., Any]:
    """Return ``original``, which notes that this thread is in it."""

    def storing(*args: Any, **options: Any) -> Any:
        is_storing.now = True
        try:
            return original(*args, **options)
        finally:
            is_storing.now = False

    return storing


def tear(journal: Any) -> None:
    """Leave the beginning of a record in the journal, as a power cut does."""
    journal._file.write(b'{"seq": 9, "at": "2026-11-')  # noqa: SLF001 - what no caller can do
    journal._file.flush()  # noqa: SLF001


if __name__ == "__main__":
    serve()
