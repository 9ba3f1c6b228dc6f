"""Secrets in files that sops encrypts: ``${secret:sops/FILE:key.key}``, the file inside the working folder.

Source: sops 3.13, ``sops decrypt --extract`` and ``sops set --value-stdin`` (since 3.11).
"""

from __future__ import annotations

import json
import re
import shlex
import threading
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pydantic import Field

from reconciler.core.errors import SecretUnavailable
from reconciler.core.record import Record
from reconciler.secrets import refusals
from reconciler.secrets.program import Program
from reconciler.secrets.store import Fetched, Right

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName
    from reconciler.secrets.store import Surroundings

BY_STDIN = "--value-stdin"

_NAME = re.compile(r"(?P<file>[^:]+):(?P<keys>[^:\[\]\"'\\]+)\Z")


class SopsSettings(Record):
    """``secrets.stores.sops`` of an environment file."""

    program: str = Field(default="sops", min_length=1, description="where sops is, if not on PATH")
    timeout: float = Field(default=30, gt=0, le=600, description="seconds that sops may take")


class SopsSecrets:
    """Reads single values of encrypted files, and sets them. Thread-safe."""

    settings_type = SopsSettings

    def __init__(self, settings: SopsSettings, surroundings: Surroundings) -> None:
        self._sops = settings.program
        self._folder = surroundings.folder
        self._program = Program(surroundings.folder, surroundings.environ, settings.timeout)
        self._writing = threading.Lock()

    def fetch(self, name: SecretName) -> Fetched:
        """Return the text, character for character. Raises SecretUnavailable."""
        file, index = self._parts(name)
        arguments = (self._sops, "decrypt", "--extract", index, file)
        value = self._program.output(name, arguments)
        if not value:
            raise refusals.empty(name, f"sops edit {shlex.quote(file)}")
        return Fetched(value)

    def keep(self, name: SecretName, value: str) -> str | None:
        """Set the value, which sops reads from its input. Raises SecretUnavailable, also when sops is too old."""
        if not value:
            raise refusals.nothing_to_keep(name)
        file, index = self._parts(name)
        with self._writing:  # sops reads and writes the whole file
            if BY_STDIN not in self._program.output(name, (self._sops, "set", "--help")):
                raise SecretUnavailable(
                    f"{name}: this sops takes values from its arguments alone, where others can read them",
                    detail=f"sops set {BY_STDIN} is there from sops 3.11 on.",
                    mend=f"install sops 3.11 or newer, or: sops edit {shlex.quote(file)}",
                )
            arguments = (self._sops, "set", BY_STDIN, file, index)
            self._program.output(name, arguments, json.dumps(value))
        return None

    def rights(self, name: SecretName, *, writes: bool) -> tuple[Right, ...]:
        """Return the key that opens the file, and the right to write it."""
        file, _ = self._parts(name)
        file = file.removeprefix("./")
        quoted = shlex.quote(file)
        decrypt = Right(
            "decrypt", file, f"sops updatekeys {quoted}   # once your key is in .sops.yaml"
        )
        return (decrypt, Right("write", file, f"chmod u+w {quoted}")) if writes else (decrypt,)

    def _parts(self, name: SecretName) -> tuple[str, str]:
        """Return the file and the index of a value in it: ``["stripe"]["keys"][0]``. Raises SecretUnavailable."""
        if name.version is not None:
            raise refusals.no_versions(name, "encrypted files")
        found = _NAME.match(name.name)
        keys = found["keys"].split(".") if found is not None else []
        if found is None or not all(keys):
            raise SecretUnavailable(
                f"{name} does not name a value in an encrypted file",
                mend="${secret:sops/file.enc.yaml:key.key}",
            )
        path = PurePosixPath(found["file"])
        inside = (self._folder / path).resolve().is_relative_to(self._folder.resolve())
        if path.is_absolute() or ".." in path.parts or not inside:
            raise SecretUnavailable(
                f"{name}: the file must be inside the working folder",
                mend="${secret:sops/file.enc.yaml:key.key}",
            )
        # An argument that begins with - would be taken for an option; a number is a place in a list.
        index = (key if key.isdecimal() else f'"{key}"' for key in keys)
        return f"./{path}", "".join(f"[{one}]" for one in index)
