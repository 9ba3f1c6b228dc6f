"""Two states side by side: what differs, down to the nested value, and nothing about what nobody read."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.behaviour import JsonText, KeyedBy, Unordered
from reconciler.core.compare import MISSING
from reconciler.core.differing import Difference, FieldDifference, differences
from reconciler.core.resource import Resource
from reconciler.core.secret import SecretValue
from reconciler.core.state import Entry
from reconciler.render.diff_text import diff_json, diff_markdown, diff_text


class Lamp(Resource):
    kind: ClassVar[str] = "home.lamp"

    colors: Unordered[str] = frozenset()
    policy: Annotated[str, JsonText()] = ""
    rules: Annotated[list[dict[str, Any]], KeyedBy("name")] = []
    extra: dict[str, Any] = {}


MODELS = {"home.lamp": Lamp}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
ENTRIES = st.lists(
    st.builds(
        Entry,
        address=st.none() | st.sampled_from(["home.lamp/a", "home.lamp/b"]),
        kind=st.just("home.lamp"),
        remote_id=st.sampled_from(["1", "2", "3", "4"]),
        values=st.dictionaries(st.sampled_from(["extra", "other"]), JSON),
    ),
    max_size=4,
    unique_by=(lambda entry: entry.remote_id, lambda entry: entry.address or entry.remote_id),
)


def lamp(address: str | None = "home.lamp/hall", remote_id: str = "l1", **values: Any) -> Entry:
    return Entry(address=address, kind="home.lamp", remote_id=remote_id, values=values)


def fields(before: Entry, after: Entry) -> dict[str, tuple[Any, Any]]:
    found = differences([before], [after], MODELS)
    return {field.path: (field.before, field.after) for one in found for field in one.fields}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({"colors": ["a", "b"]}, {"colors": ["b", "a"]}, {}, id="set order"),
        pytest.param(
            {"colors": ["a", "b"]},
            {"colors": ["b", "c"]},
            {"colors": (["a", "b"], ["b", "c"])},
            id="a set is shown whole",
        ),
        pytest.param({"policy": '{"a": 1}'}, {"policy": '{"a":1}'}, {}, id="formatted JSON"),
        pytest.param(
            {"policy": '{"a": {"b": 1}}'},
            {"policy": '{"a": {"b": 2}}'},
            {"policy.a.b": (1, 2)},
            id="inside JSON text",
        ),
        pytest.param(
            {"rules": [{"name": "x", "v": 1}, {"name": "y", "v": 1}]},
            {"rules": [{"name": "y", "v": 2}, {"name": "x", "v": 1}]},
            {"rules.y.v": (1, 2)},
            id="items that pair by a field",
        ),
        pytest.param(
            {"extra": {"a": [{"b": 1}, 2]}},
            {"extra": {"a": [{"b": None}, 2, 3]}},
            {"extra.a[0].b": (1, None), "extra.a[2]": (MISSING, 3)},
            id="nested",
        ),
        pytest.param(
            {"extra": {"__k": 1}}, {"extra": {}}, {"extra.__k": (1, MISSING)}, id="private-looking"
        ),
        pytest.param({"extra": {}}, {}, {"extra": ({}, MISSING)}, id="empty is not absent"),
        pytest.param(
            {"extra": {"k": SecretValue("${secret:env/A}")}},
            {"extra": {"k": SecretValue("${secret:env/B}")}},
            {"extra.k": (SecretValue("${secret:env/A}"), SecretValue("${secret:env/B}"))},
            id="a secret is never taken apart",
        ),
    ],
)
def test_fields_differ_by(
    before: dict[str, Any], after: dict[str, Any], expected: dict[str, tuple[Any, Any]]
) -> None:
    assert fields(lamp(**before), lamp(**after)) == expected


def test_a_new_object_at_the_same_address_is_a_difference() -> None:
    assert fields(lamp(remote_id="l1"), lamp(remote_id="l2")) == {"remote_id": ("l1", "l2")}


def test_an_object_that_was_adopted_is_the_same_object() -> None:
    assert differences([lamp(None, colors=["a"])], [lamp(colors=["a"])], MODELS) == ()


def test_unmanaged_objects_come_and_go_by_their_remote_id() -> None:
    found = differences([lamp(None, "l1")], [lamp(None, "l2")], MODELS)

    assert [(one.address, one.what) for one in found] == [
        ("home.lamp/l1", "removed"),
        ("home.lamp/l2", "added"),
    ]


def test_declared_objects_without_a_remote_id_are_never_taken_for_each_other() -> None:
    found = differences([lamp("home.lamp/a", "")], [lamp("home.lamp/b", "")], MODELS)

    assert [(one.address, one.what) for one in found] == [
        ("home.lamp/a", "removed"),
        ("home.lamp/b", "added"),
    ]


def test_nothing_is_concluded_about_a_kind_that_one_side_could_not_read() -> None:
    assert differences([lamp()], [], MODELS, unknown={"home.lamp"}) == ()


@given(ENTRIES)
def test_a_state_never_differs_from_itself(entries: list[Entry]) -> None:
    assert differences(entries, entries[::-1], MODELS) == ()


@given(ENTRIES, ENTRIES)
@settings(max_examples=50)
def test_differences_are_the_same_both_ways(before: list[Entry], after: list[Entry]) -> None:
    there = differences(before, after, MODELS)
    back = differences(after, before, MODELS)

    swapped = {"added": "removed", "removed": "added", "changed": "changed"}
    assert sorted(one.what for one in there) == sorted(swapped[one.what] for one in back)


def test_deepdiff_is_not_imported_for_what_is_equal_or_flat() -> None:
    code = (
        "import sys; from reconciler.core.differing import differences as d;"
        "from reconciler.core.state import Entry as E;"
        "a, b = (E(address='a.b/c', kind='a.b', remote_id='1', values={'n': {'k': 1}, 'x': x})"
        " for x in (1, 2)); assert d([a], [b], {}); print('deepdiff' in sys.modules)"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code

    assert run.stdout == "False\n"


FOUND = (
    Difference(
        "home.lamp/hall",
        "home.lamp",
        "changed",
        (
            FieldDifference("colors", ["a", "b"], ["b", "c"]),
            FieldDifference("extra.k", MISSING, 1),
            FieldDifference("extra.secret", SecretValue(None), MISSING),
        ),
    ),
    Difference("home.lamp/l9", "home.lamp", "removed", (FieldDifference("extra", {}, MISSING),)),
)


def test_differences_are_shown_side_by_side() -> None:
    assert (
        diff_text(FOUND, "good", "live", unknown=["twilio.number"])
        == """\
