"""Which live object is which declared resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import AmbiguousIdentity
from reconciler.core.identity import pair
from reconciler.core.state import Observed

if TYPE_CHECKING:
    from types import SimpleNamespace

A, B = "test.tag/a", "test.tag/b"


def tag(remote_id: str, name: str, marker: str | None = None) -> Observed:
    return Observed(remote_id, {"name": name}, marker=marker)


def test_a_binding_comes_before_a_marker_and_a_marker_before_the_natural_key(
    lab: SimpleNamespace,
) -> None:
    item = lab.declared({"name": "mail"}, A)
    bound, marked, alike = tag("1", "x"), tag("2", "y", f"test/{A}"), tag("3", "mail")

    def found(*live: Observed) -> dict[str, str]:
        return pair(lab.Tag, [item], live, environment="test", bindings={A: "1"})

    assert found(bound, marked, alike) == {A: "1"}
    assert found(marked, alike) == {A: "2"}
    assert found(alike) == {A: "3"}
    assert found() == {}


def test_an_object_bound_to_another_resource_is_never_stolen(lab: SimpleNamespace) -> None:
    items = [lab.declared({"name": "mail"}, A), lab.declared({"name": "pay"}, B)]

    found = pair(lab.Tag, items, [tag("1", "mail")], environment="test", bindings={B: "1"})

    assert found == {B: "1"}


def test_an_object_of_another_environment_is_never_taken(lab: SimpleNamespace) -> None:
    live = [tag("1", "mail", f"staging/{A}")]

    found = pair(
        lab.Tag, [lab.declared({"name": "mail"}, A)], live, environment="test", bindings={}
    )

    assert found == {}


@pytest.mark.parametrize("marker", [None, f"test/{B}"])
def test_a_resource_that_was_renamed_in_the_files_keeps_its_object(
    lab: SimpleNamespace, marker: str | None
) -> None:
    item = lab.declared({"name": "mail"}, A)

    found = pair(lab.Tag, [item], [tag("1", "mail", marker)], environment="test", bindings={B: "1"})

    assert found == {A: "1"}


@pytest.mark.parametrize("marker", [None, f"test/{A}"])
def test_several_candidates_are_an_error_that_lists_them(
    lab: SimpleNamespace, marker: str | None
) -> None:
    live = [tag("id-7", "mail", marker), tag("id-3", "mail", marker)]

    with pytest.raises(AmbiguousIdentity) as caught:
        pair(lab.Tag, [lab.declared({"name": "mail"}, A)], live, environment="test", bindings={})

    assert "id-3, id-7" in caught.value.detail
    assert caught.value.mend


def test_two_declarations_of_one_object_are_an_error(lab: SimpleNamespace) -> None:
    items = [lab.declared({"name": "mail"}, A), lab.declared({"name": "mail"}, B)]

    with pytest.raises(AmbiguousIdentity) as caught:
        pair(lab.Tag, items, [tag("1", "mail")], environment="test", bindings={})

    assert {A, B} <= set(caught.value.summary.split())


@given(data=st.data())
def test_no_object_is_given_away_twice_and_order_does_not_matter(
    lab: SimpleNamespace, data: st.DataObject
) -> None:
    names = st.sampled_from(["mail", "pay", "log"])
    addresses = [f"test.tag/{letter}" for letter in "abc"]
    items = [lab.declared({"name": data.draw(names)}, address) for address in addresses]
    markers = st.none() | st.sampled_from([f"test/{one}" for one in addresses])
    live = [tag(str(n), data.draw(names), data.draw(markers)) for n in range(4)]
    bindings = data.draw(
        st.dictionaries(st.sampled_from(addresses), st.sampled_from("01239"), max_size=3)
    )
    bindings = {address: one for one, address in {v: k for k, v in bindings.items()}.items()}

    def paired(turned: int) -> dict[str, str] | str:
        try:
            return pair(
                lab.Tag, items[::turned], live[::turned], environment="test", bindings=bindings
            )
        except AmbiguousIdentity:
            return "ambiguous"

    found = paired(1)

    assert paired(-1) == found
    if isinstance(found, dict):
        assert len(set(found.values())) == len(found)
        assert all(found[a] == one for a, one in bindings.items() if one != "9")
