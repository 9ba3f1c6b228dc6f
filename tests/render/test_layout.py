"""Lines: what fits is kept together, words are never broken, colours carry no meaning of their own."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.layout import NARROWEST, Style, flowed, painted, span, table

WORDS = st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=30)
SGR = re.compile(r"\x1b\[[0-9;]*m")


def test_spans_move_to_the_next_line_as_a_whole() -> None:
    spans = [span("first part"), span("second part"), span("third part is longer")]

    text = painted(flowed(spans, width=42, hanging="  "), color=False)

    assert text == "first part   second part\n  third part is longer\n"


def test_a_word_is_never_broken() -> None:
    command = "reconciler-" + "x" * 80

    text = painted(flowed([span(f"run {command} now")], width=40, indent="  "), color=False)

    assert text == f"  run\n  {command}\n  now\n"


def test_a_runner_command_that_wraps_to_the_start_of_a_line_is_not_obeyed() -> None:
    spans = [span("x" * 38 + " ::error::pwned")]

    text = painted(flowed(spans, width=40), color=False)

    assert "\n::" not in text
    assert "\\x3a:error" in text


def test_the_last_column_of_a_table_wraps_under_itself() -> None:
    rows = [(span("a"), span("one two three four five six seven eight")), (span("bbb"), span("x"))]

    text = painted(table(rows, width=40), color=False)

    assert text == "a    one two three four five six seven\n     eight\nbbb  x\n"


def test_a_span_is_measured_as_it_is_shown() -> None:
    assert span("\x1b[2J").columns == len("\\x1b[2J")
    assert span("値札").columns == 4


def test_colours_are_only_written_when_asked_for() -> None:
    line = (span("REFUSED", Style.ALARM),)

    assert painted([line], color=False) == "REFUSED\n"
    assert painted([line], color=True) == "\x1b[1;31mREFUSED\x1b[0m\n"


@given(WORDS, st.integers(0, 120), st.sampled_from(["", "  ", "      "]))
def test_lines_of_short_words_stay_within_the_width(
    words: list[str], width: int, indent: str
) -> None:
    lines = painted(flowed([span(" ".join(words))], width=width, indent=indent), color=False)

    assert all(len(line) <= max(width, NARROWEST) for line in lines.splitlines())
    assert lines.split() == words


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.integers(40, 100))
def test_without_its_colours_a_line_is_the_plain_line(texts: list[str], width: int) -> None:
    lines = [*flowed([span(text, Style.ADDED) for text in texts], width=width)]

    colored = SGR.sub("", painted(lines, color=True))

    assert [line.rstrip() for line in colored.split("\n")] == [
        line.rstrip() for line in painted(lines, color=False).split("\n")
    ]
