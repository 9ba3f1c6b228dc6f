"""The rules that refuse a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.change import Action, Change
from reconciler.core.guard import Consent, Freeze, Policy, check
from reconciler.core.state import Criticality

if TYPE_CHECKING:
    from types import SimpleNamespace

KIND = "test.queue"
counts = st.integers(0, 4)


def planned(action: Action, number: int, **more: Any) -> list[Change]:
    return [
        Change(address=f"{KIND}/{action}-{n}", kind=KIND, action=action, reason="", **more)
        for n in range(number)
    ]


def broken(lab: SimpleNamespace, changes: list[Change], live: int = 3, **rules: Any) -> set[str]:
    consent = rules.pop("consent", Consent())
    going_back, freeze = rules.pop("back", False), rules.pop("freeze", None)
    found = check(
        changes,
        policy=Policy(**rules),
        consent=consent,
        going_back=going_back,
        freeze=freeze,
        live_counts={KIND: live},
        models=lab.models,
    )
    assert all(finding.message and finding.remedy for finding in found)
    return {finding.rule for finding in found}


@given(creates=counts, deletes=counts, manual=counts, allowed=counts)
def test_a_budget_is_absolute_and_manual_steps_are_free(
    lab: SimpleNamespace, creates: int, deletes: int, manual: int, allowed: int
) -> None:
    changes = (
        planned(Action.UPDATE, creates)
        + planned(Action.DELETE, deletes)
        + planned(Action.MANUAL, manual)
    )

    found = broken(lab, changes, max_changes=allowed, max_deletes=allowed)

    assert ("max_changes" in found) == (creates + deletes > allowed)
    assert ("max_deletes" in found) == (deletes > allowed)


@pytest.mark.parametrize("more", [{"criticality": Criticality.P0}, {"protected": True}])
def test_what_is_protected_is_deleted_only_when_named(
    lab: SimpleNamespace, more: dict[str, Any]
) -> None:
    changes = planned(Action.DELETE, 1, **more)
    named = Consent(delete=frozenset({changes[0].address}))

    assert broken(lab, changes) == {"protected"}
    assert broken(lab, changes, consent=named) == set()


@given(live=counts, creates=counts, deletes=counts)
def test_a_kind_that_is_never_empty_keeps_an_object(
    lab: SimpleNamespace, live: int, creates: int, deletes: int
) -> None:
    changes = planned(Action.CREATE, creates) + planned(Action.DELETE, deletes)

    found = broken(lab, changes, live, never_empty=(KIND,))

    assert ("never_empty" in found) == (deletes > 0 and live + creates - deletes <= 0)


@pytest.mark.parametrize(("live", "refused"), [(2, False), (3, False), (4, True), (5, True)])
def test_the_limit_of_a_vendor_counts_before_anything_is_deleted(
    lab: SimpleNamespace, live: int, *, refused: bool
) -> None:
    changes = planned(Action.CREATE, 2) + planned(Action.DELETE, 2)

    assert ("vendor_limit" in broken(lab, changes, live)) == refused


def test_a_replacement_needs_room_for_both_objects(lab: SimpleNamespace) -> None:
    changes = planned(Action.REPLACE, 2)
    agreed = tuple(change.address for change in changes)

    assert broken(lab, changes, 5, allow_replace=agreed) == {"vendor_limit"}
    assert broken(lab, changes, 4, allow_replace=agreed) == set()


def test_a_replacement_needs_consent_by_address(lab: SimpleNamespace) -> None:
    changes = planned(Action.REPLACE, 1)
    address = changes[0].address

    assert broken(lab, changes) == {"allow_replace"}
    assert broken(lab, changes, allow_replace=(address,)) == set()
    assert broken(lab, changes, consent=Consent(replace=frozenset({address}))) == set()


def test_a_policy_does_not_agree_to_the_replacement_of_what_is_protected(
    lab: SimpleNamespace,
) -> None:
    changes = planned(Action.REPLACE, 1, criticality=Criticality.P0)
    address = changes[0].address

    assert broken(lab, changes, allow_replace=(address,)) == {"allow_replace"}
    assert broken(lab, changes, consent=Consent(replace=frozenset({address}))) == set()


def test_a_freeze_refuses_every_change_and_says_who_until_when_and_why(
    lab: SimpleNamespace,
) -> None:
    frozen = Freeze(by="oncall", until="2026-11-20T06:00:00Z", reason="payments are down")

    assert broken(lab, planned(Action.UPDATE, 1), freeze=frozen) == {"freeze"}
    assert broken(lab, [], freeze=frozen) == set()


def test_going_back_is_free_of_budgets_but_not_of_protection_and_the_vendors_limit(
    lab: SimpleNamespace,
) -> None:
    changes = planned(Action.CREATE, 3) + planned(Action.DELETE, 1, protected=True)
    rules: dict[str, Any] = {"max_changes": 0, "max_deletes": 0}

    strict = broken(lab, changes, back=True, **rules, going_back="strict")
    relaxed = broken(lab, changes, back=True, **rules, going_back="relaxed")

    assert strict == {"max_changes", "max_deletes", "protected", "vendor_limit"}
    assert relaxed == {"protected", "vendor_limit"}
