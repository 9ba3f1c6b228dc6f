"""The process in which the commands run: everything it opens for writing and every program it starts is noted.

A child may be told to lose a step of masking (``mutation``), and to work with libraries and vendors that talk.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from tests.canaries.mutations import MUTATIONS
from tests.killing import warm

Job = dict[str, Any]
run = warm.be_the_child


def be_the_child(job: Job) -> None:
    """Run the commands of ``job``."""
    for step in job.get("mutations", ()):
        MUTATIONS[step]()
    for habit in job.get("habits", ()):
        HABITS[habit](job["said"])
    heard = os.open(job["heard"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sys.addaudithook(lambda event, arguments: hear(heard, event, arguments))
    run(job)


def hear(heard: int, event: str, arguments: tuple[Any, ...]) -> None:
    """Note the arguments of every program that is started, and every file that is opened for writing."""
    if event in {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "pty.spawn"}:
        # The environment of a child may hold secrets; its arguments may not.
        told = [str(one) for one in arguments[:2]]
        os.write(heard, f"{json.dumps({'started': told}, ensure_ascii=False)}\n".encode())
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes, Path)) else ""
        os.write(heard, f"{json.dumps({'written': path}, ensure_ascii=False)}\n".encode())


def talk(said: str) -> None:
    """Let the library that sends requests print what it knows, in every way there is, in pieces and at once."""
    from reconciler.wire.http import HttpClient

    original = HttpClient._exchanged  # noqa: SLF001 - what a library below would do

    def talking(self: HttpClient, request: Any) -> Any:
        if request.method == "GET":  # by the time of a write all values are known
            return original(self, request)
        half = said.index("\n") // 2  # in the middle of the first value
        for stream in (sys.stdout, sys.stderr):
            stream.write(said[:half])
            stream.flush()
            print(said[half:], file=stream)
        sys.stderr.buffer.write(f"bytes: {said}\n".encode())
        logging.getLogger("talker").warning("logged: %s", said)
        warnings.warn(said, stacklevel=1)
        thread = threading.Thread(target=fail, args=[said])
        thread.start()
        thread.join()
        return original(self, request)

    type.__setattr__(HttpClient, "_exchanged", talking)


def fail(said: str) -> None:
    raise RuntimeError(said)


def break_reads(said: str) -> None:
    """Let a provider that somebody else wrote repeat what it was given when it reads."""
    from reconciler.core.errors import VendorError
    from reconciler.providers.vercel.env_var import EnvVars

    def broken(*_: Any) -> None:
        raise VendorError("Somebody else's provider failed", vendor="vercel", detail=said)

    type.__setattr__(EnvVars, "observe", broken)


def break_writes(said: str) -> None:
    """Likewise when it writes."""
    from reconciler.core.errors import VendorError
    from reconciler.providers.vercel.env_var import EnvVars

    def broken(*_: Any) -> None:
        raise VendorError("Somebody else's provider failed", vendor="vercel", detail=said)

    for name in ("create", "create_many", "update"):
        if hasattr(EnvVars, name):
            type.__setattr__(EnvVars, name, broken)


def be_defective(said: str) -> None:
    """Let the product itself fail in a way that nobody foresaw."""
    from reconciler.engine import applying

    def defect(*_: Any, **__: Any) -> None:
        raise RuntimeError(said) from KeyError(said)

    for name in ("carry_on", "read_all"):
        vars(applying)[name] = defect


def log_everything(_: str) -> None:
    """Let the SDK log whole bodies, as STRIPE_LOG=debug does."""
    import stripe
    from stripe import _util

    logging.basicConfig(level=logging.DEBUG)
    stripe.log = "debug"
    _util.STRIPE_LOG = "debug"


HABITS = {
    "logs": log_everything,
    "talks": talk,
    "breaks reads": break_reads,
    "breaks writes": break_writes,
    "is defective": be_defective,
}

if __name__ == "__main__":
    warm.be_the_child = be_the_child
    warm.serve()
