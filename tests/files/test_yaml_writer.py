"""The writer: what it writes is read back, by us and by others, and it touches nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.files.yaml_positions import Pointer, spans
from reconciler.files.yaml_reader import read_document
from reconciler.files.yaml_writer import dump, set_value

NASTY = st.sampled_from(
    [
        *"ynN~=|>&*!%@`#-?:,[]{}'\" \t\n",
        *("010", "1e3", "yes", "null", "2024-06-20", "12:30", "<<", "---", "...", "a:", "${var:x}"),
        *(
            "\u202e",
            "\x1b[0m",
            "\x85",
            "\u2028",
            "\ufeff",
            "\uffff",
            "\U0001f600",
            "é" * 90,
            "x" * 200,
        ),
        *("a: b", "a #b", " x", "x ", "--- a\n", "- a", "? a", "a\nb\n", "a\n\n b", "a\n---\nb"),
        *("a\r\nb", "a\n ", "a \nb", "\na", "a\n\n"),
    ]
)
TEXTS = NASTY | st.text(max_size=20) | st.text("a #:-\n\t'\"\\", max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)

FILE = """\
# top
plain: 1   # one
double: "two"  # two
list:   # see
  - x  # xx
  - 'z'
# tail
text: |  # lit
  foo
  bar

empty:
flow: [a, b]  # fl
map: {h: 1, i: "x"}
low:
- k: 1
  m: 2   # mm

- last
end: true
"""


def same(one: object, other: object) -> bool:
    return repr(one) == repr(other)


@given(VALUES)
@example("a\n---\nb")
@example(["a\n---\nb"])
@example({"a\nb": "a\nb\n"})
@example([[[]], [{}], [["a\n"]]])
@example(1e22)
@example([-0.0, 5e-324, 1e16])
def test_what_is_written_is_read_back(value: Any) -> None:
    assert same(read_document(dump(value), "").value, value)


@given(VALUES)
def test_what_is_written_other_readers_read_too(value: Any) -> None:
    text = dump(value)

    assert yaml.safe_load(text) == value
    assert YAML(typ="safe", pure=True).load(text) == value


@given(st.sampled_from(sorted(spans(FILE).values, key=repr)), VALUES)
def test_setting_a_value_sets_it_and_nothing_else(pointer: Pointer, value: Any) -> None:
    after = set_value(FILE, pointer, value)

    expected = read_document(FILE, "").value
    if not pointer:
        expected = value
    else:
        around = expected
        for step in pointer[:-1]:
            around = around[step]
        around[pointer[-1]] = value
    assert same(read_document(after, "").value, expected)


@given(st.sampled_from([each for each in spans(FILE).values if each]), VALUES)
def test_setting_a_value_keeps_the_bytes_around_it(pointer: Pointer, value: Any) -> None:
    after = set_value(FILE, pointer, value)

    span = spans(FILE).values[pointer]
    key = spans(FILE).keys.get(pointer)
    before = FILE[: key.end] if key else FILE[: span.start]
    assert after.startswith(before)
    rest = (
        FILE[span.end :].lstrip("\n")
        if span.style in {"block", "block_text"}
        else FILE[span.end :].partition("\n")[2]
    )
    assert after.endswith(rest)


@given(
    st.sampled_from(
        [each for each, span in spans(FILE).values.items() if span.style in {"plain", "quoted"}]
    ),
    SCALARS,
)
def test_a_scalar_for_a_scalar_changes_only_its_slice(pointer: Pointer, value: Any) -> None:
    after = set_value(FILE, pointer, value)

    span = spans(FILE).values[pointer]
    assert after.startswith(FILE[: span.start])
    assert after.endswith(FILE[span.end :])


def test_a_resource_looks_as_a_person_would_write_it() -> None:
    value = {
        "resources": [
            {
                "kind": "stripe.webhook_endpoint",
                "spec": {
                    "url": "https://${var:host}/hook",
                    "enabled_events": ["charge.refunded", "invoice.paid"],
                    "api_version": "2024-06-20",
                    "note": "one\ntwo\n",
                    "number": "+254700000000",
                    "description": None,
                    "metadata": {},
                },
            }
        ]
    }

    assert dump(value, header_comment="imported\nfrom live") == (
        "# imported\n"
        "# from live\n"
        "resources:\n"
        "  - kind: stripe.webhook_endpoint\n"
        "    spec:\n"
        "      url: https://${var:host}/hook\n"
        "      enabled_events:\n"
        "        - charge.refunded\n"
        "        - invoice.paid\n"
        '      api_version: "2024-06-20"\n'
        "      note: |\n"
        "        one\n"
        "        two\n"
        '      number: "+254700000000"\n'
        "      description: null\n"
        "      metadata: {}\n"
    )


def test_a_value_that_is_used_twice_is_written_twice() -> None:
    shared = ["a"]

    assert dump({"one": shared, "two": shared}) == "one:\n  - a\ntwo:\n  - a\n"


def test_hostile_text_in_a_header_comment_stays_a_comment() -> None:
    assert (
        dump({"a": 1}, header_comment="x\u2028b: 2\x1b\u202e")
        == "# x\n# b: 2\\u001b\\u202e\na: 1\n"
    )


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**64, {1: "a"}, {"a": object()}, "\ud800", {"\ud800": 1}]
)
def test_what_yaml_does_not_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        dump(value)


@pytest.mark.parametrize(
    ("pointer", "value", "line", "lines"),
    [
        (("plain",), "yes", 2, ['plain: "yes"   # one']),
        (("double",), "x", 3, ['double: "x"  # two']),
        (("list",), "none", 4, ["list: none   # see", "# tail"]),
        (("list",), ["q"], 4, ["list:   # see", "  - q", "# tail"]),
        (("list", 1), "it's", 6, ["  - 'it''s'", "# tail"]),
        (("text",), "short", 8, ["text: short  # lit", "", "empty:"]),
        (("text",), ["p"], 8, ["text:  # lit", "  - p", "", "empty:"]),
        (("empty",), 5, 12, ["empty: 5", "flow: [a, b]  # fl"]),
        (("empty",), {"r": [1]}, 12, ["empty:", "  r:", "    - 1", "flow: [a, b]  # fl"]),
        (("flow",), ["${var:x}", "b"], 13, ['flow: ["${var:x}", b]  # fl']),
        (("map", "h"), [1, {"a": None}], 14, ['map: {h: [1, {a: null}], i: "x"}']),
        (("low", 0, "m"), 3, 17, ["  m: 3   # mm", "", "- last"]),
        (("low", 0), {"j": [1]}, 16, ["- j:", "    - 1   # mm", "", "- last"]),
        (("low",), {"j": 1}, 15, ["low:", "  j: 1", "end: true"]),
    ],
)
def test_a_change_keeps_comments_and_indentation(
    pointer: Pointer, value: Any, line: int, lines: list[str]
) -> None:
    after = set_value(FILE, pointer, value).split("\n")

    assert after[: line - 1] == FILE.split("\n")[: line - 1]
    assert after[line - 1 : line - 1 + len(lines)] == lines


def test_line_ends_stay_those_of_the_file() -> None:
    assert (
        set_value("a: 1 # c\r\nb: 2\r\n", ("a",), {"x": [1]})
        == "a: # c\r\n  x:\r\n    - 1\r\nb: 2\r\n"
    )


def test_nothing_to_change_is_an_error() -> None:
    with pytest.raises(KeyError):
        set_value("a: 1\n", ("b",), 1)
