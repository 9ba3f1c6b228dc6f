"""A value that must appear nowhere, and where to look for it; what a store is made with in tests."""

from __future__ import annotations

import logging
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.encodings import encodings
from reconciler.core.masking import Masker
from reconciler.core.reference import parse
from reconciler.secrets.store import Surroundings
from reconciler.wire.pacing import Timing
from reconciler.wire.transport import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STEM = "FAKEcanary7Hq"
CANARY = f'{STEM}"\u00fc /+ more'
"""Looks different in every encoding; its stem is left as it is by most, however often one is put into another."""


class Noise(logging.Handler):
    """Everything that was logged, with arguments, and every error that was shown."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.name}: {record.getMessage()} {record.args!r}")

    def show(self, error: BaseException) -> None:
        """Take in an error as a terminal, a log or a debugger would show it."""
        self.texts += traceback.format_exception(error)
        self.texts += [repr(error), str(vars(error))]

    def assert_silent_about(self, value: str) -> None:
        told = "\n".join(self.texts)
        forms = {*encodings(value), value.partition('"')[0]}
        assert [form for form in sorted(forms) if form in told] == []


@contextmanager
def overheard(*loggers: str) -> Iterator[Noise]:
    """Listen to all logging at DEBUG, to ``loggers`` and everything below them in particular."""
    noise = Noise()
    known = logging.root.manager.loggerDict
    names = [name for name in known if name.startswith(loggers)] if loggers else []
    listened = [logging.root, *map(logging.getLogger, {*names, *loggers})]
    levels = [one.level for one in listened]
    logging.root.addHandler(noise)
    for one in listened:
        one.setLevel(logging.DEBUG)
    try:
        yield noise
    finally:
        logging.root.removeHandler(noise)
        for one, level in zip(listened, levels, strict=True):
            one.setLevel(level)


def surroundings(
    folder: Path = Path("nowhere"), environ: Mapping[str, str] | None = None
) -> Surroundings:
    """Return what a store is made with: references to ``env`` are filled in, and nobody waits."""
    given = dict(environ or {})

    def resolve(text: str) -> str:
        return "".join(
            part if isinstance(part, str) else given[part.secret.name] for part in parse(text)
        )

    timing = Timing(sleep=lambda _: None, chance=lambda: 0.0)
    return Surroundings(folder, given, Masker(), resolve, Connections(timing))
