"""What is being done right now, on stderr: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Self

from reconciler.cli import console
from reconciler.render.apply_text import outcome_text, starting_text
from reconciler.render.escaping import terminal

if TYPE_CHECKING:
    from reconciler.core.change import Change
    from reconciler.engine.outcome import Outcome


class Progress:
    """Shows the changes of a run as they begin and end."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._started = 0
        self._ended = 0
        self._bar: Any = None
        self._task: Any = None
        if sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb":
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self._bar = Progress(
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.description}", markup=False),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def started(self, change: Change) -> None:
        """Show that a call is about to be made."""
        self._started += 1
        if self._bar is not None:
            text = terminal(f"{change.action} {change.address}")
            self._bar.update(self._task, description=text)
        else:
            console.say(
                starting_text(change, at=self._started, of=self._total, width=console.width())
            )

    def ended(self, outcome: Outcome) -> None:
        """Show how a change ended."""
        self._ended += 1
        text = outcome_text(outcome, width=console.width())
        if self._bar is not None:
            self._bar.update(self._task, completed=self._ended)
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            console.say(text)
