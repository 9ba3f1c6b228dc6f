"""The strict reader: what it accepts means the same to every reader; what it refuses, it places."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.core.errors import InvalidInput
from reconciler.files import yaml_reader, yaml_text
from reconciler.files.yaml_positions import places, spans
from reconciler.files.yaml_reader import read_document, read_items
from reconciler.files.yaml_refusals import MAX_DIAGNOSTICS
from reconciler.files.yaml_scalars import AmbiguousScalarError, plain_value
from reconciler.files.yaml_text import decode
from reconciler.files.yaml_writer import dump

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.core.diagnostic import Diagnostic

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=12)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=12,
)
NEARLY_NUMBERS = st.text("0123456789+-._:eExXoObBtTzZ ", min_size=1, max_size=12)
WORDS = st.sampled_from(
    ["yes", "No", "ON", "off", "y", "N", "true", "FALSE", "null", "Null", "~", "=", "<<", ".inf"]
)


@pytest.fixture(params=["libyaml", "python"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader")


def problems(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(InvalidInput) as caught:
        read_document(text, "a.yaml")
    return caught.value.diagnostics


def told(text: str) -> list[tuple[int, int, str, str]]:
    found = []
    for problem in problems(text):
        assert problem.place is not None
        found.append((problem.place.line, problem.place.column, problem.summary, problem.mend))
    return found


def other_readers(text: str) -> Iterator[Any]:
    yield yaml.safe_load(text)
    yield YAML(typ="safe", pure=True).load(text)


# --- Laws


@given(NEARLY_NUMBERS | WORDS | st.dates().map(date.isoformat))
@example("1_0.5")
@example("0x_1")
@example("1:30")
@example("-.INF")
def test_an_unquoted_text_is_refused_unless_every_reader_agrees(text: str) -> None:
    try:
        ours = plain_value(text)
    except AmbiguousScalarError:
        return
    if (
        text != text.strip()
        or text.startswith(("- ", "-", ":"))
        or ": " in text
        or text.endswith(":")
    ):
        return  # not one plain scalar
    for theirs in other_readers(f"[{text}]"):
        assert theirs == [ours]
        assert type(theirs[0]) is type(ours)


@given(st.text(max_size=40) | st.text("ab:-[]{}\"'#&*!|>%@`,? \n\t0", max_size=40))
@example("a: |\n \tx")
@example("? ? a")
@example("\ud800: a")
@example('"\\')
def test_no_text_makes_anything_but_a_value_or_placed_diagnostics(text: str) -> None:
    try:
        read_document(text, "a.yaml")
    except InvalidInput as error:
        lines = text.split("\n")
        for problem in error.diagnostics:
            assert problem.summary
            assert problem.detail
            assert problem.place is not None
            assert 1 <= problem.place.line <= len(lines)
            assert problem.place.column >= 1


@given(st.text("ab:-[]{}\"'#&*!|>%@`,? \n0", max_size=40))
@example("! a")
@example("- ! 'b'")
def test_what_is_accepted_other_readers_read_alike(text: str) -> None:
    try:
        ours = read_document(text, "a.yaml").value
    except InvalidInput:
        return
    assert yaml.load(text, Loader=yaml.CSafeLoader) == ours


@given(st.lists(VALUES, max_size=4))
def test_streamed_items_are_the_elements_of_the_list(values: list[Any]) -> None:
    text = dump({"first": 1, "resources": values, "last": None})
    items = list(read_items(text, "a.yaml"))

    expected = [
        (("first",), 1),
        *((("resources", at), value) for at, value in enumerate(values)),
        (("last",), None),
    ]
    assert [(item.pointer, item.value) for item in items] == expected


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_the_places_in_an_item_are_those_in_the_file(values: list[Any]) -> None:
    text = dump({"resources": values})
    whole = spans(text)
    for item in read_items(text, "a.yaml"):
        part = spans(text, item)
        for pointer, span in part.values.items():
            there = whole.values[*item.pointer, *pointer]
            assert span[:1] + span[2:] == there[:1] + there[2:]
        for pointer, span in part.keys.items():
            assert span == whole.keys[*item.pointer, *pointer]


@given(st.dictionaries(st.text(max_size=6), st.text(max_size=12), max_size=4))
def test_the_slice_of_a_value_reads_as_that_value(value: dict[str, str]) -> None:
    text = dump(value)
    found = spans(text)
    for key, inner in value.items():
        span = found.values[key,]
        name = found.keys[key,]
        if span.style != "block_text":
            assert read_document(text[span.start : span.end], "").value == inner
        assert read_document(text[name.start : name.end], "").value == key


# --- Values


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("---\n...\n", None),
        ("a:\nb: ~\nc: null\n", {"a": None, "b": None, "c": None}),
        (
            "a: 1\nb: -2\nc: 1.5\nd: true\ne: text",
            {"a": 1, "b": -2, "c": 1.5, "d": True, "e": "text"},
        ),
        ('a: "010"\nb: \'yes\'\n"on": "1"', {"a": "010", "b": "yes", "on": "1"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: ${var:host}/path#part", {"a": "${var:host}/path#part"}),
        ("a: 1.0e+22", {"a": 1e22}),
        ('a: "\\u202e\\x1b"', {"a": "\u202e\x1b"}),
        (
            "a: 2024-06-20.acacia\nb: 1.2.3\nc: tr-TR",
            {"a": "2024-06-20.acacia", "b": "1.2.3", "c": "tr-TR"},
        ),
        ("a: hi!\nb: R&D\nc: 2*3", {"a": "hi!", "b": "R&D", "c": "2*3"}),
        ("a: one\r\nb: two\r\n", {"a": "one", "b": "two"}),
    ],
)
def test_plain_yaml_is_read(text: str, value: object) -> None:
    assert read_document(text, "a.yaml").value == value


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("written", "mend"),
    [
        ("010", '"010"'),
        ("0o10", '"0o10"'),
        ("0x1F", '"0x1F"'),
        ("1_000", '"1_000"'),
        ("12:30:45", '"12:30:45"'),
        ("2024-06-20", '"2024-06-20"'),
        ("2024-06-20T10:00:00Z", '"2024-06-20T10:00:00Z"'),
        ("yes", '"yes"'),
        ("Off", '"Off"'),
        ("N", '"N"'),
        (".inf", '".inf"'),
        (".NaN", '".NaN"'),
        ("1e3", '"1e3"'),
        ("1.5e3", '"1.5e3"'),
        ("=", '"="'),
        ("+254700000000", '"+254700000000"'),
        ("3.10", '"3.10"'),
        ("-0", '"-0"'),
        ("18446744073709551616", '"18446744073709551616"'),
        ("0.12345678901234567890", '"0.12345678901234567890"'),
        (".5", '".5"'),
    ],
)
def test_a_value_that_would_change_its_type_is_refused_with_its_quotes(
    written: str, mend: str
) -> None:
    assert told(f"key: {written}\n") == [(1, 6, "Ambiguous value", mend)]


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("text", "line", "column", "summary"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "Duplicate key"),
        ("a: &x 1\n", 1, 4, "YAML anchor"),
        ("a: [*x]\n", 1, 5, "YAML alias"),
        ("<<: {a: 1}\n", 1, 1, "YAML merge key"),
        ("a: !!python/object:os.system x\n", 1, 4, "YAML tag"),
        ("a: !mine x\n", 1, 4, "YAML tag"),
        ("a: !!binary aGk=\n", 1, 4, "YAML tag"),
        ("a: ! x\n", 1, 4, "YAML tag"),
        ("a: ! {}\n", 1, 4, "YAML tag"),
        ("%YAML 1.1\n---\na: 1\n", 1, 1, "YAML directive"),
        ("a: 1\n---\nb: 1\n", 2, 1, "More than one document"),
        ("1: a\n", 1, 1, "Key is not text"),
        ("true: a\n", 1, 1, "Key is not text"),
        ("? [a]\n: b\n", 1, 3, "Key is not text"),
        ("on: a\n", 1, 1, "Ambiguous value"),
        ("a: \u202eb\n", 1, 4, "Text direction mark"),
        ("# \u2066comment\n", 1, 3, "Text direction mark"),
        ("a: \x1b[2J\n", 1, 4, "Invisible character"),
        ("a: \0\n", 1, 4, "Invisible character"),
        ("a: x\rb\n", 1, 5, "Invisible character"),
        ("a: x\u2028b\n", 1, 5, "Invisible character"),
        ("a:\n\tb: 1\n", 2, 1, "Invalid YAML"),
        ('a: 1\nb: "x\nc: 1\n', 2, 4, "Invalid YAML"),
        ("a: b: c\n", 1, 5, "Invalid YAML"),
    ],
)
def test_what_is_dangerous_or_unclear_is_refused_at_its_place(
    text: str, line: int, column: int, summary: str
) -> None:
    assert [each[:3] for each in told(text)] == [(line, column, summary)]


def test_all_errors_of_a_file_are_told_at_once_and_in_order() -> None:
    text = "a: 010\nb: yes\na: &x 1\nc: {d: 1, d: !t 2}\n"

    assert [(line, summary) for line, _, summary, _ in told(text)] == [
        (1, "Ambiguous value"),
        (2, "Ambiguous value"),
        (3, "Duplicate key"),
        (3, "YAML anchor"),
        (4, "Duplicate key"),
        (4, "YAML tag"),
    ]


def test_a_syntax_error_keeps_what_was_found_before_it() -> None:
    assert [summary for _, _, summary, _ in told("a: 010\nb: [1\n")] == [
        "Ambiguous value",
        "Invalid YAML",
    ]


def test_a_duplicate_key_names_the_line_of_the_first() -> None:
    detail = problems("x:\n  # c\n  key: 1\n  other: 2\n  key: 3\n")[0].detail

    assert detail.startswith("key stands in this map before, on line 3.")


def test_an_unquoted_reference_in_brackets_is_told_the_quotes() -> None:
    assert told("a: {b: ${var:x}}\n")[0][3] == '"${var:name}"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: @x\n", "begins with this character"),
        ("a: *.example.com\n", "& or *"),
        ('a: "\\q"\n', "backslash"),
        ('a: "b" c\n', "around all of it"),
        ("a:\n  - x\n y: 1\n", "one column"),
        ("- a\nb: 1\n", "hyphens"),
        ("a: - b\n", "line after its key"),
        (" a: 1\nb: 2\n", "indented less"),
        ('a: "\\ud800"\n', "no character"),
    ],
)
def test_a_syntax_error_says_what_to_do(text: str, words: str) -> None:
    assert words in problems(text)[0].detail


# --- Limits


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "x" * 2_000_000,
        'a: "' + "x" * 2_000_000 + '"',
        "a: |\n" + "  line\n" * 400_000,
        "# comment\n" * 200_000 + "a: 1\n",
    ],
    ids=["plain", "quoted", "block", "comment"],
)
def test_a_value_without_end_is_refused(text: str) -> None:
    assert [problem.summary for problem in problems(text)] == ["Value too long"]


def test_a_value_of_a_megabyte_is_read() -> None:
    assert len(read_document("a: " + "x" * 1_000_000, "a.yaml").value["a"]) == 1_000_000


@pytest.mark.parametrize("text", ["[" * 100_000, "a: {" * 100_000, "- " * 100_000, "? " * 100_000])
def test_deep_nesting_is_refused(text: str) -> None:
    assert "Nested too deeply" in [problem.summary for problem in problems(text)]


def test_nesting_up_to_the_limit_is_read() -> None:
    depth = yaml_reader.MAX_DEPTH
    assert read_document("[" * depth + "]" * depth, "a.yaml").value

    assert problems("[" * (depth + 1) + "]" * (depth + 1))[0].summary == "Nested too deeply"


def test_a_file_that_is_too_large_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "MAX_FILE_BYTES", 10)

    assert problems("a: 1234567890")[0].summary == "File too large"
    with pytest.raises(InvalidInput, match="File too large"):
        decode(b"a: 1234567890", "a.yaml")


def test_very_many_errors_are_cut_off_with_a_note() -> None:
    found = problems("a: yes\n" * 5000)

    assert len(found) == MAX_DIAGNOSTICS + 1
    assert found[-1].summary == "Stopped here"


def test_many_aliases_cannot_expand() -> None:
    laughs = "a: &a [x, x]\n" + "".join(f"k{n}: &b{n} [*a, *a]\n" for n in range(10))

    assert {problem.summary for problem in problems(laughs)} == {"YAML anchor", "YAML alias"}


# --- Bytes


@given(st.text())
def test_utf8_is_decoded(text: str) -> None:
    if not text.startswith("\ufeff") and "\0" not in text[:4]:
        assert decode(text.encode(), "a.yaml") == text


def test_a_byte_order_mark_is_dropped() -> None:
    assert decode("a: é".encode("utf-8-sig"), "a.yaml") == "a: é"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_are_named(encoding: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode("a: b".encode(encoding), "a.yaml")

    assert caught.value.diagnostics[0].detail == "This file is UTF-16 or UTF-32. Save it as UTF-8."


def test_a_byte_that_is_not_utf8_is_placed() -> None:
    with pytest.raises(InvalidInput) as caught:
        decode("é: 1\nü: ".encode() + b"\xe9\n", "a.yaml")

    assert str(caught.value.diagnostics[0].place) == "a.yaml:2:4"


# --- Items and places

FILE = """\
# yaml-language-server: $schema=x
resources:
  - kind: a.b
    spec: {url: "https://x", tags: [é, 日本]}  # note
    text: |
      one
  # between
  - kind: c.d
