"""Secrets in files of their own: ``${secret:file/PATH}``, relative to the working folder or absolute.

A file has no versions; a value that was set aside is the file ``PATH@1``, ``PATH@2`` … beside it.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.errors import SecretNotFound, SecretUnavailable
from reconciler.core.record import Record
from reconciler.secrets.store import Fetched, Right

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName
    from reconciler.secrets.store import Surroundings

LARGEST = 64 * 1024
"""Bytes; a larger file is no secret."""


class FileSettings(Record):
    """Files need no settings."""


class FileSecrets:
    """One value in one file. Files that others may read are refused."""

    settings_type = FileSettings

    def __init__(self, settings: FileSettings, surroundings: Surroundings) -> None:
        del settings
        self._folder = surroundings.folder

    def fetch(self, name: SecretName) -> Fetched:
        """Return the content without the line end. Raises SecretUnavailable."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                self._refuse_shared(path, os.fstat(file.fileno()))
                raw = file.read(LARGEST + 1)
        except OSError as error:
            is_there = not isinstance(error, FileNotFoundError)
            raise (SecretUnavailable if is_there else SecretNotFound)(
                f"The secret file {path} cannot be read",
                detail=f"{error.strerror}. ${{secret:{name}}} needs it.",
                mend=f"install -m 600 /dev/null {path}",
            ) from None
        if not raw.strip() or len(raw) > LARGEST:
            what = "empty" if not raw.strip() else f"larger than {LARGEST} bytes"
            raise SecretUnavailable(f"The secret file {path} is {what}")
        try:
            value = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise SecretUnavailable(f"The secret file {path} is not UTF-8 text") from None
        return Fetched(value, name.version)

    def keep(self, name: SecretName, value: str) -> str | None:
        """Write the file anew, readable by its owner alone. Raises SecretUnavailable."""
        self._write(name, value)
        return name.version

    def set_aside(self, name: SecretName) -> str:
        """Copy the value to the first free ``PATH@N``. Raises SecretUnavailable."""
        value = self.fetch(name).value
        number = 1
        while self._path(name._replace(version=str(number))).exists():
            number += 1
        self._write(name._replace(version=str(number)), value)
        return str(number)

    def retire(self, name: SecretName) -> None:
        """Remove a value that was set aside. Raises SecretUnavailable."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise SecretUnavailable(
                f"The secret file {self._path(name)} cannot be removed", detail=f"{error.strerror}."
            ) from None

    def rights(self, name: SecretName, *, writes: bool) -> tuple[Right, ...]:
        """The file, readable by its owner alone; its folder, if it is to be written."""
        path = self._path(name)
        read = Right("mode 600", f"the file {path}", f"chmod 600 {path}")
        return (read, Right("write", f"the folder {path.parent}")) if writes else (read,)

    def _write(self, name: SecretName, value: str) -> None:
        path = self._path(name)
        temporary = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name_of_it = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            temporary = Path(name_of_it)  # mode 600 from the beginning
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            if temporary != path:
                temporary.unlink(missing_ok=True)
            raise SecretUnavailable(
                f"The secret file {path} cannot be written", detail=str(error.strerror)
            ) from None

    def _path(self, name: SecretName) -> Path:
        version = "" if name.version is None else f"@{name.version}"
        return self._folder / f"{name.name}{version}"

    @staticmethod
    def _refuse_shared(path: Path, found: os.stat_result) -> None:
        others = stat.S_IMODE(found.st_mode) & 0o077
        if others:
            raise SecretUnavailable(
                f"The secret file {path} may be read by others",
                detail=f"Its mode is {stat.S_IMODE(found.st_mode):04o}.",
                mend=f"chmod 600 {path}",
            )
        if found.st_uid not in {0, os.geteuid()}:
            raise SecretUnavailable(
                f"The secret file {path} belongs to another user",
                detail=f"Its owner has the id {found.st_uid}.",
                mend=f"chown {os.geteuid()} {path}",
            )