good → live: 1 changed, 0 added, 1 removed
unknown: twilio.number: not read on at least one side, so nothing is concluded

~ home.lamp/hall
    colors        + c   - a   (1 unchanged)
    extra.k       + 1
    extra.secret  - [secret, not known]
- home.lamp/l9
    extra  - {}
"""
    )


@pytest.mark.parametrize(
    ("unknown", "expected"),
    [
        pytest.param([], "good → live: no differences\n", id="all read"),
        pytest.param(
            ["a.b"],
            "good → live: no differences in what could be read\n"
            "unknown: a.b: not read on at least one side, so nothing is concluded\n",
            id="some unknown",
        ),
    ],
)
def test_no_differences_is_said_only_of_what_was_read(unknown: list[str], expected: str) -> None:
    assert diff_text((), "good", "live", unknown=unknown) == expected


def test_as_json_a_missing_side_has_no_key() -> None:
    document = diff_json(FOUND, "good", "live")

    assert document["differences"][0]["fields"][1:] == [
        {"path": "extra.k", "after": 1},
        {"path": "extra.secret", "before": {"secret": None, "fingerprint": None}},
    ]


def test_as_markdown_many_differences_are_counted_when_they_do_not_fit() -> None:
    found = [FOUND[0]._replace(address=f"home.lamp/l{n}") for n in range(2000)]

    shown = diff_markdown(found, "good", "live", limit=10_000)

    assert len(shown) <= 10_000
    assert "more left out here.**" in shown
