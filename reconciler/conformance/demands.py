"""Say in words which law was broken, whatever runs the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.errors import AmbiguousIdentity, InvalidInput

if TYPE_CHECKING:
    from reconciler.conformance.bench import Bench
    from reconciler.core.plan import Plan
    from reconciler.core.state import Snapshot


class BrokenLaw(AssertionError):
    """A kind, or the product, does not do what it promises."""


def holds(fact: object, claim: str, *evidence: object) -> None:
    """Raise BrokenLaw unless ``fact``."""
    if not fact:
        told = "".join(f"\n  {item!r}" for item in evidence)
        raise BrokenLaw(f"it does not hold that {claim}{told}")


def same(found: object, expected: object, claim: str) -> None:
    """Raise BrokenLaw unless both are equal."""
    if found != expected:
        raise BrokenLaw(
            f"it does not hold that {claim}\n  found:    {found!r}\n  expected: {expected!r}"
        )


def usable_plan(bench: Bench, to: Snapshot | None = None) -> Plan | None:
    """Return the plan, or ``None`` when it is refused: then with words for it, and no write made."""
    bench.world.forget()
    try:
        plan = bench.plan(to)
    except AmbiguousIdentity as error:
        holds(error.detail and error.mend, "an ambiguity lists the objects and the way out", error)
        plan = None
    except InvalidInput as error:
        holds(error.diagnostics, "wrong files are diagnosed", error)
        raise
    if plan is not None and plan.refusals:
        for finding in plan.refusals:
            holds(
                finding.message and finding.remedy, "a refusal says why and how to go on", finding
            )
        plan = None
    if plan is None:
        same(bench.world.writes(), (), "planning writes nothing")
    return plan
