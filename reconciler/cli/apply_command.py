"""``reconciler apply``: carry out a plan, saved or made now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import console, options
from reconciler.cli.applying import Agreement, carry_out, exit_code_of_run
from reconciler.cli.checking import run_checks
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.plan_command import verdict
from reconciler.cli.proposing import Wish, proposed
from reconciler.cli.showing import show_plan, show_run
from reconciler.cli.workspace import Workspace
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput, StalePlan
from reconciler.core.stored import parse_plan

if TYPE_CHECKING:
    from reconciler.core.plan import Plan
    from reconciler.engine.applying import Report
    from reconciler.files.loading import Loaded


@click.command("apply")
@options.environment
@click.argument("plan_file", metavar="[PLAN]", required=False)
@options.selecting
@options.consenting
@click.option("--prune", is_flag=True, help="Delete managed objects that are no longer declared.")
@options.agreeing
@options.formats("json")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    environment: str,
    plan_file: str | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    allow_replace: tuple[str, ...],
    allow_delete: tuple[str, ...],
    prune: bool,
    yes: bool,
    confirm: str | None,
    form: str,
) -> int:
    """Carry out PLAN in ENV; without PLAN, make one, show it and ask."""
    workspace = Workspace(ctx)
    if plan_file is not None:
        if any((only, exclude, allow_replace, allow_delete, prune)):
            raise click.UsageError(
                "A saved plan is applied as it is: give these options to `plan`."
            )
        plan = saved_plan(workspace, environment, plan_file)
        loaded = workspace.load_environment(environment)
        report = carry_out(workspace, plan, loaded, loaded.desired, Agreement(yes, confirm))
        return ended(ctx, workspace, plan, loaded, report, form)
    wish = Wish(environment, None, None, only, exclude, allow_replace, allow_delete, prune)
    return apply_wish(ctx, workspace, wish, Agreement(yes, confirm), form)


def apply_wish(
    ctx: click.Context, workspace: Workspace, wish: Wish, agreement: Agreement, form: str
) -> int:
    """Plan, show, ask and apply; return the exit code. An empty plan is success."""
    with proposed(workspace, wish) as proposal:
        plan = proposal.plan
    if not plan.changes and not plan.findings:
        show_plan(ctx, plan, form)
        return int(verdict(plan, exit_code=False))
    if form == "text":
        show_plan(ctx, plan, form)
    report = carry_out(workspace, plan, proposal.loaded, proposal.desired, agreement)
    return ended(ctx, workspace, plan, proposal.loaded, report, form)


def ended(
    ctx: click.Context, workspace: Workspace, plan: Plan, loaded: Loaded, report: Report, form: str
) -> int:
    """Run the declared checks after a success, show how the run ended, and return the exit code."""
    code = exit_code_of_run(report)
    results = run_checks(loaded.environment, workspace.clock) if code is ExitCode.OK else ()
    show_run(ctx, plan, report, form)
    failed = [result.name for result in results if not result.passed]
    if failed:
        console.say(f"The changes are made, but these checks failed: {', '.join(failed)}")
        return int(ExitCode.INCOMPLETE)
    return int(code)


def saved_plan(workspace: Workspace, environment: str, name: str) -> Plan:
    """Read a plan file. Raises InvalidInput, CorruptFile, StalePlan for one of another environment."""
    path = workspace.root / name
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise InvalidInput(
            [
                Diagnostic(
                    summary=f"{name}: cannot be read",
                    detail=why,
                    mend=f"reconciler plan {environment} -o {name}",
                )
            ]
        ) from None
    plan = parse_plan(text, name)
    if plan.environment != environment:
        raise StalePlan(
            f"{name} is a plan for {plan.environment}, not for {environment}",
            mend=f"reconciler apply {plan.environment} {name}",
        )
    console.say(f"Plan of {plan.created_at}, {plan.digest[:19]}…")
    return plan
