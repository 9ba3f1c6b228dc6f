"""Say what went wrong, in the format that was asked for."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from reconciler.cli.exit_codes import ExitCode, exit_code_of
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import ReconcilerError
from reconciler.stores.firestore.failures import JournalNotWritten

if TYPE_CHECKING:
    from collections.abc import Sequence

DEBUG = "RECONCILER_DEBUG"


def report_error(error: Exception, arguments: Sequence[str]) -> None:
    """Print ``error`` to stderr; with ``--format json`` also as the one document on stdout."""
    if isinstance(error, click.ClickException):
        told = _usage(error)
    elif isinstance(error, ReconcilerError | JournalNotWritten):
        told = error.diagnostics
    else:
        told = _unforeseen(error)
    _report(told, exit_code_of(error), arguments)


def report_interruption(arguments: Sequence[str]) -> None:
    """Say that Ctrl-C ended the command."""
    print(file=sys.stderr)
    _report((Diagnostic(summary="Interrupted"),), ExitCode.INTERRUPTED, arguments)


def _report(told: Sequence[Diagnostic], code: ExitCode, arguments: Sequence[str]) -> None:
    from reconciler.render.diagnostics import to_text
    from reconciler.render.plan_json import error_json

    print(to_text(told), file=sys.stderr)
    if wants_json(arguments):
        document = error_json(told, int(code))
        print(json.dumps(document, indent=2, ensure_ascii=False))


def wants_json(arguments: Sequence[str]) -> bool:
    """Tell whether the command line asks for JSON; also when it could not be parsed."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=False)
    return "--format=json" in arguments or ("--format", "json") in pairs


def _usage(error: click.ClickException) -> tuple[Diagnostic, ...]:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "reconciler"
    return (Diagnostic(summary=error.format_message(), mend=f"{path} --help"),)


def _unforeseen(error: Exception) -> tuple[Diagnostic, ...]:
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return (Diagnostic(summary=f"{name}{error.strerror or error}"),)
    if os.environ.get(DEBUG):
        print("".join(traceback.format_exception(error)), file=sys.stderr)
    return (
        Diagnostic(
            summary=f"A defect of reconciler: {type(error).__name__}",
            detail="Nothing that was not reported before was changed by this command.",
            mend=f"{DEBUG}=1 reconciler …   # shows where; please report it",
        ),
    )
