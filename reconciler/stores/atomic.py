"""Write files so that a reader, or a power cut, sees the old content or the new and nothing between."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.stores.guarding import Guard


def write_text(path: Path, text: str, guard: Guard, *, mode: int = 0o644) -> None:
    """Replace ``path`` by ``text``: temporary file, fsync, rename, fsync of the folder.

    Raises Refused when ``text`` holds a secret value, OSError when it cannot be written; the old file is then
    untouched.
    """
    guard.check(path, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"
    )
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
