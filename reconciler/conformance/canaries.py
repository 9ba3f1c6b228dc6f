"""Look for secret values in everything that was written."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.conformance.demands import BrokenLaw
from reconciler.core.encodings import encodings
from reconciler.core.masking import SHORTEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.conformance.bench import Bench
    from reconciler.conformance.fixture import KindFixture


class Watch:
    """Knows every secret of a bench: the declared ones, and those that the vendor holds."""

    def __init__(self, bench: Bench, fixture: KindFixture) -> None:
        self._bench = bench
        self._fixture = fixture
        self._before = set(self._hidden())
        self._logged: list[str] = []

    def canaries(self) -> list[str]:
        """Return the values, sorted."""
        return sorted({*self._before, *self._hidden(), *self._bench.environ.values()})

    def search(self, what: str, text: str) -> None:
        """Raise BrokenLaw if ``text`` holds a value in any encoding."""
        for value in self.canaries():
            for form in encodings(value):
                if len(form) >= SHORTEST and form in text:
                    at = text.index(form)
                    near = text[max(0, at - 60) : at]
                    raise BrokenLaw(f"{what} holds a secret, after {near!r}")

    def search_files(self) -> None:
        """Search every file below the working folder."""
        for path in sorted(self._bench.folder.rglob("*")):
            if path.is_file():
                where = path.relative_to(self._bench.folder).as_posix()
                self.search(where, where + path.read_text("utf-8", "replace"))

    @contextmanager
    def logs(self) -> Iterator[None]:
        """Listen to every logger, at the lowest level."""
        root = logging.getLogger()
        listener = _Listener(self._logged)
        level = root.level
        root.addHandler(listener)
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.removeHandler(listener)
            root.setLevel(level)

    def search_logs(self) -> None:
        """Search what was logged meanwhile."""
        self.search("a log", "\n".join(self._logged))

    def _hidden(self) -> list[str]:
        state = self._bench.world.state(self._fixture.part)
        return list(self._fixture.hidden(state))


class _Listener(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{record.getMessage()} {record.exc_text or ''}")
