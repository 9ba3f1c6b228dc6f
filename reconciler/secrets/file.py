"""Secrets in files of their own: ``${secret:file/PATH}``, relative to the working folder or absolute.

A file has no versions; a value that was set aside is the file ``PATH@1``, ``PATH@2`` … beside it. What a process that
was killed left unfinished is removed by the next that writes there.
"""

from __future__ import annotations

import fcntl
import os
import re
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

UNFINISHED = ".unfinished"
"""How the name of a file ends that is being written; its writer has it locked."""


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
        """Copy the value to the first ``PATH@N`` that is free, or has it already. Raises SecretUnavailable."""
        value = self.fetch(name).value
        number = 1
        while (path := self._path(copy := name._replace(version=str(number)))).exists():
            if path.stat().st_size and self.fetch(copy).value == value:
                return str(number)
            number += 1
        self._write(copy, value)
        return str(number)

    def retire(self, name: SecretName) -> None:
        """Empty a value that was set aside; the file stays, so that its number never comes back.

        Raises SecretUnavailable.
        """
        path = self._path(name)
        try:
            with path.open("r+b") as file:
                file.truncate()
                os.fsync(file.fileno())
        except FileNotFoundError:
            return
        except OSError as error:
            raise SecretUnavailable(
                f"The secret file {path} cannot be emptied", detail=f"{error.strerror}."
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
            _remove_unfinished(self._path(name._replace(version=None)))
            descriptor, name_of_it = tempfile.mkstemp(
                dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED
            )
            temporary = Path(name_of_it)  # mode 600 from the beginning
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync(path.parent)
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


def _remove_unfinished(path: Path) -> None:
    """Remove what writers of ``path`` and its versions left that were killed: nobody has it locked."""
    ours = re.compile(rf"\.{re.escape(path.name)}(@[\w.-]+)?\.\w{{8}}{re.escape(UNFINISHED)}")
    for left in sorted(path.parent.iterdir()):
        if not ours.fullmatch(left.name):
            continue
        try:
            with left.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink(missing_ok=True)
        except OSError:  # somebody writes it, or has just finished
            continue


def _sync(folder: Path) -> None:
    """Force the folder's entries to disk: a vendor gives the value away only once."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
