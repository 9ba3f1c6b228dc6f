"""The one way out of this process: what anything prints passes through here, and holds no secret.

The streams of the process are replaced at the entry point. So prompts, usage errors, warnings, log handlers, tracebacks
of threads and whatever a library prints are masked like everything else, and nobody can forget to.
"""

from __future__ import annotations

import codecs
import io
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAMES: Final = ("stdout", "stderr", "__stdout__", "__stderr__")


def rendered(value: str) -> Iterable[str]:
    """Return ``value`` as the renderers show it."""
    from reconciler.render.escaping import html, markdown, terminal, workflow_command

    for escape in (terminal, html, workflow_command):
        yield escape(value)
    yield markdown(f"x{value}x")[1:-1]  # its ends are escaped only at the ends of a whole text


MASKER = Masker(also=rendered)
"""The secret values that this process has seen."""


class MaskedStream(io.TextIOBase):
    """A text stream whose lines pass through ``masker`` on their way to ``raw``. Thread-safe.

    Text goes on when its line ends or the stream is flushed, so that a value is seen whole although it was written
    in pieces. What may be the beginning of a value waits for one more write or flush.
    """

    def __init__(self, raw: Any, masker: Masker) -> None:  # noqa: ANN401 - any text stream
        self.raw = raw
        self._masker = masker
        self._held = ""
        self._is_new = False
        self._lock = threading.RLock()
        self._bytes = _MaskedBytes(self)

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"a text is needed, not {type(text).__name__}")
        with self._lock:
            self._held += text
            self._is_new = True
            self._let_go(self._held.rfind("\n") + 1)
        return len(text)

    def flush(self) -> None:
        with self._lock:
            if self._is_new:
                self._is_new = False
                self._let_go(len(self._held))
            else:
                self.drain()
            self.raw.flush()

    def drain(self) -> None:
        """Write all that is held back, also what looks like the beginning of a value."""
        with self._lock:
            held, self._held = self._held, ""
            self._write(held)

    def close(self) -> None:
        """Write what is held back. The stream below belongs to someone else."""
        self.flush()

    @property
    def buffer(self) -> Any:  # noqa: ANN401 - what a text stream calls its bytes
        """Return a stream of bytes that ends up here."""
        return self._bytes

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute there
        return getattr(self.raw, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # an attribute there
        return getattr(self.raw, "errors", None)

    def fileno(self) -> int:
        found: int = self.raw.fileno()
        return found

    def isatty(self) -> bool:
        return bool(self.raw.isatty())

    def writable(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the stream below offers
        return getattr(self.raw, name)

    def _let_go(self, length: int) -> None:
        """Write the first ``length`` characters that are held, but for what a further write may complete."""
        ready = self._held[:length]
        ready = ready[: len(ready) - self._masker.unfinished(ready)]
        self._held = self._held[len(ready) :]
        self._write(ready)

    def _write(self, text: str) -> None:
        if not text:
            return
        masked = self._masker.mask(text)
        try:
            self.raw.write(masked)
        except UnicodeEncodeError:
            known = self.encoding
            self.raw.write(masked.encode(known, "backslashreplace").decode(known))


class _MaskedBytes(io.BufferedIOBase):
    """The bytes of a masked stream, for those who write past the text."""

    def __init__(self, stream: MaskedStream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - anything that is bytes
        raw = bytes(data)
        self._stream.write(self._decoder.decode(raw))
        return len(raw)

    def flush(self) -> None:
        self._stream.flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


@contextmanager
def masked_streams(masker: Masker, *, for_good: bool = False) -> Iterator[None]:
    """Let everything that is printed pass through ``masker``; ``for_good`` also what is printed after the block.

    A process of its own stays masked to its end. Streams that are masked already are left alone.
    """
    replaced: list[tuple[str, MaskedStream]] = []
    made: dict[int, MaskedStream] = {}
    for name in _NAMES:
        raw = getattr(sys, name)
        if raw is None or isinstance(raw, MaskedStream):
            continue
        stream = made.setdefault(id(raw), MaskedStream(raw, masker))
        setattr(sys, name, stream)
        replaced.append((name, stream))
    _redirect_handlers({id(stream.raw): stream for stream in made.values()})
    try:
        yield
    finally:
        if not for_good:
            for name, stream in replaced:
                stream.drain()
                if getattr(sys, name) is stream:
                    setattr(sys, name, stream.raw)
            _redirect_handlers({id(stream): stream.raw for stream in made.values()})


def _redirect_handlers(streams: dict[int, Any]) -> None:
    """Let log handlers that were made before, and hold a stream, write to the one that took its place."""
    logging = sys.modules.get("logging")
    for handler in tuple(logging.root.handlers) if logging is not None else ():
        found = streams.get(id(getattr(handler, "stream", None)))
        if found is not None:
            handler.setStream(found)
