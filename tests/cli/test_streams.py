"""Whatever prints, prints masked: in pieces, as bytes, from threads, in any encoding, to the very end."""

from __future__ import annotations

import io
import logging
import os
import pty
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import click
import pytest

from reconciler.cli.streams import MaskedStream, masked_streams
from reconciler.core.masking import MASK, Masker

ROOT = Path(__file__).parents[2]
VALUE = "tok_9f8e7d6c5b4a"
LINES = "first1 line\nsecond2 line\nthird3 line"


class Raw(io.StringIO):
    """Remembers what was flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = ""

    def flush(self) -> None:
        self.shown = self.getvalue()


@pytest.fixture
def raw() -> Raw:
    return Raw()


@pytest.fixture
def stream(raw: Raw) -> MaskedStream:
    return MaskedStream(raw, Masker([VALUE, LINES]))


@pytest.mark.parametrize("at", range(1, len(VALUE)))
def test_a_value_in_two_pieces_is_masked(raw: Raw, stream: MaskedStream, at: int) -> None:
    stream.write(f"a {VALUE[:at]}")
    stream.write(f"{VALUE[at:]} b\n")

    assert raw.getvalue() == f"a {MASK} b\n"


@pytest.mark.parametrize("at", range(6, len(VALUE)))
def test_also_when_it_is_flushed_between(raw: Raw, stream: MaskedStream, at: int) -> None:
    stream.write(f"a {VALUE[:at]}")
    stream.flush()
    stream.write(f"{VALUE[at:]} b")
    stream.flush()

    assert raw.shown == f"a {MASK} b"


def test_the_lines_of_a_value_are_held_back_until_it_is_whole(
    raw: Raw, stream: MaskedStream
) -> None:
    for line in LINES.splitlines():
        print(line, file=stream)

    assert raw.getvalue() == f"{MASK}\n"


def test_a_prompt_is_shown_at_once(raw: Raw, stream: MaskedStream) -> None:
    stream.write("Go on? [y/N]: ")
    stream.flush()

    assert raw.shown == "Go on? [y/N]: "


def test_what_only_looked_like_a_beginning_is_shown_at_the_next_flush(
    raw: Raw, stream: MaskedStream
) -> None:
    stream.write("tok_9f8e")
    stream.flush()
    assert raw.shown == ""

    stream.flush()

    assert raw.shown == "tok_9f8e"


def test_a_line_without_an_end_waits(raw: Raw, stream: MaskedStream) -> None:
    stream.write("one\ntwo")

    assert raw.getvalue() == "one\n"


def test_a_value_that_is_learnt_between_is_masked(raw: Raw) -> None:
    masker = Masker()
    stream = MaskedStream(raw, masker)

    stream.write(VALUE)
    masker.add(VALUE)
    stream.flush()

    assert raw.shown == MASK


def test_bytes_are_masked(raw: Raw, stream: MaskedStream) -> None:
    told = f"é {VALUE}\n".encode()

    stream.buffer.write(told[:1])
    stream.buffer.write(told[1:])
    stream.buffer.write(b"\xff\n")

    assert raw.getvalue() == f"é {MASK}\n\\xff\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_cannot_be_encoded_is_escaped(encoding: str) -> None:
    below = io.BytesIO()
    stream = MaskedStream(io.TextIOWrapper(below, encoding), Masker([VALUE]))

    stream.write(f"{VALUE} → \udcff é\n")
    stream.flush()

    assert below.getvalue().startswith(MASK.encode())
    assert below.getvalue().endswith(b"\n")


def test_only_text_is_written(stream: MaskedStream) -> None:
    with pytest.raises(TypeError):
        stream.write(b"bytes")  # type: ignore[arg-type]


def test_the_streams_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr, sys.__stderr__
    handler = logging.StreamHandler(sys.stderr)
    logging.root.addHandler(handler)
    try:
        with masked_streams(Masker([VALUE])):
            click.echo(VALUE)
            click.echo(VALUE.encode(), err=True)
            logging.getLogger("x").error(VALUE)
            with masked_streams(Masker()):
                print(VALUE, end="")  # noqa: T201 - what others do
    finally:
        logging.root.removeHandler(handler)

    assert (sys.stdout, sys.stderr, sys.__stderr__) == before
    assert handler.stream is before[1]
    assert capsys.readouterr() == (f"{MASK}\n{MASK}", f"{MASK}\n{MASK}\n")


PROGRAM = f"""
import atexit, logging, sys, threading, warnings, faulthandler
faulthandler.enable()
logging.basicConfig(level="DEBUG")
from reconciler.cli import main
from reconciler.cli.console import MASKER
def command(*_, **__):
    MASKER.add({VALUE!r})
    logging.getLogger("urllib3").debug("header: %s", {VALUE!r})
    warnings.warn("warned {VALUE}")
    thread = threading.Thread(target=lambda: 1 / len({VALUE!r}[20:]) + int({VALUE!r}))
    thread.start(); thread.join()
    atexit.register(print, "at exit {VALUE}")
    class Late:
        def __del__(self): raise RuntimeError({VALUE!r})
    Late()
    sys.__stderr__.write("dunder {VALUE}\\n")
    raise SystemExit({VALUE!r})
main.cli.main = command
main.main()
"""


def started(*arguments: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
    )


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_process_is_masked_to_its_end(encoding: str) -> None:
    ended = started("-c", PROGRAM, PYTHONIOENCODING=encoding)

    told = (ended.stdout + ended.stderr).decode()
    assert VALUE not in told
    for said in ("header: ", "warned ", "at exit ", "dunder "):
        assert f"{said}{MASK}" in told


def test_a_crash_leaves_no_image_of_the_memory(tmp_path: Path) -> None:
    program = """
        import os, resource, sys
        from reconciler.cli import main
        main.cli.main = lambda *_, **__: os.abort()
        sys.argv[1:] = ["kinds"]
        main.main()
        """
    allowed = f'ulimit -c unlimited 2>/dev/null; cd {tmp_path} && exec "$0" -c "$1"'

    subprocess.run(  # noqa: S603 - our own program
        ["sh", "-c", allowed, sys.executable, textwrap.dedent(program)],  # noqa: S607
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert list(tmp_path.iterdir()) == []


def test_a_question_at_a_terminal_is_seen_before_it_is_answered() -> None:
    program = (
        "from reconciler.cli.streams import *; import click\n"
        "with masked_streams(MASKER):\n    print(click.confirm('Go on?', err=True))"
    )
    main_end, terminal = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ):
        os.close(terminal)
        seen = b""
        deadline = time.monotonic() + 20
        while b"[y/N]: " not in seen and time.monotonic() < deadline:
            seen += os.read(main_end, 1024)
        os.write(main_end, b"y\n")
        while b"True" not in seen and time.monotonic() < deadline:
            seen += os.read(main_end, 1024)
    os.close(main_end)

    assert seen.index(b"Go on? [y/N]: ") < seen.index(b"True")
