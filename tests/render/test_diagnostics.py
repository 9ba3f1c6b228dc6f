"""Messages and escaping: carets stand under what is wrong, and hostile text stays text."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.core.diagnostic import Diagnostic, Place, Severity
from reconciler.render.diagnostics import WIDTH, to_json, to_text
from reconciler.render.escaping import cells, html, markdown, terminal, workflow_command

HOSTILE = st.text(max_size=40) | st.text(
    "@#:/|`*_<>[]()!&$~\\ \n\r\t-+=.wgh12a\x1b\u202e\u200b", max_size=30
)
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def place(line_text: str, column: int, length: int = 1) -> Place:
    return Place(file="a.yaml", line=3, column=column, line_text=line_text, length=length)


def shown(line_text: str, column: int, length: int = 1) -> list[str]:
    return to_text([Diagnostic(summary="S", place=place(line_text, column, length))]).splitlines()[
        1:
    ]


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in {"W", "F"} else 1 for each in text)


# --- Laws of escaping


@given(HOSTILE)
def test_no_text_controls_a_terminal(text: str) -> None:
    for shown_text in (terminal(text), markdown(text), html(text), workflow_command(text)):
        assert not any(
            unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for each in shown_text
        )


@given(HOSTILE)
@example("  ::add-mask::x")
@example("##vso[task.setvariable]x")
@example("###[error]")
def test_no_text_commands_a_build_runner(text: str) -> None:
    assert not terminal(text).lstrip().startswith("::")
    assert not re.search(r"##\w*\[", terminal(text))


@given(HOSTILE)
def test_terminal_text_is_escaped_once(text: str) -> None:
    assert terminal(terminal(text)) == terminal(text)


@given(st.text("abc XYZ_-./:=\"'", max_size=20).filter(lambda text: "::" not in text))
def test_plain_text_is_shown_as_it_is(text: str) -> None:
    assert terminal(text) == text


@given(HOSTILE)
@example("<script>alert(1)</script>")
@example("![x](https://evil)")
@example("1. a")
@example("    code")
@example("# h")
@example("---")
@example("<!-- -->")
@example("&lt;b&gt;")
def test_markdown_shows_the_text_and_nothing_else(text: str) -> None:
    html_text = MARKDOWN.render(markdown(text)).replace("<!-- -->", "")
    inner = re.fullmatch(r"(?:<p>(.*)</p>\n)?", html_text, re.DOTALL)

    assert inner is not None
    assert "<" not in (inner[1] or "")
    assert _unescaped(inner[1] or "").strip(" ") == terminal(text).strip(" ")


@given(HOSTILE)
@example("a|b")
@example("\\|")
def test_markdown_stays_in_its_table_cell(text: str) -> None:
    html_text = MARKDOWN.render(f"| a | b |\n|---|---|\n| {markdown(text)} | end |\n").replace(
        "<!-- -->", ""
    )

    cells_found = re.findall(r"<td>(.*?)</td>", html_text)
    assert len(cells_found) == 2
    assert "<" not in cells_found[0]
    assert _unescaped(cells_found[0]).strip(" ") == terminal(text).strip(" ")


@given(HOSTILE)
def test_markdown_leaves_nothing_for_githubs_filters(text: str) -> None:
    for part in markdown(text).split("<!-- -->"):
        assert not re.search(
            r"@\w|#\d|\w://|www\.|\bGH-\d", _unescaped(part.replace("\\", "")), re.IGNORECASE
        )


@given(HOSTILE)
def test_html_text_is_no_markup(text: str) -> None:
    assert not set(html(text)) & set("<>\"'")
    assert _unescaped(html(text)) == terminal(text)


@given(HOSTILE)
def test_a_workflow_property_ends_where_it_should(text: str) -> None:
    assert not set(workflow_command(text, is_property=True)) & set(":,\n\r")


def _unescaped(text: str) -> str:
    for entity, character in (
        ("lt", "<"),
        ("gt", ">"),
        ("quot", '"'),
        ("#x27", "'"),
        ("#124", "|"),
        ("#36", "$"),
    ):
        text = text.replace(f"&{entity};", character)
    return text.replace("&#32;", " ").replace("&amp;", "&")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("\x9b\x7f\0", "\\x9b\\x7f\\x00"),
        ("a\r\n\tb", "a\\r\\n\\tb"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("héllo 日本 😀", "héllo 日本 😀"),
        ("::error::x", "\\x3a:error::x"),
    ],
)
def test_what_cannot_be_seen_becomes_an_escape(text: str, escaped: str) -> None:
    assert terminal(text) == escaped


# --- Messages


def test_a_message_has_place_line_carets_detail_and_mend() -> None:
    text = to_text(
        [
            Diagnostic(
                summary="Secret reference not found",
                detail="Version 4 does not exist; versions 1-3 do (3 is enabled). To see them:",
                mend="reconciler show production --secrets",
                place=Place(
                    file="desired_state/production/payments.yaml",
                    line=14,
                    column=12,
                    line_text="    value: ${secret:gcp/stripe-whsec@4}",
                    length=28,
                ),
            )
        ]
    )

    assert text == (
        "desired_state/production/payments.yaml:14:12: Secret reference not found\n"
        "    value: ${secret:gcp/stripe-whsec@4}\n"
        "           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "  Version 4 does not exist; versions 1-3 do (3 is enabled). To see them:\n"
        "      reconciler show production --secrets\n"
    )


def test_warnings_say_so_and_an_address_stands_for_a_place() -> None:
    text = to_text(
        [
            Diagnostic(
                severity=Severity.WARNING, summary="Old", place=place("", 1), address="a.b/c"
            ),
            Diagnostic(severity=Severity.NOTE, summary="New", address="a.b/c"),
            Diagnostic(summary="Bare"),
        ]
    )

    assert text == "a.yaml:3:1: warning: Old (a.b/c)\n\na.b/c: note: New\n\nBare\n"


@pytest.mark.parametrize(
    ("line", "column", "length", "excerpt"),
    [
        ("key: 日本 bad", 9, 3, ["    key: 日本 bad", "              ^^^"]),
        ("key: e\u0301 bad", 9, 3, ["    key: e\u0301 bad", "           ^^^"]),
        ("a:\tbad", 4, 3, ["    a:\\tbad", "        ^^^"]),
        ("\ta: 1", 1, 1, ["    \\ta: 1", "    ^^"]),
        ("a: \u202ex", 4, 1, ["    a: \\u202ex", "       ^^^^^^"]),
        ("::error::x: bad", 13, 3, ["    \\x3a:error::x: bad", "                   ^^^"]),
        ("a:", 3, 1, ["    a:", "      ^"]),
        ("a: 日本", 4, 2, ["    a: 日本", "       ^^^^"]),
    ],
)
def test_carets_stand_under_what_is_wrong(
    line: str, column: int, length: int, excerpt: list[str]
) -> None:
    assert shown(line, column, length) == excerpt


@given(st.integers(1, 4000), st.integers(1, 50), st.text("ab日 \t", min_size=1, max_size=40))
def test_a_long_line_is_cut_around_the_caret(column: int, length: int, unit: str) -> None:
    line = ("x" + unit) * 4000
    marked = line[: column - 1] + "Q" + line[column:]

    source, carets = shown(marked[:4096], column, length)
    assert width(source) <= WIDTH
    assert width(carets) <= WIDTH
    at = carets.index("^")
    cut = next(end for end in range(len(source) + 1) if width(source[:end]) == at)
    assert source[cut] == "Q"


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_no_part_of_a_message_is_obeyed(summary: str, detail: str, mend: str, line: str) -> None:
    diagnostic = Diagnostic(summary=summary, detail=detail, mend=mend, place=place(line, 1))

    for each in to_text([diagnostic]).split("\n"):
        assert not any(unicodedata.category(character) in {"Cc", "Cf"} for character in each)
        assert not each.lstrip().startswith("::")


def test_detail_is_wrapped_and_the_mend_is_not() -> None:
    text = to_text([Diagnostic(summary="S", detail="word " * 60, mend="command " * 60)])

    lines = text.splitlines()
    assert all(len(line) <= WIDTH for line in lines[1:-1])
    assert lines[-1] == "      " + ("command " * 60)


@given(HOSTILE)
def test_json_holds_the_message_unchanged(text: str) -> None:
    diagnostic = Diagnostic(summary=text, detail=text, place=place(text, 1))

    (found,) = json.loads(json.dumps(to_json([diagnostic])))
    assert Diagnostic.model_validate(found) == diagnostic


def test_cells_are_one_for_each_character() -> None:
    assert cells("a\x1b日") == ["a", "\\x1b", "日"]
