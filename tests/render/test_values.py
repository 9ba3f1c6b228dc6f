"""One value: on one line, inert, short, and a secret never more than its reference."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.compare import MISSING
from reconciler.core.secret import Deferred, SecretValue
from reconciler.render.layout import columns
from reconciler.render.values import Delta, delta, pair, shown

NASTY = st.text(max_size=60) | st.text('"\\\n\r\t\x1b\x9b\u202e\u200b\ufeff`<>@ ab', max_size=60)
SCALARS = (
    NASTY
    | st.integers()
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False)
    | st.builds(SecretValue, NASTY | st.none(), st.none())
    | st.builds(Deferred, NASTY)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NASTY, inner, max_size=5)
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("a b", '"a b"', id="text"),
        pytest.param('say "hi" \\', '"say \\"hi\\" \\\\"', id="quotes"),
        pytest.param("a\x1b[2Jb\n", '"a\\x1b[2Jb\\n"', id="control characters"),
        pytest.param("exe.\u202etxt", '"exe.\\u202etxt"', id="direction marks"),
        pytest.param("pay\u200bpal", '"pay\\u200bpal"', id="zero width"),
        pytest.param(None, "null", id="null"),
        pytest.param(True, "true", id="bool"),
        pytest.param(MISSING, "(not there)", id="missing"),
        pytest.param("null", '"null"', id="the word null"),
        pytest.param(["null", None], '["null", null]', id="a list tells null from its word"),
        pytest.param(["charge.refunded", "b c"], '[charge.refunded, "b c"]', id="list"),
        pytest.param({"team": "pay", "x y": 1}, '{team: "pay", "x y": 1}', id="mapping"),
        pytest.param([], "[]", id="empty list"),
        pytest.param(
            SecretValue("${secret:env/X}", "hmac-sha256:aa"),
            "[secret ${secret:env/X}]",
            id="secret with reference",
        ),
        pytest.param(SecretValue(None), "[secret, not known]", id="unknown secret"),
        pytest.param(
            Deferred("${ref:a.b/c#id}"), "(known after apply: ${ref:a.b/c#id})", id="deferred"
        ),
    ],
)
def test_a_value_is_shown_as(value: Any, expected: str) -> None:
    assert shown(value) == expected


def test_a_long_text_is_cut_in_the_middle_and_says_its_length() -> None:
    text = shown(f"https://{'x' * 400}/end", 50)

    assert text.startswith('"https://')
    assert "…(412 characters)…" in text
    assert text.endswith('/end"')
    assert columns(text) <= 50


def test_a_long_list_says_how_many_items_are_left_out() -> None:
    assert shown([f"event.{n}" for n in range(30)], 40) == "[event.0, event.1, … 28 more]"


def test_a_difference_in_the_middle_of_long_texts_is_seen() -> None:
    before, after = (f"{'a' * 300}{middle}{'b' * 300}" for middle in ("live", "test"))

    old, new = pair(before, after, 60)

    assert "live" in old
    assert "test" in new


def test_secrets_that_differ_only_in_their_fingerprint_are_not_shown_as_equal() -> None:
    old, new = pair(SecretValue("${secret:env/X}", "hmac:a"), SecretValue("${secret:env/X}", "b"))

    assert (old, new) == ("[secret ${secret:env/X}] #a", "[secret ${secret:env/X}] #b")


def test_lists_that_are_sets_of_words_differ_by_what_came_and_went() -> None:
    before, after = ["a.x", "b.x", "c.x"], ["a.x", "c.x", "d x"]

    assert delta(before, after) == Delta(added=('"d x"',), removed=("b.x",), unchanged=2)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(["a", "b"], ["b", "a"], id="another order"),
        pytest.param(["a", "b"], ["b", "a", "c"], id="another order and an item more"),
        pytest.param(["a", "a"], ["a"], id="repeated"),
        pytest.param([{"a": 1}], [{"a": 2}], id="nested"),
        pytest.param([], ["a"], id="empty before"),
        pytest.param(None, ["a"], id="null before"),
        pytest.param([True], [1], id="another type"),
    ],
)
def test_lists_whose_order_or_nesting_counts_are_shown_whole(before: Any, after: Any) -> None:
    assert delta(before, after) is None


@given(VALUES, st.integers(20, 120))
def test_any_value_takes_one_printable_line(value: Any, room: int) -> None:
    text = shown(value, room)

    assert text.isprintable() or "\u3000" in text
    assert "\n" not in text


@given(NASTY.map(lambda text: text * 40), st.integers(40, 120))
def test_a_text_never_takes_more_than_its_room(text: str, room: int) -> None:
    assert columns(shown(text, room)) <= room


@given(VALUES, VALUES, st.integers(20, 120))
def test_two_values_are_never_shown_alike(before: Any, after: Any, room: int) -> None:
    old, new = pair(before, after, room)

    assert old != new
