"""Secrets in files of their own: ``${secret:file/PATH}``, relative to the working folder or absolute."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.errors import SecretUnavailable

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName

LARGEST = 64 * 1024
"""Bytes; a larger file is no secret."""


class FileSecrets:
    """One value in one file. Files that others may read are refused."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, name: SecretName) -> str:
        """Return the content without the line end. Raises SecretUnavailable."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                self._refuse_shared(path, os.fstat(file.fileno()))
                raw = file.read(LARGEST + 1)
        except OSError as error:
            raise SecretUnavailable(
                f"The secret file {path} cannot be read",
                detail=f"{error.strerror}. ${{secret:{name}}} needs it.",
                mend=f"install -m 600 /dev/null {path}",
            ) from None
        if not raw.strip() or len(raw) > LARGEST:
            what = "empty" if not raw.strip() else f"larger than {LARGEST} bytes"
            raise SecretUnavailable(f"The secret file {path} is {what}")
        try:
            return raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise SecretUnavailable(f"The secret file {path} is not UTF-8 text") from None

    def keep(self, name: SecretName, value: str) -> None:
        """Write the file anew, readable by its owner alone. Raises SecretUnavailable."""
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
        if name.version is not None:
            raise SecretUnavailable(
                f"{name}: files have no versions", mend=f"${{secret:file/{name.name}}}"
            )
        return self._folder / name.name

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
