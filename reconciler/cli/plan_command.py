"""``reconciler plan``: the diff as a plan. Never writes to a vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import console, options
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.proposing import Wish, proposed
from reconciler.cli.showing import show_plan
from reconciler.cli.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.core.plan import Plan
    from reconciler.stores.guarding import Guard


@click.command("plan")
@options.environment
@click.option("--to", metavar="SNAPSHOT", help="Go to a snapshot or label instead of the files.")
@click.option("--at", metavar="GIT_REV", help="Use desired_state/ of a Git revision.")
@click.option("-o", "--out", metavar="FILE", help="Save the plan, for `reconciler apply ENV FILE`.")
@options.selecting
@options.consenting
@click.option("--prune", is_flag=True, help="Delete managed objects that are no longer declared.")
@click.option("--offline", is_flag=True, help="Compare with the last snapshot; cannot be applied.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 when there are differences.")
@options.formats("json", "markdown")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    environment: str,
    to: str | None,
    at: str | None,
    out: str | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    allow_replace: tuple[str, ...],
    allow_delete: tuple[str, ...],
    prune: bool,
    offline: bool,
    exit_code: bool,
    form: str,
) -> int:
    """Show what would change in ENV, and why."""
    workspace = Workspace(ctx)
    wish = Wish(environment, to, at, only, exclude, allow_replace, allow_delete, prune, offline)
    with proposed(workspace, wish) as proposal:
        plan = proposal.plan
    if out is not None:
        save(workspace.root / out, plan, workspace.guard)
        console.say(
            f"Saved to {out}; good until {plan.expires_at}: reconciler apply {environment} {out}"
        )
    show_plan(ctx, plan, form)
    return int(verdict(plan, exit_code=exit_code))


def save(path: Path, plan: Plan, guard: Guard) -> None:
    """Write a plan file; an existing one is replaced as a whole. Raises Refused when a secret value stands in it."""
    from reconciler.core.stored import plan_text
    from reconciler.stores.atomic import write_text

    write_text(path, plan_text(plan), guard)


def verdict(plan: Plan, *, exit_code: bool) -> ExitCode:
    """Return the exit code of a plan: what could not be read weighs most, then what is refused."""
    if any(item.denied for item in plan.unreadable):
        return ExitCode.DENIED
    if plan.unreadable:
        return ExitCode.UNKNOWN
    if plan.refusals:
        return ExitCode.REFUSED
    return ExitCode.DIFFERENCES if exit_code and plan.changes else ExitCode.OK
