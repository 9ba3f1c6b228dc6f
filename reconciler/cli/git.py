"""The few things asked of Git. All of them work without it, too: not every folder is a repository."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 30


def head_commit(root: Path) -> str | None:
    """Return the commit that is checked out; ``None`` outside a repository."""
    found = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    return found.stdout.decode().strip() if found is not None and found.returncode == 0 else None


def is_repository(root: Path) -> bool:
    """Tell whether a folder is in the work tree of a repository."""
    found = _git(root, "rev-parse", "--is-inside-work-tree")
    return found is not None and found.returncode == 0 and found.stdout.strip() == b"true"


def is_tracked(root: Path, path: Path) -> bool:
    """Tell whether Git has a file."""
    found = _git(root, "--literal-pathspecs", "ls-files", "--error-unmatch", "--", str(path))
    return found is not None and found.returncode == 0


def is_ignored(root: Path, path: Path) -> bool | None:
    """Tell whether Git leaves a file alone that is not there yet, or not added; ``None`` outside the repository."""
    found = _git(root, "check-ignore", "--quiet", "--", str(path))
    return None if found is None or found.returncode > 1 else found.returncode == 0


@contextmanager
def desired_state_at(root: Path, revision: str) -> Iterator[tuple[Path, str]]:
    """Lay ``desired_state/`` of ``revision`` into a temporary folder; give the folder and the full commit.

    Raises InvalidInput when there is no such revision, or it has no ``desired_state/``.
    """
    named = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    if named is None or named.returncode != 0:
        raise _unknown(f"There is no Git revision {revision!r} here", "git log --oneline")
    commit = named.stdout.decode().strip()
    archive = _git(root, "archive", "--format=tar", commit, "desired_state")
    if archive is None or archive.returncode != 0:
        raise _unknown(f"{revision} has no desired_state/", f"git ls-tree {revision}")
    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder), commit


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(  # noqa: S603 - fixed program, no shell
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the user's git
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _unknown(summary: str, mend: str) -> InvalidInput:
    return InvalidInput([Diagnostic(summary=summary, mend=mend)])
