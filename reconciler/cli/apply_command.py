"""``reconciler apply``: carry out a plan, saved or made now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import console, options
from reconciler.cli.applying import AS_USUAL, Agreement, Manner, carry_out, exit_code_of_run
from reconciler.cli.checking import agreement_results, run_checks, surroundings
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.plan_command import verdict
from reconciler.cli.proposing import Wish, proposed
from reconciler.cli.showing import show_plan, show_run
from reconciler.cli.workspace import Workspace
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput, StalePlan
from reconciler.core.stored import parse_plan
from reconciler.engine.outcome import Result

if TYPE_CHECKING:
    from reconciler.core.plan import Plan
    from reconciler.engine.applying import Report
    from reconciler.engine.scheduling import OnError
    from reconciler.files.loading import Loaded


@click.command("apply")
@options.environment
@click.argument("plan_file", metavar="[PLAN]", required=False)
@options.selecting
@options.consenting
@click.option("--prune", is_flag=True, help="Delete managed objects that are no longer declared.")
@options.manners
@options.identity
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
    on_error: OnError,
    confirm_within: float | None,
    identity: str | None,
    yes: bool,
    confirm: str | None,
    form: str,
) -> int:
    """Carry out PLAN in ENV; without PLAN, make one, show it and ask."""
    workspace = Workspace(ctx, identity=identity)
    agreement, manner = Agreement(yes, confirm), Manner(on_error, confirm_within)
    if plan_file is not None:
        if any((only, exclude, allow_replace, allow_delete, prune)):
            raise click.UsageError(
                "A saved plan is applied as it is: give these options to `plan`."
            )
        plan = saved_plan(workspace, environment, plan_file)
        loaded = _still_the_same(workspace, plan)
        report = carry_out(workspace, plan, loaded, loaded.desired, agreement, manner)
        return ended(ctx, workspace, plan, loaded, report, form, manner)
    wish = Wish(environment, None, None, only, exclude, allow_replace, allow_delete, prune)
    return apply_wish(ctx, workspace, wish, agreement, form, manner)


def apply_wish(
    ctx: click.Context,
    workspace: Workspace,
    wish: Wish,
    agreement: Agreement,
    form: str,
    manner: Manner = AS_USUAL,
) -> int:
    """Plan, show, ask and apply; return the exit code. An empty plan is success."""
    with proposed(workspace, wish) as proposal:
        plan = proposal.plan
    if not plan.changes and not plan.refusals:
        show_plan(ctx, plan, form)
        return int(verdict(plan, exit_code=False))
    if form == "text":
        show_plan(ctx, plan, form)
    report = carry_out(workspace, plan, proposal.loaded, proposal.desired, agreement, manner)
    return ended(ctx, workspace, plan, proposal.loaded, report, form, manner)


def ended(
    ctx: click.Context,
    workspace: Workspace,
    plan: Plan,
    loaded: Loaded,
    report: Report,
    form: str,
    manner: Manner = AS_USUAL,
) -> int:
    """Run the declared checks after a success, show how the run ended, and return the exit code.

    Takes the run back when it was not confirmed in time, or failed and was to be taken back then.
    """
    code = exit_code_of_run(report)
    around = surroundings(workspace, loaded, report.snapshot)
    done = code is ExitCode.OK
    results = (
        (
            *run_checks(loaded.environment, workspace.clock, around),
            *agreement_results(workspace, loaded, report.snapshot, only_declared=True),
        )
        if done
        else ()
    )
    show_run(ctx, plan, report, form)
    failed = [result.name for result in results if not result.passed]
    if failed:
        console.say(f"The changes are made, but these checks failed: {', '.join(failed)}")
        console.say(f"to take them back: reconciler undo {plan.environment} {report.run}")
        code = ExitCode.INCOMPLETE
    changed = any(outcome.result is Result.DONE for outcome in report.outcomes)
    gives_up = report.result == "not confirmed" or (
        manner.on_error == "rollback" and code is ExitCode.INCOMPLETE
    )
    if gives_up and changed:
        console.say(f"Taking run {report.run} back: {report.result}")
        back = Wish(plan.environment, undo=report.run)
        apply_wish(ctx, workspace, back, Agreement(yes=True, confirm=plan.environment), "text")
    return int(code)


def _still_the_same(workspace: Workspace, plan: Plan) -> Loaded:
    """Return the files that a saved plan was made from. Raises StalePlan when they have changed since."""
    if plan.desired.source != "files":
        return workspace.load_environment(plan.environment)
    loaded = workspace.load(plan.environment)
    if loaded.desired.digest != plan.desired.digest:
        raise StalePlan(
            f"desired_state/{plan.environment} has changed since the plan was made",
            detail="What was agreed to is not what the files say now.",
            mend=f"reconciler plan {plan.environment}",
        )
    return loaded


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
