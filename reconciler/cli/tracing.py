"""What ``--trace`` and ``-v`` ask for. Imported only when one of them is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli import console
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.render.escaping import terminal
from reconciler.wire.tracing import Tracer

if TYPE_CHECKING:
    import click


def tracer(ctx: click.Context, file: str | None, verbosity: int) -> Tracer:
    """Return a tracer that ends with the command. Raises InvalidInput when its file cannot be opened."""
    path = Path(ctx.obj["directory"]) / file if file is not None else None
    try:
        made = Tracer(console.MASKER, path=path, verbosity=verbosity, say=_say)
    except OSError as error:
        why = f"The trace file {file} cannot be opened"
        raise InvalidInput([Diagnostic(summary=why, detail=f"{error.strerror}.")]) from None
    ctx.call_on_close(made.close)
    return made


def _say(text: str) -> None:
    console.say("\n".join(map(terminal, text.split("\n"))))
