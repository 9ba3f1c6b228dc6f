"""Plans and errors as JSON documents. Unescaped: whoever writes JSON escapes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.render import diagnostics as diagnostics_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.diagnostic import Diagnostic
    from reconciler.core.plan import Plan


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the document of a plan file."""
    return plan.model_dump(mode="json")


def error_json(diagnostics: Iterable[Diagnostic], exit_code: int) -> dict[str, Any]:
    """Return the document that stands on stdout instead of a result."""
    return {
        "error": {"exit_code": exit_code, "diagnostics": diagnostics_of.to_json(diagnostics)},
    }
