"""Where output goes: results to stdout, everything else to stderr. The streams themselves keep secrets back."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any

import click

from reconciler.cli.streams import MASKER
from reconciler.core.errors import Refused

__all__ = ["MASKER", "ask", "result", "result_json", "say", "wants_color", "width"]


def result(text: str) -> None:
    """Print the result of a command."""
    print(text.rstrip("\n"))


def result_json(document: Any) -> None:  # noqa: ANN401 - JSON
    """Print the result of a command as its one JSON document."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """Print a remark, to stderr."""
    print(text.rstrip("\n"), file=sys.stderr, flush=True)


def width() -> int:
    """Return the columns of the terminal; 100 when there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def wants_color(ctx: click.Context) -> bool:
    """Tell whether stdout takes colours."""
    return (
        sys.stdout.isatty()
        and not ctx.obj["no_color"]
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def ask(
    question: str, *, yes: bool, environment: str, protected: bool, confirmed: str | None
) -> None:
    """Get consent for a write, once. Raises Refused without it.

    The name of a protected ``environment`` must also be typed, or given as ``confirmed``; another name is
    refused everywhere. Consent comes from flags or from a person at a terminal, never from a pipe or a file.
    """
    if confirmed is not None and confirmed != environment:
        raise Refused(f"--confirm {confirmed} is not the name of this environment, {environment}")
    if yes and (not protected or confirmed == environment):
        return
    flags = f"--yes --confirm {environment}" if protected else "--yes"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(
            "Consent is needed, and this is no terminal to ask at",
            detail="Nothing was changed.",
            mend=f"add {flags}",
        )
    if protected:
        typed = click.prompt(
            f"{question}\nType the environment's name to go on",
            default="",
            err=True,
            show_default=False,
        )
        agreed = typed == environment
    else:
        agreed = click.confirm(question, default=False, err=True)
    if not agreed:
        raise Refused("Not agreed to: nothing was changed")
