"""``reconciler confirm``: say that what a run did is to stay, before it takes itself back."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.cli.workspace import Workspace
from reconciler.core.errors import StalePlan


@click.command("confirm")
@options.environment
@click.argument("run", metavar="RUN")
@click.pass_context
def command(ctx: click.Context, environment: str, run: str) -> int:
    """Confirm RUN of ENV, which was started with --confirm-within."""
    workspace = Workspace(ctx)
    workspace.load_environment(environment)
    store = workspace.store(environment)
    records = store.journal(run)
    if any(record["event"] == "finished" for record in records):
        raise StalePlan(
            f"Run {run} has ended already: there is nothing to confirm",
            mend=f"reconciler history {environment}",
        )
    if not any(record.get("confirm_within") for record in records):
        raise StalePlan(f"Run {run} waits for no confirmation")
    store.confirm(run, workspace.who)
    console.result(f"Run {run} is confirmed.")
    return 0