extra: 1
"""


def test_a_value_and_its_key_have_places() -> None:
    item = next(iter(read_items(FILE, "a.yaml")))
    place = places(FILE, "a.yaml", item)

    value = place(("spec", "tags", 1))
    assert (value.line, value.column, value.length) == (4, 40, 2)
    assert value.line_text == FILE.splitlines()[3]
    key = place(("spec", "url"), key=True)
    assert (key.line, key.column, key.length) == (4, 12, 3)


def test_a_pointer_to_nothing_gives_the_place_around_it() -> None:
    item = list(read_items(FILE, "a.yaml"))[1]
    place = places(FILE, "a.yaml", item)

    assert str(place(("spec", "url"))) == "a.yaml:8:5"
    assert str(place(("kind",))) == "a.yaml:8:11"


def test_places_of_a_whole_file_need_no_item() -> None:
    assert str(places(FILE, "a.yaml")(("extra",), key=True)) == "a.yaml:9:1"


def test_an_item_without_a_value_has_a_place() -> None:
    text = "resources:\n  - a: 1\n  -\n"
    item = list(read_items(text, "a.yaml"))[1]

    assert places(text, "a.yaml", item)(()).line == 3


def test_a_file_that_is_no_map_is_one_item() -> None:
    assert [(item.pointer, item.value) for item in read_items("- a\n", "a.yaml")] == [((), ["a"])]
    assert list(read_items("# nothing\n", "a.yaml")) == []


def test_resources_that_are_no_list_are_one_item() -> None:
    assert [(item.pointer, item.value) for item in read_items("resources: {a: 1}\n", "a.yaml")] == [
        (("resources",), {"a": 1})
    ]


def test_items_before_an_error_come_and_then_the_error() -> None:
    items = read_items("resources:\n  - a: 1\n  - a: 010\n", "a.yaml")

    assert next(items).value == {"a": 1}
    with pytest.raises(InvalidInput):
        list(items)


def test_numbers_keep_their_values() -> None:
    assert math.isclose(read_document("a: 0.1", "").value["a"], 0.1)
    assert read_document("a: 18446744073709551615", "").value["a"] == 2**64 - 1


def test_an_alias_before_a_duplicate_key_is_told_with_it() -> None:
    with pytest.raises(InvalidInput) as raised:
        read_document("a: *x\na: 2\n", "web.yaml")

    assert {one.summary for one in raised.value.diagnostics} == {"YAML alias", "Duplicate key"}
