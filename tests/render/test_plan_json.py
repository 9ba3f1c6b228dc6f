"""Documents for programs: the plan file itself, and errors in the same place."""

from __future__ import annotations

import json
from collections.abc import Callable

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.plan import Plan
from reconciler.core.stored import parse_plan
from reconciler.render.plan_json import error_json, plan_json

MakePlan = Callable[..., Plan]


def test_a_plan_as_json_is_the_plan_file_with_its_seal(make_plan: MakePlan) -> None:
    read = parse_plan(json.dumps(plan_json(make_plan())), "stdout")

    assert read == make_plan()


def test_an_error_carries_its_exit_code_and_every_diagnostic() -> None:
    document = error_json([Diagnostic(summary="One"), Diagnostic(summary="Two")], 6)

    assert document["error"]["exit_code"] == 6
    assert [one["summary"] for one in document["error"]["diagnostics"]] == ["One", "Two"]
