"""A plan in a pull request: short enough to be posted, and the worst of it never left out first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.core.change import Action, Change, FieldChange, Origin, Reversibility
from reconciler.core.finding import Finding, Weight
from reconciler.core.plan import Plan
from reconciler.core.state import Criticality, Unreadable
from reconciler.render.folding import COMMENT_LIMIT
from reconciler.render.plan_markdown import plan_markdown

MakePlan = Callable[..., Plan]


def update(number: int, **more: Any) -> Change:
    return Change(
        address=f"vercel.env_var/v{number}",
        kind="vercel.env_var",
        action=more.pop("action", Action.UPDATE),
        reason="declared otherwise",
        step=number,
        field_changes=(
            FieldChange(
                field="value",
                before=more.pop("before", "a"),
                after=more.pop("after", "b"),
                origin=Origin.INTENT,
            ),
        ),
        **more,
    )


def test_a_change_is_folded_under_its_headline(make_plan: MakePlan) -> None:
    plan = make_plan(
        changes=(update(1, criticality=Criticality.P0, place="web.yaml:4", notes=("soon",)),)
    )

    shown = plan_markdown(plan).replace("<!-- -->", "")

    assert shown.startswith(
        """\
### production: 1 to change, 0 to replace, 0 to delete, 38 unchanged

production \\(protected\\) · stripe acct\\_1Nx live · vercel shop"""
    )
    assert (
        """
<details><summary><code>~</code> <code>vercel.env_var/v1</code> P0 declared otherwise</summary>

- <code>value</code>: <code>"a" → "b"</code>
- note: soon
- declared in <code>web.yaml:4</code>

</details>
"""
        in shown
    )
    assert "· 1 call · sha256:" in shown


def test_an_empty_plan_says_so(make_plan: MakePlan) -> None:
    shown = plan_markdown(make_plan()).replace("<!-- -->", "")

    assert shown.startswith("### production: no changes\n")
    assert shown.endswith("**No changes: 38 resources, as declared.**\n")


@pytest.mark.parametrize("limit", [10_000, COMMENT_LIMIT])
def test_a_thousand_changes_fit_and_what_is_left_out_is_counted(
    make_plan: MakePlan, limit: int
) -> None:
    plan = make_plan(changes=tuple(update(number) for number in range(1000)))

    shown = plan_markdown(plan, limit=limit)

    listed = shown.count("vercel.env_var/v") + shown.count("vercel.env\\_var/v")
    assert len(shown) <= limit
    assert f"**{1000 - listed} more changes left out here**" in shown


def test_values_of_any_length_fit(make_plan: MakePlan) -> None:
    plan = make_plan(changes=tuple(update(n, before="<@:#" * 25_000, after="x") for n in range(20)))

    shown = plan_markdown(plan)

    assert len(shown) <= COMMENT_LIMIT
    assert shown.count("<details>") == 20


def test_refusals_and_unknown_kinds_outlast_changes(make_plan: MakePlan) -> None:
    plan = make_plan(
        changes=tuple(update(number) for number in range(2000)),
        findings=tuple(
            Finding(
                weight=Weight.REFUSAL,
                rule="protected",
                message=f"refusal {number}.",
                address=f"vercel.env_var/v{number}",
            )
            for number in range(60)
        ),
        unreadable=(Unreadable(kind="twilio.number", reason="denied"),),
    )

    shown = plan_markdown(plan, limit=20_000)

    assert all(f"refusal {number}." in shown for number in range(60))
    assert "**unknown** <code>twilio.number</code>" in shown
    assert "more changes left out here" in shown


def test_the_gravest_changes_are_kept_when_not_all_fit(make_plan: MakePlan) -> None:
    grave = update(
        990, action=Action.DELETE, remote_id="e", reversibility=Reversibility.LOSSY, after=None
    )
    changes = (*(update(number) for number in range(990)), grave)

    shown = plan_markdown(make_plan(changes=changes), limit=10_000)

    assert "vercel.env_var/v990</code> <b>lossy</b> delete" in shown
