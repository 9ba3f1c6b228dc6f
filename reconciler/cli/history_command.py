"""``reconciler history``: runs, snapshots and labels of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import console, options
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.workspace import Workspace
from reconciler.core.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.stores.records import Records


@click.command("history")
@options.environment
@click.option("--verify", is_flag=True, help="Check that no journal was tampered with.")
@options.formats("json")
@click.pass_context
def command(ctx: click.Context, environment: str, verify: bool, form: str) -> int:
    """List what happened in ENV, newest first."""
    from reconciler.render import history_text

    workspace = Workspace(ctx)
    workspace.load_environment(environment)
    store = workspace.store(environment)
    if verify:
        return _verify(store, form)
    story = (tuple(store.runs()), tuple(store.headers()), store.labels())
    if form == "json":
        console.result_json(history_text.history_json(*story))
    else:
        console.result(
            history_text.history_text(*story, color=console.wants_color(ctx), width=console.width())
        )
    return 0


def _verify(store: Records, form: str) -> int:
    """Check the chain of each journal, and that each plan is the one that its journal names."""
    found = {run.id: problems_of_run(store, run.id) for run in store.runs()}
    broken = {run: problems for run, problems in found.items() if problems}
    if form == "json":
        console.result_json({"runs": len(found), "problems": broken})
    else:
        for run, problems in broken.items():
            for problem in problems:
                console.result(f"{run}: {problem}")
        console.result(f"{len(found)} runs, {len(broken)} with problems")
    return int(ExitCode.ERROR if broken else ExitCode.OK)


def problems_of_run(store: Records, run: str) -> list[str]:
    """Return what shows that the files of a run were tampered with."""
    problems = list(store.journal_problems(run))
    started = next((one for one in store.journal(run) if one.get("event") == "started"), None)
    try:
        plan = store.run_plan(run)
    except ReconcilerError as error:
        return [*problems, error.summary]
    if started is not None and started.get("plan") != plan.digest:
        problems.append("the plan is not the one that the journal names")
    return problems
