"""In which order changes are made."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.change import Action, Change
from reconciler.core.errors import InvalidInput
from reconciler.core.order import dependency_order, in_order

if TYPE_CHECKING:
    from types import SimpleNamespace

KINDS = ["test.queue", "test.tag"]
ACTIONS = [Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE, Action.MANUAL]


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    made: list[Change] = []
    for number in range(draw(st.integers(0, 9))):
        kind = draw(st.sampled_from(KINDS))
        earlier = [change.address for change in made]
        needs = draw(st.lists(st.sampled_from(earlier), max_size=2)) if earlier else []
        action = draw(st.sampled_from(ACTIONS))
        made.append(
            Change(
                address=f"{kind}/{number}",
                kind=kind,
                action=action,
                reason="",
                depends_on=tuple(needs),
            )
        )
    return made


@given(planned=changes())
def test_writes_follow_what_they_need_and_deletes_go_before_it(
    lab: SimpleNamespace, planned: list[Change]
) -> None:
    ordered = in_order(planned, lab.models)

    at = {change.address: number for number, change in enumerate(ordered)}
    for change in ordered:
        for needed in change.depends_on:
            both_deletes = {change.action, ordered[at[needed]].action} == {Action.DELETE}
            if both_deletes:
                assert at[change.address] < at[needed]
            elif Action.DELETE not in {change.action, ordered[at[needed]].action}:
                assert at[needed] < at[change.address]


@given(planned=changes())
def test_deletes_come_last(lab: SimpleNamespace, planned: list[Change]) -> None:
    ordered = in_order(planned, lab.models)

    deletes = [change.action is Action.DELETE for change in ordered]
    assert deletes == sorted(deletes)


@given(data=st.data())
def test_the_order_of_the_input_does_not_matter(lab: SimpleNamespace, data: st.DataObject) -> None:
    planned = data.draw(changes())

    turned = data.draw(st.permutations(planned))

    assert in_order(turned, lab.models) == in_order(planned, lab.models)


@given(planned=changes())
def test_a_step_is_one_action_on_one_kind_and_no_larger_than_a_call(
    lab: SimpleNamespace, planned: list[Change]
) -> None:
    ordered = in_order(planned, lab.models)

    steps: dict[int, list[Change]] = {}
    for change in ordered:
        steps.setdefault(change.step, []).append(change)
    assert sorted(steps) == list(range(1, len(steps) + 1))
    for step in steps.values():
        assert len({(change.action, change.kind) for change in step}) == 1
        most = {Action.CREATE: 3, Action.DELETE: 2} if step[0].kind == "test.tag" else {}
        assert len(step) <= most.get(step[0].action, 1)


@given(planned=changes())
def test_updates_come_before_creates_where_nothing_else_decides(
    lab: SimpleNamespace, planned: list[Change]
) -> None:
    free = [change.model_copy(update={"depends_on": ()}) for change in planned]

    ordered = in_order(free, lab.models)

    rank = [ACTIONS_IN_ORDER.index(change.action) for change in ordered]
    manual_last = [r for r, c in zip(rank, ordered, strict=True) if c.action is not Action.DELETE]
    assert all(one <= other for one, other in pairwise(manual_last))


ACTIONS_IN_ORDER = [Action.UPDATE, Action.CREATE, Action.REPLACE, Action.DELETE, Action.MANUAL]


def test_a_ring_is_refused_by_its_members() -> None:
    with pytest.raises(InvalidInput) as caught:
        dependency_order({"a": ["b"], "b": ["c"], "c": ["a"], "d": []})

    assert set(caught.value.diagnostics[0].detail.split(" -> ")) == {"a", "b", "c"}
