"""Run a program that reads or writes a secret: without a shell, and without showing a word of what it prints.

A value goes in through standard input and comes out through standard output; it is never an argument, which every
user of the machine can read.
"""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

from reconciler.core.errors import SecretUnavailable
from reconciler.secrets.refusals import not_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reconciler.core.reference import SecretName

LARGEST = 64 * 1024
"""Bytes; what is longer is no secret."""


class Program:
    """Runs programs in one folder, with one environment, for ``timeout`` seconds at most."""

    def __init__(self, folder: Path, environ: Mapping[str, str], timeout: float) -> None:
        self._folder = folder
        self._environ = environ
        self._timeout = timeout

    def output(self, name: SecretName, arguments: Sequence[str], given: str | None = None) -> str:
        """Return what the program prints, whole; ``given`` is its input. Raises SecretUnavailable."""
        by_hand = shlex.join(arguments)
        ended, printed = self._run(name, arguments, given)
        if ended != 0:
            how = f"with exit code {ended}" if ended > 0 else f"by signal {-ended}"
            raise SecretUnavailable(
                f"{name}: the program {arguments[0]} ended {how}",
                detail="What it printed is not shown: it may hold the secret.",
                mend=f"run it by hand: {by_hand}",
            )
        if len(printed) > LARGEST:
            raise SecretUnavailable(
                f"{name}: the program {arguments[0]} printed more than {LARGEST} bytes",
                mend=f"run it by hand: {by_hand}",
            )
        try:
            return printed.decode("utf-8")
        except UnicodeDecodeError:
            raise not_text(
                name,
                f"What the program {arguments[0]} printed is not UTF-8.",
                f"run it by hand: {by_hand}",
            ) from None

    def _run(
        self, name: SecretName, arguments: Sequence[str], given: str | None
    ) -> tuple[int, bytes]:
        """Return exit code and output."""
        try:
            with subprocess.Popen(  # noqa: S603 - the program is one that the settings allow
                arguments,
                stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._folder,
                env=dict(self._environ),
            ) as process:
                try:
                    printed, _ = process.communicate(
                        None if given is None else given.encode("utf-8"), self._timeout
                    )
                except BaseException:
                    process.kill()
                    raise
                return process.returncode, printed
        except subprocess.TimeoutExpired:
            raise SecretUnavailable(
                f"{name}: the program {arguments[0]} did not end within {self._timeout:g} s",
                detail="Does it wait for a password or a key?",
                mend=f"run it by hand: {shlex.join(arguments)}",
            ) from None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "an argument cannot be passed"
            raise SecretUnavailable(
                f"{name}: the program {arguments[0]} cannot be run",
                detail=f"{why}.",
                mend=f"command -v {shlex.quote(arguments[0])}",
            ) from None
