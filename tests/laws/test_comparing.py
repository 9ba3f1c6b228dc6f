"""The one diff function, for every value of a kind that carries every marker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.behaviour import defaults_of, plain, rules_of
from reconciler.core.change import Origin
from reconciler.core.compare import compare, owned_paths
from reconciler.core.secret import SecretValue

if TYPE_CHECKING:
    from types import SimpleNamespace

    from reconciler.core.change import FieldChange


def applied(live: dict[str, Any], changes: tuple[FieldChange, ...]) -> dict[str, Any]:
    """Return what the vendor shows after ``changes``: secrets are accepted, and never shown."""
    after = {
        name: dict(value) if isinstance(value, dict) else value for name, value in live.items()
    }
    for change in changes:
        name, _, key = change.field.partition(".")
        if isinstance(change.after, SecretValue) or name == "internal":
            after.pop(name, None)
        elif not key:
            after[name] = change.after
        elif change.removed:
            after[name].pop(key)
        else:
            after.setdefault(name, {})[key] = change.after
    if after.get("type") == "closed":
        after.pop("token", None)
    return after


@given(data=st.data())
def test_what_is_declared_does_not_differ_from_itself(
    lab: SimpleNamespace, data: st.DataObject
) -> None:
    values = data.draw(lab.declared_values)

    found = compare(lab.Queue, lab.declared(values), lab.entry(values), lab.entry(values))

    assert found.changes == ()


@given(data=st.data())
def test_applying_the_differences_leaves_none(lab: SimpleNamespace, data: st.DataObject) -> None:
    item = lab.declared(data.draw(lab.declared_values))
    live = data.draw(lab.live_values)
    first = compare(lab.Queue, item, lab.entry(live), None)

    after = lab.entry(applied(live, first.changes), evidence={"written_at": 2})
    remembered = {n: v for n, v in item.values.items() if n in {"token", "internal"}}
    base = lab.entry({**remembered, **after.values}, evidence=after.evidence)
    second = compare(lab.Queue, item, after, base)

    assert second.changes == ()


@pytest.mark.parametrize(("live", "fields"), [("open", ["type", "token"]), ("sealed", [])])
def test_a_secret_is_never_written_where_it_would_be_shown(
    lab: SimpleNamespace, live: str, fields: list[str]
) -> None:
    """Nobody declared the type; a live one that hides the secret as well is left alone."""
    values = {"name": "mail", "events": ["paid"]}
    shown = {"token": "in the open"} if live == "open" else {}
    item = lab.declared(values | {"token": SecretValue("${secret:env/A}")})

    found = compare(lab.Vault, item, lab.entry(values | {"type": live} | shown), None)

    assert [change.field for change in found.changes] == fields
    assert [change.after for change in found.changes][:1] == ["closed"][: len(fields)]


@given(data=st.data())
def test_a_field_that_nobody_declared_is_left_alone(
    lab: SimpleNamespace, data: st.DataObject
) -> None:
    item = lab.declared(data.draw(lab.declared_values))
    live = lab.entry(data.draw(lab.live_values))

    found = compare(lab.Queue, item, live, live)

    paths = set(owned_paths(lab.Queue, item))
    assert {change.field for change in found.changes} <= paths


@given(data=st.data())
def test_order_case_and_formatting_are_no_difference(
    lab: SimpleNamespace, data: st.DataObject
) -> None:
    live = data.draw(lab.live_values)
    other = {
        **live,
        "name": live["name"].swapcase(),
        "events": list(reversed(live["events"])) * 2,
        "routes": data.draw(st.permutations(live["routes"])),
        "note": live["note"] or ("" if live["note"] is None else None),
        "timeout": live["timeout"].replace("60s", "60.00s"),
        "rules": live["rules"].replace("{}", "{  }"),
    }
    assume(live["type"] == "open")

    found = compare(lab.Queue, lab.declared(other), lab.entry(live), None)

    assert found.changes == ()


@given(data=st.data())
def test_a_value_that_cannot_be_read_is_never_diffed_against_nothing(
    lab: SimpleNamespace, data: st.DataObject
) -> None:
    values = data.draw(lab.declared_values) | {"internal": True}
    values |= {"type": "closed", "token": SecretValue("${secret:env/A}")}
    live = {**data.draw(lab.live_values), "type": "closed"}
    live.pop("token", None)

    found = compare(lab.Queue, lab.declared(values), lab.entry(live), None)

    assert not {"token", "internal"} & {change.field for change in found.changes}
    assert set(found.unverifiable) == {"token", "internal"}


@given(data=st.data())
def test_a_value_that_cannot_be_read_never_replaces(
    lab: SimpleNamespace, data: st.DataObject
) -> None:
    values = data.draw(lab.declared_values)
    live = data.draw(lab.live_values)
    base = {**live, "internal": data.draw(st.booleans())}

    found = compare(lab.Queue, lab.declared(values), lab.entry(live), lab.entry(base))

    assert not [
        c for c in found.changes if c.forces_replacement and c.field in {"internal", "token"}
    ]


@pytest.mark.parametrize(
    ("then", "now", "fields"),
    [(1, 1, []), (1, 2, ["token"]), (None, 2, []), (1, None, ["token"])],
)
def test_a_write_outside_is_noticed_by_its_signal(
    lab: SimpleNamespace, then: int | None, now: int | None, fields: list[str]
) -> None:
    values = {"name": "mail", "events": ["paid"], "type": "closed"}
    secret = {"token": SecretValue("${secret:env/A}")}
    base = lab.entry(values | secret, evidence={"written_at": then})
    live = lab.entry(values, evidence={"written_at": now})

    found = compare(lab.Queue, lab.declared(values | secret), live, base)

    assert [(change.field, change.origin) for change in found.changes] == [
        (field, Origin.DRIFT) for field in fields
    ]


def test_another_reference_than_the_applied_one_is_a_difference(lab: SimpleNamespace) -> None:
    values = {"name": "mail", "events": ["paid"], "type": "closed"}
    base = lab.entry(values | {"token": SecretValue("${secret:env/A}")})
    item = lab.declared(values | {"token": SecretValue("${secret:env/B}")})

    found = compare(lab.Queue, item, lab.entry(values), base)

    assert [(c.field, c.origin) for c in found.changes] == [("token", Origin.INTENT)]


def test_a_value_that_can_be_read_until_it_is_made_secret_is_set_with_it(
    lab: SimpleNamespace,
) -> None:
    live = lab.entry({"name": "mail", "events": ["paid"], "type": "open", "token": "old"})
    values = {"name": "mail", "events": ["paid"], "type": "closed"}
    item = lab.declared(values | {"token": SecretValue("${secret:env/A}")})

    found = compare(lab.Queue, item, live, None)

    assert [change.field for change in found.changes] == ["type", "token"]


@given(data=st.data())
def test_a_field_taken_out_of_the_file_goes_back_to_its_default_only_if_it_was_ours(
    lab: SimpleNamespace, data: st.DataObject
) -> None:
    live = data.draw(lab.live_values)
    owned = data.draw(st.sets(st.sampled_from(["note", "timeout", "region", "labels.team"])))
    item = lab.declared({"name": live["name"], "events": live["events"]})

    found = compare(lab.Queue, item, lab.entry(live), lab.entry(live, owned=tuple(sorted(owned))))

    rules = {rule.name: rule for rule in rules_of(lab.Queue)}
    expected = {
        name
        for name in owned - {"labels.team"}
        if rules[name].normal(live[name]) != rules[name].normal(rules[name].default)
    }
    if "labels.team" in owned and "team" in live["labels"]:
        expected.add("labels.team")
    assert {change.field for change in found.changes} == expected
    defaults = defaults_of(lab.Queue)
    assert all(change.after == defaults.get(change.field) for change in found.changes)


@pytest.mark.parametrize(
    ("base", "live", "wanted", "origin"),
    [
        ("90s", "90s", "1.5s", Origin.INTENT),
        ("90s", "1.5s", "90s", Origin.DRIFT),
        ("90s", "1.5s", "2s", Origin.DRIFT),
        ("90s", "90.0s", "2s", Origin.INTENT),
        (None, "1.5s", "2s", Origin.INTENT),
    ],
)
def test_who_moved_is_told_by_the_third_side(
    lab: SimpleNamespace, base: str | None, live: str, wanted: str, origin: Origin
) -> None:
    key = {"name": "mail", "events": ["paid"]}
    before = None if base is None else lab.entry(key | {"timeout": base})

    found = compare(
        lab.Queue,
        lab.declared(key | {"timeout": wanted}),
        lab.entry(key | {"timeout": live}),
        before,
    )

    assert [change.origin for change in found.changes] == [origin]


@pytest.mark.parametrize(
    ("before", "after", "replaces"), [(9, 3, False), (3, 9, True), (9, 12, True)]
)
def test_a_fixed_field_may_allow_some_steps_in_place(
    lab: SimpleNamespace, before: int, after: int, *, replaces: bool
) -> None:
    key = {"name": "mail", "events": ["paid"]}

    found = compare(
        lab.Queue, lab.declared(key | {"size": after}), lab.entry(key | {"size": before}), None
    )

    assert [change.forces_replacement for change in found.changes] == [replaces]


@given(data=st.data())
def test_a_snapshot_as_desired_state_owns_every_writable_field(
    lab: SimpleNamespace, data: st.DataObject
) -> None:
    then, now = data.draw(lab.live_values), data.draw(lab.live_values)
    item = lab.declared(then, owns_all=True)

    found = compare(lab.Queue, item, lab.entry(now), lab.entry(then))

    after = applied(now, found.changes)
    rules = [rule for rule in rules_of(lab.Queue) if not rule.computed and rule.name in then]
    hidden = {"internal"} | ({"token"} if then["type"] == "closed" else set())
    assert {
        r.name: r.normal(after.get(r.name, r.default)) for r in rules if r.name not in hidden
    } == {r.name: r.normal(then[r.name]) for r in rules if r.name not in hidden}


def test_plain_values_of_a_set_do_not_depend_on_its_order() -> None:
    assert plain(frozenset({"b", "a", "c"})) == ["a", "b", "c"]
