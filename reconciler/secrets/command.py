"""Secrets that a program of yours reads and writes: ``${secret:command/NAME}``.

Runs nothing but what the settings name.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from reconciler.core.errors import SecretUnavailable
from reconciler.core.record import Record
from reconciler.secrets import refusals
from reconciler.secrets.program import Program
from reconciler.secrets.store import Fetched, Right

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName
    from reconciler.secrets.store import Surroundings

NAME = "{name}"


def _names_a_secret(arguments: tuple[str, ...]) -> tuple[str, ...]:
    if not arguments[0] or NAME in arguments[0]:
        raise ValueError("the program itself cannot come from a reference")
    if not any(NAME in one for one in arguments):
        raise ValueError(f"one argument must hold {NAME}")
    return arguments


Arguments = Annotated[tuple[str, ...], Field(min_length=2), AfterValidator(_names_a_secret)]
"""A program and its arguments; ``{name}`` in one of them stands for the secret's name."""


class CommandSettings(Record):
    """``secrets.stores.command`` of an environment file."""

    read: Arguments = Field(
        description='the program that prints a secret, and its arguments: [pass, show, "{name}"]'
    )
    write: Arguments | None = Field(
        default=None,
        description='the program that keeps what it is given on its input: [pass, insert, -m, -f, "{name}"]',
    )
    timeout: float = Field(default=30, gt=0, le=600, description="seconds that a program may take")


class CommandSecrets:
    """Reads secrets through one program and keeps them through another."""

    settings_type = CommandSettings

    def __init__(self, settings: CommandSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._program = Program(surroundings.folder, surroundings.environ, settings.timeout)

    def fetch(self, name: SecretName) -> Fetched:
        """Return what the program prints, without the one line end that most programs add. Raises SecretUnavailable."""
        arguments = _filled(self._settings.read, name)
        printed = self._program.output(name, arguments)
        value = printed.removesuffix("\n").removesuffix("\r") if printed.endswith("\n") else printed
        if not value:
            raise SecretUnavailable(
                f"{name}: the program {arguments[0]} printed nothing",
                mend=f"run it by hand: {shlex.join(arguments)}",
            )
        return Fetched(value)

    def keep(self, name: SecretName, value: str) -> str | None:
        """Give the value to the program that writes. Raises SecretUnavailable."""
        if self._settings.write is None:
            raise SecretUnavailable(
                f"{name}: no program is set that keeps a value",
                mend='secrets: {stores: {command: {write: [pass, insert, -m, -f, "{name}"]}}}'
                "   # in environment.yaml",
            )
        if not value:
            raise refusals.nothing_to_keep(name)
        self._program.output(name, _filled(self._settings.write, name), value)
        return None

    def rights(self, name: SecretName, *, writes: bool) -> tuple[Right, ...]:
        """Return the programs, which need rights of their own."""
        del name
        used = [self._settings.read, *([self._settings.write] if writes else [])]
        return tuple(
            Right("run", f"the program {arguments[0]}", f"command -v {arguments[0]}")
            for arguments in used
            if arguments is not None
        )


def _filled(arguments: tuple[str, ...], name: SecretName) -> tuple[str, ...]:
    """Return the arguments for one secret. Raises SecretUnavailable for a name that would be an option."""
    if name.version is not None:
        raise refusals.no_versions(name, "secrets behind a program")
    if name.name.startswith("-") or not name.name.isprintable():
        raise SecretUnavailable(
            f"{name}: a name that begins with - could be taken for an option",
            mend="rename the secret",
        )
    return tuple(one.replace(NAME, name.name) for one in arguments)
