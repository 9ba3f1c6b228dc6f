"""Print plans and runs in the format that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli import console

if TYPE_CHECKING:
    import click

    from reconciler.core.plan import Plan
    from reconciler.engine.applying import Report


def show_plan(ctx: click.Context, plan: Plan, form: str) -> None:
    """Print a plan as the command's result."""
    match form:
        case "json":
            from reconciler.render.plan_json import plan_json

            console.result_json(plan_json(plan))
        case "markdown":
            from reconciler.render.plan_markdown import plan_markdown

            console.result(plan_markdown(plan))
        case _:
            from reconciler.render.plan_text import plan_text

            console.result(plan_text(plan, color=console.wants_color(ctx), width=console.width()))


def show_run(ctx: click.Context, plan: Plan, report: Report, form: str) -> None:
    """Print how a run ended."""
    from reconciler.render.apply_text import run_json, run_text

    if form == "json":
        console.result_json(run_json(report))
    else:
        text = run_text(
            report, plan.environment, color=console.wants_color(ctx), width=console.width()
        )
        console.result(text)
