"""The folder: files, schemas, and what Git must not have. Changes nothing."""

from __future__ import annotations

import shlex
from pathlib import Path  # noqa: TC003 - part of a value
from typing import TYPE_CHECKING, NamedTuple

from reconciler.cli import git
from reconciler.cli.secret_needs import Need, needs_of
from reconciler.core.examination import doubtful, failed, fine, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.doctoring.case import Case
    from reconciler.core.examination import Examined


def files_examined(case: Case) -> Iterator[Examined]:
    """Tell whether the files are valid, as `reconciler validate` does."""
    if case.invalid is not None:
        further = f"reconciler validate {case.environment}"
        yield failed("files", case.invalid, further=further)
    elif case.loaded is not None:
        yield fine("files", f"{len(case.loaded.desired.resources)} resources, no errors")


def schemas_examined(case: Case) -> Iterator[Examined]:
    """Tell whether the schemas are those of this version, where the folder has some."""
    folder = case.workspace.root / "schemas"
    if not folder.is_dir():
        return
    from reconciler.cli.schema_command import schema_texts

    stale = sorted(
        name
        for name, text in schema_texts().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    )
    if stale:
        words = f"{', '.join(stale)}: not of this version, so editors may be wrong"
        yield doubtful("schemas", words, "reconciler schema")
    else:
        yield fine("schemas", "up to date")


class _Kept(NamedTuple):
    """A file with a secret in it, and what it is called."""

    subject: str
    path: Path


def git_examined(case: Case) -> Iterator[Examined]:
    """Tell whether Git has, or could be given, a file with a secret in it."""
    root = case.workspace.root
    if not git.is_repository(root):
        return
    key = root / ".reconciler" / "fingerprint.key"
    kept = [_Kept("git .reconciler/", key)] if key.parent.exists() else []
    needs = needs_of(case.loaded) if case.loaded is not None else ()
    kept += [
        _Kept(f"git {need.name.name}", path)
        for need in needs
        if need.name.store == "file"
        for path in _files_of(root, need)
    ]
    found = [one for one in (_exposed(root, one) for one in kept) if one is not None]
    yield from found
    if not found:
        yield fine("git", "no file with a secret is in the repository, or could be added to it")


def _files_of(root: Path, need: Need) -> Iterator[Path]:
    version = "" if need.name.version is None else f"@{need.name.version}"
    yield root / f"{need.name.name}{version}"
    if need.captured:
        yield root / f"{need.name.name}@1"  # where the value goes that a capture replaces


def _exposed(root: Path, kept: _Kept) -> Examined | None:
    shown = shlex.quote(
        kept.path.relative_to(root).as_posix() if _is_below(kept, root) else f"{kept.path}"
    )
    if git.is_tracked(root, kept.path):
        mend = f"git rm --cached {shown}   # and change the secret: the history keeps it"
        return wrong(kept.subject, f"Git has {shown}, which holds a secret", mend)
    if git.is_ignored(root, kept.path) is False:
        words = f"Git does not ignore {shown}, which is to hold a secret"
        return wrong(kept.subject, words, f"echo {shlex.quote(f'/{shown}')} >> .gitignore")
    return None


def _is_below(kept: _Kept, root: Path) -> bool:
    return kept.path.is_relative_to(root)
